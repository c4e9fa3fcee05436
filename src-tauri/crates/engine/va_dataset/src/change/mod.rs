//! The changes of training images, one file each. Every change is a pure function of (image, seed, epoch, index), keeps
//! the image's size, and leaves it alone, bit for bit, at strength or probability zero.

mod affine;
mod blur;
mod color;
mod cutout;
mod jpeg;
mod noise;
mod perspective;
mod projection;
mod rotation;
#[cfg(test)]
mod tests;

pub(crate) use affine::affine;
pub(crate) use blur::blur;
pub(crate) use color::color;
pub(crate) use cutout::cutout;
pub(crate) use jpeg::jpeg;
pub(crate) use noise::noise;
pub(crate) use perspective::perspective;
pub(crate) use projection::Projection;
pub(crate) use rotation::rotation;

use va_domain::{Augmentation, Change};
use va_error::Result;

use crate::RgbImage;
use crate::rng::Draws;

/// One sample's turn: what everything random of it is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Turn {
    pub seed: u64,
    pub epoch: u32,
    pub index: usize,
}

impl Turn {
    pub fn draws(self, stream: crate::rng::Stream) -> Draws {
        Draws::new(self.seed, stream, self.epoch, self.index)
    }
}

/// All changes in order. Rotation, affine and perspective are one resampling, so that the image is blurred by it once.
pub(crate) fn apply_changes(image: &mut RgbImage, augmentation: &Augmentation, turn: Turn) -> Result<()> {
    let (width, height) = (image.width, image.height);
    let moves = [
        rotation(augmentation.rotation, turn),
        affine([augmentation.translation, augmentation.scaling, augmentation.shear], width, height, turn),
        perspective(augmentation.perspective, width, height, turn),
    ];
    if let Some(projection) = moves.into_iter().flatten().reduce(Projection::after) {
        *image = projection.warp(image);
    }
    let Augmentation { brightness, contrast, saturation, hue, .. } = *augmentation;
    color(image, [brightness, contrast, saturation, hue], turn);
    blur(image, augmentation.blur, turn);
    noise(image, augmentation.noise, turn);
    jpeg(image, augmentation.jpeg, turn)?;
    cutout(image, augmentation.cutout, turn);
    Ok(())
}

/// Whether this image is changed, and a number in `[-strength, strength)`. Always takes two draws.
fn signed(change: Change, draws: &mut Draws) -> Option<f64> {
    let (happens, amount) = (draws.uniform() < change.probability, draws.uniform());
    (happens && change.is_on()).then_some(change.strength * (2.0 * amount - 1.0))
}

/// Whether this image is changed, and a number in `[0, strength)`. Always takes two draws.
fn amount(change: Change, draws: &mut Draws) -> Option<f64> {
    let (happens, amount) = (draws.uniform() < change.probability, draws.uniform());
    (happens && change.is_on()).then_some(change.strength * amount)
}
