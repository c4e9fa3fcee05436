use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use va_error::{Context, Error, Result};

use crate::maker::BatchMaker;
use crate::{Batch, BatchRecipe, BatchRequest, Phase, SampleSource};

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
}

/// A thread that makes batches from a position on, and how far they were taken.
struct PrefetchStream {
    next: BatchRequest,
    batches: Option<Receiver<Result<Batch>>>,
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
        Ok(Self { maker: Arc::new(BatchMaker::new(train, val, recipe, options)?), stream: None })
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
        self.maker.check(request)?;
        if self.stream.as_ref().is_none_or(|stream| stream.next != request) {
            self.stream = None;
            self.stream = Some(PrefetchStream::start(&self.maker, request)?);
        }
        let stream = self.stream.as_mut().expect("BUG: the stream was just started");
        let received = stream.batches.as_ref().expect("BUG: only dropping closes the channel").recv();
        let made = received.map_err(|_| Error::internal("the loader's thread ended without a batch"));
        match made.and_then(|result| result) {
            Ok(made) => {
                // With the channel full, the memory is simply given back to the system.
                let _ = stream.spares.try_send(std::mem::replace(batch, made));
                match self.maker.following(request) {
                    Some(next) => stream.next = next,
                    None => self.stream = None,
                }
                Ok(())
            }
            Err(error) => {
                self.stream = None;
                Err(error)
            }
        }
    }
}

impl PrefetchStream {
    fn start(maker: &Arc<BatchMaker>, from: BatchRequest) -> Result<Self> {
        let (sender, batches) = bounded(PREFETCHED_BATCHES);
        let (spares, returned) = bounded(PREFETCHED_BATCHES);
        let maker = Arc::clone(maker);
        let work = move || {
            let mut position = Some(from);
            while let Some(request) = position {
                let made = maker.make(request, returned.try_recv().unwrap_or_default());
                let failed = made.is_err();
                // Nobody listens any more when the loader moved elsewhere or was dropped.
                if sender.send(made).is_err() || failed {
                    return;
                }
                position = maker.following(request);
            }
        };
        let thread = std::thread::Builder::new().name("loader".to_owned()).spawn(work);
        let thread = Some(thread.context("cannot start a loader thread")?);
        Ok(Self { next: from, batches: Some(batches), spares, thread })
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

impl BatchMaker {
    /// The batch that a run asks for after this one; None after the last epoch.
    fn following(&self, request: BatchRequest) -> Option<BatchRequest> {
        let BatchRequest { phase, epoch, step } = request;
        if step + 1 < self.steps(phase) {
            return Some(BatchRequest { step: step + 1, ..request });
        }
        if phase == Phase::Train && self.steps(Phase::Val) > 0 {
            return Some(BatchRequest { phase: Phase::Val, epoch, step: 0 });
        }
        (epoch + 1 < self.epochs()).then_some(BatchRequest { phase: Phase::Train, epoch: epoch + 1, step: 0 })
    }
}

#[cfg(test)]
#[path = "loader_tests.rs"]
mod tests;
