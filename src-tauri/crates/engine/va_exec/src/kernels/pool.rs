//! Pooling. The maximum's gradient goes to the first largest element of a window in row order; averages divide by the
//! same count forward and backward, whatever the parity of the size.

use candle_core::Result;
use rayon::prelude::*;

use super::geometry::PoolGeometry;
use super::op::{SliceKernel, expect_len};
use super::real::Real;

/// `y = max over windows of x`; padding never wins, NaN does.
pub struct MaxPoolForward(pub PoolGeometry);

impl SliceKernel<1> for MaxPoolForward {
    const NAME: &'static str = "max_pool";
    fn run<T: Real>(&self, y: &mut [T], [x]: [&[T]; 1]) -> Result<()> {
        let geo = &self.0;
        check(geo, x, y)?;
        let (c, w, [ho, wo]) = (geo.channels, geo.size[1], geo.out_size);
        y.par_chunks_mut(wo * c).enumerate().for_each(|(line, y)| {
            let (n, oy) = (line / ho, line % ho);
            for (ox, out) in y.chunks_exact_mut(c).enumerate() {
                out.fill(T::NEG_INFINITY);
                for iy in geo.span(0, oy) {
                    for ix in geo.span(1, ox) {
                        let from = &x[n * geo.image_len() + (iy * w + ix) * c..][..c];
                        for (best, &v) in out.iter_mut().zip(from) {
                            *best = if v > *best || v.is_nan() { v } else { *best };
                        }
                    }
                }
            }
        });
        Ok(())
    }
}

/// `dx (+)= dy` at the first maximum of each window: sources x and dy.
pub struct MaxPoolGrad {
    pub geometry: PoolGeometry,
    pub accumulate: bool,
}

impl SliceKernel<2> for MaxPoolGrad {
    const NAME: &'static str = "max_pool_grad";
    fn run<T: Real>(&self, dx: &mut [T], [x, dy]: [&[T]; 2]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, x, dy)?;
        expect_len(Self::NAME, "input gradient", dx, x.len())?;
        let images = dx.par_chunks_mut(geo.image_len()).zip(x.par_chunks(geo.image_len()));
        images.zip(dy.par_chunks(geo.out_image_len())).for_each(|((dx, x), dy)| {
            if !self.accumulate {
                dx.fill(T::ZERO);
            }
            max_pool_grad_image(geo, x, dy, dx);
        });
        Ok(())
    }
}

fn max_pool_grad_image<T: Real>(geo: &PoolGeometry, x: &[T], dy: &[T], dx: &mut [T]) {
    let (c, w) = (geo.channels, geo.size[1]);
    let mut best = vec![T::NEG_INFINITY; c];
    let mut position = vec![0usize; c];
    for (o, dy) in dy.chunks_exact(c).enumerate() {
        let (oy, ox) = (o / geo.out_size[1], o % geo.out_size[1]);
        best.fill(T::NEG_INFINITY);
        let first = geo.span(0, oy).start * w + geo.span(1, ox).start;
        position.fill(first);
        for iy in geo.span(0, oy) {
            for ix in geo.span(1, ox) {
                let at = iy * w + ix;
                for ((best, position), &v) in best.iter_mut().zip(&mut position).zip(&x[at * c..][..c]) {
                    if v > *best || v.is_nan() {
                        *best = v;
                        *position = at;
                    }
                }
            }
        }
        for (channel, (&at, &g)) in position.iter().zip(dy).enumerate() {
            dx[at * c + channel] += g;
        }
    }
}

/// `y = mean over windows of x`.
pub struct AvgPoolForward {
    pub geometry: PoolGeometry,
    pub count_include_pad: bool,
}

impl SliceKernel<1> for AvgPoolForward {
    const NAME: &'static str = "avg_pool";
    fn run<T: Real>(&self, y: &mut [T], [x]: [&[T]; 1]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, x, y)?;
        let (c, w, [ho, wo]) = (geo.channels, geo.size[1], geo.out_size);
        y.par_chunks_mut(wo * c).enumerate().for_each(|(line, y)| {
            let (n, oy) = (line / ho, line % ho);
            for (ox, out) in y.chunks_exact_mut(c).enumerate() {
                out.fill(T::ZERO);
                for iy in geo.span(0, oy) {
                    for ix in geo.span(1, ox) {
                        let from = &x[n * geo.image_len() + (iy * w + ix) * c..][..c];
                        out.iter_mut().zip(from).for_each(|(o, &v)| *o += v);
                    }
                }
                let divisor = T::of(divisor(geo, self.count_include_pad, oy, ox));
                out.iter_mut().for_each(|o| *o = *o / divisor);
            }
        });
        Ok(())
    }
}

