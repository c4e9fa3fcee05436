//! One number a channel: factors and their gradient, biases, sums of columns.

use candle_core::Result;

use super::spread::Columns;
use super::weights::Weights;
use super::{Buffer, Call, DeviceKernel, Gpu, MatMul, Number};
use crate::kernels::activation::Activation;
use crate::kernels::channel_scale::{ChannelScaleForward, ChannelScaleParamGrad, ScaleChannels};
use crate::kernels::conv_ops::{BiasGrad, Epilogue};
use crate::kernels::op::SliceKernel;

const FILE: &str = "channels";

fn channel_scale(gpu: &dyn Gpu, y: Buffer, x: Buffer, gamma: Buffer) -> Result<()> {
    let rows = x.rows("channel_scale", gamma.len)?;
    x.expect("channel_scale", "source", y.len)?;
    let columns = Columns::to_apply(rows, gamma.len, &[y, x]);
    let call = Call::by_column(FILE, "channel_scale", Number::of_values(&[y, x]), &columns);
    call.value(y).value(x).real(gamma).run(gpu)
}

impl DeviceKernel<1> for ScaleChannels {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [gamma]: [Buffer; 1]) -> Result<()> {
        channel_scale(gpu, y, y, gamma)
    }
}

impl DeviceKernel<2> for ChannelScaleForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, gamma]: [Buffer; 2]) -> Result<()> {
        channel_scale(gpu, y, x, gamma)
    }
}

/// `sums += Σ x`, or `Σ x · f`, over rows.
fn add_column_sums(gpu: &dyn Gpu, sums: Buffer, x: Buffer, f: Option<Buffer>) -> Result<()> {
    let (rows, channels) = (x.rows("column sums", sums.len)?, sums.len);
    let columns = Columns::to_sum(rows, channels, &[x, f.unwrap_or(x)]);
    let parts = gpu.scratch(Number::F32, columns.parts() * channels)?;
    let call = Call::by_column(FILE, "column_sums", x.number, &columns).real(parts).value(x);
    let call = match f {
        Some(f) => call.value(f),
        None => call.pointer(0),
    };
    call.run(gpu)?;
    join_parts(gpu, sums, parts, columns.parts(), true)
}

/// `y (+)= Σ parts` of `count` parts of its length.
pub(super) fn join_parts(gpu: &dyn Gpu, y: Buffer, parts: Buffer, count: usize, accumulate: bool) -> Result<()> {
    parts.expect("join_parts", "parts", count * y.len)?;
    let call = Call::joining(FILE, "join_parts", y.len).real(y).real(parts).count(count);
    call.flag(accumulate).count(y.len).run(gpu)
}

impl DeviceKernel<2> for ChannelScaleParamGrad {
    fn run_on(&self, gpu: &dyn Gpu, dgamma: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        dy.expect(Self::NAME, "gradient", x.len)?;
        add_column_sums(gpu, dgamma, x, Some(dy))
    }
}

impl DeviceKernel<1> for BiasGrad {
    fn run_on(&self, gpu: &dyn Gpu, db: Buffer, [dy]: [Buffer; 1]) -> Result<()> {
        add_column_sums(gpu, db, dy, None)
    }
}

/// A product with its epilogue: in one kernel where the device has such a one, otherwise one after the other.
pub(super) fn product(gpu: &dyn Gpu, epilogue: &Epilogue, product: MatMul, weights: &Weights<'_>) -> Result<()> {
    let (product, y, outputs) = (product.accumulate(epilogue.sum), product.dst.data, product.size[1]);
    if let None | Some(Activation::Relu) = epilogue.activation
        && let Some(bias) = weights.bias_values(gpu, y.number)?
        && product.finished(gpu, bias, epilogue.activation.is_some())?
    {
        return Ok(());
    }
    product.run(gpu)?;
    finish(gpu, epilogue, y, weights.bias, outputs)
}

/// Bias and activation on rows that hold the product, and the sum, already.
pub(super) fn finish(
    gpu: &dyn Gpu,
    epilogue: &Epilogue,
    y: Buffer,
    bias: Option<Buffer>,
    outputs: usize,
) -> Result<()> {
    if bias.is_none() && epilogue.activation.is_none() {
        return Ok(());
    }
    let columns = Columns::to_apply(y.rows("epilogue", outputs)?, outputs, &[y]);
    let call = Call::by_column(FILE, "epilogue", y.number, &columns).value(y);
    let call = match bias {
        Some(bias) => call.real(bias),
        None => call.pointer(0),
    };
    let code = epilogue.activation.map_or(0, |activation| activation.code());
    call.count(code).run(gpu)
}
