//! Batch normalisation. Sums over the rows are made in parts, which are joined in order.

use candle_core::{Result, bail};

use super::spread::Columns;
use super::{Buffer, Call, DeviceKernel, Gpu, Number};
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
        let columns = Columns::to_sum(rows, channels, &[x]);
        let parts = gpu.scratch(Number::F32, columns.parts() * 2 * channels)?;
        Call::by_column(FILE, "batch_norm_moments", x.number, &columns).real(parts).value(x).run(gpu)?;
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
            RunningStatistic::Variance => (VAR, self.rows as f64 / (self.rows.max(2) - 1) as f64),
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
        let [channels, rows] = sizes(packed, x)?;
        dy.expect(Self::NAME, "gradient", x.len)?;
        let columns = Columns::to_sum(rows, channels, &[x, dy, packed]);
        let parts = gpu.scratch(Number::F32, columns.parts() * 2 * channels)?;
        let call = Call::by_column(FILE, "batch_norm_grad_sums", x.number, &columns).real(parts).value(x);
        call.value(dy).real(packed).flag(self.relu).run(gpu)?;
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
mod tests {
    use super::super::emulation::Emulated;
    use super::*;
    use crate::rng::CounterRng;

    /// A mean a thousand deviations from zero, and many rows a thread: differences of large sums would show.
    #[test]
    fn one_pass_sees_small_deviations_far_from_zero() {
        let (rows, channels) = (4000, 16);
        let rng = CounterRng::new(4, "far");
        let mut x: Vec<f32> = (0..rows * channels).map(|i| (1.0 + 1e-3 * rng.normal(i as u64)) as f32).collect();
        let mut parts = vec![0.0f32; 2 * channels];
        let buffer =
            |data: &mut [f32]| Buffer { address: data.as_mut_ptr() as u64, len: data.len(), number: Number::F32 };
        let (from, to) = (buffer(&mut x), buffer(&mut parts));
        let columns = Columns::to_sum_in_layers(rows, channels, &[from], usize::MAX);
        assert_eq!(columns.parts(), 1);
        Call::by_column(FILE, "batch_norm_moments", Number::F32, &columns)
            .real(to)
            .value(from)
            .run(&Emulated::default())
            .unwrap();
        for c in 0..channels {
            let column = || x.iter().skip(c).step_by(channels).map(|&v| f64::from(v));
            let mean = column().sum::<f64>() / rows as f64;
            let squares: f64 = column().map(|v| (v - mean).powi(2)).sum();
            assert!((f64::from(parts[c]) - mean).abs() < 1e-7, "{} {mean}", parts[c]);
            assert!((f64::from(parts[channels + c]) / squares - 1.0).abs() < 1e-5, "{} {squares}", parts[channels + c]);
        }
    }
}
