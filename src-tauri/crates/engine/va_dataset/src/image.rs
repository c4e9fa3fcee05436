use va_error::{Error, Result};

/// An upright 8-bit RGB image, rows from the top, `pixels` is `[height, width, 3]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RgbImage {
    pub width: u32,
    pub height: u32,
    pub pixels: Vec<u8>,
}

impl RgbImage {
    /// # Errors
    /// `InvalidInput` when a side is zero or `pixels` is not `height · width · 3` bytes.
    pub fn new(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self> {
        let expected = (width as usize).checked_mul(height as usize).and_then(|n| n.checked_mul(3));
        if width == 0 || height == 0 || expected != Some(pixels.len()) {
            return Err(Error::invalid(format!(
                "an RGB image of {width}×{height} pixels does not have {} bytes",
                pixels.len()
            )));
        }
        Ok(Self { width, height, pixels })
    }

    /// The part that begins at (`x`, `y`).
    ///
    /// # Errors
    /// `InvalidInput` when it does not lie inside the image.
    pub fn crop(&self, x: u32, y: u32, width: u32, height: u32) -> Result<Self> {
        let inside =
            |start: u32, size: u32, whole: u32| size > 0 && start.checked_add(size).is_some_and(|e| e <= whole);
        if !inside(x, width, self.width) || !inside(y, height, self.height) {
            return Err(Error::invalid(format!(
                "a crop of {width}×{height} at ({x}, {y}) does not lie inside {}×{}",
                self.width, self.height
            )));
        }
        let (stride, row) = (self.width as usize * 3, width as usize * 3);
        let mut pixels = Vec::with_capacity(row * height as usize);
        for line in y..y + height {
            let start = line as usize * stride + x as usize * 3;
            pixels.extend_from_slice(&self.pixels[start..start + row]);
        }
        Self::new(width, height, pixels)
    }

    pub fn bytes(&self) -> usize {
        self.pixels.len()
    }
}
