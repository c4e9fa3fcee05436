use va_error::Result;

use crate::fast_resize::{Region, resize_region};
use crate::rng::{Draws, Stream};
use crate::{RgbImage, resize_bilinear};

/// A random part of the image (Szegedy et al. 2015), resized to a square: its area is uniform between `min_scale` and 1
/// of the image's, the logarithm of its aspect ratio uniform between log 3/4 and log 4/3, as in torchvision: ten
/// tries, then the largest centred part within those ratios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RandomResizedCrop {
    /// 1 never crops.
    pub min_scale: f64,
    pub size_px: u32,
    pub sampler: Sampler,
}

/// How images are resized.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sampler {
    /// Pillow's numbers, bit for bit.
    Exact,
    /// In vector instructions, at most one level of 255 away.
    Fast,
}

const RATIO: (f64, f64) = (3.0 / 4.0, 4.0 / 3.0);

impl RandomResizedCrop {
    /// # Errors
    /// `InvalidInput` when the target size is zero.
    pub fn apply(&self, image: &RgbImage, seed: u64, epoch: u32, index: usize) -> Result<RgbImage> {
        self.resize(image, self.draw([image.width, image.height], seed, epoch, index))
    }

    /// The part of an image of this width and height.
    pub(crate) fn draw(&self, size_px: [u32; 2], seed: u64, epoch: u32, index: usize) -> Region {
        match self.min_scale >= 1.0 {
            true => Region::whole(size_px),
            false => self.region(size_px, &mut Draws::new(seed, Stream::Crop, epoch, index)),
        }
    }

    pub(crate) fn resize(&self, image: &RgbImage, region: Region) -> Result<RgbImage> {
        match self.sampler {
            Sampler::Fast => resize_region(image, region, self.size_px, self.size_px),
            Sampler::Exact => {
                let crop = image.crop(region.x, region.y, region.width, region.height)?;
                resize_bilinear(&crop, self.size_px, self.size_px)
            }
        }
    }

    /// Draws a try: area, ratio; then y, x of the accepted one.
    fn region(&self, size_px: [u32; 2], draws: &mut Draws) -> Region {
        let [whole_width, whole_height] = size_px.map(f64::from);
        let area = whole_width * whole_height;
        for _ in 0..10 {
            let target = area * (self.min_scale + (1.0 - self.min_scale) * draws.uniform());
            let (low, high) = (RATIO.0.ln(), RATIO.1.ln());
            let ratio = (low + (high - low) * draws.uniform()).exp();
            let width = (target * ratio).sqrt().round_ties_even();
            let height = (target / ratio).sqrt().round_ties_even();
            if width >= 1.0 && width <= whole_width && height >= 1.0 && height <= whole_height {
                let (width, height) = (width as u32, height as u32);
                let y = draws.below(size_px[1] - height + 1);
                let x = draws.below(size_px[0] - width + 1);
                return Region { x, y, width, height };
            }
        }
        central_region(size_px)
    }
}

fn central_region([whole_width, whole_height]: [u32; 2]) -> Region {
    let ratio = f64::from(whole_width) / f64::from(whole_height);
    let (width, height) = if ratio < RATIO.0 {
        (whole_width, (f64::from(whole_width) / RATIO.0).round_ties_even() as u32)
    } else if ratio > RATIO.1 {
        ((f64::from(whole_height) * RATIO.1).round_ties_even() as u32, whole_height)
    } else {
        (whole_width, whole_height)
    };
    let (width, height) = (width.clamp(1, whole_width), height.clamp(1, whole_height));
    Region { x: (whole_width - width) / 2, y: (whole_height - height) / 2, width, height }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ramp(width: u32, height: u32) -> RgbImage {
        let pixels = (0..width * height * 3).map(|i| (i % 251) as u8).collect();
        RgbImage::new(width, height, pixels).unwrap()
    }

    #[test]
    fn crops_stay_inside_and_keep_the_promised_share() {
        let crop = RandomResizedCrop { min_scale: 0.5, size_px: 8, sampler: Sampler::Exact };
        for (width, height) in [(40, 30), (31, 97), (300, 2), (1, 1), (5, 400)] {
            let image = ramp(width, height);
            for index in 0..200 {
                let Region { x, y, width: w, height: h } =
                    crop.region([width, height], &mut Draws::new(9, Stream::Crop, 0, index));
                assert!(x + w <= width && y + h <= height && w > 0 && h > 0);
                assert_eq!(crop.apply(&image, 9, 0, index).unwrap().pixels.len(), 8 * 8 * 3);
            }
        }
        for index in 0..200 {
            let Region { width: w, height: h, .. } =
                crop.region([400, 400], &mut Draws::new(9, Stream::Crop, 0, index));
            let share = f64::from(w * h) / 160_000.0;
            assert!((0.49..=1.0).contains(&share), "{share}");
            assert!((0.74..=1.35).contains(&(f64::from(w) / f64::from(h))));
        }
    }

    #[test]
    fn a_crop_is_the_same_every_time_and_other_in_another_epoch() {
        let crop = RandomResizedCrop { min_scale: 0.3, size_px: 16, sampler: Sampler::Exact };
        let image = ramp(64, 48);
        assert_eq!(crop.apply(&image, 1, 2, 3).unwrap(), crop.apply(&image, 1, 2, 3).unwrap());
        assert_ne!(crop.apply(&image, 1, 2, 3).unwrap(), crop.apply(&image, 1, 3, 3).unwrap());
    }

    #[test]
    fn full_scale_never_crops() {
        let image = ramp(20, 10);
        let crop = RandomResizedCrop { min_scale: 1.0, size_px: 10, sampler: Sampler::Exact };
        assert_eq!(crop.apply(&image, 1, 0, 0).unwrap(), resize_bilinear(&image, 10, 10).unwrap());
    }
}
