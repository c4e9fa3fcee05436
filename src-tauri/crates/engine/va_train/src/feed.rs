use std::ops::Range;
use std::time::{Duration, Instant};

use candle_core::{DType, Device, Tensor};
use va_dataset::{Batch, BatchRequest, RunLength};
use va_error::{Error, Result};

use crate::TrainHost;
use crate::stage::{SLOTS, Stage};

/// Where the batches of a run come from: the host prepares each when it is its turn, or, with a stage, prepares none, is
/// asked for one ahead, and the stage makes its images while the network computes with the one before.
///
/// What the host is asked, and when, depends on the run's position alone. A batch that was asked for ahead and is not used,
/// because the run stops, is dropped; what went wrong with it is said when it is its turn.
pub(crate) struct Feed {
    length: RunLength,
    image_size: usize,
    stage: Option<Box<dyn Stage>>,
    /// With a stage each is of the slot of its place.
    batches: [Batch; SLOTS],
    /// The place of the batch in use.
    current: usize,
    in_use: Option<BatchRequest>,
    /// What was asked for ahead, in the other place.
    ahead: Option<(BatchRequest, Result<()>)>,
    waited: Duration,
}

impl Feed {
    pub fn new(length: RunLength, image_size: usize, stage: Option<Box<dyn Stage>>) -> Self {
        let batches = std::array::from_fn(|_| Batch::default());
        Self { length, image_size, stage, batches, current: 0, in_use: None, ahead: None, waited: Duration::ZERO }
    }

    /// Whether images are prepared where the network computes.
    pub fn prepares(&self) -> bool {
        self.stage.is_some()
    }

    /// Makes the requested batch the one in use.
    ///
    /// # Errors
    /// What the host or the stage says; the next call asks anew.
    pub fn take(&mut self, request: BatchRequest, host: &mut dyn TrainHost) -> Result<()> {
        self.in_use = None;
        if self.stage.is_none() {
            let (batch, began) = (&mut self.batches[self.current], Instant::now());
            let made = host.next_batch(request, batch);
            self.waited += began.elapsed();
            made?;
        } else {
            match self.ahead.take() {
                Some((asked, made)) if asked == request => made?,
                _ => self.ask(request, host)?,
            }
            self.current = self.other();
        }
        self.in_use = Some(request);
        Ok(())
    }

    /// Asks for the batch after the one in use, once, if it is made ahead. To be called when the network has been asked for
    /// all it shall do with the one in use, and before anybody waits for it.
    pub fn ask_ahead(&mut self, host: &mut dyn TrainHost) {
        let Some(next) = self.in_use.and_then(|request| self.length.following(request)) else { return };
        let is_asked = self.ahead.as_ref().is_some_and(|(asked, _)| *asked == next);
        if self.stage.is_some() && !is_asked {
            let made = self.ask(next, host);
            self.ahead = Some((next, made));
        }
    }

    /// Gives up memory that only makes the feed faster; false where there was none.
    pub fn make_room(&mut self) -> Result<bool> {
        self.stage.as_mut().map_or(Ok(false), |stage| stage.make_room())
    }

    /// How long the host has been waited for since this was asked last; a GPU may have computed meanwhile.
    pub fn take_wait(&mut self) -> Duration {
        std::mem::take(&mut self.waited)
    }

    /// The batch in use.
    pub fn batch(&self) -> &Batch {
        &self.batches[self.current]
    }

    /// `[M, S, S, 3]`: the samples `range` of the batch in use, on any device.
    ///
    /// # Errors
    /// `Internal` when the host's batch has another size than it should.
    pub fn input(&self, range: Range<usize>) -> Result<Tensor> {
        let (batch, size) = (self.batch(), self.image_size);
        if let Some(stage) = &self.stage {
            return stage.input(self.current, batch, range);
        }
        let (n, numbers) = (batch.len(), size * size * 3);
        if range.is_empty() || range.end > n || batch.pixels.len() != n * numbers {
            return Err(Error::internal(format!(
                "the host gave {} numbers for {n} images of {size}×{size} pixels",
                batch.pixels.len()
            )));
        }
        let pixels = &batch.pixels[range.start * numbers..range.end * numbers];
        Tensor::from_slice(pixels, (range.len(), size, size, 3), &Device::Cpu)
            .and_then(|x| x.to_dtype(DType::F32))
            .map_err(|e| Error::internal("cannot make the input tensor").with_source(e))
    }

    fn other(&self) -> usize {
        (self.current + 1) % SLOTS
    }

    /// Has the batch made in the other place.
    fn ask(&mut self, request: BatchRequest, host: &mut dyn TrainHost) -> Result<()> {
        let place = self.other();
        let (batch, began) = (&mut self.batches[place], Instant::now());
        let given = host.next_images(request, batch);
        self.waited += began.elapsed();
        given?;
        if batch.images.len() != batch.len() || batch.is_empty() {
            return Err(Error::internal(format!("the host gave {} images for {}", batch.images.len(), batch.len())));
        }
        let (Some(stage), waited) = (&mut self.stage, &mut self.waited) else { return Ok(()) };
        stage.begin(place, batch, &mut |wanted, room| {
            let began = Instant::now();
            let copied = host.copy_images(wanted, room);
            *waited += began.elapsed();
            copied
        })
    }
}

#[cfg(test)]
#[path = "feed_tests.rs"]
mod tests;
