use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;
use va_domain::TrainSettings;
use va_error::{Code, Error, Result};
use va_exec::{Learned, Mode, Network, Precision};

use crate::TrainHost;
use crate::average::Average;
use crate::diagnose::{Broken, broken_weight, first_broken_gradient, first_broken_layer};
use crate::feed::Feed;
use crate::kept::KeptStatistics;
use crate::learning_task::LearningTask;
use crate::optimiser::{Moment, RunOptimiser, head};

/// The numbers that training changes: network, optimiser state, running average.
pub(crate) struct Learner {
    pub net: Network,
    /// The same numbers in f32, for validation; None where the network trains in f32.
    evaluator: Option<Network>,
    pub optimiser: RunOptimiser,
    kept: KeptStatistics,
    /// With one, it is what is validated and exported.
    pub average: Option<Average>,
    pub task: Arc<dyn LearningTask>,
    /// Samples of one forward and backward.
    pub micro_batch: usize,
}

/// What a part of the batch was asked, and its answer.
struct Part {
    range: Range<usize>,
    key: u64,
    learned: Learned,
}

/// What a training step is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct StepPlan {
    pub at: Moment,
    /// Of dropout's draws.
    pub key: u64,
}

/// What one optimiser step says of itself.
pub(crate) struct StepReport {
    pub loss: f64,
    pub grad_norm: f64,
    pub correct: u64,
}

impl Learner {
    pub fn new(net: Network, task: Arc<dyn LearningTask>, settings: &TrainSettings) -> Result<Self> {
        let optimiser = RunOptimiser::new(&net, settings)?;
        let micro_batch = settings.batch_size as usize;
        let evaluator = match net.precision() {
            Precision::F32 | Precision::F64 => None,
            Precision::Bf16 => Some(net.sharing(Precision::F32)?),
        };
        let kept = KeptStatistics::of(&net)?;
        Ok(Self { net, evaluator, optimiser, kept, average: None, task, micro_batch })
    }

    /// Begins the running average with the weights as they are now.
    pub fn begin_average(&mut self, decay: f64) -> Result<()> {
        self.average = if decay > 0.0 { Some(Average::new(&self.net, decay)?) } else { None };
        self.optimiser.update.follow(self.average.as_ref().map(Average::tensors));
        Ok(())
    }

    /// Forward and backward of all micro-batches of the batch in use, and one optimiser step.
    ///
    /// # Errors
    /// `NotFinite`, naming step, layer and samples, when loss, gradient, weights or running statistics are no numbers.
    /// The network is then not to be kept. `TooLarge` when the memory of a GPU does not hold the step: everything but the
    /// gradients is then as it was before, to the last bit.
    pub fn train_step(&mut self, feed: &mut Feed, host: &mut dyn TrainHost, plan: StepPlan) -> Result<StepReport> {
        self.freeze_backbone(plan.at.freeze);
        self.kept.keep(&self.net)?;
        let parts = match self.run(feed, plan) {
            Err(error) if error.code() == Code::TooLarge => {
                self.forget_plans();
                self.kept.put_back(&mut self.net)?;
                return Err(error);
            }
            done => done?,
        };
        // A GPU has been told everything of this step; what follows waits for it.
        feed.ask_ahead(host);
        self.report(feed, &parts, plan).map_err(not_again)
    }

    /// Starts the whole step. On a GPU one recording where the batch is one part.
    fn run(&mut self, feed: &Feed, plan: StepPlan) -> Result<Vec<Part>> {
        let batch = feed.batch();
        let (task, average) = (Arc::clone(&self.task), self.average.as_ref());
        let targets = task.targets(batch)?;
        let at = self.optimiser.at(&self.net, plan.at, average.map_or(0.0, |average| average.decay_at(plan.at.step)));
        let (net, update) = (&mut self.net, &mut self.optimiser.update);
        if batch.len() <= self.micro_batch {
            net.set_step_key(plan.key);
            let wanted = targets.wanted(0..batch.len())?;
            let learned = net.learn_and_update(&feed.input(0..batch.len())?, &wanted, update, &at)?;
            return Ok(vec![Part { range: 0..batch.len(), key: plan.key, learned }]);
        }
        net.zero_grad()?;
        let mut found = Vec::new();
        for (part, range) in parts(batch.len(), self.micro_batch).enumerate() {
            let key = plan.key.wrapping_add((part as u64).wrapping_mul(0xd1b5_4a32_d192_ed03));
            net.set_step_key(key);
            let wanted = targets.wanted(range.clone())?;
            let learned = net.learn(&feed.input(range.clone())?, &wanted)?;
            found.push(Part { range, key, learned });
        }
        net.update(update, &at)?;
        Ok(found)
    }

