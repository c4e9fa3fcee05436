//! Preparing the images of a batch where the network computes.

use std::ops::Range;

use candle_core::Tensor;
use va_dataset::{Batch, Normaliser, WantedImage};
use va_error::{Error, Result};
use va_exec::Network;
use va_exec::images::{IMAGE_SLOTS, ImageCard, ImageCardOptions, ImageJob, image_card};

use crate::TrainJob;
use crate::image_job::ImageJobs;

/// Batches that are there at a time: one in use, one made ahead.
pub(crate) const SLOTS: usize = IMAGE_SLOTS;

/// Asks the host for the pixels of images of the batch.
pub(crate) type CopyImages<'a> = dyn FnMut(&[WantedImage], &mut [u8]) -> Result<()> + 'a;

/// What prepares a run's images.
pub(crate) trait Stage {
    /// Begins to make the images of `batch` in `slot`; what is missing comes by `copy`. The slot's last batch is not read any
    /// more.
    fn begin(&mut self, slot: usize, batch: &Batch, copy: &mut CopyImages<'_>) -> Result<()>;

    /// `[M, S, S, 3]`, normalised and blended: the samples `range` of the batch that was begun in `slot`.
    fn input(&self, slot: usize, batch: &Batch, range: Range<usize>) -> Result<Tensor>;

    /// Gives up what it keeps to be faster; false where there was nothing.
    fn make_room(&mut self) -> Result<bool>;
}

/// The one of this network's device; None where the host prepares images.
///
/// # Errors
/// When the device fails, or the run's images cannot be normalised.
pub(crate) fn stage(net: &Network, job: &TrainJob) -> Result<Option<Box<dyn Stage>>> {
    let size_px = job.settings.image_size_px;
    let table = Normaliser::new(&job.preprocessing)?.table().as_flattened().to_vec();
    let options = ImageCardOptions { size: size_px as usize, table, kept_bytes: job.kept_image_bytes };
    let card = image_card(net.backend(), &options)?;
    Ok(card.map(|card| Box::new(CardStage { card, jobs: ImageJobs::new(size_px) }) as Box<dyn Stage>))
}

struct CardStage {
    card: Box<dyn ImageCard>,
    jobs: ImageJobs,
}

impl Stage for CardStage {
    fn begin(&mut self, slot: usize, batch: &Batch, copy: &mut CopyImages<'_>) -> Result<()> {
        let jobs: Vec<ImageJob> = batch.images.iter().map(|image| self.jobs.of(image)).collect();
        self.card.begin(slot, &jobs, &mut |wanted, room| {
            let wanted: Vec<_> = wanted.iter().map(|&(place, is_kept)| WantedImage { place, is_kept }).collect();
            copy(&wanted, room)
        })
    }

    fn input(&self, slot: usize, batch: &Batch, range: Range<usize>) -> Result<Tensor> {
        self.card.input(slot, range.clone(), &blends(batch, range)?)
    }

    fn make_room(&mut self) -> Result<bool> {
        self.card.give_up_kept()
    }
}

/// With which image of the batch each of `range` is blended, and its own share.
fn blends(batch: &Batch, range: Range<usize>) -> Result<Vec<(u32, f32)>> {
    let number = |place: usize| {
        u32::try_from(place).map_err(|error| Error::invalid("the batch is too large").with_source(error))
    };
    let blend = |place: usize| match batch.blends.get(place) {
        Some(blend) => Ok((number(blend.other)?, blend.share as f32)),
        None => Ok((number(place)?, 1.0)),
    };
    range.map(blend).collect()
}
