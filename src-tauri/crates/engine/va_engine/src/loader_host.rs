use std::sync::Arc;

use va_dataset::{
    Batch, BatchRecipe, BatchRequest, DiskCacheOptions, Loader, LoaderOptions, SampleSource, WantedImage,
    check_training_split, standard_preprocessing,
};
use va_domain::{Preprocessing, Task, TrainSettings};
use va_error::Result;
use va_train::{Stop, TrainEvent, TrainHost};

use crate::memory::free_bytes;
use crate::memory_plan::image_cache_bytes;

/// What a [`LoaderHost`] keeps of an image of this width and height while it trains.
pub fn kept_bytes(settings: &TrainSettings, size_px: [u32; 2]) -> u64 {
    BatchRecipe::new(settings, &standard_preprocessing(settings.image_size_px)).kept_bytes(size_px)
}

/// A ready-made host: sources in, two closures for events and stop.
pub struct LoaderHost<E, S> {
    loader: Loader,
    class_counts: Vec<u64>,
    on_event: E,
    should_stop: S,
}

impl<E: FnMut(TrainEvent), S: FnMut() -> Stop> LoaderHost<E, S> {
    /// # Errors
    /// `InvalidInput` when the training split is empty, a class has no training sample, or a sample's class is not
    /// among `classes`.
    pub fn new(
        train: Arc<dyn SampleSource>,
        val: Option<Arc<dyn SampleSource>>,
        classes: &[String],
        task: Task,
        settings: &TrainSettings,
        preprocessing: &Preprocessing,
        disk_cache: Option<DiskCacheOptions>,
        on_event: E,
        should_stop: S,
    ) -> Result<Self> {
        check_training_split(train.as_ref(), classes, task)?;
        if let Some(val) = &val {
            va_dataset::class_counts(val.as_ref(), classes.len())?;
        }
        let recipe = BatchRecipe::new(settings, preprocessing).for_task(task);
        let cache_bytes = image_cache_bytes(free_bytes());
        let options = LoaderOptions { cache_bytes, disk_cache, ..LoaderOptions::default() };
        let counts = va_dataset::class_counts(train.as_ref(), classes.len())?;
        let class_counts = counts.into_iter().map(|count| count as u64).collect();
        Ok(Self { loader: Loader::new(train, val, recipe, &options)?, class_counts, on_event, should_stop })
    }

    /// For `TrainJob::class_counts`.
    pub fn class_counts(&self) -> &[u64] {
        &self.class_counts
    }

    /// For `TrainJob::train_len`.
    pub fn train_len(&self) -> usize {
        self.loader.train_len()
    }

    /// For `TrainJob::decoded_bytes`.
    pub fn decoded_bytes(&self) -> u64 {
        self.loader.decoded_bytes()
    }

    /// For `TrainJob::val_len`.
    pub fn val_len(&self) -> usize {
        self.loader.val_len()
    }
}

impl<E: FnMut(TrainEvent), S: FnMut() -> Stop> TrainHost for LoaderHost<E, S> {
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.loader.next_batch(request, batch)
    }

    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.loader.next_images(request, batch)
    }

    fn copy_images(&mut self, wanted: &[WantedImage], room: &mut [u8]) -> Result<()> {
        self.loader.copy_images(wanted, room)
    }

    fn event(&mut self, event: TrainEvent) {
        (self.on_event)(event);
    }

    fn should_stop(&mut self) -> Stop {
        (self.should_stop)()
    }
}
