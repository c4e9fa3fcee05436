//! Batch normalisation. Sums over the rows are made in parts, which are joined in order.

use candle_core::{Result, Tensor, bail};

use super::spread::Columns;
use super::{Buffer, Call, DeviceKernel, Gpu, Number, on_device};
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

/// What training does before it normalises, in two kernels instead of five: [`BnStatistics`], both [`BnUpdateRunning`] and
/// [`BnAffine`], to the same bits. Tensors: the packed scratch, x, running mean and variance, gamma and beta.
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

/// [`BnReduceGrad`] and both [`BnParamGrad`], in two kernels instead of four, to the same bits. Tensors: the packed scratch,
/// x, the gradient, and those of gamma and beta.
pub(crate) fn learn(tensors: [&Tensor; 5], relu: bool) -> Result<()> {
    on_device(&tensors, |gpu, buffers| {
        let &[packed, x, dy, dgamma, dbeta] = buffers else { bail!("BUG: five tensors") };
        let channels = packed.len / BN_ROWS;
        dgamma.expect(FILE, "gradient of gamma", channels)?;
        dbeta.expect(FILE, "gradient of beta", channels)?;
        let (columns, parts) = grad_sums(gpu, packed, [x, dy], relu)?;
        let call = Call::joining(FILE, "batch_norm_learn", channels).real(packed).real(parts).real(dgamma).real(dbeta);
        call.count(columns.parts()).count(channels).run(gpu)
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
mod tests {
    use candle_core::{DType, Device};

    use super::super::emulation::{Emulated, on_emulated_gpu};
    use super::*;
    use crate::kernels::op::{apply1, apply2};
    use crate::rng::CounterRng;

    /// What a plan does on a GPU gives the bits of the kernels one by one.
    #[test]
    fn joined_kernels_give_the_bits_of_single_ones() {
        for dtype in [DType::F32, DType::BF16] {
            let (rows, channels) = (333, 24);
            let draw = |name: &str, len: usize, dtype: DType| {
                let data: Vec<f32> = (0..len as u64).map(|i| CounterRng::new(6, name).normal(i) as f32).collect();
                Tensor::from_vec(data, len, &Device::Cpu).unwrap().to_dtype(dtype).unwrap()
            };
            let (x, dy) = (draw("x", rows * channels, dtype), draw("dy", rows * channels, dtype));
            let of_channels = |name: &str| draw(name, channels, DType::F32);
            let (gamma, beta) = (of_channels("gamma"), of_channels("beta"));
            let (eps, momentum, relu) = (1e-5, 0.1, true);
            let run = |joined: bool| {
                let packed = Tensor::zeros(BN_ROWS * channels, DType::F32, &Device::Cpu).unwrap();
                let [mean, var, dgamma, dbeta] = ["mean", "var", "dgamma", "dbeta"].map(of_channels);
                let (done, seen) = on_emulated_gpu(|| match joined {
                    true => prepare([&packed, &x, &mean, &var, &gamma, &beta], eps, momentum)
                        .and_then(|()| learn([&packed, &x, &dy, &dgamma, &dbeta], relu)),
                    false => apply1(BnStatistics { eps }, &packed, &x)
                        .and_then(|()| {
                            apply1(BnUpdateRunning { which: RunningStatistic::Mean, momentum, rows }, &mean, &packed)
                        })
                        .and_then(|()| {
                            apply1(BnUpdateRunning { which: RunningStatistic::Variance, momentum, rows }, &var, &packed)
                        })
                        .and_then(|()| apply2(BnAffine, &packed, &gamma, &beta))
                        .and_then(|()| apply2(BnReduceGrad { relu }, &packed, &x, &dy))
                        .and_then(|()| apply1(BnParamGrad(AffineParam::Gamma), &dgamma, &packed))
                        .and_then(|()| apply1(BnParamGrad(AffineParam::Beta), &dbeta, &packed)),
                });
                done.unwrap();
                assert_eq!(seen.values().sum::<usize>(), if joined { 4 } else { 9 });
                [packed, mean, var, dgamma, dbeta].map(|tensor| tensor.to_vec1::<f32>().unwrap())
            };
            assert!(run(true) == run(false), "{dtype:?}");
        }
    }

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
