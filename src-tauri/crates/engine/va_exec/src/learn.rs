//! Training steps: forward, gradient of the loss, backward and update, on a GPU as one recording that is started once.

use candle_core::{DType, Device, Tensor};
use va_error::{Error, Result};

use crate::error::CandleContext;
use crate::flat;
use crate::kernels::elementwise::Copy;
use crate::kernels::op::apply1;
use crate::network::{Mode, Network};
use crate::plan::Plan;
use crate::update::{Update, UpdateAt};
use crate::wanted::Wanted;

/// What a batch in training gave, in tensors of their own; on a GPU perhaps not computed yet.
#[derive(Debug, Clone)]
pub struct Learned {
    /// `[N, K]`.
    pub logits: Tensor,
    /// Of each row, `[N]`: they add up to the loss.
    pub losses: Tensor,
}

impl Learned {
    /// The loss, as [`Wanted::loss`] of the logits; one that is not finite is returned as it is. On a GPU this waits.
    ///
    /// # Errors
    /// When the device fails.
    pub fn loss(&self) -> Result<f64> {
        // Cast on the host: a device asks for memory to cast, and a step is over when its loss is read.
        let losses = self.losses.to_device(&Device::Cpu).and_then(|here| here.to_dtype(DType::F64)?.to_vec1::<f64>());
        Ok(losses.engine("reading the losses")?.iter().sum())
    }
}

impl Network {
    /// Forward of a batch in training, its loss, the gradient, and the backward, which adds to [`Network::grads`]. Where a
    /// logit is no number, neither is the gradient.
    ///
    /// # Errors
    /// `InvalidInput` when batch or loss do not fit the network, `Conflict` when it is frozen, `TooLarge` when the memory of
    /// a GPU does not hold the batch.
    pub fn learn(&mut self, x: &Tensor, wanted: &Wanted) -> Result<Learned> {
        let plan = self.begin_learning(x, wanted)?;
        let learned = self.room(&self.plans[plan])?;
        self.plans[plan].learn()?;
        self.fill(learned, &self.plans[plan])
    }

    /// A whole training step from a batch: as [`Network::learn`] from gradients of zero, then [`Network::update`].
    ///
    /// # Errors
    /// As both. Where it is `TooLarge`, parameters and optimiser have not moved.
    pub fn learn_and_update(
        &mut self,
        x: &Tensor,
        wanted: &Wanted,
        update: &mut Update,
        at: &UpdateAt,
    ) -> Result<Learned> {
        let Some((id, steps)) = update.begin_on_device(self, at)? else {
            self.zero_grad()?;
            let learned = self.learn(x, wanted)?;
            self.update(update, at)?;
            return Ok(learned);
        };
        let plan = self.begin_learning(x, wanted)?;
        // Before the weights move: after, nothing may fail that could be tried again.
        let learned = self.room(&self.plans[plan])?;
        self.plans[plan].learn_and_update(id, &steps)?;
        update.has_run();
        self.fill(learned, &self.plans[plan])
    }

    /// Memory for what a plan gives.
    fn room(&self, plan: &Plan) -> Result<Learned> {
        let [logits, losses] = plan.learned().map(|flat| flat::zeros(flat.elem_count(), flat.dtype(), flat.device()));
        let shape = (plan.batch, self.graph().output_shape()[0]);
        let logits = logits.and_then(|logits| logits.reshape(shape)).engine("making room for the logits")?;
        Ok(Learned { logits, losses: losses.engine("making room for the losses")? })
    }

    fn fill(&self, learned: Learned, plan: &Plan) -> Result<Learned> {
        let [logits, losses] = plan.learned();
        apply1(Copy, &learned.logits, logits)
            .and_then(|()| apply1(Copy, &learned.losses, losses))
            .engine("the logits")?;
        Ok(learned)
    }

    /// Everything that a pass reads is written: the batch, what it should say, the keys of random draws.
    fn begin_learning(&mut self, x: &Tensor, wanted: &Wanted) -> Result<usize> {
        self.ensure_thawed()?;
        let batch = self.check_input(x)?;
        if self.graph().output_shape() != [wanted.classes] || wanted.rows != batch {
            return Err(Error::invalid(format!(
                "a loss of {} rows of {} classes for a batch of {batch} and a result of {:?}",
                wanted.rows,
                wanted.classes,
                self.graph().output_shape()
            )));
        }
        let (at, records) = (self.plan(batch, Mode::Train, None)?, self.replays());
        self.pending = None;
        self.plans[at].want(&self.grads, records, wanted)?;
        let plan = &self.plans[at];
        plan.draws.begin(self.step_key).engine("writing the keys of a step")?;
        self.read_input(plan, x)?;
        Ok(at)
    }
}
