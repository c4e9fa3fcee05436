//! Layer normalisation: a few threads of a warp share a row. Sums over rows, which go by columns, have the moments of every row
//! from scratch memory.

use candle_core::Result;

use super::channels::join_parts;
use super::spread::{Columns, WARP, readable, width};
use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::kernels::layer_norm::{LayerNormForward, LayerNormInputGrad, LayerNormReduce};
use crate::kernels::op::SliceKernel;

const FILE: &str = "layer_norm";

/// A kernel in which a few threads of a warp share a row; its first argument is `Rows` of `gpu/layer_norm.cu`.
fn start(kernel: &'static str, number: Number, rows: usize, channels: usize, operands: &[Buffer]) -> Call {
    let width = width(operands, &[channels]);
    let lanes = channels.div_ceil(width).next_power_of_two().min(WARP);
    Call::by_lanes(FILE, kernel, number, rows, lanes).shape(&[rows, channels, width, lanes])
}

/// Mean and inverse deviation of every row, `[rows, 2]`.
fn moments(gpu: &dyn Gpu, x: Buffer, channels: usize, eps: f64) -> Result<Buffer> {
    let rows = x.rows(FILE, channels)?;
    let moments = gpu.scratch(Number::F32, 2 * rows)?;
    let call = start("layer_norm_moments", x.number, rows, channels, &[x]).real(moments).value(x);
    call.float(eps).run(gpu)?;
    Ok(moments)
}

impl DeviceKernel<2> for LayerNormForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, affine]: [Buffer; 2]) -> Result<()> {
        let channels = affine.len / 2;
        let rows = x.rows(FILE, channels)?;
        y.expect(Self::NAME, "output", x.len)?;
        let affine = readable(gpu, affine, channels)?;
        let call = start("layer_norm", x.number, rows, channels, &[y, x, affine]).value(y).value(x).real(affine);
        call.float(self.eps).run(gpu)
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
        let rows = x.rows(FILE, channels)?;
        dy.expect(Self::NAME, "gradient", x.len)?;
        let gamma = readable(gpu, gamma, channels)?;
        let call = start("layer_norm_input_grad", x.number, rows, channels, &[dy, x, gamma]).value(dy).value(x);
        call.real(gamma).float(self.eps).run(gpu)
    }
}
