//! Batch normalisation. The statistics of a batch are made in parts, which one thread a channel joins.

use candle_core::{Result, bail};

use super::{Buffer, Call, DeviceKernel, Gpu, Number, rows_per_part};
use crate::kernels::batch_norm::{
    AffineParam, BN_ROWS, BnAffine, BnApply, BnFromRunning, BnInputGrad, BnParamGrad, BnReduceGrad, BnStatistics,
    BnUpdateRunning, RunningStatistic,
};
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

impl DeviceKernel<1> for BnStatistics {
    fn run_on(&self, gpu: &dyn Gpu, packed: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        let [channels, rows] = sizes(packed, x)?;
        let per_part = rows_per_part(rows);
        let count = rows.div_ceil(per_part);
        let parts = gpu.scratch(Number::F32, count * 2 * channels)?;
        let call = Call::by_column(FILE, "batch_norm_moments", x.number, [channels, count, 1]).real(parts).value(x);
        call.count(rows).count(channels).count(per_part).run(gpu)?;
        let call = Call::over(FILE, "batch_norm_statistics", Number::F32, channels).real(packed).real(parts);
        call.count(count).count(rows).count(per_part).float(self.eps).count(channels).run(gpu)
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
            RunningStatistic::Variance => (VAR, self.rows as f64 / (self.rows.max(2) - 1) as f64),
        };
        let call = Call::over(FILE, "batch_norm_update_running", Number::F32, running.len).real(running).real(packed);
        call.count(row).float(self.momentum).float(factor).count(running.len).run(gpu)
    }
}

impl DeviceKernel<2> for BnApply {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, packed]: [Buffer; 2]) -> Result<()> {
        let [channels, _] = sizes(packed, x)?;
        y.expect(Self::NAME, "output", x.len)?;
        let call = Call::over(FILE, "batch_norm_apply", x.number, x.len).value(y).value(x).real(packed);
        call.flag(self.relu).count(channels).count(x.len).run(gpu)
    }
}

impl DeviceKernel<2> for BnReduceGrad {
    fn run_on(&self, gpu: &dyn Gpu, packed: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        let [channels, rows] = sizes(packed, x)?;
        dy.expect(Self::NAME, "gradient", x.len)?;
        let per_part = rows_per_part(rows);
        let count = rows.div_ceil(per_part);
        let parts = gpu.scratch(Number::F32, count * 2 * channels)?;
        let call = Call::by_column(FILE, "batch_norm_grad_sums", x.number, [channels, count, 1]).real(parts).value(x);
        let call = call.value(dy).real(packed).flag(self.relu).count(rows).count(channels).count(per_part);
        call.run(gpu)?;
        let call = Call::over(FILE, "batch_norm_reduce_grad", Number::F32, channels).real(packed).real(parts);
        call.count(count).count(channels).run(gpu)
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
        let [channels, _] = sizes(packed, x)?;
        dy.expect(Self::NAME, "gradient", x.len)?;
        let call = Call::over(FILE, "batch_norm_input_grad", x.number, x.len).value(dy).value(x).real(packed);
        call.flag(self.relu).count(channels).count(x.len).run(gpu)
    }
}
