use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use va_error::{Error, Result};

/// A binary mask as run lengths, row by row over the image: background first, then foreground, alternating.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Mask {
    pub width_px: u32,
    pub height_px: u32,
    /// Alternating lengths, beginning with background (may be 0); they add up to `width × height`.
    pub runs: Vec<u32>,
}

impl Mask {
    /// From one byte a pixel (non-zero is foreground), `[height × width]`.
    ///
    /// # Errors
    /// `InvalidInput` when the number of pixels is not width × height.
    pub fn from_pixels(width_px: u32, height_px: u32, pixels: &[u8]) -> Result<Self> {
        if pixels.len() as u64 != u64::from(width_px) * u64::from(height_px) {
            return Err(Error::invalid(format!("a mask of {width_px}×{height_px} has {} pixels", pixels.len())));
        }
        let mut runs = Vec::new();
        let (mut inside, mut length) = (false, 0u32);
        for &pixel in pixels {
            if (pixel != 0) != inside {
                runs.push(length);
                inside = !inside;
                length = 0;
            }
            length += 1;
        }
        runs.push(length);
        Ok(Self { width_px, height_px, runs })
    }

    /// One byte a pixel, 0 or 255.
    pub fn to_pixels(&self) -> Vec<u8> {
        let mut pixels = Vec::with_capacity(self.width_px as usize * self.height_px as usize);
        for (i, &run) in self.runs.iter().enumerate() {
            pixels.resize(pixels.len() + run as usize, if i % 2 == 1 { 255 } else { 0 });
        }
        pixels
    }

    /// Foreground pixels.
    pub fn area(&self) -> u64 {
        self.runs.iter().skip(1).step_by(2).map(|&r| u64::from(r)).sum()
    }

    /// # Errors
    /// `InvalidInput` unless the runs add up to width × height.
    pub fn check(&self) -> Result<()> {
        let total: u64 = self.runs.iter().map(|&r| u64::from(r)).sum();
        if total != u64::from(self.width_px) * u64::from(self.height_px) {
            return Err(Error::invalid(format!(
                "the runs of a {}×{} mask add up to {total} pixels",
                self.width_px, self.height_px
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Mask;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pixels_survive_the_round_trip(width in 1u32..20, height in 1u32..20, seed in any::<u64>()) {
            let pixels: Vec<u8> = (0..width * height)
                .map(|i| if (seed.rotate_left(i % 64) ^ u64::from(i)) & 1 == 1 { 255 } else { 0 })
                .collect();
            let mask = Mask::from_pixels(width, height, &pixels).unwrap();
            mask.check().unwrap();
            prop_assert_eq!(mask.area(), pixels.iter().filter(|p| **p != 0).count() as u64);
            prop_assert_eq!(mask.to_pixels(), pixels);
        }
    }

    #[test]
    fn runs_that_do_not_fill_the_image_are_refused() {
        assert!(Mask { width_px: 2, height_px: 2, runs: vec![3] }.check().is_err());
        assert!(Mask::from_pixels(2, 2, &[0; 3]).is_err());
    }
}
