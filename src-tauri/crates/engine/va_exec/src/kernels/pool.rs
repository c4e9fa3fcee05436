//! Pooling. The maximum's gradient goes to the first largest element of a window in row order; averages divide by the
//! same count forward and backward, whatever the parity of the size.

use candle_core::Result;

use super::geometry::PoolGeometry;
use super::op::{In, Out, SliceKernel, expect_len};
use super::real::{Element, Real};
use crate::par;

/// `y = max over windows of x`; padding never wins, NaN does.
pub struct MaxPoolForward(pub PoolGeometry);

impl SliceKernel<1> for MaxPoolForward {
    const NAME: &'static str = "max_pool";
    fn run<T: Element>(&self, y: Out<'_, T>, [x]: [In<'_, T>; 1]) -> Result<()> {
        let (geo, y, x) = (&self.0, y.values()?, x.values()?);
        check(geo, x, y)?;
        let (c, w, [ho, wo]) = (geo.channels, geo.size[1], geo.out_size);
        let lowest = T::narrow(T::Real::NEG_INFINITY);
        par::chunks_mut(
            y,
            wo * c,
            #[inline(always)]
            |line, y| {
                let (n, oy) = (line / ho, line % ho);
                for (ox, out) in y.chunks_exact_mut(c).enumerate() {
                    out.fill(lowest);
                    for iy in geo.span(0, oy) {
                        for ix in geo.span(1, ox) {
                            let from = &x[n * geo.image_len() + (iy * w + ix) * c..][..c];
                            for (best, &v) in out.iter_mut().zip(from) {
                                *best = if beats(v, *best) { v } else { *best };
                            }
                        }
                    }
                }
            },
        );
        Ok(())
    }
}

#[inline(always)]
fn beats<T: Element>(v: T, best: T) -> bool {
    let v = v.wide();
    v > best.wide() || v.is_nan()
}

/// `dx (+)= dy` at the first maximum of each window: sources x and dy.
pub struct MaxPoolGrad {
    pub geometry: PoolGeometry,
    pub accumulate: bool,
}

impl SliceKernel<2> for MaxPoolGrad {
    const NAME: &'static str = "max_pool_grad";
    fn run<T: Element>(&self, dx: Out<'_, T>, [x, dy]: [In<'_, T>; 2]) -> Result<()> {
        let (geo, dx, x, dy) = (&self.geometry, dx.values()?, x.values()?, dy.values()?);
        check(geo, x, dy)?;
        expect_len(Self::NAME, "input gradient", dx, x.len())?;
        par::chunks_mut(
            dx,
            geo.image_len(),
            #[inline(always)]
            |n, dx| {
                if !self.accumulate {
                    dx.fill(T::default());
                }
                let x = &x[n * geo.image_len()..][..geo.image_len()];
                max_pool_grad_image(geo, x, &dy[n * geo.out_image_len()..][..geo.out_image_len()], dx);
            },
        );
        Ok(())
    }
}

