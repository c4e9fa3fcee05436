//! Shapes in image space, pure: no I/O, no labels. Coordinates are real numbers in image pixels; pixel (0,0) covers
//! [0,1)×[0,1); boxes are half open.

mod mask;
mod polygon;
mod rect;

pub use mask::Mask;
pub use polygon::Polygon;
pub use rect::{Point, Rect};
