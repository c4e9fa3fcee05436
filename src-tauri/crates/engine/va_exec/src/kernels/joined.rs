//! Kernels that come one after the other around a batch norm, with the sum that its result goes into (the end of a residual
//! block): one by one on the CPU, joined on a GPU, where memory and starts are what costs, to the same bits.

use candle_core::{Result, Tensor};

use crate::device;

/// What training does before it normalises: [`BnStatistics`](super::batch_norm::BnStatistics) of x, running mean and variance
/// moved, [`BnAffine`](super::batch_norm::BnAffine).
///
/// # Errors
/// When lengths or number types do not fit, or the device fails; so of the others.
pub fn prepare(tensors: [&Tensor; 6], eps: f64, momentum: f64) -> Result<()> {
    if device::computes_on(tensors[0]) {
        return device::batch_norm::prepare(tensors, eps, momentum);
    }
    single::prepare(tensors, eps, momentum)
}

/// `y = x · scale + shift + addend`, then `max(·, 0)` if `relu`.
pub fn apply_add([y, x, packed, addend]: [&Tensor; 4], relu: bool) -> Result<()> {
    if device::computes_on(packed) {
        return device::batch_norm::apply_add([y, x, packed, addend], relu);
    }
    single::apply_add([y, x, packed, addend], relu)
}

/// `Σ dy` and `Σ dy · x̂` into the packed scratch, and added to the gradients of beta and gamma; with `relu` dy is what the ReLU
/// after the batch norm let through.
pub fn learn(tensors: [&Tensor; 5], relu: bool) -> Result<()> {
    if device::computes_on(tensors[0]) {
        return device::batch_norm::learn(tensors, relu);
    }
    single::learn(tensors, relu)
}

/// dy becomes what the ReLU of a sum with the result y let through; then [`learn`].
pub fn learn_masked([packed, x, dy, y, dgamma, dbeta]: [&Tensor; 6]) -> Result<()> {
    if device::computes_on(packed) {
        return device::batch_norm::learn_masked([packed, x, dy, y, dgamma, dbeta]);
    }
    single::learn_masked([packed, x, dy, y, dgamma, dbeta])
}

/// [`BnInputGrad`](super::batch_norm::BnInputGrad) from dy, which stays, into dx.
pub fn input_grad([dx, dy, x, packed]: [&Tensor; 4]) -> Result<()> {
    if device::computes_on(packed) {
        return device::batch_norm::input_grad([dx, dy, x, packed]);
    }
    single::input_grad([dx, dy, x, packed])
}

/// The same, one kernel after the other.
pub(crate) mod single {
    use candle_core::{Result, Tensor};

    use crate::kernels::activation::{Activation, ActivationGrad};
    use crate::kernels::batch_norm::{
        AffineParam, BN_ROWS, BnAffine, BnApply, BnInputGrad, BnParamGrad, BnReduceGrad, BnStatistics, BnUpdateRunning,
        RunningStatistic,
    };
    use crate::kernels::elementwise::{AddAssign, Copy};
    use crate::kernels::op::{apply1, apply2};

    pub fn prepare([packed, x, mean, var, gamma, beta]: [&Tensor; 6], eps: f64, momentum: f64) -> Result<()> {
        let rows = x.elem_count() / (packed.elem_count() / BN_ROWS).max(1);
        let running = |which| BnUpdateRunning { which, momentum, rows };
        apply1(BnStatistics { eps }, packed, x)?;
        apply1(running(RunningStatistic::Mean), mean, packed)?;
        apply1(running(RunningStatistic::Variance), var, packed)?;
        apply2(BnAffine, packed, gamma, beta)
    }

    pub fn apply_add([y, x, packed, addend]: [&Tensor; 4], relu: bool) -> Result<()> {
        apply2(BnApply { relu: false }, y, x, packed)?;
        apply1(AddAssign { relu }, y, addend)
    }

    pub fn learn([packed, x, dy, dgamma, dbeta]: [&Tensor; 5], relu: bool) -> Result<()> {
        apply2(BnReduceGrad { relu }, packed, x, dy)?;
        apply1(BnParamGrad(AffineParam::Gamma), dgamma, packed)?;
        apply1(BnParamGrad(AffineParam::Beta), dbeta, packed)
    }

    pub fn learn_masked([packed, x, dy, y, dgamma, dbeta]: [&Tensor; 6]) -> Result<()> {
        apply1(ActivationGrad(Activation::Relu), dy, y)?;
        learn([packed, x, dy, dgamma, dbeta], false)
    }

    pub fn input_grad([dx, dy, x, packed]: [&Tensor; 4]) -> Result<()> {
        apply1(Copy, dx, dy)?;
        apply2(BnInputGrad { relu: false }, dx, x, packed)
    }
}
