use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A point in image pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Point {
    pub x: f64,
    pub y: f64,
}

/// A box, half open: `[x0, x1) × [y0, y1)`, in image pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Rect {
    pub x0: f64,
    pub y0: f64,
    pub x1: f64,
    pub y1: f64,
}

impl Rect {
    /// Area in square pixels; 0 for a degenerate box.
    pub fn area(&self) -> f64 {
        (self.x1 - self.x0).max(0.0) * (self.y1 - self.y0).max(0.0)
    }

    pub fn intersection(&self, other: &Rect) -> Rect {
        Rect {
            x0: self.x0.max(other.x0),
            y0: self.y0.max(other.y0),
            x1: self.x1.min(other.x1),
            y1: self.y1.min(other.y1),
        }
    }

    /// Intersection over union, 0–1; 0 when both are empty.
    pub fn iou(&self, other: &Rect) -> f64 {
        let both = self.intersection(other).area();
        let union = self.area() + other.area() - both;
        if union > 0.0 { both / union } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::Rect;
    use proptest::prelude::*;

    fn rect() -> impl Strategy<Value = Rect> {
        (0.0..50.0, 0.0..50.0, 0.0..50.0, 0.0..50.0).prop_map(|(x, y, w, h): (f64, f64, f64, f64)| Rect {
            x0: x,
            y0: y,
            x1: x + w,
            y1: y + h,
        })
    }

    proptest! {
        #[test]
        fn iou_is_symmetric_and_bounded(a in rect(), b in rect()) {
            let iou = a.iou(&b);
            prop_assert!((0.0..=1.0 + 1e-12).contains(&iou));
            prop_assert!((iou - b.iou(&a)).abs() < 1e-12);
        }

        #[test]
        fn a_box_with_area_has_iou_one_with_itself(a in rect()) {
            prop_assume!(a.area() > 1e-9);
            prop_assert!((a.iou(&a) - 1.0).abs() < 1e-12);
        }
    }
}
