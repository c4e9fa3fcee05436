use va_domain::Change;

use super::{Turn, amount};
use crate::RgbImage;
use crate::rng::Stream;

/// The mean colour of photographs (ImageNet): after normalising, about zero.
const FILL: [u8; 3] = [124, 116, 104];

/// A square in the mean colour over the image (DeVries & Taylor 2017), its side up to `strength` of the image's shorter
/// one, its centre anywhere: it may reach over the border.
pub(crate) fn cutout(image: &mut RgbImage, change: Change, turn: Turn) {
    let mut draws = turn.draws(Stream::Cutout);
    let Some(share) = amount(change, &mut draws) else { return };
    let side = share * f64::from(image.width.min(image.height));
    let span = |centre: f64, whole: u32| {
        let at = |edge: f64| edge.round().clamp(0.0, f64::from(whole)) as usize;
        at(centre - side / 2.0)..at(centre + side / 2.0)
    };
    let columns = span(draws.uniform() * f64::from(image.width), image.width);
    let rows = span(draws.uniform() * f64::from(image.height), image.height);
    let stride = image.width as usize * 3;
    for line in image.pixels.chunks_exact_mut(stride).skip(rows.start).take(rows.len()) {
        for pixel in line[columns.start * 3..columns.end * 3].chunks_exact_mut(3) {
            pixel.copy_from_slice(&FILL);
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
            cutout(&mut image, change, Turn { seed: 1, epoch: 0, index });
            let covered = image.pixels.chunks(3).filter(|pixel| *pixel == FILL).count();
            assert!(covered <= 11 * 11, "{covered}");
        }
    }
}
