//! Convolution as Candle in-place operations.

use candle_core::Result;
use rayon::prelude::*;

use super::conv::{conv2d_forward, conv2d_input_grad, conv2d_weight_grad};
use super::geometry::ConvGeometry;
use super::op::{SliceKernel, expect_len};
use super::real::Real;

/// `y = conv(x, w)`: sources x `[N, H, W, C]` and w `[kh, kw, C / groups, K]`.
pub struct Conv2dForward(pub ConvGeometry);

impl SliceKernel<2> for Conv2dForward {
    const NAME: &'static str = "conv2d";
    fn run<T: Real>(&self, y: &mut [T], [x, w]: [&[T]; 2]) -> Result<()> {
        check(&self.0, x, w, y)?;
        conv2d_forward(&self.0, x, w, y);
        Ok(())
    }
}

/// `dx (+)= convᵀ(dy, w)`: sources dy and w.
pub struct Conv2dInputGrad {
    pub geometry: ConvGeometry,
    pub accumulate: bool,
}

impl SliceKernel<2> for Conv2dInputGrad {
    const NAME: &'static str = "conv2d_input_grad";
    fn run<T: Real>(&self, dx: &mut [T], [dy, w]: [&[T]; 2]) -> Result<()> {
        check(&self.geometry, dx, w, dy)?;
        conv2d_input_grad(&self.geometry, dy, w, dx, self.accumulate);
        Ok(())
    }
}

/// `dw += xᵀ ⋆ dy`: sources x and dy.
pub struct Conv2dWeightGrad(pub ConvGeometry);

impl SliceKernel<2> for Conv2dWeightGrad {
    const NAME: &'static str = "conv2d_weight_grad";
    fn run<T: Real>(&self, dw: &mut [T], [x, dy]: [&[T]; 2]) -> Result<()> {
        check(&self.0, x, dw, dy)?;
        conv2d_weight_grad(&self.0, x, dy, dw, true);
        Ok(())
    }
}

fn check<T>(geo: &ConvGeometry, x: &[T], w: &[T], y: &[T]) -> Result<()> {
    expect_len("conv2d", "input", x, geo.input_len())?;
    expect_len("conv2d", "weight", w, geo.weight_len())?;
    expect_len("conv2d", "output", y, geo.output_len())
}

/// `y += bias` along the last dimension, then `max(·, 0)` if `relu`.
pub struct BiasAdd {
    pub relu: bool,
}

impl SliceKernel<1> for BiasAdd {
    const NAME: &'static str = "bias_add";
    fn run<T: Real>(&self, y: &mut [T], [bias]: [&[T]; 1]) -> Result<()> {
        let channels = bias.len().max(1);
        if !y.len().is_multiple_of(channels) {
            candle_core::bail!("bias_add: {} elements do not split into {channels} channels", y.len());
        }
        let relu = self.relu;
        y.par_chunks_mut(channels * 128).for_each(|part| {
            for row in part.chunks_exact_mut(channels) {
                for (y, &b) in row.iter_mut().zip(bias) {
                    let v = *y + b;
                    *y = if relu && v < T::ZERO { T::ZERO } else { v };
                }
            }
        });
        Ok(())
    }
}

/// `db += Σ dy` over everything but the last dimension.
pub struct BiasGrad;

impl SliceKernel<1> for BiasGrad {
    const NAME: &'static str = "bias_grad";
    fn run<T: Real>(&self, db: &mut [T], [dy]: [&[T]; 1]) -> Result<()> {
        let channels = db.len();
        let sums = super::batch_norm::column_sums(dy, channels, |row, sums| {
            sums.iter_mut().zip(row).for_each(|(s, &v)| *s += v.f64());
        });
        db.iter_mut().zip(sums).for_each(|(d, s)| *d += T::of(s));
        Ok(())
    }
}
