use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use rayon::prelude::*;
use va_error::{Context, Error, Result};

use crate::maker::{BatchMaker, RawImage};
use crate::{Batch, BatchRecipe, BatchRequest, Phase, SampleSource, WantedImage};

/// Batches kept ready ahead of the one asked for.
const PREFETCHED_BATCHES: usize = 2;

/// How a loader works; none of it changes a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LoaderOptions {
    /// Threads that decode and augment; at least 1.
    pub workers: usize,
    /// Memory for decoded images.
    pub cache_bytes: u64,
    /// Where decoded images outlive the run; only those of sources that name their content.
    pub disk_cache: Option<DiskCacheOptions>,
}

/// A folder of decoded images; it may be deleted at any time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiskCacheOptions {
    pub dir: PathBuf,
    pub limit_bytes: u64,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self { workers: cores.clamp(1, 8), cache_bytes: 512 << 20, disk_cache: None }
    }
}

/// The host's side of training data: any batch of a run on request, the following ones prefetched in the order in which
/// a run asks for them (training epoch, validation, next epoch).
pub struct Loader {
    maker: Arc<BatchMaker>,
    stream: Option<PrefetchStream>,
    /// Of the raw batch that was given last.
    raw: Option<RawBatch>,
}

/// Who prepares the images of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// This side does.
    Prepared,
    /// The engine does.
    Raw,
}

/// What pixels are copied from.
struct RawBatch {
    phase: Phase,
    images: Vec<RawImage>,
    /// Of each image.
    bytes: Vec<usize>,
}

/// A batch, and its raw images where it has some.
type Made = (Batch, Vec<RawImage>);

/// A thread that makes batches from a position on, and how far they were taken.
struct PrefetchStream {
    form: Form,
    next: BatchRequest,
    batches: Option<Receiver<Result<Made>>>,
    /// Batches that were used go back, so that new ones need no fresh memory.
    spares: Sender<Batch>,
    thread: Option<JoinHandle<()>>,
}

impl Loader {
    /// # Errors
    /// `InvalidInput` for an empty training split or an unusable recipe; `Io` when threads cannot be started.
    pub fn new(
        train: Arc<dyn SampleSource>,
        val: Option<Arc<dyn SampleSource>>,
        recipe: BatchRecipe,
        options: &LoaderOptions,
    ) -> Result<Self> {
        Ok(Self { maker: Arc::new(BatchMaker::new(train, val, recipe, options)?), stream: None, raw: None })
    }

    /// Samples of the training split.
    pub fn train_len(&self) -> usize {
        self.maker.train_len()
    }

    /// Samples of the validation split; 0 without one.
    pub fn val_len(&self) -> usize {
        self.maker.val_len()
    }

    /// Bytes of all images decoded, as they are kept while there is room. An image of unknown size counts as a square of
    /// twice the input size.
    pub fn decoded_bytes(&self) -> u64 {
        self.maker.decoded_bytes()
    }

    /// The requested batch, written over `batch`. Asking out of order is right but slower.
    ///
    /// # Errors
    /// `InvalidInput` when there is no such batch; the source's error, naming the sample.
    pub fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.next(request, Form::Prepared, batch).map(drop)
    }

    /// As [`Loader::next_batch`], but the batch says what is to be done to which images, for an engine that does it.
    ///
    /// # Errors
    /// As [`Loader::next_batch`].
    pub fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        self.raw = None;
        let images = self.next(request, Form::Raw, batch)?;
        let bytes = batch.images.iter().map(crate::BatchImage::bytes).collect();
        self.raw = Some(RawBatch { phase: request.phase, images, bytes });
        Ok(())
    }

    /// Writes the pixels of these images of the batch that [`Loader::next_images`] gave last, one after the other.
    ///
    /// # Errors
    /// `InvalidInput` when there is no such image or `room` has not their size together; the source's error, naming the
    /// sample, where an image has to be decoded again.
    pub fn copy_images(&self, wanted: &[WantedImage], mut room: &mut [u8]) -> Result<()> {
        let no_such = || Error::invalid("images were asked for that are not in the last batch");
        let raw = self.raw.as_ref().ok_or_else(no_such)?;
        let mut parts = Vec::with_capacity(wanted.len());
        for wanted in wanted {
            let (image, &bytes) = raw.images.get(wanted.place).zip(raw.bytes.get(wanted.place)).ok_or_else(no_such)?;
            let (part, rest) = std::mem::take(&mut room)
                .split_at_mut_checked(bytes)
                .ok_or_else(|| Error::invalid("the room for images is smaller than they are"))?;
            parts.push((image, wanted.is_kept, part));
            room = rest;
        }
        if !room.is_empty() {
            return Err(Error::invalid("the room for images is larger than they are"));
        }
        let copy =
            |(image, is_kept, part): (&RawImage, bool, &mut [u8])| self.maker.copy(raw.phase, image, is_kept, part);
        self.maker.on_pool(|| parts.into_par_iter().map(copy).collect::<Result<()>>())
    }

    fn next(&mut self, request: BatchRequest, form: Form, batch: &mut Batch) -> Result<Vec<RawImage>> {
        self.maker.check(request)?;
        if self.stream.as_ref().is_none_or(|stream| (stream.next, stream.form) != (request, form)) {
            self.stream = None;
            self.stream = Some(PrefetchStream::start(&self.maker, request, form)?);
        }
        let stream = self.stream.as_mut().expect("BUG: the stream was just started");
        let received = stream.batches.as_ref().expect("BUG: only dropping closes the channel").recv();
        let made = received.map_err(|_| Error::internal("the loader's thread ended without a batch"));
        match made.and_then(|result| result) {
            Ok((made, raw)) => {
                // With the channel full, the memory is simply given back to the system.
                let _ = stream.spares.try_send(std::mem::replace(batch, made));
                match self.maker.length().following(request) {
                    Some(next) => stream.next = next,
                    None => self.stream = None,
                }
                Ok(raw)
            }
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }
}

impl PrefetchStream {
    fn start(maker: &Arc<BatchMaker>, from: BatchRequest, form: Form) -> Result<Self> {
        let (sender, batches) = bounded(PREFETCHED_BATCHES);
        let (spares, returned) = bounded(PREFETCHED_BATCHES);
        let maker = Arc::clone(maker);
        let work = move || {
            let mut position = Some(from);
            while let Some(request) = position {
                let spare = returned.try_recv().unwrap_or_default();
                let made = match form {
                    Form::Prepared => maker.make(request, spare).map(|batch| (batch, Vec::new())),
                    Form::Raw => maker.make_raw(request, spare),
                };
                let failed = made.is_err();
                // Nobody listens any more when the loader moved elsewhere or was dropped.
                if sender.send(made).is_err() || failed {
                    return;
                }
                position = maker.length().following(request);
            }
        };
        let thread = std::thread::Builder::new().name("loader".to_owned()).spawn(work);
        let thread = Some(thread.context("cannot start a loader thread")?);
        Ok(Self { form, next: from, batches: Some(batches), spares, thread })
    }
}

impl Drop for PrefetchStream {
    fn drop(&mut self) {
        self.batches = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "raw_tests.rs"]
mod raw_tests;
