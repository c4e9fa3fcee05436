use crate::RgbImage;
use crate::rng::{Draws, Stream};

/// Mirrors top and bottom with probability one half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlipVertical;

impl FlipVertical {
    pub fn apply(self, image: &mut RgbImage, seed: u64, epoch: u32, index: usize) {
        if self.happens(seed, epoch, index) {
            flip_vertical(image);
        }
    }

    pub(crate) fn happens(self, seed: u64, epoch: u32, index: usize) -> bool {
        Draws::new(seed, Stream::FlipVertical, epoch, index).uniform() < 0.5
    }
}

pub(crate) fn flip_vertical(image: &mut RgbImage) {
    let stride = image.width as usize * 3;
    let (mut top, mut bottom) = (0, image.height as usize - 1);
    while top < bottom {
        let (above, below) = image.pixels.split_at_mut(bottom * stride);
        above[top * stride..(top + 1) * stride].swap_with_slice(&mut below[..stride]);
        top += 1;
        bottom -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_columns() {
        let mut image = RgbImage::new(1, 3, vec![1, 2, 3, 4, 5, 6, 7, 8, 9]).unwrap();
        flip_vertical(&mut image);
        assert_eq!(image.pixels, [7, 8, 9, 4, 5, 6, 1, 2, 3]);
    }

    #[test]
    fn is_drawn_apart_from_the_horizontal_flip() {
        let original = RgbImage::new(2, 2, vec![1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4]).unwrap();
        let kinds: std::collections::HashSet<Vec<u8>> = (0..100)
            .map(|index| {
                let mut image = original.clone();
                crate::FlipHorizontal.apply(&mut image, 3, 1, index);
                FlipVertical.apply(&mut image, 3, 1, index);
                image.pixels
            })
            .collect();
        assert_eq!(kinds.len(), 4);
    }
}
