//! The same bilinear resize with antialias as [`crate::resize_bilinear`] in the processor's vector instructions. It rounds
//! its weights to 16 bits, so that a value is at most one level of 255 away from Pillow's; the same on every thread.

use std::cell::RefCell;

use fast_image_resize::images::{TypedCroppedImage, TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use serde::{Deserialize, Serialize};
use va_error::{Error, Result};

use crate::RgbImage;

thread_local! {
    /// Keeps its buffers from image to image.
    static RESIZER: RefCell<Resizer> = RefCell::new(Resizer::new());
}

/// A part of an image in whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    pub x: u32,
    pub y: u32,
    pub width: u32,
    pub height: u32,
}

impl Region {
    /// All of an image of this width and height.
    pub fn whole([width, height]: [u32; 2]) -> Self {
        Self { x: 0, y: 0, width, height }
    }
}

/// The region, resized to `width` × `height`; pixels around it have no part in the result.
///
/// # Errors
/// `InvalidInput` when a side is zero or the region does not lie inside the image.
pub(crate) fn resize_region(image: &RgbImage, region: Region, width: u32, height: u32) -> Result<RgbImage> {
    if width == 0 || height == 0 {
        return Err(Error::invalid("an image cannot be resized to zero pixels"));
    }
    if (region.width, region.height) == (width, height) {
        return image.crop(region.x, region.y, width, height);
    }
    let failed = |message: String| Error::invalid(format!("cannot resize: {message}"));
    let mut pixels = vec![0; width as usize * height as usize * 3];
    // One type of pixel by name: the untyped call compiles every one of them.
    let whole = TypedImageRef::<U8x3>::from_buffer(image.width, image.height, &image.pixels)
        .map_err(|error| failed(error.to_string()))?;
    // A view of the part is an image of its own; the resizer's crop option reads beyond the part's edges.
    let source = TypedCroppedImage::from_ref(&whole, region.x, region.y, region.width, region.height)
        .map_err(|error| failed(error.to_string()))?;
    let mut target =
        TypedImage::<U8x3>::from_buffer(width, height, &mut pixels).map_err(|error| failed(error.to_string()))?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    let resized = RESIZER.with(|kept| match kept.try_borrow_mut() {
        Ok(mut resizer) => resizer.resize_typed(&source, &mut target, &options),
        // It works in parallel, and while this thread waits for a part it may begin another image.
        Err(_) => Resizer::new().resize_typed(&source, &mut target, &options),
    });
    resized.map_err(|error| failed(error.to_string()))?;
    RgbImage::new(width, height, pixels)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::noise;
    use crate::resize_bilinear;

    #[test]
    fn is_at_most_a_level_away_from_pillow() {
        for (seed, (w, h, to_w, to_h)) in
            [(64, 48, 21, 48), (200, 150, 64, 64), (97, 301, 128, 128), (31, 33, 32, 32), (17, 11, 80, 70)]
                .into_iter()
                .enumerate()
        {
            let image = noise(w, h, seed as u64);
            let fast = resize_region(&image, Region::whole([w, h]), to_w, to_h).unwrap();
            let exact = resize_bilinear(&image, to_w, to_h).unwrap();
            let worst = fast.pixels.iter().zip(&exact.pixels).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(1), "{w}×{h} to {to_w}×{to_h}: {worst:?}");
        }
    }

    #[test]
    fn a_region_is_the_crop_of_it_resized() {
        let image = noise(60, 50, 3);
        let region = Region { x: 7, y: 5, width: 31, height: 40 };
        let crop = image.crop(7, 5, 31, 40).unwrap();
        let expected = resize_region(&crop, Region::whole([crop.width, crop.height]), 16, 16).unwrap();
        assert_eq!(resize_region(&image, region, 16, 16).unwrap(), expected);
        assert_eq!(resize_region(&image, region, 31, 40).unwrap(), crop);
        assert!(resize_region(&image, Region { x: 40, ..region }, 16, 16).is_err());
        assert!(resize_region(&image, region, 0, 16).is_err());
    }
}
