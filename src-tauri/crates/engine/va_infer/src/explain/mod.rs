//! Why a classifier said what it said: class activation maps.

mod explainer;
mod grad_cam;
mod layers;
mod local_explainer;

pub use explainer::{Explainer, Explanation};
pub use layers::{Layer, default_layer, explainable_layers};
pub use local_explainer::LocalExplainer;
