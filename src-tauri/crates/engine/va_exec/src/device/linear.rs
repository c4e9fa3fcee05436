//! Linear layers: products of cuBLAS, with weights as PyTorch keeps them, `[out, in]`.

use candle_core::Result;

use super::channels;
use super::weights::Weights;
use super::{Buffer, DeviceKernel, Gpu, MatMul, Matrix, Number};
use crate::kernels::linear::{LinearForward, LinearGeometry, LinearInputGrad, LinearWeightGrad};

fn check(geo: &LinearGeometry, x: Buffer, w: Buffer, y: Buffer) -> Result<()> {
    x.expect("linear", "input", geo.rows * geo.inputs)?;
    w.expect("linear", "weight", geo.inputs * geo.outputs)?;
    y.expect("linear", "output", geo.rows * geo.outputs)
}

impl DeviceKernel<2> for LinearForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, params]: [Buffer; 2]) -> Result<()> {
        let LinearGeometry { rows, inputs, outputs } = self.geometry;
        let weights = Weights::of(&self.epilogue, params, outputs, self.laid_out.as_ref())?;
        check(&self.geometry, x, weights.weight, y)?;
        let w = weights.matrix(gpu, Number::of_values(&[x, y]))?;
        let (a, b) = (Matrix::rows(x, inputs), Matrix::transposed(w, inputs));
        let product = MatMul::new([rows, outputs, inputs], Matrix::rows(y, outputs), a, b);
        channels::product(gpu, &self.epilogue, product, &weights)
    }
}

impl DeviceKernel<2> for LinearInputGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy, w]: [Buffer; 2]) -> Result<()> {
        let LinearGeometry { rows, inputs, outputs } = self.geometry;
        check(&self.geometry, dx, w, dy)?;
        let w = Weights::without_bias(w, self.laid_out.as_ref()).matrix(gpu, dy.number)?;
        let (a, b) = (Matrix::rows(dy, outputs), Matrix::rows(w, inputs));
        MatMul::new([rows, inputs, outputs], Matrix::rows(dx, inputs), a, b).run(gpu)
    }
}

impl DeviceKernel<2> for LinearWeightGrad {
    fn run_on(&self, gpu: &dyn Gpu, dw: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        let LinearGeometry { rows, inputs, outputs } = self.geometry;
        check(&self.geometry, x, dw, dy)?;
        let (a, b) = (Matrix::transposed(dy, outputs), Matrix::rows(x, inputs));
        let product = MatMul::new([outputs, inputs, rows], Matrix::rows(dw, inputs), a, b);
        product.accumulate(true).run(gpu)
    }
}
