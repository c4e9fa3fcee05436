use va_domain::{Augmentation, TrainSettings};
use va_error::Result;

use crate::{BatchRecipe, RgbImage, standard_preprocessing};

/// What training would make of an image: one picture of `size_px` × `size_px` for every seed, by the very recipe that a
/// run uses (mixup aside, which needs a second image).
///
/// # Errors
/// `InvalidInput` when a value of the augmentation is out of its range or the size is zero.
pub fn preview(image: &RgbImage, augmentation: &Augmentation, size_px: u32, seeds: &[u64]) -> Result<Vec<RgbImage>> {
    augmentation.check()?;
    let settings = TrainSettings { augmentation: *augmentation, ..TrainSettings::default() };
    let mut recipe = BatchRecipe::new(&settings, &standard_preprocessing(size_px));
    let reduced = recipe.reduce(image.clone())?;
    let one = |&seed: &u64| {
        recipe.seed = seed;
        recipe.augment(&reduced, 0, 0)
    };
    seeds.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use va_domain::Change;

    use super::*;
    use crate::golden::noise;

    #[test]
    fn gives_a_picture_a_seed_and_the_same_for_the_same() {
        let image = noise(90, 70, 1);
        let blur = Change { strength: 2.0, probability: 1.0 };
        let augmentation = Augmentation { blur, ..Augmentation::default() };
        let made = preview(&image, &augmentation, 32, &[1, 2, 1]).unwrap();
        assert_eq!(made.len(), 3);
        assert!(made.iter().all(|picture| (picture.width, picture.height) == (32, 32)));
        assert_eq!(made[0], made[2]);
        assert_ne!(made[0], made[1]);
        let wrong = Augmentation { crop_min_scale: 2.0, ..augmentation };
        assert!(preview(&image, &wrong, 32, &[1]).is_err());
    }
}
