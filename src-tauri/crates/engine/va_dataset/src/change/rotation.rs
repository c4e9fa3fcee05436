use va_domain::Change;

use super::{Projection, Turn, signed};
use crate::rng::Stream;

/// About the centre by up to `strength` degrees either way.
pub(crate) fn rotation(change: Change, turn: Turn) -> Option<Projection> {
    let degrees = signed(change, &mut turn.draws(Stream::Rotation))?;
    let (sin, cos) = degrees.to_radians().sin_cos();
    Some(Projection([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]]))
}
