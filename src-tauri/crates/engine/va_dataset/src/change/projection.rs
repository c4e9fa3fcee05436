use serde::{Deserialize, Serialize};

use crate::RgbImage;

/// A projective map from the place of an output pixel to the place in the image that it shows, both in pixels from the
/// image's centre: `(x, y, 1)` times this matrix, divided by the third number.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Projection(pub [[f64; 3]; 3]);

impl Projection {
    /// First `next`, then `self`, as the output looks into the image.
    pub(crate) fn after(self, next: Self) -> Self {
        let (a, b) = (self.0, next.0);
        Self(std::array::from_fn(|row| std::array::from_fn(|column| (0..3).map(|k| a[row][k] * b[k][column]).sum())))
    }

    /// The image as the map shows it, the same size: bilinear, the image mirrored beyond its border.
    pub(crate) fn warp(&self, image: &RgbImage) -> RgbImage {
        let (width, height) = (image.width as usize, image.height as usize);
        let middle = [width as f64 / 2.0, height as f64 / 2.0];
        let mut pixels = Vec::with_capacity(image.pixels.len());
        for row in 0..height {
            let y = row as f64 + 0.5 - middle[1];
            for column in 0..width {
                let x = column as f64 + 0.5 - middle[0];
                let [u, v, w] = self.0.map(|line| line[0] * x + line[1] * y + line[2]);
                pixels.extend(sample(image, u / w + middle[0] - 0.5, v / w + middle[1] - 0.5));
            }
        }
        RgbImage { width: image.width, height: image.height, pixels }
    }
}

/// Bilinear value at (x, y), where whole numbers are the centres of pixels.
fn sample(image: &RgbImage, x: f64, y: f64) -> [u8; 3] {
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = ((x - left) as f32, (y - top) as f32);
    let columns = [left, left + 1.0].map(|at| mirror(at, image.width));
    let rows = [top, top + 1.0].map(|at| mirror(at, image.height));
    let pixel = |row: usize, column: usize| {
        let at = (row * image.width as usize + column) * 3;
        [image.pixels[at], image.pixels[at + 1], image.pixels[at + 2]].map(f32::from)
    };
    let corners = rows.map(|row| columns.map(|column| pixel(row, column)));
    std::array::from_fn(|channel| {
        let along = |row: [[f32; 3]; 2]| row[0][channel] + fx * (row[1][channel] - row[0][channel]);
        let (above, below) = (along(corners[0]), along(corners[1]));
        (above + fy * (below - above) + 0.5) as u8
    })
}

/// A position on an endless row of images, every other one mirrored. What is no number is the first pixel.
fn mirror(at: f64, len: u32) -> usize {
    let len = i64::from(len);
    let within = (at as i64).rem_euclid(2 * len);
    usize::try_from(if within < len { within } else { 2 * len - 1 - within }).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_beyond_both_ends() {
        let at = |values: &[i32]| values.iter().map(|&v| mirror(f64::from(v), 3)).collect::<Vec<_>>();
        assert_eq!(at(&[-4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6]), [2, 2, 1, 0, 0, 1, 2, 2, 1, 0, 0]);
        assert_eq!(mirror(f64::NAN, 3), 0);
    }

    #[test]
    fn a_quarter_turn_moves_whole_pixels_and_a_shift_shifts() {
        let image = RgbImage::new(2, 2, [1u8, 2, 3, 4].iter().flat_map(|&v| [v; 3]).collect()).unwrap();
        let first = |image: &RgbImage| image.pixels.chunks(3).map(|p| p[0]).collect::<Vec<_>>();
        let turn = Projection([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]);
        assert_eq!(first(&turn.warp(&image)), [2, 4, 1, 3]);
        let shift = Projection([[1.0, 0.0, 1.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]);
        assert_eq!(first(&shift.warp(&image)), [2, 2, 4, 4]);
        assert_eq!(first(&shift.after(turn).warp(&image)), [2, 4, 2, 4]);
        assert_eq!(first(&turn.after(shift).warp(&image)), [4, 4, 3, 3]);
    }
}
