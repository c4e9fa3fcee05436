//! Architectures: one file a family, building graphs with timm's parameter names, behind one registry;
//! and weights published for them, from files.

mod convnext;
mod mobilenetv4;
mod registry;
mod resnet;
mod vit;
mod weights;

pub use convnext::{convnext_atto, convnext_tiny};
pub use mobilenetv4::{mobilenetv4_conv_medium, mobilenetv4_conv_small};
pub use registry::{Arch, Regularisation, arch_names, archs, build, build_with};
pub use resnet::{resnet18, resnet34, resnet50};
pub use vit::{vit_small_patch16_224, vit_tiny_patch16_224};
pub use weights::{
    Array, Arrays, FitReport, IdentifiedWeights, PublishedWeights, fit_weights, identify_weights, parse_catalogue,
    parse_weights, published_weights, read_weights, read_weights_of,
};