    /// What the step was like; the first look at its numbers.
    fn report(&mut self, feed: &Feed, parts: &[Part], plan: StepPlan) -> Result<StepReport> {
        let (batch, step) = (feed.batch(), plan.at.step);
        let (mut loss, mut correct) = (0.0, 0);
        for Part { range, key, learned } in parts {
            let of_part = learned.loss()?;
            if !of_part.is_finite() {
                let layer = first_broken_layer(&mut self.net, &feed.input(range.clone())?, *key)?;
                return Err(Broken { what: "loss", step, layer }.error(batch));
            }
            loss += of_part;
            correct += self.task.correct(batch, &learned.logits, range.clone())?;
        }
        let found = self.optimiser.update.report()?;
        if !found.grad_norm.is_finite() {
            let layer = first_broken_gradient(&self.net)?;
            return Err(Broken { what: "gradient", step, layer }.error(batch));
        }
        for (what, is_finite) in
            [("largest weight", found.params_are_finite), ("running statistic", found.buffers_are_finite)]
        {
            if !is_finite {
                let layer = broken_weight(&self.net)?;
                return Err(Broken { what, step, layer }.error(batch));
            }
        }
        Ok(StepReport { loss, grad_norm: found.grad_norm, correct })
    }

    /// With a frozen backbone no gradient is computed below the last layer. Its batch norms go on to normalise by the
    /// batch and to follow it with their running statistics.
    fn freeze_backbone(&mut self, freeze: bool) {
        let trained = freeze.then(|| head(self.net.graph()).into_iter().collect());
        self.net.train_only(trained);
    }

    /// Logits `[M, K]` of the samples `range` with running statistics, in f32.
    pub fn evaluate(&mut self, feed: &Feed, range: Range<usize>) -> Result<Tensor> {
        let input = feed.input(range)?;
        self.evaluator.as_mut().unwrap_or(&mut self.net).forward(&input, Mode::Eval)
    }

    /// As [`Learner::evaluate`]; where the memory of a GPU does not hold it, once more without the plans of training, and
    /// then in halves.
    pub fn evaluate_that_fits(&mut self, feed: &Feed, range: Range<usize>) -> Result<Tensor> {
        for _ in 0..2 {
            match self.evaluate(feed, range.clone()) {
                Err(error) if error.code() == Code::TooLarge => self.forget_plans(),
                done => return done,
            }
        }
        if range.len() < 2 {
            return self.evaluate(feed, range);
        }
        let middle = range.start + range.len() / 2;
        let halves = [range.start..middle, middle..range.end].map(|half| self.evaluate_that_fits(feed, half));
        let [first, second] = halves;
        Tensor::cat(&[first?, second?], 0).map_err(|e| Error::internal("cannot join the halves").with_source(e))
    }

    /// Gives back the memory of activations.
    pub fn forget_plans(&mut self) {
        self.net.forget_plans();
        self.evaluator.iter_mut().for_each(Network::forget_plans);
    }

    /// The parts that a batch of this size is run in.
    pub fn parts(&self, len: usize) -> impl Iterator<Item = Range<usize>> + use<> {
        parts(len, self.micro_batch)
    }

    /// Puts the average, if there is one, in the place of the weights until [`Learner::hide_average`].
    pub fn show_average(&mut self) -> Result<()> {
        self.average.as_mut().map_or(Ok(()), |average| average.show(&mut self.net))
    }

    pub fn hide_average(&mut self) -> Result<()> {
        self.average.as_mut().map_or(Ok(()), |average| average.hide(&mut self.net))
    }
}

/// Weights and moments have moved, so the step must not be tried again.
fn not_again(error: Error) -> Error {
    if error.code() != Code::TooLarge {
        return error;
    }
    let message = "the memory of the GPU was full at the end of a step; close other programs on the GPU, then resume the \
                   run: the last checkpoint is untouched";
    Error::internal(message).with_source(error)
}

/// `0..len` in stretches of `size`, the last one what is left; a batch of none is one empty stretch, which is refused
/// where it is used.
fn parts(len: usize, size: usize) -> impl Iterator<Item = Range<usize>> + use<> {
    let size = size.max(1);
    (0..len.max(1)).step_by(size).map(move |start| start..(start + size).min(len))
}

#[cfg(test)]
mod tests {
    use super::parts;

    #[test]
    fn parts_cover_the_batch_in_order() {
        assert_eq!(parts(8, 3).collect::<Vec<_>>(), [0..3, 3..6, 6..8]);
        assert_eq!(parts(8, 8).collect::<Vec<_>>(), vec![0..8]);
        assert_eq!(parts(3, 8).collect::<Vec<_>>(), vec![0..3]);
        assert_eq!(parts(0, 8).count(), 1);
    }
}
