//! Layer normalisation: the moments of every row first, into scratch memory.

use candle_core::Result;

use super::channels::join_parts;
use super::spread::Columns;
use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::kernels::layer_norm::{LayerNormForward, LayerNormInputGrad, LayerNormReduce};
use crate::kernels::op::SliceKernel;

const FILE: &str = "layer_norm";

/// Mean and inverse deviation of every row, `[rows, 2]`.
fn moments(gpu: &dyn Gpu, x: Buffer, channels: usize, eps: f64) -> Result<Buffer> {
    let rows = x.rows(FILE, channels)?;
    let moments = gpu.scratch(Number::F32, 2 * rows)?;
    let call = Call::by_row(FILE, "layer_norm_moments", x.number, rows).real(moments).value(x);
    call.float(eps).count(channels).run(gpu)?;
    Ok(moments)
}

impl DeviceKernel<2> for LayerNormForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, affine]: [Buffer; 2]) -> Result<()> {
        let channels = affine.len / 2;
        y.expect(Self::NAME, "output", x.len)?;
        let moments = moments(gpu, x, channels, self.eps)?;
        let call = Call::over(FILE, "layer_norm", x.number, x.len).value(y).value(x).real(affine).real(moments);
        call.count(channels).count(x.len).run(gpu)
    }
}

impl DeviceKernel<2> for LayerNormReduce {
    fn run_on(&self, gpu: &dyn Gpu, sums: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        let channels = sums.len / 2;
        dy.expect(Self::NAME, "gradient", x.len)?;
        let moments = moments(gpu, x, channels, self.eps)?;
        let rows = x.len / channels;
        let columns = Columns::to_sum(rows, channels, &[x, dy]);
        let parts = gpu.scratch(Number::F32, columns.parts() * sums.len)?;
        let call = Call::by_column(FILE, "layer_norm_grad_sums", x.number, &columns).real(parts).value(x);
        call.value(dy).real(moments).run(gpu)?;
        join_parts(gpu, sums, parts, columns.parts(), false)
    }
}

impl DeviceKernel<2> for LayerNormInputGrad {
    fn run_on(&self, gpu: &dyn Gpu, dy: Buffer, [x, gamma]: [Buffer; 2]) -> Result<()> {
        let channels = gamma.len;
        dy.expect(Self::NAME, "gradient", x.len)?;
        let moments = moments(gpu, x, channels, self.eps)?;
        let call = Call::by_row(FILE, "layer_norm_input_grad", x.number, x.len / channels).value(dy).value(x);
        call.real(gamma).real(moments).count(channels).run(gpu)
    }
}
