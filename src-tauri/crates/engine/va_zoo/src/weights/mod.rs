//! Weights from elsewhere: timm's safetensors and PyTorch's own files, fitted to a network by name, and the catalogue of
//! published ones. Plain numbers, no tensors of an engine.

mod array;
mod bicubic;
mod catalogue;
mod file;
mod fit;
mod identify;
mod pickle;
mod torch_file;

pub use array::{Array, Arrays};
pub use catalogue::{PublishedWeights, parse_catalogue, published_weights};
pub use file::{parse_weights, read_weights, read_weights_of};
pub use fit::{FitReport, fit_weights};
pub use identify::{IdentifiedWeights, identify_weights};
