//! Bilinear resize with antialias, equal to Pillow's `Image.resize(size, Image.Resampling.BILINEAR)` bit for bit:
//! two passes of a triangle filter as wide as the scale, 22-bit fixed-point weights, each pass rounded to 8 bits.
//! Which pass comes first follows Pillow 13 (older versions always go along rows first and differ by one level here
//! and there; so does `fast_image_resize`, whose weights have 16 bits).

use std::borrow::Cow;

use va_error::{Error, Result};

use crate::RgbImage;

const PRECISION_BITS: u32 = 22;
const ROUND: i32 = 1 << (PRECISION_BITS - 1);

/// For every output position: the first input position and the weights from there on.
struct Taps {
    starts: Vec<usize>,
    weights: Vec<Vec<i32>>,
}

impl Taps {
    fn bilinear(input: u32, output: u32) -> Self {
        let scale = f64::from(input) / f64::from(output);
        let support = scale.max(1.0);
        let (mut starts, mut weights) = (Vec::new(), Vec::new());
        for position in 0..output {
            let center = (f64::from(position) + 0.5) * scale;
            // Truncation, not floor: Pillow casts to int and then clamps to the image.
            let first = ((center - support + 0.5) as i64).max(0);
            let last = ((center + support + 0.5) as i64).min(i64::from(input));
            let exact: Vec<f64> = (first..last)
                .map(|x| {
                    let distance = ((x as f64 - center + 0.5) * (1.0 / support)).abs();
                    (1.0 - distance).max(0.0)
                })
                .collect();
            let sum: f64 = exact.iter().sum();
            let fixed = exact.iter().map(|w| (0.5 + w / sum * f64::from(1u32 << PRECISION_BITS)) as i32);
            starts.push(first as usize);
            weights.push(fixed.collect());
        }
        Self { starts, weights }
    }
}

fn to_u8(sum: i32) -> u8 {
    (sum >> PRECISION_BITS).clamp(0, 255) as u8
}

/// Resizes to `width` × `height`; an image of that size already comes back unchanged.
///
/// # Errors
/// `InvalidInput` when a side is zero.
pub fn resize_bilinear(image: &RgbImage, width: u32, height: u32) -> Result<RgbImage> {
    if width == 0 || height == 0 {
        return Err(Error::invalid("an image cannot be resized to zero pixels"));
    }
    let shrinks_by = |from: u32, to: u32| i64::from(from) - i64::from(to);
    let (less_height, less_width) = (shrinks_by(image.height, height), shrinks_by(image.width, width));
    if less_height > 0 && less_height > 2 * less_width {
        return Ok(rows(columns(Cow::Borrowed(image), height), width).into_owned());
    }
    Ok(columns(rows(Cow::Borrowed(image), width), height).into_owned())
}

fn rows(image: Cow<'_, RgbImage>, width: u32) -> Cow<'_, RgbImage> {
    if width == image.width {
        return image;
    }
    let taps = Taps::bilinear(image.width, width);
    let mut pixels = Vec::with_capacity(width as usize * image.height as usize * 3);
    for line in image.pixels.chunks_exact(image.width as usize * 3) {
        for (&start, weights) in taps.starts.iter().zip(&taps.weights) {
            let mut sums = [ROUND; 3];
            for (pixel, &weight) in line[start * 3..].chunks_exact(3).zip(weights) {
                for (sum, &value) in sums.iter_mut().zip(pixel) {
                    *sum += i32::from(value) * weight;
                }
            }
            pixels.extend(sums.map(to_u8));
        }
    }
    Cow::Owned(RgbImage { width, height: image.height, pixels })
}

fn columns(image: Cow<'_, RgbImage>, height: u32) -> Cow<'_, RgbImage> {
    if height == image.height {
        return image;
    }
    let taps = Taps::bilinear(image.height, height);
    let stride = image.width as usize * 3;
    let mut pixels = Vec::with_capacity(stride * height as usize);
    let mut sums = vec![0i32; stride];
    for (&start, weights) in taps.starts.iter().zip(&taps.weights) {
        sums.fill(ROUND);
        for (line, &weight) in image.pixels[start * stride..].chunks_exact(stride).zip(weights) {
            for (sum, &value) in sums.iter_mut().zip(line) {
                *sum += i32::from(value) * weight;
            }
        }
        pixels.extend(sums.iter().map(|&sum| to_u8(sum)));
    }
    Cow::Owned(RgbImage { width: image.width, height, pixels })
}

#[cfg(test)]
#[path = "resize_tests.rs"]
mod tests;
