use serde::{Deserialize, Serialize};
use va_domain::Change;

use super::{Turn, signed};
use crate::RgbImage;
use crate::rng::Stream;

/// Weights of red, green and blue in the grey of a colour (ITU-R BT.709).
pub const GREY: [f64; 3] = [0.2126, 0.7152, 0.0722];

/// Brightness, contrast, saturation and hue, in this order; one rounding for all.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Color {
    /// A colour to a colour.
    pub matrix: [[f32; 3]; 3],
    /// With contrast changed: what the image's mean grey is multiplied with, one after the other, for the level that is
    /// added to every channel.
    pub contrast: Option<[f64; 2]>,
}

impl Color {
    /// Each by its own probability.
    pub(crate) fn draw([brightness, contrast, saturation, hue]: [Change; 4], turn: Turn) -> Option<Self> {
        let mut draws = turn.draws(Stream::Color);
        let changes = [brightness, contrast, saturation, hue].map(|change| signed(change, &mut draws));
        if changes.iter().all(Option::is_none) {
            return None;
        }
        let [brightness, contrast, saturation, degrees] = changes.map(|change| change.unwrap_or(0.0));
        let (bright, sharp) = (1.0 + brightness, 1.0 + contrast);
        let scale = bright * sharp;
        let mixed = product(hue_matrix(degrees.to_radians()), saturation_matrix(1.0 + saturation));
        // Both matrices keep grey as it is, so the constant level passes through them.
        let matrix = mixed.map(|line| line.map(|value| (value * scale) as f32));
        Some(Self { matrix, contrast: (contrast != 0.0).then_some([bright, 1.0 - sharp]) })
    }

    pub(crate) fn apply(&self, image: &mut RgbImage) {
        let level = self.contrast.map_or(0.0, |[bright, rest]| mean_grey(image) * bright * rest);
        let constant = level as f32 + 0.5;
        for pixel in image.pixels.chunks_exact_mut(3) {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]].map(f32::from);
            for (value, [by_r, by_g, by_b]) in pixel.iter_mut().zip(self.matrix) {
                *value = (by_r * r + by_g * g + by_b * b + constant) as u8;
            }
        }
    }
}

fn mean_grey(image: &RgbImage) -> f64 {
    let mut sums = [0u64; 3];
    for pixel in image.pixels.chunks_exact(3) {
        for (sum, &value) in sums.iter_mut().zip(pixel) {
            *sum += u64::from(value);
        }
    }
    let count = (image.pixels.len() / 3).max(1) as f64;
    sums.iter().zip(GREY).map(|(&sum, weight)| sum as f64 / count * weight).sum()
}

/// Towards (below 1) or away from grey.
fn saturation_matrix(factor: f64) -> [[f64; 3]; 3] {
    std::array::from_fn(|row| {
        std::array::from_fn(|column| (1.0 - factor) * GREY[column] + if row == column { factor } else { 0.0 })
    })
}

/// A turn about the grey axis, sheared so that grey values stay (Haeberli 1993).
fn hue_matrix(angle: f64) -> [[f64; 3]; 3] {
    let (sin, cos) = angle.sin_cos();
    let third = (1.0 - cos) / 3.0;
    let side = sin / 3f64.sqrt();
    let turn: [[f64; 3]; 3] = std::array::from_fn(|row| {
        std::array::from_fn(|column| match (column + 3 - row) % 3 {
            0 => cos + third,
            1 => third - side,
            _ => third + side,
        })
    });
    // What the turn changes of the grey value goes back evenly into all channels.
    let grey: [f64; 3] = std::array::from_fn(|column| (0..3).map(|row| GREY[row] * turn[row][column]).sum());
    std::array::from_fn(|row| std::array::from_fn(|column| turn[row][column] + GREY[column] - grey[column]))
}

fn product(a: [[f64; 3]; 3], b: [[f64; 3]; 3]) -> [[f64; 3]; 3] {
    std::array::from_fn(|row| std::array::from_fn(|column| (0..3).map(|k| a[row][k] * b[k][column]).sum()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(matrix: [[f64; 3]; 3], color: [f64; 3]) -> [f64; 3] {
        matrix.map(|line| line.iter().zip(color).map(|(a, b)| a * b).sum())
    }

    fn grey(color: [f64; 3]) -> f64 {
        color.iter().zip(GREY).map(|(v, w)| v * w).sum()
    }

    #[test]
    fn hue_and_saturation_keep_grey_values_and_grey_colours() {
        for matrix in [hue_matrix(0.7), hue_matrix(-2.9), saturation_matrix(0.3), saturation_matrix(1.8)] {
            assert!(times(matrix, [90.0; 3]).iter().all(|v| (v - 90.0).abs() < 1e-9));
            let color = [200.0, 40.0, 90.0];
            assert!((grey(times(matrix, color)) - grey(color)).abs() < 1e-9);
        }
        assert!(times(saturation_matrix(0.0), [200.0, 40.0, 90.0]).windows(2).all(|v| (v[0] - v[1]).abs() < 1e-9));
    }

    #[test]
    fn a_third_of_the_circle_makes_red_the_most_green() {
        let [r, g, b] = times(hue_matrix(120f64.to_radians()), [200.0, 50.0, 50.0]);
        assert!((g > r && g > b) || (b > r && b > g), "{r} {g} {b}");
        let back = product(hue_matrix(1.1), hue_matrix(-1.1));
        assert!((0..3).all(|i| (back[i][i] - 1.0).abs() < 1e-9), "{back:?}");
    }
}
