use va_domain::{Augmentation, ClassBalance, Preprocessing, Task, TrainSettings};
use va_error::Result;

use crate::change::{Changes, Turn};
use crate::fast_resize::{Region, resize_region};
use crate::flip_horizontal::flip_horizontal;
use crate::flip_vertical::flip_vertical;
use crate::{FlipHorizontal, FlipVertical, ImageSteps, RandomResizedCrop, RgbImage, Sampler, resize_bilinear};

/// How images become a run's batches. Everything here is part of the run's identity; how many threads do it is not.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRecipe {
    pub seed: u64,
    pub batch_size: usize,
    pub epochs: u32,
    pub augmentation: Augmentation,
    /// Show every class equally often.
    pub balanced: bool,
    /// Decides what a batch says of its samples' classes.
    pub task: Task,
    /// α of mixup; 0 never blends.
    pub mixup_alpha: f64,
    pub preprocessing: Preprocessing,
    /// Of training images. Validation images are always resized exactly, as evaluation and prediction do.
    pub sampler: Sampler,
}

impl BatchRecipe {
    pub fn new(settings: &TrainSettings, preprocessing: &Preprocessing) -> Self {
        Self {
            seed: settings.seed,
            batch_size: settings.batch_size as usize,
            epochs: settings.epochs,
            augmentation: settings.augmentation,
            balanced: settings.class_balance == ClassBalance::Sampling,
            task: Task::Classification,
            mixup_alpha: settings.mixup_alpha,
            preprocessing: preprocessing.clone(),
            sampler: Sampler::Fast,
        }
    }

    /// The same for another task than one class an image.
    pub fn for_task(self, task: Task) -> Self {
        Self { task, ..self }
    }

    /// What a source may decode a training image down to: both sides at least this, twice the input size, so that the
    /// decoder's coarse reduction is always followed by a good one.
    pub fn min_side_px(&self) -> u32 {
        self.preprocessing.image_size_px.saturating_mul(2)
    }

    /// The part of training preparation that is the same every epoch, so that it can be kept: an image whose shorter
    /// side is over two and a half times the input size is first reduced to twice the input size (nothing a crop needs is
    /// lost, decoding is not repeated); a smaller one stays as it is, because reducing it takes about as long as decoding.
    /// Without cropping, the resize to the input size itself.
    ///
    /// # Errors
    /// `InvalidInput` when the input size is zero.
    pub fn reduce(&self, image: RgbImage) -> Result<RgbImage> {
        let [width, height] = self.reduced_size([image.width, image.height]);
        if [width, height] == [image.width, image.height] { Ok(image) } else { self.resize(&image, width, height) }
    }

    /// Bytes of a decoded image of this width and height as it is kept for training.
    pub fn kept_bytes(&self, size_px: [u32; 2]) -> u64 {
        let [width, height] = self.reduced_size(size_px);
        3 * u64::from(width) * u64::from(height)
    }

    fn reduced_size(&self, [width, height]: [u32; 2]) -> [u32; 2] {
        let size = self.preprocessing.image_size_px;
        if self.augmentation.crop_min_scale >= 1.0 {
            return [size, size];
        }
        let (shorter, goal) = (width.min(height), self.min_side_px());
        if 4 * u64::from(shorter) <= 5 * u64::from(goal) {
            return [width, height];
        }
        let scaled = |side: u32| (f64::from(side) * f64::from(goal) / f64::from(shorter)).round_ties_even() as u32;
        [width, height].map(scaled)
    }

    /// What [`BatchRecipe::reduce`] depends on, for caches that outlive the run.
    pub fn reduction_key(&self) -> String {
        let crops = self.augmentation.crop_min_scale < 1.0;
        format!("{}-{}-{:?}", self.preprocessing.image_size_px, if crops { "to-double" } else { "exact" }, self.sampler)
    }

    /// The random part, on a reduced image: crop, flips, changes; the result has the input size.
    ///
    /// # Errors
    /// `InvalidInput` when the input size is zero.
    pub fn augment(&self, image: &RgbImage, epoch: u32, index: usize) -> Result<RgbImage> {
        self.augment_seeded(image, Turn { seed: self.seed, epoch, index })
    }

    pub(crate) fn augment_seeded(&self, image: &RgbImage, turn: Turn) -> Result<RgbImage> {
        self.apply(&self.draw([image.width, image.height], turn), image)
    }

    /// What is to be done to the reduced image of this width and height.
    pub(crate) fn draw(&self, size_px: [u32; 2], turn: Turn) -> ImageSteps {
        let Turn { seed, epoch, index } = turn;
        let to = self.preprocessing.image_size_px;
        ImageSteps {
            crop: self.crop().draw(size_px, seed, epoch, index),
            flip_horizontal: self.augmentation.flip_horizontal && FlipHorizontal.happens(seed, epoch, index),
            flip_vertical: self.augmentation.flip_vertical && FlipVertical.happens(seed, epoch, index),
            changes: Changes::draw(&self.augmentation, [to, to], turn),
        }
    }

    /// Does it.
    ///
    /// # Errors
    /// `InvalidInput` when the crop does not lie inside the image.
    pub fn apply(&self, steps: &ImageSteps, image: &RgbImage) -> Result<RgbImage> {
        let mut image = self.crop().resize(image, steps.crop)?;
        if steps.flip_horizontal {
            flip_horizontal(&mut image);
        }
        if steps.flip_vertical {
            flip_vertical(&mut image);
        }
        steps.changes.apply(&mut image)?;
        Ok(image)
    }

    /// Whether an engine can do all of it from [`ImageSteps`]: JPEG artefacts need the host's encoder, and Pillow's exact
    /// numbers its resize.
    pub fn can_be_done_elsewhere(&self) -> bool {
        !self.augmentation.jpeg.is_on() && self.sampler == Sampler::Fast
    }

    fn crop(&self) -> RandomResizedCrop {
        let size_px = self.preprocessing.image_size_px;
        RandomResizedCrop { min_scale: self.augmentation.crop_min_scale, size_px, sampler: self.sampler }
    }

    fn resize(&self, image: &RgbImage, width: u32, height: u32) -> Result<RgbImage> {
        match self.sampler {
            Sampler::Exact => resize_bilinear(image, width, height),
            Sampler::Fast => resize_region(image, Region::whole([image.width, image.height]), width, height),
        }
    }
}

#[cfg(test)]
mod tests {
    use va_domain::TrainSettings;

    use super::*;
    use crate::golden::{cases, fnv, noise, number, pair};
    use crate::standard_preprocessing;

    #[test]
    fn reduction_crop_and_flips_equal_the_python_twin_on_pillow() {
        for case in cases("augment_pillow.json") {
            let size = number(&case["size"]) as u32;
            let augmentation = Augmentation {
                crop_min_scale: case["min_scale"].as_f64().unwrap(),
                flip_horizontal: true,
                flip_vertical: true,
                ..Augmentation::default()
            };
            let settings = TrainSettings { seed: number(&case["run_seed"]), augmentation, ..TrainSettings::default() };
            let mut recipe = BatchRecipe::new(&settings, &standard_preprocessing(size));
            recipe.sampler = Sampler::Exact;
            let [w, h] = pair(&case["from"]);
            let reduced = recipe.reduce(noise(w, h, number(&case["seed"]))).unwrap();
            assert_eq!([reduced.width, reduced.height], pair(&case["reduced"]), "{case}");
            let out = recipe.augment(&reduced, number(&case["epoch"]) as u32, number(&case["index"]) as usize).unwrap();
            assert_eq!(fnv(&out.pixels), case["fnv"], "{case}");
        }
    }
}
