use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use rayon::prelude::*;
use va_domain::Task;
use va_error::{Context, Error, Result};

use crate::balance::{Visit, balanced_order, plain_order};
use crate::cache::{Budget, ImageCache};
use crate::change::Turn;
use crate::disk_cache::DiskCache;
use crate::mixup::{blend_pixels, draw_blends};
use crate::{
    Batch, BatchImage, BatchRecipe, BatchRequest, ImageSteps, LoaderOptions, Normaliser, Phase, RgbImage, RunLength,
    SampleSource, resize_bilinear, train_steps, val_steps,
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
    /// Width and height of the images that the engine keeps: it will hardly ask for their pixels again.
    kept_elsewhere: Vec<OnceLock<[u32; 2]>>,
}

/// What a batch is made of, where the engine prepares it.
pub(crate) struct RawImage {
    visit: Visit,
    /// None where the engine keeps the image.
    pixels: Option<Arc<RgbImage>>,
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
        let cached = |source: Arc<dyn SampleSource>| CachedSource {
            cache: ImageCache::new(source.len(), &budget),
            kept_elsewhere: (0..source.len()).map(|_| OnceLock::new()).collect(),
            source,
        };
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

    pub fn length(&self) -> RunLength {
        let count = |steps: usize| u32::try_from(steps).unwrap_or(u32::MAX);
        RunLength {
            train_steps: count(train_steps(self.train_len(), self.recipe.batch_size)),
            val_steps: count(val_steps(self.val_len(), self.recipe.batch_size)),
            epochs: self.recipe.epochs,
        }
    }

