//! Architectures: one file a family, building graphs with timm's parameter names, behind one registry.

mod convnext;
mod mobilenetv4;
mod registry;
mod resnet;
mod vit;

pub use convnext::{convnext_atto, convnext_tiny};
pub use mobilenetv4::{mobilenetv4_conv_medium, mobilenetv4_conv_small};
pub use registry::{Arch, Regularisation, arch_names, archs, build, build_with};
pub use resnet::{resnet18, resnet34, resnet50};
pub use vit::{vit_small_patch16_224, vit_tiny_patch16_224};
