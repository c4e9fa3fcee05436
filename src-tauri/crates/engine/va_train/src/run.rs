use std::time::{Duration, Instant};

use va_dataset::{BatchRequest, Phase, RunLength, train_steps, val_steps};
use va_domain::{ScheduleKind, TrainSettings, WeightsReport};
use va_error::{Code, Error, Result};
use va_exec::NamedTensors;

use crate::checkpoint::{CheckpointFolder, Identity, Snapshot};
use crate::feed::Feed;
use crate::learner::{Learner, StepPlan, StepReport};
use crate::micro_batch::MicroBatch;
use crate::optimiser::Moment;
use crate::pretrained::{StartWeights, load_pretrained};
use crate::schedule::Schedule;
use crate::stage::Stage;
use crate::state::RunState;
use crate::validate::Validated;
use crate::{CheckpointKind, Ending, EpochMetrics, Stop, TrainEvent, TrainHost, TrainJob, ValMetrics};

/// A recovery checkpoint is at most this old; a step's length is added before comparing, so that it stays true.
const RECOVERY_AGE: Duration = Duration::from_secs(55);

/// Tests that kill the process ask for more frequent ones; nobody can ask for rarer ones.
fn recovery_age() -> Duration {
    let asked = std::env::var("VISAION_RECOVERY_MS").ok().and_then(|text| text.parse().ok());
    asked.map_or(RECOVERY_AGE, |ms| Duration::from_millis(ms).min(RECOVERY_AGE))
}

/// What the loop leaves: the numbers of the best epoch when the run came to its end.
pub struct Trained {
    pub ending: Ending,
    pub steps: u64,
    pub best: Option<EpochMetrics>,
    /// Parameters and buffers of the best epoch with timm names; None when paused or cancelled.
    pub weights: Option<NamedTensors>,
    /// Of the weight file that the run started from.
    pub initial_weights: Option<WeightsReport>,
    pub graph: va_graph::Graph,
}

/// One run under way.
pub(crate) struct Run<'a> {
    pub host: &'a mut dyn TrainHost,
    pub learner: Learner,
    pub checkpoints: CheckpointFolder,
    pub identity: Identity,
    pub state: RunState,
    schedule: Schedule,
    settings: TrainSettings,
    train_steps: u32,
    pub val_steps: u32,
    saved_at: Instant,
    recovery_age: Duration,
    pub feed: Feed,
}

impl<'a> Run<'a> {
    pub fn new(
        job: &TrainJob,
        host: &'a mut dyn TrainHost,
        learner: Learner,
        checkpoints: CheckpointFolder,
        identity: Identity,
        stage: Option<Box<dyn Stage>>,
    ) -> Result<Self> {
        let settings = &job.settings;
        let count = |steps: usize| u32::try_from(steps).map_err(|_| Error::invalid("the dataset is too large"));
        let train_steps = count(train_steps(job.train_len, settings.batch_size as usize))?;
        let val_steps = count(val_steps(job.val_len, settings.batch_size as usize))?;
        let length = RunLength { train_steps, val_steps, epochs: settings.epochs };
        Ok(Self {
            host,
            feed: Feed::new(length, learner.net.graph().input_shape()[0], stage),
            learner,
            checkpoints,
            identity,
            state: RunState::default(),
            schedule: Schedule::new(settings, train_steps),
            settings: settings.clone(),
            train_steps,
            val_steps,
            saved_at: Instant::now(),
            recovery_age: recovery_age(),
        })
    }

    /// Puts a weight file in the place of the seeded initialisation.
    pub fn start_from(&mut self, weights: &StartWeights) -> Result<()> {
        let report = load_pretrained(&mut self.learner.net, weights)?;
        self.learner.begin_average(self.settings.ema_decay)?;
        self.state.initial_weights = Some(report.clone());
        self.host.event(TrainEvent::WeightsLoaded { report });
        Ok(())
    }

    /// Goes on from the newest good checkpoint; false where there is none.
    pub fn resume(&mut self) -> Result<bool> {
        let loaded = self.checkpoints.load_newest()?;
        for message in loaded.notes {
            self.note(message);
        }
        let Some(snapshot) = loaded.snapshot else { return Ok(false) };
        if snapshot.identity.job != self.identity.job {
            return Err(Error::conflict(
                "this run was started with other settings or other data and cannot go on with these; start a new run",
            ));
        }
        let differences = snapshot.identity.machine.differences(&self.identity.machine);
        if !differences.is_empty() {
            self.note(format!(
                "the run goes on, but its result will not be bit-exact, because this is not what the checkpoint was \
                 made with ({})",
                differences.join("; ")
            ));
        }
        snapshot.restore(&mut self.learner)?;
        self.state = snapshot.state;
        Ok(true)
    }

