use serde::{Deserialize, Serialize};
use va_domain::Change;

use super::{Turn, amount};
use crate::RgbImage;
use crate::rng::Stream;

/// The mean colour of photographs (ImageNet): after normalising, about zero.
pub const FILL: [u8; 3] = [124, 116, 104];

/// A square in the mean colour over the image (DeVries & Taylor 2017): the part of it inside, half open, px.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cutout {
    pub columns: [u32; 2],
    pub rows: [u32; 2],
}

impl Cutout {
    /// Its side is up to `strength` of the image's shorter one, its centre anywhere: it may reach over the border.
    pub(crate) fn draw(change: Change, [width, height]: [u32; 2], turn: Turn) -> Option<Self> {
        let mut draws = turn.draws(Stream::Cutout);
        let side = amount(change, &mut draws)? * f64::from(width.min(height));
        let mut span = |whole: u32| {
            let centre = draws.uniform() * f64::from(whole);
            let at = |edge: f64| edge.round().clamp(0.0, f64::from(whole)) as u32;
            [at(centre - side / 2.0), at(centre + side / 2.0)]
        };
        Some(Self { columns: span(width), rows: span(height) })
    }

    pub(crate) fn apply(self, image: &mut RgbImage) {
        let ([left, right], [top, bottom]) = (self.columns.map(|at| at as usize), self.rows.map(|at| at as usize));
        let stride = image.width as usize * 3;
        for line in image.pixels.chunks_exact_mut(stride).skip(top).take(bottom - top) {
            for pixel in line[left * 3..right * 3].chunks_exact_mut(3) {
                pixel.copy_from_slice(&FILL);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn covers_at_most_its_share() {
        let change = Change { strength: 0.5, probability: 1.0 };
        for index in 0..50 {
            let mut image = RgbImage::new(20, 30, vec![0; 1800]).unwrap();
            if let Some(cutout) = Cutout::draw(change, [20, 30], Turn { seed: 1, epoch: 0, index }) {
                cutout.apply(&mut image);
            }
            let covered = image.pixels.chunks(3).filter(|pixel| *pixel == FILL).count();
            assert!(covered <= 11 * 11, "{covered}");
        }
    }
}
