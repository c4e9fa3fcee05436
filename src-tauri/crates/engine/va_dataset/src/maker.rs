use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use va_error::{Context, Error, Result};

use crate::cache::{Budget, ImageCache};
use crate::rng::epoch_order;
use crate::{
    Batch, BatchRecipe, BatchRequest, LoaderOptions, Normaliser, Phase, RgbImage, SampleSource, resize_bilinear,
    train_steps, val_steps,
};

/// Makes any batch of a run, its samples in parallel; a pure function of recipe, sources and request.
pub(crate) struct BatchMaker {
    train: CachedSource,
    val: Option<CachedSource>,
    recipe: BatchRecipe,
    normaliser: Normaliser,
    pool: rayon::ThreadPool,
    /// The order of the epoch in use.
    order: Mutex<Option<(u32, Arc<Vec<usize>>)>>,
}

struct CachedSource {
    source: Arc<dyn SampleSource>,
    cache: ImageCache,
}

impl BatchMaker {
    pub fn new(
        train: Arc<dyn SampleSource>,
        val: Option<Arc<dyn SampleSource>>,
        recipe: BatchRecipe,
        options: LoaderOptions,
    ) -> Result<Self> {
        if train.is_empty() {
            return Err(Error::invalid("the training split is empty"));
        }
        if recipe.batch_size == 0 || recipe.preprocessing.image_size_px == 0 {
            return Err(Error::invalid("batch size and image size must be at least 1"));
        }
        let normaliser = Normaliser::new(&recipe.preprocessing)?;
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(options.workers.max(1))
            .thread_name(|index| format!("loader-{index}"))
            .build()
            .map_err(|error| Error::new(va_error::Code::Io, "cannot start the loader's threads").with_source(error))?;
        let budget = Budget::new(options.cache_bytes);
        let cached =
            |source: Arc<dyn SampleSource>| CachedSource { cache: ImageCache::new(source.len(), &budget), source };
        let val = val.filter(|source| !source.is_empty()).map(cached);
        Ok(Self { train: cached(train), val, recipe, normaliser, pool, order: Mutex::new(None) })
    }

    pub fn train_len(&self) -> usize {
        self.train.source.len()
    }

    pub fn val_len(&self) -> usize {
        self.val.as_ref().map_or(0, |val| val.source.len())
    }

    pub fn epochs(&self) -> u32 {
        self.recipe.epochs
    }

    pub fn steps(&self, phase: Phase) -> u32 {
        let steps = match phase {
            Phase::Train => train_steps(self.train_len(), self.recipe.batch_size),
            Phase::Val => val_steps(self.val_len(), self.recipe.batch_size),
        };
        u32::try_from(steps).unwrap_or(u32::MAX)
    }

    pub fn check(&self, request: BatchRequest) -> Result<()> {
        if request.step < self.steps(request.phase) {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "batch {} of the {:?} split was asked for; it has {}",
            request.step,
            request.phase,
            self.steps(request.phase)
        )))
    }

    pub fn make(&self, request: BatchRequest) -> Result<Batch> {
        let indices = self.indices(request);
        let from = match request.phase {
            Phase::Train => &self.train,
            Phase::Val => self.val.as_ref().ok_or_else(|| Error::invalid("there is no validation split"))?,
        };
        let numbers = self.recipe.preprocessing.image_size_px.pow(2) as usize * 3;
        let mut pixels = vec![0.0f32; numbers * indices.len()];
        let results: Vec<Result<()>> = self.pool.install(|| {
            pixels
                .par_chunks_exact_mut(numbers)
                .zip(&indices)
                .map(|(out, &index)| {
                    let image = self
                        .image(from, request, index)
                        .with_context(|| format!("sample {} cannot be used", from.source.key(index)))?;
                    self.normaliser.apply(&image.pixels, out);
                    Ok(())
                })
                .collect()
        });
        results.into_iter().collect::<Result<()>>()?;
        Ok(Batch {
            pixels,
            blends: Vec::new(),
            classes: indices.iter().map(|&index| from.source.class_idx(index)).collect(),
            keys: indices.iter().map(|&index| from.source.key(index)).collect(),
        })
    }

    fn image(&self, from: &CachedSource, request: BatchRequest, index: usize) -> Result<Arc<RgbImage>> {
        let size = self.recipe.preprocessing.image_size_px;
        match request.phase {
            Phase::Train => {
                let reduced = from.cache.get(index, || self.recipe.reduce(from.source.load(index)?))?;
                self.recipe.augment(&reduced, request.epoch, index).map(Arc::new)
            }
            Phase::Val => from.cache.get(index, || resize_bilinear(&from.source.load(index)?, size, size)),
        }
    }

    fn indices(&self, request: BatchRequest) -> Vec<usize> {
        let start = request.step as usize * self.recipe.batch_size;
        match request.phase {
            Phase::Train => {
                let order = self.order(request.epoch);
                order[start..(start + self.recipe.batch_size).min(order.len())].to_vec()
            }
            Phase::Val => (start..(start + self.recipe.batch_size).min(self.val_len())).collect(),
        }
    }

    fn order(&self, epoch: u32) -> Arc<Vec<usize>> {
        let mut kept = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref() {
            Some((of, order)) if *of == epoch => Arc::clone(order),
            _ => {
                let order = Arc::new(epoch_order(self.recipe.seed, epoch, self.train_len()));
                *kept = Some((epoch, Arc::clone(&order)));
                order
            }
        }
    }
}
