use va_domain::{Augmentation, Preprocessing, TrainSettings};
use va_error::Result;

use crate::{FlipHorizontal, FlipVertical, RandomResizedCrop, RgbImage, resize_bilinear};

/// How images become a run's batches. Everything here is part of the run's identity; how many threads do it is not.
#[derive(Debug, Clone, PartialEq)]
pub struct BatchRecipe {
    pub seed: u64,
    pub batch_size: usize,
    pub epochs: u32,
    pub augmentation: Augmentation,
    pub preprocessing: Preprocessing,
}

impl BatchRecipe {
    pub fn new(settings: &TrainSettings, preprocessing: &Preprocessing) -> Self {
        Self {
            seed: settings.seed,
            batch_size: settings.batch_size as usize,
            epochs: settings.epochs,
            augmentation: settings.augmentation,
            preprocessing: preprocessing.clone(),
        }
    }

    /// The part of training preparation that is the same every epoch, so that it can be kept: an image whose shorter
    /// side is over twice the input size is first reduced to that (nothing a crop needs is lost, decoding is not
    /// repeated); without cropping, the resize to the input size itself.
    ///
    /// # Errors
    /// `InvalidInput` when the input size is zero.
    pub fn reduce(&self, image: RgbImage) -> Result<RgbImage> {
        let size = self.preprocessing.image_size_px;
        if self.augmentation.crop_min_scale >= 1.0 {
            return resize_bilinear(&image, size, size);
        }
        let (shorter, goal) = (image.width.min(image.height), size.saturating_mul(2));
        if shorter <= goal {
            return Ok(image);
        }
        let scaled = |side: u32| (f64::from(side) * f64::from(goal) / f64::from(shorter)).round_ties_even() as u32;
        resize_bilinear(&image, scaled(image.width), scaled(image.height))
    }

    /// The random part, on a reduced image: crop, flips; the result has the input size.
    ///
    /// # Errors
    /// `InvalidInput` when the input size is zero.
    pub fn augment(&self, image: &RgbImage, epoch: u32, index: usize) -> Result<RgbImage> {
        let Augmentation { crop_min_scale, flip_horizontal, flip_vertical, .. } = self.augmentation;
        let crop = RandomResizedCrop { min_scale: crop_min_scale, size_px: self.preprocessing.image_size_px };
        let mut image = crop.apply(image, self.seed, epoch, index)?;
        if flip_horizontal {
            FlipHorizontal.apply(&mut image, self.seed, epoch, index);
        }
        if flip_vertical {
            FlipVertical.apply(&mut image, self.seed, epoch, index);
        }
        Ok(image)
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
            let recipe = BatchRecipe::new(&settings, &standard_preprocessing(size));
            let [w, h] = pair(&case["from"]);
            let reduced = recipe.reduce(noise(w, h, number(&case["seed"]))).unwrap();
            assert_eq!([reduced.width, reduced.height], pair(&case["reduced"]), "{case}");
            let out = recipe.augment(&reduced, number(&case["epoch"]) as u32, number(&case["index"]) as usize).unwrap();
            assert_eq!(fnv(&out.pixels), case["fnv"], "{case}");
        }
    }
}
