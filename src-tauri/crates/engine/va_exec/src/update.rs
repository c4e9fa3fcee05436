//! What a training step does once, whatever its batch: the gradient's norm and clipping, the optimiser, the running average,
//! and a look for numbers that are none. On the CPU call by call, on a GPU as part of the step's recording.

use std::sync::atomic::{AtomicU64, Ordering};

use candle_core::{Tensor, TensorId};
use va_error::{Error, Result};

use crate::device::DeviceUpdate;
use crate::error::CandleContext;
use crate::flat;
use crate::groups::ParamGroup;
use crate::network::Network;
use crate::optim::{AdamW, Sgd, check_groups, clip_grad_norm, update_average};
use crate::plan::{Pass, Recordings, Step};

/// How parameters follow their gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    AdamW(AdamW),
    Sgd(Sgd),
}

/// What differs between steps.
#[derive(Debug, Clone, PartialEq)]
pub struct UpdateAt {
    pub rule: Rule,
    /// From 1.
    pub step: u64,
    /// As [`crate::FlatLayout::groups`] gives them.
    pub groups: Vec<ParamGroup>,
    /// Gradients that are longer are scaled down to this; None does not clip.
    pub clip_norm: Option<f64>,
    /// What the running average keeps of itself; meaningless without one.
    pub average_decay: f64,
}

/// What an update found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct UpdateReport {
    /// Before clipping, in f64. Where it is no number, nothing has moved.
    pub grad_norm: f64,
    /// Whether all parameters are numbers.
    pub params_are_finite: bool,
    /// Whether all running statistics are numbers.
    pub buffers_are_finite: bool,
}

impl UpdateReport {
    fn of([grad_norm, params, buffers]: [f64; 3]) -> Self {
        // A sum of squares is finite exactly if every number is: squares of f32 cannot overflow f64.
        Self { grad_norm, params_are_finite: params.is_finite(), buffers_are_finite: buffers.is_finite() }
    }
}

/// What an update reads and moves: flat parameters and gradients `[P]`, running statistics `[B]`, the optimiser's state
/// (AdamW: first and second moments `[2, P]`; SGD: velocity `[P]`), averages of parameters and running statistics.
#[derive(Debug, Clone)]
pub(crate) struct Moved {
    pub params: Tensor,
    pub grads: Tensor,
    pub buffers: Tensor,
    pub state: Tensor,
    pub average: Option<[Tensor; 2]>,
}

impl Moved {
    /// One update, call by call.
    pub fn on_host(&self, at: &UpdateAt) -> Result<UpdateReport> {
        let grad_norm = clip_grad_norm(&self.grads, at.clip_norm)?;
        if !grad_norm.is_finite() {
            return Ok(UpdateReport::of([grad_norm, 0.0, 0.0]));
        }
        match at.rule {
            Rule::AdamW(adam) => adam.apply(&self.params, &self.grads, &self.state, at.step, at.groups.clone())?,
            Rule::Sgd(sgd) => sgd.apply(&self.params, &self.grads, &self.state, at.groups.clone())?,
        }
        if let Some([params, buffers]) = &self.average {
            update_average(params, &self.params, at.average_decay)?;
            update_average(buffers, &self.buffers, at.average_decay)?;
        }
        let norm = |numbers| clip_grad_norm(numbers, None);
        Ok(UpdateReport::of([grad_norm, norm(&self.params)?, norm(&self.buffers)?]))
    }
}

/// The optimiser of a network with its state.
pub struct Update {
    /// Which steps a recording holds; another after every change of the tensors.
    id: u64,
    is_adam: bool,
    /// AdamW: first and second moments `[2, P]`; SGD: velocity `[P]`.
    state: Tensor,
    /// Averages of parameters and buffers.
    average: Option<[Tensor; 2]>,
    /// Where the network is on a GPU: made at the first step.
    device: Option<OnDevice>,
    last: Last,
}

struct OnDevice {
    update: DeviceUpdate,
    /// By itself, after several parts.
    pass: Pass,
    /// Of the network, and whether its passes are recorded.
    params: TensorId,
    records: bool,
}

/// Where the report of the last update is.
enum Last {
    None,
    Host(UpdateReport),
    Device,
}

