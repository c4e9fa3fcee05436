use va_domain::Change;

use super::{Projection, Turn};
use crate::rng::Stream;

/// Looks at the image from the side: its four corners show places inside the image, each up to `strength` of the sides
/// away from the corner (the square-to-quadrilateral map of Heckbert 1989).
pub(crate) fn perspective(change: Change, width: u32, height: u32, turn: Turn) -> Option<Projection> {
    let mut draws = turn.draws(Stream::Perspective);
    let happens = draws.uniform() < change.probability;
    let inwards: [[f64; 2]; 4] =
        std::array::from_fn(|_| [draws.uniform(), draws.uniform()].map(|u| u * change.strength));
    if !happens || !change.is_on() {
        return None;
    }
    let (w, h) = (f64::from(width), f64::from(height));
    // Clockwise from the top left, from the centre.
    let corners: [[f64; 2]; 4] = [[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]];
    let quad: [[f64; 2]; 4] = std::array::from_fn(|corner| {
        let [x, y] = corners[corner];
        let [dx, dy] = inwards[corner];
        [(x - dx * x.signum()) * w, (y - dy * y.signum()) * h]
    });
    let unit_from_centre = Projection([[1.0 / w, 0.0, 0.5], [0.0, 1.0 / h, 0.5], [0.0, 0.0, 1.0]]);
    Some(quad_from_unit(quad).after(unit_from_centre))
}

/// Maps the unit square's corners (0, 0), (1, 0), (1, 1), (0, 1) to these places.
fn quad_from_unit([p0, p1, p2, p3]: [[f64; 2]; 4]) -> Projection {
    let minus = |a: [f64; 2], b: [f64; 2]| [a[0] - b[0], a[1] - b[1]];
    let cross = |a: [f64; 2], b: [f64; 2]| a[0] * b[1] - a[1] * b[0];
    let (d1, d2) = (minus(p1, p2), minus(p3, p2));
    let sum = minus(minus(p0, p1), minus(p3, p2));
    let whole = cross(d1, d2);
    let (g, h) = (cross(sum, d2) / whole, cross(d1, sum) / whole);
    let row = |axis: usize| [p1[axis] - p0[axis] + g * p1[axis], p3[axis] - p0[axis] + h * p3[axis], p0[axis]];
    Projection([row(0), row(1), [g, h, 1.0]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_corners_go_where_they_should() {
        let quad = [[-4.0, -3.0], [5.0, -2.5], [4.5, 3.5], [-4.8, 2.0]];
        let Projection(matrix) = quad_from_unit(quad);
        for ([u, v], want) in [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]].into_iter().zip(quad) {
            let [x, y, w] = matrix.map(|line| line[0] * u + line[1] * v + line[2]);
            assert!((x / w - want[0]).abs() < 1e-12 && (y / w - want[1]).abs() < 1e-12, "{want:?}");
        }
    }
}
