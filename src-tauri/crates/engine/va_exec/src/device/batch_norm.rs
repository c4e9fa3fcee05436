//! Batch normalisation, with the sum that its result goes into. Sums over the rows are made in parts, which are joined in
//! order.

use candle_core::{Result, Tensor, bail};

use super::spread::Columns;
use super::{Buffer, Call, DeviceKernel, Gpu, Number, on_device};
use crate::kernels::batch_norm::{
    AffineParam, BN_ROWS, BnAffine, BnApply, BnFromRunning, BnInputGrad, BnParamGrad, BnReduceGrad, BnStatistics,
    BnUpdateRunning, RunningStatistic,
};
#[cfg(doc)]
use crate::kernels::joined;
use crate::kernels::op::SliceKernel;

const FILE: &str = "batch_norm";

/// Rows of the packed scratch, as `gpu/batch_norm.cu` has them.
const MEAN: usize = 0;
const VAR: usize = 1;
const SUM_DY: usize = 5;
const SUM_DY_XHAT: usize = 6;

/// Channels of the packed scratch, and rows of the values.
fn sizes(packed: Buffer, x: Buffer) -> Result<[usize; 2]> {
    let channels = packed.len / BN_ROWS;
    packed.expect(FILE, "scratch", channels * BN_ROWS)?;
    let rows = x.rows(FILE, channels)?;
    if rows == 0 {
        bail!("batch_norm: there are no rows")
    }
    Ok([channels, rows])
}

/// Mean and sum of squares of each part of the rows.
fn moments(gpu: &dyn Gpu, packed: Buffer, x: Buffer) -> Result<(Columns, Buffer)> {
    let [channels, rows] = sizes(packed, x)?;
    let columns = Columns::to_sum(rows, channels, &[x]);
    let parts = gpu.scratch(Number::F32, columns.parts() * 2 * channels)?;
    Call::by_column(FILE, "batch_norm_moments", x.number, &columns).real(parts).value(x).run(gpu)?;
    Ok((columns, parts))
}

/// Makes the variance of so many rows unbiased.
fn unbiased(rows: usize) -> f64 {
    rows as f64 / (rows.max(2) - 1) as f64
}

/// [`joined::prepare`] in two kernels instead of five.
pub(crate) fn prepare(tensors: [&Tensor; 6], eps: f64, momentum: f64) -> Result<()> {
    on_device(&tensors, |gpu, buffers| {
        let &[packed, x, mean, var, gamma, beta] = buffers else { bail!("BUG: six tensors") };
        let [channels, rows] = sizes(packed, x)?;
        for of_channels in [mean, var, gamma, beta] {
            of_channels.expect(FILE, "numbers of the channels", channels)?;
        }
        let (columns, parts) = moments(gpu, packed, x)?;
        let call = Call::joining(FILE, "batch_norm_prepare", channels).real(packed).real(parts).real(mean).real(var);
        let call = call.real(gamma).real(beta).count(columns.parts()).count(rows).count(columns.rows_per_part);
        call.float(eps).float(momentum).float(unbiased(rows)).count(channels).run(gpu)
    })
}

/// [`joined::apply_add`] in one kernel instead of two.
pub(crate) fn apply_add(tensors: [&Tensor; 4], relu: bool) -> Result<()> {
    on_device(&tensors, |gpu, buffers| {
        let &[y, x, packed, addend] = buffers else { bail!("BUG: four tensors") };
        let [channels, rows] = sizes(packed, x)?;
        y.expect(FILE, "output", x.len)?;
        addend.expect(FILE, "addend", x.len)?;
        let columns = Columns::to_apply(rows, channels, &[y, x, packed, addend]);
        let call = Call::by_column(FILE, "batch_norm_apply_add", x.number, &columns).value(y).value(x);
        call.real(packed).value(addend).flag(relu).run(gpu)
    })
}