/// One that no other update of this process has.
fn new_id() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Update {
    /// A fresh state for this network.
    ///
    /// # Errors
    /// When memory runs out.
    pub fn new(network: &Network, rule: Rule) -> Result<Self> {
        let (is_adam, state) = match rule {
            Rule::AdamW(_) => (true, AdamW::new_state(network)?),
            Rule::Sgd(_) => (false, Sgd::new_state(network)?),
        };
        Ok(Self { id: new_id(), is_adam, state, average: None, device: None, last: Last::None })
    }

    /// AdamW: first and second moments `[2, P]`; SGD: velocity `[P]`. The storage itself.
    pub fn state(&self) -> &Tensor {
        &self.state
    }

    /// Copies a state in, bit for bit.
    ///
    /// # Errors
    /// `InvalidInput` when shape or number type differ.
    pub fn set_state(&mut self, state: &Tensor) -> Result<()> {
        self.ensure_fits(state)?;
        flat::copy_into(&self.state, state).engine("setting the optimiser's state")
    }

    /// # Errors
    /// `InvalidInput` when [`Update::set_state`] would refuse the state.
    pub fn ensure_fits(&self, state: &Tensor) -> Result<()> {
        match state.dims() == self.state.dims() && state.dtype() == self.state.dtype() {
            true => Ok(()),
            false => Err(Error::invalid("the optimiser state has another size than this network's")),
        }
    }

    /// From now on each update moves these averages of parameters `[P]` and buffers `[B]`, the storage itself; with None none.
    pub fn follow(&mut self, average: Option<[Tensor; 2]>) {
        (self.id, self.average, self.device, self.last) = (new_id(), average, None, Last::None);
    }

    /// What the last update found. On a GPU this waits for it.
    ///
    /// # Errors
    /// `Conflict` when there was none; when the device fails.
    pub fn report(&self) -> Result<UpdateReport> {
        match (&self.last, &self.device) {
            (Last::Host(found), _) => Ok(*found),
            (Last::Device, Some(on)) => on.update.report().engine("reading what an update found").map(UpdateReport::of),
            _ => Err(Error::conflict("there was no update, or the last one failed")),
        }
    }

    /// What a GPU has recorded of updates by themselves.
    pub fn recordings(&self) -> Recordings {
        let mut recordings = Recordings::default();
        self.device.iter().for_each(|on| on.pass.tell(&mut recordings));
        recordings
    }

    fn check(&self, network: &Network, at: &UpdateAt) -> Result<()> {
        if matches!(at.rule, Rule::AdamW(_)) != self.is_adam {
            return Err(Error::invalid("the optimiser's state is that of another rule"));
        }
        check_groups(&at.groups, network)?;
        if at.groups.iter().any(|group| group.rate != 0.0 && group.idle_steps >= at.step) {
            return Err(Error::invalid(
                "optimiser steps count from 1, and from the step in which a group begins to move",
            ));
        }
        Ok(())
    }

    /// Writes what the update on a device follows; gives the id and the steps of its pass, None where the host computes.
    pub(crate) fn begin_on_device(&mut self, network: &Network, at: &UpdateAt) -> Result<Option<(u64, Vec<Step>)>> {
        self.check(network, at)?;
        self.last = Last::None;
        let (params, records) = (network.params().id(), network.replays());
        if !self.device.as_ref().is_some_and(|on| (on.params, on.records) == (params, records)) {
            (self.id, self.device) = (new_id(), None);
            // Where parameters are, the groups are no more than they.
            let groups = network.layout().params().len();
            let update = DeviceUpdate::of(&self.moved(network), groups).engine("preparing an update")?;
            self.device = update.map(|update| {
                let pass = Pass::new("update", update.steps(), network.device(), records);
                OnDevice { update, pass, params, records }
            });
        }
        let Some(on) = &self.device else { return Ok(None) };
        on.update.begin(at).engine("writing what an update follows")?;
        Ok(Some((self.id, on.pass.steps().to_vec())))
    }

    fn moved(&self, network: &Network) -> Moved {
        Moved {
            params: network.params().clone(),
            grads: network.grads().clone(),
            buffers: network.buffers().clone(),
            state: self.state.clone(),
            average: self.average.clone(),
        }
    }

    /// Its steps have been asked of the device.
    pub(crate) fn has_run(&mut self) {
        self.last = Last::Device;
    }
}

impl Network {
    /// Clips the gradients, takes an optimiser's step, moves the running average and looks for numbers that are none, all of
    /// which [`Update::report`] tells. A gradient that is no number moves nothing.
    ///
    /// # Errors
    /// `InvalidInput` when groups or rule do not fit, `Conflict` when the network is frozen.
    pub fn update(&mut self, update: &mut Update, at: &UpdateAt) -> Result<()> {
        self.ensure_thawed()?;
        if update.begin_on_device(self, at)?.is_none() {
            update.last = Last::Host(update.moved(self).on_host(at)?);
        } else if let Some(on) = &update.device {
            on.pass.run(self.device())?;
            update.has_run();
        }
        Ok(())
    }
}
