//! Optimiser steps over the flat parameters, and their norm.

use candle_core::Result;

use super::{Buffer, Call, DeviceKernel, Gpu, Number};
use crate::groups::ParamGroup;
use crate::kernels::flat::{AdamApply, AdamMoments, MoveTowards, SgdApply, SgdVelocity};
use crate::kernels::op::SliceKernel;

const FILE: &str = "optimiser";

/// Numbers whose squares one block sums.
pub(super) const PART: usize = 1 << 14;

/// Groups as `Group` of `gpu/optimiser.cu`; `treat` gives rate, decay and root.
fn upload(gpu: &dyn Gpu, groups: &[ParamGroup], treat: impl Fn(&ParamGroup) -> [f64; 3]) -> Result<u64> {
    let words = groups.iter().flat_map(|group| {
        let [rate, decay, root] = treat(group).map(|v| (v as f32).to_bits());
        [group.range.end as u32, rate, decay, root]
    });
    gpu.upload(&words.collect::<Vec<u32>>())
}

/// Rate, decay and root of AdamW.
pub(super) fn adam_treatment(group: &ParamGroup, lr: f64, weight_decay: f64, betas: [f64; 2], step: u64) -> [f64; 3] {
    if group.rate == 0.0 {
        return [0.0, 1.0, 1.0];
    }
    let t = (step - group.idle_steps) as f64;
    let [first, second] = betas.map(|beta| 1.0 - beta.powf(t));
    let lr = lr * group.rate;
    [lr / first, if group.decay { 1.0 - lr * weight_decay } else { 1.0 }, second.sqrt()]
}

impl DeviceKernel<1> for AdamMoments {
    fn run_on(&self, gpu: &dyn Gpu, state: Buffer, [grad]: [Buffer; 1]) -> Result<()> {
        state.expect(Self::NAME, "state", 2 * grad.len)?;
        let call = Call::over(FILE, "adam_moments", Number::F32, grad.len).real(state).real(grad);
        let call = call.float(self.beta1).float(1.0 - self.beta1).float(self.beta2).float(1.0 - self.beta2);
        call.count(grad.len).run(gpu)
    }
}

impl DeviceKernel<1> for AdamApply {
    fn run_on(&self, gpu: &dyn Gpu, params: Buffer, [state]: [Buffer; 1]) -> Result<()> {
        state.expect(Self::NAME, "state", 2 * params.len)?;
        let treat = |group: &ParamGroup| adam_treatment(group, self.lr, self.weight_decay, self.betas, self.step);
        let groups = upload(gpu, &self.groups, treat)?;
        let call = Call::over(FILE, "adam_apply", Number::F32, params.len).real(params).real(state).pointer(groups);
        call.count(self.groups.len()).float(self.eps).count(params.len).run(gpu)
    }
}

impl DeviceKernel<2> for SgdVelocity {
    fn run_on(&self, gpu: &dyn Gpu, velocity: Buffer, [grad, params]: [Buffer; 2]) -> Result<()> {
        grad.expect(Self::NAME, "gradient", velocity.len)?;
        params.expect(Self::NAME, "parameters", velocity.len)?;
        let decay = |group: &ParamGroup| if group.decay { self.weight_decay } else { 0.0 };
        let groups = upload(gpu, &self.groups, |group| [group.rate, decay(group), 1.0])?;
        let call = Call::over(FILE, "sgd_velocity", Number::F32, velocity.len).real(velocity).real(grad).real(params);
        call.pointer(groups).count(self.groups.len()).float(self.momentum).count(velocity.len).run(gpu)
    }
}

impl DeviceKernel<2> for SgdApply {
    fn run_on(&self, gpu: &dyn Gpu, params: Buffer, [grad, velocity]: [Buffer; 2]) -> Result<()> {
        grad.expect(Self::NAME, "gradient", params.len)?;
        velocity.expect(Self::NAME, "velocity", params.len)?;
        let decay = |group: &ParamGroup| if group.decay { self.weight_decay } else { 0.0 };
        let groups = upload(gpu, &self.groups, |group| [self.lr * group.rate, decay(group), 1.0])?;
        let call = Call::over(FILE, "sgd_apply", Number::F32, params.len).real(params).real(grad).real(velocity);
        let call = call.pointer(groups).count(self.groups.len()).float(self.momentum).flag(self.nesterov);
        call.count(params.len).run(gpu)
    }
}

impl DeviceKernel<1> for MoveTowards {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x]: [Buffer; 1]) -> Result<()> {
        x.expect(Self::NAME, "source", y.len)?;
        let call = Call::over(FILE, "move_towards", Number::F32, y.len).real(y).real(x);
        call.float(self.0).count(y.len).run(gpu)
    }
}

/// Sums of squares of each [`PART`], in f64.
pub(super) fn squares(gpu: &dyn Gpu, sums: Buffer, x: Buffer) -> Result<()> {
    let call = Call::by_row(FILE, "squares", Number::F32, x.len.div_ceil(PART)).double(sums).real(x);
    call.count(PART).count(x.len).run(gpu)
}

/// Sum of squares in f64, parts joined in order. Waits for the device.
pub(crate) fn sum_of_squares(gpu: &dyn Gpu, x: Buffer) -> Result<f64> {
    let parts = x.len.div_ceil(PART);
    let sums = gpu.scratch(Number::F64, parts)?;
    squares(gpu, sums, x)?;
    Ok(gpu.download(sums)?.iter().sum())
}
