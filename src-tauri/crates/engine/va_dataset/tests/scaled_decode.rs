//! JPEGs decoded at a fraction of their size give the training image that a full decode gives, within a tolerance.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use va_dataset::{BatchRecipe, RgbImage, standard_preprocessing};
use va_domain::TrainSettings;
use va_media::Limits;

/// Mean absolute difference over all values, in levels of 255, that is promised for photographs.
const TOLERANCE: f64 = 1.5;

/// A large photograph: the sample project's, enlarged, and compressed as a camera does.
fn photographs(factor: u32) -> Vec<Vec<u8>> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../assets/sample/white_cell");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let enlarged = |path: &std::path::PathBuf| {
        let small = va_media::decode(&std::fs::read(path).unwrap(), &Limits::default()).unwrap();
        let image = RgbImage::new(small.width_px, small.height_px, small.pixels).unwrap();
        let large = va_dataset::resize_bilinear(&image, image.width * factor + 5, image.height * factor + 3).unwrap();
        let large = va_media::RgbImage { width_px: large.width, height_px: large.height, pixels: large.pixels };
        va_media::encode_jpeg(&large, 90).unwrap()
    };
    paths.iter().take(5).map(enlarged).collect()
}

#[test]
fn a_reduced_training_image_is_within_the_tolerance() {
    let recipe = BatchRecipe::new(&TrainSettings::default(), &standard_preprocessing(48));
    let mut smaller = 0;
    for bytes in photographs(9) {
        let decode = |min_side_px: u32| {
            let image = va_media::decode_at_least(&bytes, &Limits::default(), min_side_px).unwrap();
            RgbImage::new(image.width_px, image.height_px, image.pixels).unwrap()
        };
        let (whole, scaled) = (decode(u32::MAX), decode(recipe.min_side_px()));
        smaller += usize::from(scaled.width < whole.width);
        let (whole, scaled) = (recipe.reduce(whole).unwrap(), recipe.reduce(scaled).unwrap());
        // One may have been reduced and the other not: compared where the network sees them both.
        let [whole, scaled] = [whole, scaled].map(|image| va_dataset::resize_bilinear(&image, 48, 48).unwrap());
        let sum: u64 = whole.pixels.iter().zip(&scaled.pixels).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        let mean = sum as f64 / whole.pixels.len() as f64;
        assert!(mean <= TOLERANCE, "the mean difference is {mean} levels");
    }
    assert_eq!(smaller, 5, "the fraction was used");
}
