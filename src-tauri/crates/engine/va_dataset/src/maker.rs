use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;
use va_domain::Task;
use va_error::{Context, Error, Result};

use crate::balance::{Visit, balanced_order, plain_order};
use crate::cache::{Budget, ImageCache};
use crate::change::Turn;
use crate::disk_cache::DiskCache;
use crate::mixup::mixup;
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
    disk: Option<DiskCache>,
    pool: rayon::ThreadPool,
    /// The order of the epoch in use.
    order: Mutex<Option<(u32, Arc<Vec<Visit>>)>>,
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
        options: &LoaderOptions,
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
        // Training goes on without the cache: it is a courtesy.
        let disk = options.disk_cache.as_ref().and_then(|disk| DiskCache::open(&disk.dir, disk.limit_bytes).ok());
        Ok(Self { train: cached(train), val, recipe, normaliser, disk, pool, order: Mutex::new(None) })
    }

    pub fn train_len(&self) -> usize {
        self.train.source.len()
    }

    pub fn val_len(&self) -> usize {
        self.val.as_ref().map_or(0, |val| val.source.len())
    }

    pub fn decoded_bytes(&self) -> u64 {
        let (recipe, min_side) = (&self.recipe, self.recipe.min_side_px());
        let train = (0..self.train_len())
            .map(|index| self.train.source.size_at_least(index, min_side).unwrap_or([min_side; 2]))
            .map(|size| recipe.kept_bytes(size));
        let val_bytes = 3 * u64::from(recipe.preprocessing.image_size_px).pow(2);
        train.sum::<u64>() + self.val_len() as u64 * val_bytes
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

    /// The requested batch, in the memory of `spare`.
    pub fn make(&self, request: BatchRequest, spare: Batch) -> Result<Batch> {
        let visits = self.visits(request);
        let from = match request.phase {
            Phase::Train => &self.train,
            Phase::Val => self.val.as_ref().ok_or_else(|| Error::invalid("there is no validation split"))?,
        };
        let numbers = self.recipe.preprocessing.image_size_px.pow(2) as usize * 3;
        let mut batch = spare;
        batch.pixels.resize(numbers * visits.len(), 0.0);
        let results: Vec<Result<()>> = self.pool.install(|| {
            batch
                .pixels
                .par_chunks_exact_mut(numbers)
                .zip(&visits)
                // One image at a time: with a batch cut in stretches, a thread would wait for the other's last stretch.
                .with_max_len(1)
                .map(|(out, &visit)| {
                    let image = self
                        .image(from, request, visit)
                        .with_context(|| format!("sample {} cannot be used", from.source.key(visit.index)))?;
                    self.normaliser.apply(&image.pixels, out);
                    Ok(())
                })
                .collect()
        });
        results.into_iter().collect::<Result<()>>()?;
        batch.blends.clear();
        batch.classes.clear();
        batch.classes.extend(visits.iter().map(|visit| from.source.class_idx(visit.index)));
        batch.class_sets.clear();
        if self.recipe.task == Task::MultilabelClassification {
            batch.class_sets.extend(visits.iter().map(|visit| from.source.class_indices(visit.index)));
        }
        batch.keys.clear();
        batch.keys.extend(visits.iter().map(|visit| from.source.key(visit.index)));
        if request.phase == Phase::Train && self.recipe.mixup_alpha > 0.0 {
            mixup(&mut batch, &visits, self.recipe.seed, request.epoch, self.recipe.mixup_alpha, numbers);
        }
        Ok(batch)
    }

    fn image(&self, from: &CachedSource, request: BatchRequest, visit: Visit) -> Result<Arc<RgbImage>> {
        let (index, recipe) = (visit.index, &self.recipe);
        match request.phase {
            Phase::Train => {
                let reduced = from.cache.get(index, || {
                    self.kept(from, index, &recipe.reduction_key(), || {
                        recipe.reduce(from.source.load_at_least(index, recipe.min_side_px())?)
                    })
                })?;
                let turn = Turn { seed: visit.seed(recipe.seed), epoch: request.epoch, index };
                recipe.augment_seeded(&reduced, turn).map(Arc::new)
            }
            Phase::Val => {
                let size = recipe.preprocessing.image_size_px;
                from.cache.get(index, || {
                    self.kept(from, index, &format!("{size}-val"), || {
                        resize_bilinear(&from.source.load(index)?, size, size)
                    })
                })
            }
        }
    }

    /// From the disk cache, or made and kept there.
    fn kept(
        &self,
        from: &CachedSource,
        index: usize,
        reduction: &str,
        make: impl FnOnce() -> Result<RgbImage>,
    ) -> Result<RgbImage> {
        let Some((disk, content)) = self.disk.as_ref().zip(from.source.content_key(index)) else { return make() };
        if let Some(image) = disk.get(&content, reduction) {
            return Ok(image);
        }
        let image = make()?;
        disk.put(&content, reduction, &image);
        Ok(image)
    }

    #[cfg(test)]
    pub fn cached_bytes(&self) -> u64 {
        [Some(&self.train), self.val.as_ref()].into_iter().flatten().map(|source| source.cache.bytes()).sum()
    }

    fn visits(&self, request: BatchRequest) -> Vec<Visit> {
        let start = request.step as usize * self.recipe.batch_size;
        match request.phase {
            Phase::Train => {
                let order = self.order(request.epoch);
                order[start..(start + self.recipe.batch_size).min(order.len())].to_vec()
            }
            Phase::Val => (start..(start + self.recipe.batch_size).min(self.val_len()))
                .map(|index| Visit { index, repeat: 0 })
                .collect(),
        }
    }

    fn order(&self, epoch: u32) -> Arc<Vec<Visit>> {
        let mut kept = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        match kept.as_ref() {
            Some((of, order)) if *of == epoch => Arc::clone(order),
            _ => {
                let order = Arc::new(self.new_order(epoch));
                *kept = Some((epoch, Arc::clone(&order)));
                order
            }
        }
    }

    fn new_order(&self, epoch: u32) -> Vec<Visit> {
        let source = &self.train.source;
        if !self.recipe.balanced {
            return plain_order(self.recipe.seed, epoch, source.len());
        }
        let classes: Vec<u32> = (0..source.len()).map(|index| source.class_idx(index)).collect();
        balanced_order(self.recipe.seed, epoch, &classes)
    }
}
