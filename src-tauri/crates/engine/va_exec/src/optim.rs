//! Optimiser steps and gradient clipping on the host: a fixed number of passes over the flat tensors. On a GPU a whole update is
//! one ([`Network::update`]).

use candle_core::{DType, Storage, Tensor};
use va_error::{Error, Result};

use crate::error::CandleContext;
use crate::groups::ParamGroup;
use crate::kernels::flat::{AdamApply, AdamMoments, MoveTowards, Scale, SgdApply, SgdVelocity, sum_of_squares};
use crate::kernels::op::{apply0, apply1, apply2};
use crate::kernels::real::Element;
use crate::network::Network;

/// AdamW (Loshchilov & Hutter 2019): decay is decoupled and leaves one-dimensional parameters alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdamW {
    pub lr: f64,
    pub beta1: f64,
    pub beta2: f64,
    pub eps: f64,
    pub weight_decay: f64,
}

impl Default for AdamW {
    fn default() -> Self {
        Self { lr: 1e-3, beta1: 0.9, beta2: 0.999, eps: 1e-8, weight_decay: 0.01 }
    }
}

impl AdamW {
    /// A fresh state for this network: first and second moments, `[2, P]`.
    ///
    /// # Errors
    /// Only when memory runs out.
    pub fn new_state(network: &Network) -> Result<Tensor> {
        Tensor::zeros((2, network.layout().param_len()), network.dtype(), network.device()).engine("optimiser state")
    }

    /// One step of all parameters from `network.grads()`; `step` counts from 1.
    ///
    /// # Errors
    /// As [`AdamW::step_groups`].
    pub fn step(&self, network: &Network, state: &mut Tensor, step: u64) -> Result<()> {
        self.step_groups(network, state, step, network.layout().groups(|_| 1.0))
    }

    /// As [`AdamW::step`], with decay, learning rate and beginning by group ([`crate::FlatLayout::groups`]). Parameters
    /// whose rate is 0 stay as they are; moments follow the gradient whatever the rate.
    ///
    /// # Errors
    /// `InvalidInput` when the state or the groups are not of this network, a group that moves began no step before `step`,
    /// which counts from 1, or the network is on a GPU.
    pub fn step_groups(&self, network: &Network, state: &mut Tensor, step: u64, groups: Vec<ParamGroup>) -> Result<()> {
        ensure_on_host(network)?;
        check_groups(&groups, network)?;
        check_state(state, &[2, network.layout().param_len()], network.dtype())?;
        if groups.iter().any(|group| group.rate != 0.0 && group.idle_steps >= step) {
            return Err(Error::invalid(
                "optimiser steps count from 1, and from the step in which a group begins to move",
            ));
        }
        self.apply(network.params(), network.grads(), state, step, groups)
    }

    /// [`AdamW::step_groups`] of tensors that fit each other.
    pub(crate) fn apply(
        &self,
        params: &Tensor,
        grads: &Tensor,
        state: &Tensor,
        step: u64,
        groups: Vec<ParamGroup>,
    ) -> Result<()> {
        let apply = AdamApply {
            lr: self.lr,
            eps: self.eps,
            weight_decay: self.weight_decay,
            betas: [self.beta1, self.beta2],
            step,
            groups,
        };
        apply1(AdamMoments { beta1: self.beta1, beta2: self.beta2 }, state, grads)
            .and_then(|()| apply1(apply, params, state))
            .engine("AdamW step")
    }
}

/// Stochastic gradient descent with momentum as PyTorch defines it; decay is added to the gradient, and leaves
/// one-dimensional parameters alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    pub lr: f64,
    pub momentum: f64,
    pub nesterov: bool,
    pub weight_decay: f64,
}

impl Sgd {
    /// A fresh velocity for this network, `[P]`.
    ///
    /// # Errors
    /// Only when memory runs out.
    pub fn new_state(network: &Network) -> Result<Tensor> {
        Tensor::zeros(network.layout().param_len(), network.dtype(), network.device()).engine("optimiser state")
    }

    /// One step of all parameters from `network.grads()`; the step count does not matter, it is there to match
    /// [`AdamW::step`].
    ///
    /// # Errors
    /// As [`Sgd::step_groups`].
    pub fn step(&self, network: &Network, velocity: &mut Tensor, _step: u64) -> Result<()> {
        self.step_groups(network, velocity, network.layout().groups(|_| 1.0))
    }