/// [`joined::learn`] in two kernels instead of four.
pub(crate) fn learn(tensors: [&Tensor; 5], relu: bool) -> Result<()> {
    on_device(&tensors, |gpu, buffers| {
        let &[packed, x, dy, dgamma, dbeta] = buffers else { bail!("BUG: five tensors") };
        let sums = grad_sums(gpu, packed, [x, dy], relu)?;
        learn_from(gpu, packed, sums, [dgamma, dbeta])
    })
}

/// [`joined::learn_masked`] in two kernels instead of five.
pub(crate) fn learn_masked(tensors: [&Tensor; 6]) -> Result<()> {
    on_device(&tensors, |gpu, buffers| {
        let &[packed, x, dy, y, dgamma, dbeta] = buffers else { bail!("BUG: six tensors") };
        let [channels, rows] = sizes(packed, x)?;
        dy.expect(FILE, "gradient", x.len)?;
        y.expect(FILE, "sum", x.len)?;
        let columns = Columns::to_sum(rows, channels, &[x, dy, y, packed]);
        let parts = gpu.scratch(Number::F32, columns.parts() * 2 * channels)?;
        let call = Call::by_column(FILE, "batch_norm_grad_sums_masked", x.number, &columns).real(parts).value(x);
        call.value(dy).value(y).real(packed).run(gpu)?;
        learn_from(gpu, packed, (columns, parts), [dgamma, dbeta])
    })
}

/// [`joined::input_grad`] in one kernel instead of two.
pub(crate) fn input_grad(tensors: [&Tensor; 4]) -> Result<()> {
    on_device(&tensors, |gpu, buffers| {
        let &[dx, dy, x, packed] = buffers else { bail!("BUG: four tensors") };
        let [channels, rows] = sizes(packed, x)?;
        dx.expect(FILE, "gradient of the input", x.len)?;
        dy.expect(FILE, "gradient", x.len)?;
        let columns = Columns::to_apply(rows, channels, &[dx, dy, x, packed]);
        let call = Call::by_column(FILE, "batch_norm_input_grad_beside", x.number, &columns).value(dx).value(dy);
        call.value(x).real(packed).run(gpu)
    })
}

/// `Σ dy` and `Σ dy · (x - mean)` of each part of the rows.
fn grad_sums(gpu: &dyn Gpu, packed: Buffer, [x, dy]: [Buffer; 2], relu: bool) -> Result<(Columns, Buffer)> {
    let [channels, rows] = sizes(packed, x)?;
    dy.expect(FILE, "gradient", x.len)?;
    let columns = Columns::to_sum(rows, channels, &[x, dy, packed]);
    let parts = gpu.scratch(Number::F32, columns.parts() * 2 * channels)?;
    let call = Call::by_column(FILE, "batch_norm_grad_sums", x.number, &columns).real(parts).value(x);
    call.value(dy).real(packed).flag(relu).run(gpu)?;
    Ok((columns, parts))
}

/// The sums from their parts, and with them the gradients of gamma and beta.
fn learn_from(gpu: &dyn Gpu, packed: Buffer, (columns, parts): (Columns, Buffer), grads: [Buffer; 2]) -> Result<()> {
    let channels = packed.len / BN_ROWS;
    let [dgamma, dbeta] = grads;
    dgamma.expect(FILE, "gradient of gamma", channels)?;
    dbeta.expect(FILE, "gradient of beta", channels)?;
    let call = Call::joining(FILE, "batch_norm_learn", channels).real(packed).real(parts).real(dgamma).real(dbeta);
    call.count(columns.parts()).count(channels).run(gpu)
}

impl DeviceKernel<1> for BnStatistics {
    fn run_on(&self, gpu: &dyn Gpu, packed: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        let [channels, rows] = sizes(packed, x)?;
        let (columns, parts) = moments(gpu, packed, x)?;
        let call = Call::joining(FILE, "batch_norm_statistics", channels).real(packed).real(parts);
        let call = call.count(columns.parts()).count(rows).count(columns.rows_per_part);
        call.float(self.eps).count(channels).run(gpu)
    }
}

