//! Linear layers: `y = x Wᵀ (+ b)` with `W` as PyTorch keeps it, `[out, in]`; on the reference kernels or on oneDNN.

use candle_core::Result;

use super::conv_ops::{Epilogue, with_reals};
use super::lay_out::LaidOut;
use super::matmul::{Matrix, matmul};
use super::op::{In, Out, SliceKernel, expect_len};
use super::real::Element;
use crate::onednn;

/// Sizes of a linear layer on a batch of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinearGeometry {
    /// Rows: the batch times whatever comes before the last dimension.
    pub rows: usize,
    pub inputs: usize,
    pub outputs: usize,
}

impl LinearGeometry {
    fn check<X, W, Y>(&self, x: &[X], w: &[W], y: &[Y]) -> Result<()> {
        expect_len("linear", "input", x, self.rows * self.inputs)?;
        expect_len("linear", "weight", w, self.inputs * self.outputs)?;
        expect_len("linear", "output", y, self.rows * self.outputs)
    }
}

/// `y = x Wᵀ` with an epilogue: sources x and W (after the bias).
pub struct LinearForward {
    pub(crate) geometry: LinearGeometry,
    pub(crate) epilogue: Epilogue,
    #[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code, reason = "a GPU reads them"))]
    pub(crate) laid_out: Option<LaidOut>,
    onednn: Option<onednn::Product>,
}

impl LinearForward {
    /// On the reference kernels.
    pub fn new(geometry: LinearGeometry, epilogue: Epilogue) -> Self {
        Self { geometry, epilogue, laid_out: None, onednn: None }
    }

    /// On a GPU, with its weights as they were laid out before; the CPU reads the flat ones.
    pub(crate) fn laid_out(mut self, weights: Option<LaidOut>) -> Self {
        self.laid_out = weights;
        self
    }

    pub(crate) fn on(mut self, onednn: Option<onednn::Product>) -> Self {
        self.onednn = onednn;
        self
    }
}

impl SliceKernel<2> for LinearForward {
    const NAME: &'static str = "linear";
    fn run<T: Element>(&self, y: Out<'_, T>, [x, w]: [In<'_, T>; 2]) -> Result<()> {
        let (y, x, params) = (y.values()?, x.values()?, w.reals()?);
        let LinearGeometry { rows, inputs, outputs } = self.geometry;
        let (bias, w) = self.epilogue.split(params, outputs)?;
        self.geometry.check(x, w, y)?;
        if let Some(onednn) = &self.onednn {
            return onednn.run(y, x, w, bias);
        }
        let x = T::widen(x);
        with_reals(y, self.epilogue.sum, |y| {
            let (a, b) = (Matrix::rows(&x, inputs), Matrix::transposed(w, inputs));
            matmul([rows, outputs, inputs], y, outputs, self.epilogue.sum, a, b);
            self.epilogue.finish(y, bias);
            Ok(())
        })
    }
}

/// `dx = dy W`: sources dy and W.
pub struct LinearInputGrad {
    pub(crate) geometry: LinearGeometry,
    #[cfg_attr(not(any(test, feature = "cuda")), allow(dead_code, reason = "a GPU reads them"))]
    pub(crate) laid_out: Option<LaidOut>,
    onednn: Option<onednn::Product>,
}

impl LinearInputGrad {
    /// On the reference kernels.
    pub fn new(geometry: LinearGeometry) -> Self {
        Self { geometry, laid_out: None, onednn: None }
    }

    /// On a GPU, with its weights as they were laid out before; the CPU reads the flat ones.
    pub(crate) fn laid_out(mut self, weights: Option<LaidOut>) -> Self {
        self.laid_out = weights;
        self
    }

    pub(crate) fn on(mut self, onednn: Option<onednn::Product>) -> Self {
        self.onednn = onednn;
        self
    }
}

impl SliceKernel<2> for LinearInputGrad {
    const NAME: &'static str = "linear_input_grad";
    fn run<T: Element>(&self, dx: Out<'_, T>, [dy, w]: [In<'_, T>; 2]) -> Result<()> {
        let (dx, dy, w) = (dx.values()?, dy.values()?, w.reals()?);
        let LinearGeometry { rows, inputs, outputs } = self.geometry;
        self.geometry.check(dx, w, dy)?;
        if let Some(onednn) = &self.onednn {
            return onednn.run(dx, dy, w, None);
        }
        let dy = T::widen(dy);
        with_reals(dx, false, |dx| {
            let (a, b) = (Matrix::rows(&dy, outputs), Matrix::rows(w, inputs));
            matmul([rows, inputs, outputs], dx, inputs, false, a, b);
            Ok(())
        })
    }
}

/// `dW += dyᵀ x`: sources x and dy.
pub struct LinearWeightGrad {
    pub(crate) geometry: LinearGeometry,
    onednn: Option<onednn::WeightGrad>,
}

impl LinearWeightGrad {
    /// On the reference kernels.
    pub fn new(geometry: LinearGeometry) -> Self {
        Self { geometry, onednn: None }
    }

    pub(crate) fn on(mut self, onednn: Option<onednn::WeightGrad>) -> Self {
        self.onednn = onednn;
        self
    }
}

impl SliceKernel<2> for LinearWeightGrad {
    const NAME: &'static str = "linear_weight_grad";
    fn run<T: Element>(&self, dw: Out<'_, T>, [x, dy]: [In<'_, T>; 2]) -> Result<()> {
        let (dw, x, dy) = (dw.reals()?, x.values()?, dy.values()?);
        let LinearGeometry { rows, inputs, outputs } = self.geometry;
        self.geometry.check(x, dw, dy)?;
        if let Some(onednn) = &self.onednn {
            return onednn.run(dw, x, dy);
        }
        let (x, dy) = (T::widen(x), T::widen(dy));
        let (a, b) = (Matrix::transposed(&dy, outputs), Matrix::rows(&x, inputs));
        matmul([outputs, inputs, rows], dw, inputs, true, a, b);
        Ok(())
    }
}
