//! Why a classifier said what it said: class activation maps.

mod cpu_explainer;
mod explainer;
mod grad_cam;
mod layers;

pub use cpu_explainer::CpuExplainer;
pub use explainer::{Explainer, Explanation};
pub use layers::{Layer, default_layer, explainable_layers};