    /// Decides how many samples go through the network at once, and says where that is not what was asked.
    pub fn choose_micro_batch(&mut self, job: &TrainJob) {
        let chosen = MicroBatch::choose(job, self.state.micro_batch);
        if let Some(message) = chosen.note {
            self.note(message);
        }
        self.state.micro_batch = chosen.size;
        self.learner.micro_batch = chosen.size as usize;
    }

    /// Trains until the end or a stop.
    pub fn finish(mut self) -> Result<Trained> {
        self.host.event(TrainEvent::RunStarted {
            parameter_count: self.learner.net.layout().param_len() as u64,
            steps_per_epoch: self.train_steps,
            epochs: self.settings.epochs,
            done_steps: self.state.step,
            micro_batch_size: self.state.micro_batch,
            device: va_exec::device_name(self.learner.net.backend()),
        });
        if self.feed.prepares() && self.settings.augmentation.jpeg.is_on() {
            self.note(
                "JPEG artefacts are made by the processor, so it changes the images of this run and the GPU only \
                 normalises them"
                    .to_owned(),
            );
        }
        while self.state.epoch < self.settings.epochs && !self.state.early_stopped {
            if let Some(ending) = self.epoch()? {
                return self.trained(ending, None);
            }
        }
        let ending = if self.state.early_stopped { Ending::EarlyStopped } else { Ending::Completed };
        self.take_best()?;
        self.learner.show_average()?;
        let weights = self.learner.net.state()?;
        self.trained(ending, Some(weights))
    }

    fn trained(self, ending: Ending, weights: Option<NamedTensors>) -> Result<Trained> {
        let graph = self.learner.net.graph().clone();
        let RunState { step, best, initial_weights, .. } = self.state;
        Ok(Trained { ending, steps: step, best, weights, initial_weights, graph })
    }

    /// The rest of the epoch under way; Some when it was stopped.
    fn epoch(&mut self) -> Result<Option<Ending>> {
        while self.state.step_in_epoch < self.train_steps {
            if let Some(ending) = self.stopped() {
                self.save_unfinished()?;
                return Ok(Some(ending));
            }
            let began = Instant::now();
            self.step()?;
            if self.saved_at.elapsed() + began.elapsed() >= self.recovery_age {
                self.save(&[CheckpointKind::Recovery])?;
            }
        }
        let val = match self.validate()? {
            Validated::Done(val) => val,
            Validated::Stopped(ending) => {
                self.save_unfinished()?;
                return Ok(Some(ending));
            }
        };
        self.end_epoch(val)?;
        Ok(None)
    }

    fn step(&mut self) -> Result<()> {
        let began = Instant::now();
        let request = BatchRequest { phase: Phase::Train, epoch: self.state.epoch, step: self.state.step_in_epoch };
        // What validation waited for is not this step's.
        self.feed.take_wait();
        self.take_that_fits(request)?;
        let rate = self.schedule.rate(self.state.step, self.state.plateau.reductions);
        let step = self.state.step + 1;
        let frozen_epochs = self.settings.freeze_backbone_epochs;
        let at = Moment {
            step,
            rate,
            freeze: self.state.epoch < frozen_epochs || self.settings.backbone_rate_factor == 0.0,
            frozen_steps: u64::from(frozen_epochs) * u64::from(self.train_steps),
        };
        // Any function of seed and step that does not repeat.
        let key = self.settings.seed ^ step.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let report = self.step_that_fits(StepPlan { at, key })?;
        self.state.add_step(report.loss, report.correct, self.feed.batch().len());
        let waited = self.feed.take_wait();
        self.tell_step(&report, rate, waited, began.elapsed());
        Ok(())
    }

    /// Makes a batch the one in use; where the memory of a GPU does not hold it, beside smaller parts of the network's.
    pub fn take_that_fits(&mut self, request: BatchRequest) -> Result<()> {
        loop {
            match self.feed.take(request, self.host) {
                Err(error) if error.code() == Code::TooLarge => {
                    self.learner.forget_plans();
                    self.make_room(error)?;
                }
                done => return done,
            }
        }
    }

    /// A training step; where the memory of a GPU does not hold it, in halves, from then on.
    fn step_that_fits(&mut self, plan: StepPlan) -> Result<StepReport> {
        loop {
            match self.learner.train_step(&mut self.feed, self.host, plan) {
                // The learner is as it was before the step.
                Err(error) if error.code() == Code::TooLarge => self.make_room(error)?,
                done => return done,
            }
        }
    }

