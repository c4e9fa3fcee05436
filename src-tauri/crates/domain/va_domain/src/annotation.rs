use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use va_geometry::{Mask, Polygon, Rect};

use crate::{AnnotationId, LabelId, SampleId};

/// Where in the image: coordinates are real numbers in upright image pixels, pixel (0,0) covers [0,1)×[0,1).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Geometry {
    /// The whole image: an image-level class.
    Image,
    Box(Rect),
    Polygon(Polygon),
    Mask(Mask),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnnotationSource {
    Person,
    Import,
    /// A prediction that a person accepted.
    Accepted,
}

/// Made or accepted by a person (a model's guess is a prediction, not an annotation).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Annotation {
    pub id: AnnotationId,
    pub sample_id: SampleId,
    /// None for a region that came without a class.
    pub label_id: Option<LabelId>,
    pub geometry: Geometry,
    pub source: AnnotationSource,
    pub created_ms: i64,
}
