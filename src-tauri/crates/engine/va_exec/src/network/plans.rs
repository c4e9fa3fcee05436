//! The plans that a network keeps, and its weights as a GPU's products read them.

use va_error::Result;
use va_graph::NodeId;

use super::{Mode, Network};
use crate::device;
use crate::error::CandleContext;
use crate::plan::Plan;
use crate::weights::Weights;

/// Plans kept at a time; each holds the activations of one batch size and mode.
const PLANS: usize = 4;

impl Network {
    /// Bytes of activations and gradients of activations that a batch of this size needs, on a GPU also of the weights as its
    /// products read them; makes the plan where that takes no memory.
    ///
    /// # Errors
    /// When the plan cannot be made.
    pub fn activation_bytes(&mut self, batch: usize, mode: Mode) -> Result<usize> {
        if !self.device.is_cpu() {
            // The system takes memory only where it is touched; a GPU takes it at once, so nothing is reserved to count.
            return Plan::bytes(self, batch, mode);
        }
        let plan = self.plan(batch, mode, None)?;
        Ok(self.plans[plan].bytes)
    }

    /// Kernel calls of a forward and of a backward of a batch of this size; makes the plan.
    ///
    /// # Errors
    /// When the plan cannot be made.
    pub fn step_counts(&mut self, batch: usize, mode: Mode) -> Result<[usize; 2]> {
        let plan = self.plan(batch, mode, None)?;
        let plan = &self.plans[plan];
        Ok([plan.forward.len(), plan.backward.len()])
    }

    /// The plan used last.
    pub(crate) fn last_plan(&self) -> &Plan {
        self.plans.last().expect("BUG: a pass has been run")
    }

    /// Room for the weights as a GPU's products read them, and in a frozen network the weights themselves.
    fn make_weights(&mut self) -> Result<()> {
        if self.weights.is_none() && device::is_gpu(&self.device) {
            let weights = Weights::new(&self.graph, &self.layout, self.precision, &self.device)?;
            if self.frozen {
                weights.step(&self.params)().engine("laying out the weights")?;
            }
            self.weights = Some(weights);
        }
        Ok(())
    }

    /// What every forward pass begins with: the parameters may have changed.
    pub(crate) fn lay_out_each_time(&self) -> Option<impl Fn() -> candle_core::Result<()> + Send + Sync + 'static> {
        self.weights.as_ref().filter(|_| !self.frozen).map(|weights| weights.step(&self.params))
    }

    pub(crate) fn laid_out_bytes(&self) -> usize {
        if device::is_gpu(&self.device) { Weights::bytes(&self.graph, &self.layout, self.precision) } else { 0 }
    }

    /// Position of the plan for this batch, mode and layer, made if there is none; the most recently used is last.
    pub(crate) fn plan(&mut self, batch: usize, mode: Mode, layer: Option<NodeId>) -> Result<usize> {
        let fits = |plan: &Plan| (plan.batch, plan.mode, plan.layer) == (batch, mode, layer);
        if let Some(at) = self.plans.iter().position(fits) {
            let plan = self.plans.remove(at);
            self.plans.push(plan);
        } else {
            if self.plans.len() == PLANS {
                // The plan that a backward is waiting for holds its activations and stays.
                let idle = |plan: &Plan| plan.mode != Mode::Train || self.pending != Some(plan.batch);
                let oldest = self.plans.iter().position(idle).expect("BUG: only one plan can be pending");
                self.plans.remove(oldest);
            }
            self.make_weights()?;
            self.plans.push(Plan::new(self, batch, mode, layer)?);
        }
        Ok(self.plans.len() - 1)
    }
}
