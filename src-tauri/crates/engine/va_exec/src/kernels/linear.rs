//! Linear layers: `y = x Wᵀ (+ b)` with `W` as PyTorch keeps it, `[out, in]`.

use candle_core::Result;

use super::matmul::{Matrix, matmul};
use super::op::{SliceKernel, expect_len};
use super::real::Real;

/// Sizes of a linear layer on a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearGeometry {
    pub batch: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl LinearGeometry {
    fn check<T>(&self, x: &[T], w: &[T], y: &[T]) -> Result<()> {
        expect_len("linear", "input", x, self.batch * self.inputs)?;
        expect_len("linear", "weight", w, self.inputs * self.outputs)?;
        expect_len("linear", "output", y, self.batch * self.outputs)
    }
}

/// `y = x Wᵀ`: sources x and W.
pub struct LinearForward(pub LinearGeometry);

impl SliceKernel<2> for LinearForward {
    const NAME: &'static str = "linear";
    fn run<T: Real>(&self, y: &mut [T], [x, w]: [&[T]; 2]) -> Result<()> {
        let LinearGeometry { batch, inputs, outputs } = self.0;
        self.0.check(x, w, y)?;
        let (a, b) = (Matrix::rows(x, inputs), Matrix::transposed(w, inputs));
        matmul([batch, outputs, inputs], y, outputs, false, a, b);
        Ok(())
    }
}

/// `dx (+)= dy W`: sources dy and W.
pub struct LinearInputGrad {
    pub geometry: LinearGeometry,
    pub accumulate: bool,
}

impl SliceKernel<2> for LinearInputGrad {
    const NAME: &'static str = "linear_input_grad";
    fn run<T: Real>(&self, dx: &mut [T], [dy, w]: [&[T]; 2]) -> Result<()> {
        let LinearGeometry { batch, inputs, outputs } = self.geometry;
        self.geometry.check(dx, w, dy)?;
        let (a, b) = (Matrix::rows(dy, outputs), Matrix::rows(w, inputs));
        matmul([batch, inputs, outputs], dx, inputs, self.accumulate, a, b);
        Ok(())
    }
}

/// `dW += dyᵀ x`: sources x and dy.
pub struct LinearWeightGrad(pub LinearGeometry);

impl SliceKernel<2> for LinearWeightGrad {
    const NAME: &'static str = "linear_weight_grad";
    fn run<T: Real>(&self, dw: &mut [T], [x, dy]: [&[T]; 2]) -> Result<()> {
        let LinearGeometry { batch, inputs, outputs } = self.0;
        self.0.check(x, dw, dy)?;
        let (a, b) = (Matrix::transposed(dy, outputs), Matrix::rows(x, inputs));
        matmul([outputs, inputs, batch], dw, inputs, true, a, b);
        Ok(())
    }
}
