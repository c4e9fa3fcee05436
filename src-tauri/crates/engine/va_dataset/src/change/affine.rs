use va_domain::Change;

use super::{Projection, Turn, signed};
use crate::rng::Stream;

/// Shift by a share of the sides, both ways; larger or smaller by a share (its logarithm is uniform, so that both are as
/// likely); shear by degrees along one of the axes. Each happens by its own probability.
pub(crate) fn affine(
    [translation, scaling, shear]: [Change; 3],
    width: u32,
    height: u32,
    turn: Turn,
) -> Option<Projection> {
    let mut draws = turn.draws(Stream::Affine);
    let across = signed(translation, &mut draws);
    let down = draws.uniform();
    let shift = across.map_or([0.0, 0.0], |across| {
        let down = translation.strength * (2.0 * down - 1.0);
        [across * f64::from(width), down * f64::from(height)]
    });
    let limit = (1.0 + scaling.strength).ln();
    let scale = signed(scaling, &mut draws).map_or(1.0, |amount| (limit * amount / scaling.strength).exp());
    let slope = signed(shear, &mut draws).map_or(0.0, |degrees| degrees.to_radians().tan());
    let [along_x, along_y] = if draws.uniform() < 0.5 { [slope, 0.0] } else { [0.0, slope] };
    if shift == [0.0, 0.0] && scale == 1.0 && slope == 0.0 {
        return None;
    }
    Some(Projection([[scale, scale * along_x, shift[0]], [scale * along_y, scale, shift[1]], [0.0, 0.0, 1.0]]))
}
