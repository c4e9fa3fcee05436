use va_domain::Preprocessing;
use va_error::{Error, Result};

use crate::{RgbImage, resize_bilinear};

/// From 8-bit RGB to the network's numbers: `(value / 255 - mean) / std` in f32, in that order, as torchvision's
/// `ToTensor` and `Normalize` (bit for bit).
#[derive(Debug, Clone)]
pub struct Normaliser {
    table: [[f32; 256]; 3],
}

impl Normaliser {
    /// # Errors
    /// `InvalidInput` when a mean is not finite or a deviation not positive.
    pub fn new(preprocessing: &Preprocessing) -> Result<Self> {
        let Preprocessing { mean, std, .. } = preprocessing;
        if mean.iter().any(|m| !m.is_finite()) || std.iter().any(|s| !(s.is_finite() && *s > 0.0)) {
            return Err(Error::invalid(format!("cannot normalise with mean {mean:?} and deviation {std:?}")));
        }
        let table = [0, 1, 2]
            .map(|channel: usize| std::array::from_fn(|value| (value as f32 / 255.0 - mean[channel]) / std[channel]));
        Ok(Self { table })
    }

    /// `[3, 256]`: what each value of each channel becomes.
    pub fn table(&self) -> &[[f32; 256]; 3] {
        &self.table
    }

    /// Writes `[H, W, 3]` in f32 for `[H, W, 3]` in u8.
    pub fn apply(&self, pixels: &[u8], out: &mut [f32]) {
        assert_eq!(pixels.len(), out.len(), "BUG: a normalised image has as many numbers as the image has bytes");
        for (pixel, out) in pixels.chunks_exact(3).zip(out.chunks_exact_mut(3)) {
            for channel in 0..3 {
                out[channel] = self.table[channel][pixel[channel] as usize];
            }
        }
    }
}

/// What evaluation and prediction do to an upright image of any size: `[S, S, 3]`, resized and normalised.
///
/// # Errors
/// `InvalidInput` when the preprocessing itself is not usable.
pub fn preprocess(image: &RgbImage, preprocessing: &Preprocessing) -> Result<Vec<f32>> {
    let size = preprocessing.image_size_px;
    let resized = resize_bilinear(image, size, size)?;
    let mut out = vec![0.0; resized.pixels.len()];
    Normaliser::new(preprocessing)?.apply(&resized.pixels, &mut out);
    Ok(out)
}

/// The preprocessing of new models: mean and deviation of ImageNet, which pretrained weights expect too.
pub fn standard_preprocessing(image_size_px: u32) -> Preprocessing {
    Preprocessing { image_size_px, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_each_channel_with_its_own_numbers() {
        let preprocessing = Preprocessing { image_size_px: 1, mean: [0.0, 0.5, 1.0], std: [1.0, 0.5, 0.25] };
        let image = RgbImage::new(1, 1, vec![255, 255, 255]).unwrap();
        assert_eq!(preprocess(&image, &preprocessing).unwrap(), [1.0, 1.0, 0.0]);
    }

    #[test]
    fn unusable_numbers_are_refused() {
        let mut preprocessing = standard_preprocessing(8);
        preprocessing.std[1] = 0.0;
        assert!(Normaliser::new(&preprocessing).is_err());
    }
}