impl DeviceKernel<2> for BnFromRunning {
    fn run_on(&self, gpu: &dyn Gpu, packed: Buffer, [mean, var]: [Buffer; 2]) -> Result<()> {
        packed.expect(Self::NAME, "scratch", mean.len * BN_ROWS)?;
        var.expect(Self::NAME, "running variance", mean.len)?;
        let call = Call::over(FILE, "batch_norm_from_running", Number::F32, mean.len).real(packed).real(mean);
        call.real(var).float(self.eps).count(mean.len).run(gpu)
    }
}

impl DeviceKernel<2> for BnAffine {
    fn run_on(&self, gpu: &dyn Gpu, packed: Buffer, [gamma, beta]: [Buffer; 2]) -> Result<()> {
        packed.expect(Self::NAME, "scratch", gamma.len * BN_ROWS)?;
        beta.expect(Self::NAME, "beta", gamma.len)?;
        let call = Call::over(FILE, "batch_norm_affine", Number::F32, gamma.len).real(packed).real(gamma);
        call.real(beta).count(gamma.len).run(gpu)
    }
}

impl DeviceKernel<1> for BnUpdateRunning {
    fn run_on(&self, gpu: &dyn Gpu, running: Buffer, [packed]: [Buffer; 1]) -> Result<()> {
        packed.expect(Self::NAME, "scratch", running.len * BN_ROWS)?;
        let (row, factor) = match self.which {
            RunningStatistic::Mean => (MEAN, 1.0),
            RunningStatistic::Variance => (VAR, unbiased(self.rows)),
        };
        let call = Call::over(FILE, "batch_norm_update_running", Number::F32, running.len).real(running).real(packed);
        call.count(row).float(self.momentum).float(factor).count(running.len).run(gpu)
    }
}

impl DeviceKernel<2> for BnApply {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, packed]: [Buffer; 2]) -> Result<()> {
        let [channels, rows] = sizes(packed, x)?;
        y.expect(Self::NAME, "output", x.len)?;
        let columns = Columns::to_apply(rows, channels, &[y, x, packed]);
        let call = Call::by_column(FILE, "batch_norm_apply", x.number, &columns).value(y).value(x).real(packed);
        call.flag(self.relu).run(gpu)
    }
}

impl DeviceKernel<2> for BnReduceGrad {
    fn run_on(&self, gpu: &dyn Gpu, packed: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        let channels = packed.len / BN_ROWS;
        let (columns, parts) = grad_sums(gpu, packed, [x, dy], self.relu)?;
        let call = Call::joining(FILE, "batch_norm_reduce_grad", channels).real(packed).real(parts);
        call.count(columns.parts()).count(channels).run(gpu)
    }
}

impl DeviceKernel<1> for BnParamGrad {
    fn run_on(&self, gpu: &dyn Gpu, grad: Buffer, [packed]: [Buffer; 1]) -> Result<()> {
        packed.expect(Self::NAME, "scratch", grad.len * BN_ROWS)?;
        let row = match self.0 {
            AffineParam::Gamma => SUM_DY_XHAT,
            AffineParam::Beta => SUM_DY,
        };
        let call = Call::over(FILE, "batch_norm_param_grad", Number::F32, grad.len).real(grad).real(packed);
        call.count(row).count(grad.len).run(gpu)
    }
}

impl DeviceKernel<2> for BnInputGrad {
    fn run_on(&self, gpu: &dyn Gpu, dy: Buffer, [x, packed]: [Buffer; 2]) -> Result<()> {
        let [channels, rows] = sizes(packed, x)?;
        dy.expect(Self::NAME, "gradient", x.len)?;
        let columns = Columns::to_apply(rows, channels, &[dy, x, packed]);
        let call = Call::by_column(FILE, "batch_norm_input_grad", x.number, &columns).value(dy).value(x).real(packed);
        call.flag(self.relu).run(gpu)
    }
}

#[cfg(test)]
#[path = "batch_norm_tests.rs"]
mod tests;
