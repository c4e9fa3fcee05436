//! A heat map drawn over its image, as a picture to keep.

use std::path::Path;

use rayon::prelude::*;
use va_domain::ClassExplanation;
use va_error::{Error, Result};
use va_media::{Limits, decode, encode_png_rgb, read_image};

use super::colour::heat_colour;

/// The upright image at `path` with the heat over it, as PNG in the size of the image. Heat is interpolated between its
/// positions; where it is 0 the image stays as it is, where it is 1 the colour covers it by `opacity` (0–1).
///
/// # Errors
/// When the image cannot be read; `InvalidInput` when the map does not fill its grid.
pub fn overlay(path: &Path, explanation: &ClassExplanation, opacity: f32) -> Result<Vec<u8>> {
    let limits = Limits::default();
    let mut image = decode(&read_image(path, &limits)?, &limits)?;
    let grid = Grid::new(explanation)?;
    let colours: Vec<[u8; 3]> = (0..=255u8).map(|step| heat_colour(f32::from(step) / 255.0)).collect();
    let (width, height) = (image.width_px as usize, image.height_px as usize);
    let columns: Vec<Between> = (0..width).map(|x| Between::new(x, width, grid.columns)).collect();
    image.pixels.par_chunks_exact_mut(width * 3).enumerate().for_each(|(y, row)| {
        let row_at = Between::new(y, height, grid.rows);
        for (pixel, column_at) in row.chunks_exact_mut(3).zip(&columns) {
            let heat = grid.at(&row_at, column_at);
            let (share, colour) = (heat * opacity.clamp(0.0, 1.0), colours[(heat * 255.0).round() as usize]);
            for (value, over) in pixel.iter_mut().zip(colour) {
                *value = (f32::from(*value) * (1.0 - share) + f32::from(over) * share).round() as u8;
            }
        }
    });
    encode_png_rgb(&image)
}

/// The map with a check that all of it is there.
struct Grid<'e> {
    rows: usize,
    columns: usize,
    heat: &'e [f32],
}

impl<'e> Grid<'e> {
    fn new(explanation: &'e ClassExplanation) -> Result<Self> {
        let (rows, columns) = (explanation.rows as usize, explanation.columns as usize);
        if rows * columns != explanation.heat.len() || explanation.heat.is_empty() {
            return Err(Error::invalid(format!("{} numbers are no map of {rows} × {columns}", explanation.heat.len())));
        }
        Ok(Self { rows, columns, heat: &explanation.heat })
    }

    fn at(&self, row: &Between, column: &Between) -> f32 {
        let read = |r: usize, c: usize| self.heat[r * self.columns + c];
        let along = |r: usize| read(r, column.low) * (1.0 - column.share) + read(r, column.high) * column.share;
        (along(row.low) * (1.0 - row.share) + along(row.high) * row.share).clamp(0.0, 1.0)
    }
}

/// A pixel's centre between the centres of two positions.
struct Between {
    low: usize,
    high: usize,
    share: f32,
}

impl Between {
    fn new(pixel: usize, pixels: usize, positions: usize) -> Self {
        let at = (pixel as f32 + 0.5) * positions as f32 / pixels as f32 - 0.5;
        let at = at.clamp(0.0, (positions - 1) as f32);
        let low = at as usize;
        Self { low, high: (low + 1).min(positions - 1), share: at - low as f32 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explanation(rows: u32, columns: u32, heat: Vec<f32>) -> ClassExplanation {
        ClassExplanation {
            name: "x".into(),
            sample_id: None,
            label: "a".into(),
            class_idx: 0,
            score: 1.0,
            probabilities: Vec::new(),
            layer: "l".into(),
            layers: Vec::new(),
            rows,
            columns,
            heat,
            peak: 1.0,
        }
    }

    fn grey(width: u32, height: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grey.png");
        let image =
            va_media::RgbImage { width_px: width, height_px: height, pixels: vec![100; (width * height * 3) as usize] };
        std::fs::write(&path, encode_png_rgb(&image).unwrap()).unwrap();
        (dir, path)
    }

    fn drawn(path: &Path, explanation: &ClassExplanation, opacity: f32) -> Vec<u8> {
        decode(&overlay(path, explanation, opacity).unwrap(), &Limits::default()).unwrap().pixels
    }

    #[test]
    fn cold_leaves_the_image_and_hot_covers_it() {
        let (_dir, path) = grey(8, 2);
        let pixels = drawn(&path, &explanation(1, 2, vec![0.0, 1.0]), 1.0);
        assert_eq!(pixels[..3], [100; 3], "left of the first centre all is cold");
        assert_eq!(pixels[7 * 3..8 * 3], heat_colour(1.0), "right of the last centre all is hot");
        let middle = &pixels[3 * 3..5 * 3];
        assert!(middle[0] > 100 && middle[0] < middle[3], "between them heat grows: {middle:?}");
        assert_eq!(drawn(&path, &explanation(1, 2, vec![1.0, 1.0]), 0.0), vec![100; 8 * 2 * 3]);
    }

    #[test]
    fn a_map_that_does_not_fill_its_grid_is_refused() {
        let (_dir, path) = grey(4, 4);
        for (rows, columns, count) in [(2, 2, 3), (0, 0, 0)] {
            assert!(overlay(&path, &explanation(rows, columns, vec![0.5; count]), 0.5).is_err());
        }
    }
}
