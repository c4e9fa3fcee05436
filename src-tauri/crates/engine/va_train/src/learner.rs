use std::ops::Range;
use std::sync::Arc;

use candle_core::Tensor;
use va_dataset::Batch;
use va_domain::TrainSettings;
use va_error::{Code, Error, Result};
use va_exec::{Mode, Network, Precision, clip_grad_norm};

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
    /// None does not clip.
    clip_norm: Option<f64>,
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
        let clip_norm = (settings.clip_norm > 0.0).then_some(settings.clip_norm);
        let micro_batch = settings.batch_size as usize;
        let evaluator = match net.precision() {
            Precision::F32 | Precision::F64 => None,
            Precision::Bf16 => Some(net.sharing(Precision::F32)?),
        };
        let kept = KeptStatistics::of(&net)?;
        Ok(Self { net, evaluator, optimiser, kept, average: None, task, micro_batch, clip_norm })
    }

    /// Begins the running average with the weights as they are now.
    pub fn begin_average(&mut self, decay: f64) -> Result<()> {
        self.average = if decay > 0.0 { Some(Average::new(&self.net, decay)?) } else { None };
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
        let report = match self.report(feed, host, plan) {
            Err(error) if error.code() == Code::TooLarge => {
                self.forget_plans();
                self.kept.put_back(&mut self.net)?;
                return Err(error);
            }
            done => done?,
        };
        self.update(feed.batch(), plan.at, report.grad_norm).map_err(not_again)?;
        Ok(report)
    }

    /// Everything of a step that can be done again: gradients, clipped, and the next batch asked for.
    fn report(&mut self, feed: &mut Feed, host: &mut dyn TrainHost, plan: StepPlan) -> Result<StepReport> {
        let (loss, correct) = self.gradients(feed, plan)?;
        // A GPU is at the last backward now; the norm waits for it.
        feed.ask_ahead(host);
        let grad_norm = clip_grad_norm(self.net.grads(), self.clip_norm)?;
        Ok(StepReport { loss, grad_norm, correct })
    }

    /// Moves the weights by the gradients, whose norm this is.
    fn update(&mut self, batch: &Batch, at: Moment, grad_norm: f64) -> Result<()> {
        if !grad_norm.is_finite() {
            let layer = first_broken_gradient(&self.net)?;
            return Err(Broken { what: "gradient", step: at.step, layer }.error(batch));
        }
        self.optimiser.step(&self.net, at)?;
        // A norm is finite exactly if every number is.
        for (what, numbers) in [("largest weight", self.net.params()), ("running statistic", self.net.buffers())] {
            if !clip_grad_norm(numbers, None)?.is_finite() {
                let layer = broken_weight(&self.net)?;
                return Err(Broken { what, step: at.step, layer }.error(batch));
            }
        }
        if let Some(average) = &self.average {
            average.update(&self.net, at.step)?;
        }
        Ok(())
    }

    /// With a frozen backbone no gradient is computed below the last layer. Its batch norms go on to normalise by the
    /// batch and to follow it with their running statistics.
    fn freeze_backbone(&mut self, freeze: bool) {
        let trained = freeze.then(|| head(self.net.graph()).into_iter().collect());
        self.net.train_only(trained);
    }

    /// Loss and correct predictions of the batch; its gradient is then the network's.
    fn gradients(&mut self, feed: &Feed, plan: StepPlan) -> Result<(f64, u64)> {
        let batch = feed.batch();
        let task = Arc::clone(&self.task);
        let targets = task.targets(batch)?;
        self.net.zero_grad()?;
        let (mut loss, mut correct) = (0.0, 0);
        for (part, range) in parts(batch.len(), self.micro_batch).enumerate() {
            let input = feed.input(range.clone())?;
            let key = plan.key.wrapping_add((part as u64).wrapping_mul(0xd1b5_4a32_d192_ed03));
            self.net.set_step_key(key);
            let logits = self.net.forward(&input, Mode::Train)?;
            let found = targets.loss_and_grad(&logits, range.clone())?;
            if !found.loss.is_finite() {
                let layer = first_broken_layer(&mut self.net, &input, key)?;
                return Err(Broken { what: "loss", step: plan.at.step, layer }.error(batch));
            }
            self.net.backward(&found.grad)?;
            loss += found.loss;
            correct += targets.correct(&logits, range)?;
        }
        Ok((loss, correct))
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

/// The optimiser asks for no memory that the backward had not; should it fail all the same, weights and moments may have
/// moved, so the step must not be tried again.
fn not_again(error: Error) -> Error {
    if error.code() != Code::TooLarge {
        return error;
    }
    let message = "the memory of the GPU was full while the weights moved; close other programs on the GPU, then resume the \
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
