//! Architectures: one file a family, building graphs with timm's parameter names, behind one registry.

mod resnet;

use va_error::{Error, Result};
use va_graph::Graph;

pub use resnet::{resnet18, resnet34};

/// An architecture that can be built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arch {
    /// Name in the registry, as in timm.
    pub name: &'static str,
    /// One line for a person choosing.
    pub summary: &'static str,
    /// Image size in pixels it was published with.
    pub default_image_size: usize,
    /// Smallest image size in pixels that still leaves one position at the end.
    pub min_image_size: usize,
}

const ARCHS: &[Arch] = &[
    Arch {
        name: "resnet18",
        summary: "18 layers, 11.7 M parameters: fast, the usual first choice",
        default_image_size: 224,
        min_image_size: 32,
    },
    Arch {
        name: "resnet34",
        summary: "34 layers, 21.8 M parameters: more accurate, about twice the time",
        default_image_size: 224,
        min_image_size: 32,
    },
];

/// All architectures, in the order in which they are offered.
pub fn archs() -> &'static [Arch] {
    ARCHS
}

/// Names of all architectures, in the order in which they are offered.
pub fn arch_names() -> Vec<&'static str> {
    ARCHS.iter().map(|arch| arch.name).collect()
}

/// Builds an architecture for square images `[image_size, image_size, channels]` and `num_classes` logits.
///
/// # Errors
/// `NotFound` for an unknown name (the message lists the known ones), `InvalidInput` for sizes that do not fit.
pub fn build(arch: &str, num_classes: usize, image_size: usize, channels: usize) -> Result<Graph> {
    let Some(known) = ARCHS.iter().find(|known| known.name == arch) else {
        let names = arch_names().join(", ");
        return Err(Error::not_found(format!("unknown architecture `{arch}`; known are: {names}")));
    };
    if image_size < known.min_image_size || image_size > 4096 {
        return Err(Error::invalid(format!(
            "image size for {arch} must be between {} and 4096 pixels, not {image_size}",
            known.min_image_size
        )));
    }
    if num_classes == 0 || !(1..=64).contains(&channels) {
        return Err(Error::invalid("a classifier needs at least one class and 1 to 64 input channels"));
    }
    let input = [image_size, image_size, channels];
    match known.name {
        "resnet18" => resnet18(num_classes, input),
        "resnet34" => resnet34(num_classes, input),
        other => Err(Error::internal(format!("architecture `{other}` is listed but has no builder"))),
    }
}