    pub fn check(&self, request: BatchRequest) -> Result<()> {
        let steps = self.length().steps(request.phase);
        if request.step < steps {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "batch {} of the {:?} split was asked for; it has {}",
            request.step, request.phase, steps
        )))
    }

    /// The requested batch, in the memory of `spare`.
    pub fn make(&self, request: BatchRequest, spare: Batch) -> Result<Batch> {
        let visits = self.visits(request);
        let from = self.source(request.phase)?;
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
                    let image = self.image(from, request, visit).with_context(|| unusable(from, visit))?;
                    self.normaliser.apply(&image.pixels, out);
                    Ok(())
                })
                .collect()
        });
        results.into_iter().collect::<Result<()>>()?;
        batch.images.clear();
        self.label(&mut batch, from, request, &visits);
        blend_pixels(&mut batch, numbers);
        Ok(batch)
    }

    /// The requested batch for an engine that prepares images itself, and what its images are made of.
    pub fn make_raw(&self, request: BatchRequest, spare: Batch) -> Result<(Batch, Vec<RawImage>)> {
        let visits = self.visits(request);
        let from = self.source(request.phase)?;
        let made: Vec<Result<(BatchImage, RawImage)>> = self.pool.install(|| {
            let visits = visits.par_iter().with_max_len(1);
            let one = |&visit| self.raw_image(from, request, visit).with_context(|| unusable(from, visit));
            visits.map(one).collect()
        });
        let mut batch = spare;
        batch.pixels.clear();
        let (images, raw): (Vec<_>, Vec<_>) = made.into_iter().collect::<Result<Vec<_>>>()?.into_iter().unzip();
        batch.images = images;
        self.label(&mut batch, from, request, &visits);
        Ok((batch, raw))
    }

    /// Writes the pixels of an image of a raw batch, and remembers where the engine keeps them.
    pub fn copy(&self, phase: Phase, image: &RawImage, is_kept: bool, room: &mut [u8]) -> Result<()> {
        let (from, index) = (self.source(phase)?, image.visit.index);
        let pixels = match &image.pixels {
            Some(pixels) => Arc::clone(pixels),
            None => self.unchanging(from, phase, index).with_context(|| unusable(from, image.visit))?,
        };
        if pixels.bytes() != room.len() {
            return Err(Error::internal("the room for an image has not its size"));
        }
        room.copy_from_slice(&pixels.pixels);
        if is_kept {
            // What is known already is the same.
            let _ = from.kept_elsewhere[index].set([pixels.width, pixels.height]);
        }
        Ok(())
    }

    /// Runs it on the loader's threads.
    pub fn on_pool<R: Send>(&self, body: impl FnOnce() -> R + Send) -> R {
        self.pool.install(body)
    }

    fn source(&self, phase: Phase) -> Result<&CachedSource> {
        match phase {
            Phase::Train => Ok(&self.train),
            Phase::Val => self.val.as_ref().ok_or_else(|| Error::invalid("there is no validation split")),
        }
    }

    /// Everything of the batch but its images.
    fn label(&self, batch: &mut Batch, from: &CachedSource, request: BatchRequest, visits: &[Visit]) {
        let blends = request.phase == Phase::Train && self.recipe.mixup_alpha > 0.0;
        batch.blends = match blends {
            true => draw_blends(visits, self.recipe.seed, request.epoch, self.recipe.mixup_alpha),
            false => Vec::new(),
        };
        batch.classes.clear();
        batch.classes.extend(visits.iter().map(|visit| from.source.class_idx(visit.index)));
        batch.class_sets.clear();
        if self.recipe.task == Task::MultilabelClassification {
            batch.class_sets.extend(visits.iter().map(|visit| from.source.class_indices(visit.index)));
        }
        batch.keys.clear();
        batch.keys.extend(visits.iter().map(|visit| from.source.key(visit.index)));
    }

    /// At the input size, ready to be normalised.
    fn image(&self, from: &CachedSource, request: BatchRequest, visit: Visit) -> Result<Arc<RgbImage>> {
        let unchanging = self.unchanging(from, request.phase, visit.index)?;
        match request.phase {
            Phase::Train => self.recipe.augment_seeded(&unchanging, self.turn(request, visit)).map(Arc::new),
            Phase::Val => Ok(unchanging),
        }
    }

    fn raw_image(&self, from: &CachedSource, request: BatchRequest, visit: Visit) -> Result<(BatchImage, RawImage)> {
        let (phase, index) = (request.phase, visit.index);
        if phase == Phase::Train && !self.recipe.can_be_done_elsewhere() {
            let pixels = self.image(from, request, visit)?;
            let size_px = [pixels.width, pixels.height];
            let image = BatchImage { size_px, number: None, steps: ImageSteps::none(size_px) };
            return Ok((image, RawImage { visit, pixels: Some(pixels) }));
        }
        let (size_px, pixels) = match from.kept_elsewhere[index].get() {
            Some(&size_px) => (size_px, None),
            None => {
                let pixels = self.unchanging(from, phase, index)?;
                ([pixels.width, pixels.height], Some(pixels))
            }
        };
        let (number, steps) = match phase {
            Phase::Train => (index, self.recipe.draw(size_px, self.turn(request, visit))),
            Phase::Val => (self.train_len() + index, ImageSteps::none(size_px)),
        };
        Ok((BatchImage { size_px, number: Some(number as u64), steps }, RawImage { visit, pixels }))
    }

    fn turn(&self, request: BatchRequest, visit: Visit) -> Turn {
        Turn { seed: visit.seed(self.recipe.seed), epoch: request.epoch, index: visit.index }
    }

    /// The part of the preparation that is the same every epoch: all of it for a validation image.
    fn unchanging(&self, from: &CachedSource, phase: Phase, index: usize) -> Result<Arc<RgbImage>> {
        let recipe = &self.recipe;
        from.cache.get(index, || match phase {
            Phase::Train => self.kept(from, index, &recipe.reduction_key(), || {
                recipe.reduce(from.source.load_at_least(index, recipe.min_side_px())?)
            }),
            Phase::Val => {
                let size = recipe.preprocessing.image_size_px;
                self.kept(from, index, &format!("{size}-val"), || {
                    resize_bilinear(&from.source.load(index)?, size, size)
                })
            }
        })
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

fn unusable(from: &CachedSource, visit: Visit) -> String {
    format!("sample {} cannot be used", from.source.key(visit.index))
}