    /// As [`Sgd::step`], with decay and learning rate by group ([`crate::FlatLayout::groups`]). Parameters whose rate is 0
    /// stay as they are, and so does their velocity.
    ///
    /// # Errors
    /// `InvalidInput` when the velocity or the groups are not of this network, or that is on a GPU.
    pub fn step_groups(&self, network: &Network, velocity: &mut Tensor, groups: Vec<ParamGroup>) -> Result<()> {
        ensure_on_host(network)?;
        check_groups(&groups, network)?;
        check_state(velocity, &[network.layout().param_len()], network.dtype())?;
        self.apply(network.params(), network.grads(), velocity, groups)
    }

    /// [`Sgd::step_groups`] of tensors that fit each other.
    pub(crate) fn apply(
        &self,
        params: &Tensor,
        grads: &Tensor,
        velocity: &Tensor,
        groups: Vec<ParamGroup>,
    ) -> Result<()> {
        let (momentum, weight_decay) = (self.momentum, self.weight_decay);
        let apply = SgdApply { lr: self.lr, momentum, nesterov: self.nesterov, weight_decay, groups: groups.clone() };
        apply2(SgdVelocity { momentum, weight_decay, groups }, velocity, grads, params)
            .and_then(|()| apply2(apply, params, grads, velocity))
            .engine("SGD step")
    }
}

/// Euclidean norm of all gradients (f64 sum in a fixed order); scales them down to `max_norm` if they are longer. A
/// norm that is not finite is returned and nothing is scaled.
///
/// # Errors
/// When `grads` is not a contiguous f32 or f64 tensor on the CPU.
pub fn clip_grad_norm(grads: &Tensor, max_norm: Option<f64>) -> Result<f64> {
    let norm = norm(grads).engine("gradient norm")?;
    match max_norm {
        // PyTorch's formula, so that both clip alike.
        Some(max) if norm.is_finite() && max / (norm + 1e-6) < 1.0 => {
            apply0(Scale(max / (norm + 1e-6)), grads).engine("gradient clipping")?;
        }
        _ => {}
    }
    Ok(norm)
}

/// One step of an exponential moving average: `average ← decay · average + (1 - decay) · values`, in place.
///
/// # Errors
/// When the two are not contiguous tensors of the same length and number type on the CPU.
pub fn update_average(average: &Tensor, values: &Tensor, decay: f64) -> Result<()> {
    if average.elem_count() == 0 && values.elem_count() == 0 {
        return Ok(());
    }
    apply1(MoveTowards(1.0 - decay), average, values).engine("moving average")
}

fn norm(tensor: &Tensor) -> candle_core::Result<f64> {
    let tensor = tensor.contiguous()?;
    let (storage, layout) = tensor.storage_and_layout();
    let Storage::Cpu(storage) = &*storage else { candle_core::bail!("expected a tensor on the CPU") };
    let Some((start, end)) = layout.contiguous_offsets() else { candle_core::bail!("expected a contiguous tensor") };
    let squares = match tensor.dtype() {
        DType::F64 => sum_of_squares(&f64::slice(storage)?[start..end]),
        _ => sum_of_squares(&f32::slice(storage)?[start..end]),
    };
    Ok(squares.sqrt())
}

fn ensure_on_host(network: &Network) -> Result<()> {
    if network.device().is_cpu() {
        return Ok(());
    }
    Err(Error::invalid("optimiser steps by themselves run on the CPU; for a network on a GPU ask for a whole update"))
}

fn check_state(state: &Tensor, shape: &[usize], dtype: DType) -> Result<()> {
    if state.dims() == shape && state.dtype() == dtype {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "optimiser state is {:?} {:?}, expected {shape:?} {dtype:?}",
        state.dims(),
        state.dtype()
    )))
}

pub(crate) fn check_groups(groups: &[ParamGroup], network: &Network) -> Result<()> {
    let mut at = 0;
    for group in groups {
        if group.range.start != at || group.range.is_empty() || !group.rate.is_finite() {
            return Err(Error::invalid(
                "the parameter groups leave gaps, overlap, are empty or have a rate that is no number",
            ));
        }
        at = group.range.end;
    }
    if at != network.layout().param_len() {
        return Err(Error::invalid("the parameter groups are of another network"));
    }
    Ok(())
}
