//! The weights of the fast resize, for those who do it elsewhere.

/// Which pixels of a line make which of the resized one, in fixed point: position `i` is
/// `(Σ weights[i][k] · pixel[starts[i] + k] + 2^(precision - 1)) >> precision`, limited to 0..=255.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResizeTaps {
    pub starts: Vec<u32>,
    pub weights: Vec<Vec<i16>>,
    /// Bits behind the point.
    pub precision: u32,
}

impl ResizeTaps {
    /// A line of `from` pixels to one of `to`, with the triangle filter of `fast_resize` and its rounding to 16 bits. Columns
    /// are resized first, then rows, each rounded to 8 bits.
    pub fn new(from: u32, to: u32) -> Self {
        if from == to {
            // One whole weight gives the pixel itself.
            return Self { starts: (0..to).collect(), weights: vec![vec![1 << 14]; to as usize], precision: 14 };
        }
        let exact: Vec<(u32, Vec<f64>)> = (0..to).map(|position| exact_weights(from, to, position)).collect();
        let largest = exact.iter().flat_map(|(_, weights)| weights).fold(0.0f64, |largest, &w| largest.max(w));
        // The most bits with which every weight fits into 16.
        let fits = |bits: &u32| (largest * f64::from(1u32 << bits)).round() < f64::from(1u32 << 15);
        let precision = (1..22).take_while(fits).last().unwrap_or(0);
        let scale = f64::from(1u32 << precision);
        let fixed = |weights: &[f64]| weights.iter().map(|w| (w * scale).round() as i16).collect();
        let starts = exact.iter().map(|(start, _)| *start).collect();
        let weights = exact.iter().map(|(_, weights)| fixed(weights)).collect();
        Self { starts, weights, precision }
    }
}

/// The first pixel and the weights from there on, which add up to 1.
fn exact_weights(from: u32, to: u32, position: u32) -> (u32, Vec<f64>) {
    let scale = f64::from(from) / f64::from(to);
    let reach = scale.max(1.0);
    let per_reach = 1.0 / reach;
    let centre = (f64::from(position) + 0.5) * scale;
    let first = (centre - reach).floor().max(0.0) as u32;
    let end = (centre + reach).ceil().min(f64::from(from)) as u32;
    let weight = |x: u32| {
        let distance = ((f64::from(x) - (centre - 0.5)) * per_reach).abs();
        if distance < 1.0 { 1.0 - distance } else { 0.0 }
    };
    let all: Vec<f64> = (first..end).map(weight).collect();
    let sum: f64 = all.iter().sum();
    let leading = all.iter().take_while(|&&w| w == 0.0).count();
    let trailing = all[leading..].iter().rev().take_while(|&&w| w == 0.0).count();
    let kept = all[leading..all.len() - trailing].iter().map(|w| w / sum).collect();
    (first + leading as u32, kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RgbImage;
    use crate::fast_resize::{Region, resize_region};
    use crate::golden::noise;

    /// Resizes lines of `count` pixels, `step` bytes apart.
    fn line(pixels: &[u8], step: usize, taps: &ResizeTaps, position: usize) -> u8 {
        let start = taps.starts[position] as usize;
        let products =
            taps.weights[position].iter().zip(start..).map(|(&w, x)| i32::from(w) * i32::from(pixels[x * step]));
        ((products.sum::<i32>() + (1 << (taps.precision - 1))) >> taps.precision).clamp(0, 255) as u8
    }

    fn by_taps(image: &RgbImage, to: u32) -> RgbImage {
        let (columns, rows) = (ResizeTaps::new(image.height, to), ResizeTaps::new(image.width, to));
        let (stride, size) = (image.width as usize * 3, to as usize);
        let between: Vec<u8> =
            (0..size * stride).map(|at| line(&image.pixels[at % stride..], stride, &columns, at / stride)).collect();
        let resized = |at: usize| {
            let (y, x, channel) = (at / (size * 3), at / 3 % size, at % 3);
            line(&between[y * stride + channel..], 3, &rows, x)
        };
        RgbImage::new(to, to, (0..size * size * 3).map(resized).collect()).unwrap()
    }

    #[test]
    fn are_those_of_the_fast_resize_bit_for_bit() {
        for (seed, (width, height, to)) in [
            (64, 48, 21),
            (97, 301, 128),
            (31, 33, 32),
            (32, 50, 32),
            (47, 32, 32),
            (17, 11, 80),
            (560, 431, 224),
            (1, 3, 5),
        ]
        .into_iter()
        .enumerate()
        {
            let image = noise(width, height, seed as u64);
            let fast = resize_region(&image, Region::whole([width, height]), to, to).unwrap();
            assert!(by_taps(&image, to) == fast, "{width}×{height} to {to}");
        }
    }
}
