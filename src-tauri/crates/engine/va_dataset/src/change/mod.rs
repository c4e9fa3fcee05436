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

pub use blur::Blur;
pub use color::{Color, GREY};
pub use cutout::{Cutout, FILL};
pub use jpeg::Jpeg;
pub use noise::Noise;
pub use projection::Projection;

use affine::affine;
use perspective::perspective;
use rotation::rotation;
use serde::{Deserialize, Serialize};
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

/// What was drawn for one look at a sample, in the order in which it is done; what does not happen is None.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// Rotation, affine and perspective are one resampling, so that the image is blurred by it once.
    pub projection: Option<Projection>,
    pub color: Option<Color>,
    pub blur: Option<Blur>,
    pub noise: Option<Noise>,
    pub jpeg: Option<Jpeg>,
    pub cutout: Option<Cutout>,
}

impl Changes {
    /// For an image of this width and height.
    pub(crate) fn draw(augmentation: &Augmentation, [width, height]: [u32; 2], turn: Turn) -> Self {
        let Augmentation { translation, scaling, shear, brightness, contrast, saturation, hue, .. } = *augmentation;
        let moves = [
            rotation(augmentation.rotation, turn),
            affine([translation, scaling, shear], width, height, turn),
            perspective(augmentation.perspective, width, height, turn),
        ];
        Self {
            projection: moves.into_iter().flatten().reduce(Projection::after),
            color: Color::draw([brightness, contrast, saturation, hue], turn),
            blur: Blur::draw(augmentation.blur, turn),
            noise: Noise::draw(augmentation.noise, turn),
            jpeg: Jpeg::draw(augmentation.jpeg, turn),
            cutout: Cutout::draw(augmentation.cutout, [width, height], turn),
        }
    }

    pub(crate) fn apply(&self, image: &mut RgbImage) -> Result<()> {
        if let Some(projection) = &self.projection {
            *image = projection.warp(image);
        }
        if let Some(color) = &self.color {
            color.apply(image);
        }
        if let Some(blur) = self.blur {
            blur.apply(image);
        }
        if let Some(noise) = &self.noise {
            noise.apply(image);
        }
        if let Some(jpeg) = self.jpeg {
            jpeg.apply(image)?;
        }
        if let Some(cutout) = self.cutout {
            cutout.apply(image);
        }
        Ok(())
    }
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
