use crate::RgbImage;
use crate::rng::{Draws, Stream};

/// Mirrors left and right with probability one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlipHorizontal;

impl FlipHorizontal {
    pub fn apply(self, image: &mut RgbImage, seed: u64, epoch: u32, index: usize) {
        if self.happens(seed, epoch, index) {
            flip_horizontal(image);
        }
    }

    pub(crate) fn happens(self, seed: u64, epoch: u32, index: usize) -> bool {
        Draws::new(seed, Stream::FlipHorizontal, epoch, index).uniform() < 0.5
    }
}

pub(crate) fn flip_horizontal(image: &mut RgbImage) {
    for line in image.pixels.chunks_exact_mut(image.width as usize * 3) {
        let (mut left, mut right) = (0, image.width as usize - 1);
        while left < right {
            for channel in 0..3 {
                line.swap(left * 3 + channel, right * 3 + channel);
            }
            left += 1;
            right -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_rows_and_keeps_channels() {
        let mut image = RgbImage::new(3, 1, vec![1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        flip_horizontal(&mut image);
        assert_eq!(image.pixels, [7, 8, 9, 4, 5, 6, 1, 2, 3]);
    }

    #[test]
    fn flips_about_half_of_the_samples() {
        let original = RgbImage::new(2, 1, vec![1, 1, 1, 2, 2, 2]).unwrap();
        let flipped = (0..1000).filter(|&index| {
            let mut image = original.clone();
            FlipHorizontal.apply(&mut image, 3, 1, index);
            image != original
        });
        assert!((440..560).contains(&flipped.count()));
    }
}