/// `dx (+)= dy / count` over each window: source dy.
pub struct AvgPoolGrad {
    pub geometry: PoolGeometry,
    pub count_include_pad: bool,
    pub accumulate: bool,
}

impl SliceKernel<1> for AvgPoolGrad {
    const NAME: &'static str = "avg_pool_grad";
    fn run<T: Real>(&self, dx: &mut [T], [dy]: [&[T]; 1]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, dx, dy)?;
        let (c, w) = (geo.channels, geo.size[1]);
        let images = dx.par_chunks_mut(geo.image_len()).zip(dy.par_chunks(geo.out_image_len()));
        images.for_each(|(dx, dy)| {
            if !self.accumulate {
                dx.fill(T::ZERO);
            }
            for (o, dy) in dy.chunks_exact(c).enumerate() {
                let (oy, ox) = (o / geo.out_size[1], o % geo.out_size[1]);
                let divisor = T::of(divisor(geo, self.count_include_pad, oy, ox));
                for iy in geo.span(0, oy) {
                    for ix in geo.span(1, ox) {
                        let to = &mut dx[(iy * w + ix) * c..][..c];
                        to.iter_mut().zip(dy).for_each(|(d, &g)| *d += g / divisor);
                    }
                }
            }
        });
        Ok(())
    }
}

/// PyTorch's divisor: with padding counted, the window clipped to the padded input; without, to the input.
fn divisor(geo: &PoolGeometry, count_include_pad: bool, oy: usize, ox: usize) -> f64 {
    let extent = |axis: usize, o: usize| {
        if !count_include_pad {
            return geo.span(axis, o).len();
        }
        let start = o * geo.stride[axis];
        (start + geo.kernel[axis]).min(geo.size[axis] + 2 * geo.padding[axis]) - start
    };
    (extent(0, oy) * extent(1, ox)) as f64
}

/// `[N, pixels, C] -> [N, C]`, mean over pixels, summed in f64.
pub struct GlobalAvgPoolForward {
    pub pixels: usize,
    pub channels: usize,
}

impl SliceKernel<1> for GlobalAvgPoolForward {
    const NAME: &'static str = "global_avg_pool";
    fn run<T: Real>(&self, y: &mut [T], [x]: [&[T]; 1]) -> Result<()> {
        let c = self.channels;
        expect_len(Self::NAME, "input", x, y.len() * self.pixels)?;
        y.par_chunks_mut(c).zip(x.par_chunks(c * self.pixels)).for_each(|(y, x)| {
            let mut sums = vec![0.0f64; c];
            x.chunks_exact(c).for_each(|row| sums.iter_mut().zip(row).for_each(|(s, &v)| *s += v.f64()));
            y.iter_mut().zip(sums).for_each(|(y, s)| *y = T::of(s / self.pixels as f64));
        });
        Ok(())
    }
}

/// `dx (+)= dy / pixels`: source dy.
pub struct GlobalAvgPoolGrad {
    pub pixels: usize,
    pub channels: usize,
    pub accumulate: bool,
}

impl SliceKernel<1> for GlobalAvgPoolGrad {
    const NAME: &'static str = "global_avg_pool_grad";
    fn run<T: Real>(&self, dx: &mut [T], [dy]: [&[T]; 1]) -> Result<()> {
        let c = self.channels;
        expect_len(Self::NAME, "input gradient", dx, dy.len() * self.pixels)?;
        let divisor = T::of(self.pixels as f64);
        dx.par_chunks_mut(c * self.pixels).zip(dy.par_chunks(c)).for_each(|(dx, dy)| {
            for row in dx.chunks_exact_mut(c) {
                for (d, &g) in row.iter_mut().zip(dy) {
                    let base = if self.accumulate { *d } else { T::ZERO };
                    *d = base + g / divisor;
                }
            }
        });
        Ok(())
    }
}

fn check<T>(geo: &PoolGeometry, x: &[T], y: &[T]) -> Result<()> {
    expect_len("pool", "input", x, geo.batch * geo.image_len())?;
    expect_len("pool", "output", y, geo.batch * geo.out_image_len())
}