/// Finds the maximum of each window again, then gives dy to the first element that equals it: passes over whole rows of
/// channels without a branch.
#[inline(always)]
fn max_pool_grad_image<T: Element>(geo: &PoolGeometry, x: &[T], dy: &[T], dx: &mut [T]) {
    let (c, w) = (geo.channels, geo.size[1]);
    let mut best = vec![T::Real::NEG_INFINITY; c];
    let mut left = vec![T::Real::ZERO; c];
    for (o, dy) in dy.chunks_exact(c).enumerate() {
        let (oy, ox) = (o / geo.out_size[1], o % geo.out_size[1]);
        let places = geo.span(0, oy).flat_map(|iy| geo.span(1, ox).map(move |ix| (iy * w + ix) * c));
        best.fill(T::Real::NEG_INFINITY);
        for at in places.clone() {
            for (best, v) in best.iter_mut().zip(&x[at..at + c]) {
                let v = v.wide();
                *best = if v > *best || v.is_nan() { v } else { *best };
            }
        }
        left.iter_mut().zip(dy).for_each(|(left, g)| *left = g.wide());
        for at in places {
            let lines = dx[at..at + c].iter_mut().zip(&x[at..at + c]).zip(best.iter().zip(&mut left));
            for ((dx, x), (&best, left)) in lines {
                let x = x.wide();
                let wins = x == best || (x.is_nan() && best.is_nan());
                *dx = T::narrow(dx.wide() + if wins { *left } else { T::Real::ZERO });
                *left = if wins { T::Real::ZERO } else { *left };
            }
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
    fn run<T: Element>(&self, y: Out<'_, T>, [x]: [In<'_, T>; 1]) -> Result<()> {
        let (geo, y, x) = (&self.geometry, y.values()?, x.values()?);
        check(geo, x, y)?;
        let (c, w, [ho, wo]) = (geo.channels, geo.size[1], geo.out_size);
        par::chunks_mut(
            y,
            wo * c,
            #[inline(always)]
            |line, y| {
                let (n, oy) = (line / ho, line % ho);
                let mut sum = vec![T::Real::ZERO; c];
                for (ox, out) in y.chunks_exact_mut(c).enumerate() {
                    sum.fill(T::Real::ZERO);
                    for iy in geo.span(0, oy) {
                        for ix in geo.span(1, ox) {
                            let from = &x[n * geo.image_len() + (iy * w + ix) * c..][..c];
                            sum.iter_mut().zip(from).for_each(|(s, v)| *s += v.wide());
                        }
                    }
                    let divisor = T::Real::of(divisor(geo, self.count_include_pad, oy, ox));
                    out.iter_mut().zip(&sum).for_each(|(o, &s)| *o = T::narrow(s / divisor));
                }
            },
        );
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
    fn run<T: Element>(&self, dx: Out<'_, T>, [dy]: [In<'_, T>; 1]) -> Result<()> {
        let (geo, dx, dy) = (&self.geometry, dx.values()?, dy.values()?);
        check(geo, dx, dy)?;
        let (c, w) = (geo.channels, geo.size[1]);
        par::chunks_mut(
            dx,
            geo.image_len(),
            #[inline(always)]
            |n, dx| {
                if !self.accumulate {
                    dx.fill(T::default());
                }
                let dy = &dy[n * geo.out_image_len()..][..geo.out_image_len()];
                for (o, dy) in dy.chunks_exact(c).enumerate() {
                    let (oy, ox) = (o / geo.out_size[1], o % geo.out_size[1]);
                    let divisor = T::Real::of(divisor(geo, self.count_include_pad, oy, ox));
                    for iy in geo.span(0, oy) {
                        for ix in geo.span(1, ox) {
                            let to = &mut dx[(iy * w + ix) * c..][..c];
                            to.iter_mut().zip(dy).for_each(|(d, g)| *d = T::narrow(d.wide() + g.wide() / divisor));
                        }
                    }
                }
            },
        );
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
    fn run<T: Element>(&self, y: Out<'_, T>, [x]: [In<'_, T>; 1]) -> Result<()> {
        let (c, y, x) = (self.channels, y.values()?, x.values()?);
        expect_len(Self::NAME, "input", x, y.len() * self.pixels)?;
        par::chunks_mut(
            y,
            c,
            #[inline(always)]
            |n, y| {
                let mut sums = vec![0.0f64; c];
                for row in x[n * c * self.pixels..][..c * self.pixels].chunks_exact(c) {
                    sums.iter_mut().zip(row).for_each(|(s, v)| *s += v.wide().f64());
                }
                y.iter_mut().zip(sums).for_each(|(y, s)| *y = T::narrow(T::Real::of(s / self.pixels as f64)));
            },
        );
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
    fn run<T: Element>(&self, dx: Out<'_, T>, [dy]: [In<'_, T>; 1]) -> Result<()> {
        let (c, dx, dy) = (self.channels, dx.values()?, dy.values()?);
        expect_len(Self::NAME, "input gradient", dx, dy.len() * self.pixels)?;
        let divisor = T::Real::of(self.pixels as f64);
        par::chunks_mut(
            dx,
            c * self.pixels,
            #[inline(always)]
            |n, dx| {
                let dy = &dy[n * c..][..c];
                for row in dx.chunks_exact_mut(c) {
                    for (d, g) in row.iter_mut().zip(dy) {
                        let base = if self.accumulate { d.wide() } else { T::Real::ZERO };
                        *d = T::narrow(base + g.wide() / divisor);
                    }
                }
            },
        );
        Ok(())
    }
}

fn check<T>(geo: &PoolGeometry, x: &[T], y: &[T]) -> Result<()> {
    expect_len("pool", "input", x, geo.batch * geo.image_len())?;
    expect_len("pool", "output", y, geo.batch * geo.out_image_len())
}
