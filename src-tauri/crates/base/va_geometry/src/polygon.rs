use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Point, Rect};

/// A closed ring of at least three points; the last joins the first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Polygon {
    pub points: Vec<Point>,
}

impl Polygon {
    /// Area in square pixels by the shoelace formula.
    pub fn area(&self) -> f64 {
        let n = self.points.len();
        let twice: f64 = (0..n)
            .map(|i| {
                let (a, b) = (self.points[i], self.points[(i + 1) % n]);
                a.x * b.y - b.x * a.y
            })
            .sum();
        twice.abs() / 2.0
    }

    /// The smallest box around it; None without points.
    pub fn bounds(&self) -> Option<Rect> {
        let first = self.points.first()?;
        let start = Rect { x0: first.x, y0: first.y, x1: first.x, y1: first.y };
        Some(self.points.iter().fold(start, |r, p| Rect {
            x0: r.x0.min(p.x),
            y0: r.y0.min(p.y),
            x1: r.x1.max(p.x),
            y1: r.y1.max(p.y),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_of_a_square_is_its_side_squared() {
        let points = [(1.0, 1.0), (4.0, 1.0), (4.0, 4.0), (1.0, 4.0)].map(|(x, y)| Point { x, y }).to_vec();
        let square = Polygon { points };
        assert_eq!(square.area(), 9.0);
        assert_eq!(square.bounds(), Some(Rect { x0: 1.0, y0: 1.0, x1: 4.0, y1: 4.0 }));
    }
}
