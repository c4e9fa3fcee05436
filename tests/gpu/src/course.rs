//! A training run over the engine's interface, with somebody who watches it.

use std::path::PathBuf;
use std::sync::Arc;

use va_domain::{Task, TrainSettings};
use va_engine::{
    Batch, BatchRequest, Ending, LoaderHost, SampleSource, Stop, TrainEvent, TrainHost, TrainJob, TrainOutcome,
    WantedImage, standard_preprocessing,
};
use va_error::Result;

use crate::subject::Subject;

/// What is trained on what, and where it is kept.
#[derive(Clone)]
pub struct Course {
    pub settings: TrainSettings,
    pub train: Arc<dyn SampleSource>,
    pub val: Option<Arc<dyn SampleSource>>,
    pub dir: PathBuf,
}

/// Hears what happens, and may meddle.
pub trait Watcher {
    fn before_batch(&mut self, _request: &BatchRequest) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, _event: &TrainEvent) {}

    fn should_stop(&mut self) -> Stop {
        Stop::Continue
    }
}

/// Nobody watches.
impl Watcher for () {}

/// What a run left.
pub struct Ran {
    pub outcome: TrainOutcome,
    pub events: Vec<TrainEvent>,
}

impl Ran {
    pub fn completed(&self) -> bool {
        self.outcome.ending == Ending::Completed
    }

    /// Samples of one forward and backward as the run began.
    pub fn micro_batch(&self) -> Option<u32> {
        self.events.iter().find_map(|event| match event {
            TrainEvent::RunStarted { micro_batch_size, .. } => Some(*micro_batch_size),
            _ => None,
        })
    }

    pub fn notes(&self) -> Vec<&str> {
        let events = self.events.iter();
        events
            .filter_map(|event| if let TrainEvent::Note { message } = event { Some(message.as_str()) } else { None })
            .collect()
    }
}

impl Course {
    pub fn model_dir(&self) -> PathBuf {
        self.dir.join("model")
    }

    /// Trains from the beginning, or goes on where it was paused.
    pub fn run(&self, subject: &Subject<'_>, resume: bool, watcher: &mut dyn Watcher) -> Result<Ran> {
        let (settings, task) = (&self.settings, Task::Classification);
        let classes = ["red", "green"].map(str::to_owned);
        let preprocessing = standard_preprocessing(settings.image_size_px);
        let (train, val) = (Arc::clone(&self.train), self.val.clone());
        let (deaf, willing) = (|_| {}, || Stop::Continue);
        let loader = LoaderHost::new(train, val, &classes, task, settings, &preprocessing, None, deaf, willing)?;
        let job = TrainJob {
            task,
            settings: settings.clone(),
            classes: classes.to_vec(),
            train_len: loader.train_len(),
            val_len: loader.val_len(),
            decoded_bytes: loader.decoded_bytes(),
            class_counts: loader.class_counts().to_vec(),
            micro_batch_limit: None,
            kept_image_bytes: 0,
            preprocessing,
            checkpoint_dir: self.dir.join("run"),
            model_dir: self.model_dir(),
            resume,
            initial_weights: None,
        };
        let mut host = Watched { loader, watcher, events: Vec::new() };
        let outcome = subject.engine.train(&job, &mut host)?;
        Ok(Ran { outcome, events: host.events })
    }
}

struct Watched<'a, L> {
    loader: L,
    watcher: &'a mut dyn Watcher,
    events: Vec<TrainEvent>,
}

impl<L: TrainHost> TrainHost for Watched<'_, L> {
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.watcher.before_batch(&request)?;
        self.loader.next_batch(request, batch)
    }

    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.watcher.before_batch(&request)?;
        self.loader.next_images(request, batch)
    }

    fn copy_images(&mut self, wanted: &[WantedImage], room: &mut [u8]) -> Result<()> {
        self.loader.copy_images(wanted, room)
    }

    fn event(&mut self, event: TrainEvent) {
        self.watcher.event(&event);
        self.events.push(event);
    }

    fn should_stop(&mut self) -> Stop {
        self.watcher.should_stop()
    }
}