    /// Images that are kept on the GPU only make it faster, smaller parts change what batch norms see: so the images first.
    ///
    /// # Errors
    /// As `halve_micro_batch`.
    fn make_room(&mut self, error: Error) -> Result<()> {
        if !self.feed.make_room()? {
            return self.halve_micro_batch(error);
        }
        self.note(
            "the memory of the GPU is full: images are no longer kept there, but sent with every batch".to_owned(),
        );
        Ok(())
    }

    /// # Errors
    /// `error` itself when the micro-batch cannot become smaller.
    fn halve_micro_batch(&mut self, error: Error) -> Result<()> {
        let Some(chosen) = MicroBatch::halved(self.state.micro_batch) else { return Err(error) };
        self.state.micro_batch = chosen.size;
        self.learner.micro_batch = chosen.size as usize;
        if let Some(message) = chosen.note {
            self.note(message);
        }
        Ok(())
    }

    fn tell_step(&mut self, report: &StepReport, rate: f64, waited: Duration, took: Duration) {
        let seconds = took.as_secs_f64().max(1e-9);
        self.host.event(TrainEvent::Step {
            step: self.state.step,
            total_steps: self.schedule.total_steps,
            epoch: self.fractional_epoch(),
            loss: report.loss,
            learning_rate: rate,
            grad_norm: report.grad_norm,
            images_per_s: self.feed.batch().len() as f64 / seconds,
            data_wait: waited.as_secs_f64() / seconds,
        });
    }

    fn end_epoch(&mut self, val: Option<ValMetrics>) -> Result<()> {
        let metrics = self.state.finish_epoch(val);
        let is_best = metrics.is_best;
        let patience = self.settings.early_stop_epochs;
        self.state.early_stopped = patience > 0
            && self.val_steps > 0
            && self.state.stale_epochs >= patience
            && self.state.epoch < self.settings.epochs;
        let watched = metrics.val.map_or(metrics.train_loss, |val| val.loss);
        let reduced = self.settings.schedule == ScheduleKind::Plateau
            && self.state.plateau.hear(watched, self.settings.decay_epochs);
        self.host.event(TrainEvent::EpochFinished(metrics));
        match is_best {
            true => self.save(&[CheckpointKind::Best, CheckpointKind::Last])?,
            false => self.save(&[CheckpointKind::Last])?,
        }
        if reduced {
            let (epoch, factor) = (self.state.epoch, self.settings.decay_factor);
            self.note(format!(
                "the loss rests: from epoch {} on the learning rate is multiplied by {factor}",
                epoch + 1
            ));
        }
        if self.state.early_stopped {
            self.note(format!("stopped early: the validation loss did not get better for {patience} epochs"));
        }
        Ok(())
    }

    /// The ending when the host wants to stop.
    pub fn stopped(&mut self) -> Option<Ending> {
        match self.host.should_stop() {
            Stop::Continue => None,
            Stop::Pause => Some(Ending::Paused),
            Stop::Cancel => Some(Ending::Cancelled),
        }
    }

    /// A checkpoint inside an epoch; between epochs there is one already.
    fn save_unfinished(&mut self) -> Result<()> {
        if self.state.step_in_epoch > 0 { self.save(&[CheckpointKind::Recovery]) } else { Ok(()) }
    }

    fn save(&mut self, kinds: &[CheckpointKind]) -> Result<()> {
        self.checkpoints.save(&Snapshot::of(&self.learner, &self.state, &self.identity), kinds)?;
        self.saved_at = Instant::now();
        let (step, epoch) = (self.state.step, self.fractional_epoch());
        for &checkpoint in kinds {
            self.host.event(TrainEvent::CheckpointSaved { checkpoint, step, epoch });
        }
        Ok(())
    }

    /// Puts the best epoch's numbers into the network; with that checkpoint lost, the last epoch's stay and it is said.
    fn take_best(&mut self) -> Result<()> {
        let best_step = self.state.best.as_ref().map(|best| best.step);
        if best_step == Some(self.state.step) {
            return Ok(());
        }
        match self.checkpoints.load_best() {
            Ok(snapshot) => snapshot.restore(&mut self.learner),
            Err(error) => {
                self.note(format!(
                    "the checkpoint of the best epoch cannot be used ({}); the model has the last epoch's weights",
                    error.chain()
                ));
                Ok(())
            }
        }
    }

    fn fractional_epoch(&self) -> f64 {
        f64::from(self.state.epoch) + f64::from(self.state.step_in_epoch) / f64::from(self.train_steps.max(1))
    }

    pub fn note(&mut self, message: String) {
        self.host.event(TrainEvent::Note { message });
    }
}
