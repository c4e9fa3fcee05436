//! All architectures by name.

use va_error::{Error, Result};
use va_graph::Graph;

use crate::{convnext, mobilenetv4, resnet, vit};

/// Largest side of an image in pixels.
const MAX_IMAGE_SIZE: usize = 4096;

/// Randomness inside the network while it trains; none by default, as in timm.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Regularisation {
    /// Probability that the last residual block leaves out a sample; earlier blocks less, in proportion to their place.
    pub stochastic_depth: f64,
    /// Probability that a feature before the classifier is zero.
    pub dropout: f64,
}

/// An architecture that can be built.
#[derive(Debug, Clone, Copy)]
pub struct Arch {
    /// Name in the registry, as in timm.
    pub name: &'static str,
    /// One line for a person choosing.
    pub summary: &'static str,
    /// Image size in pixels it was published with.
    pub default_image_size: usize,
    /// Smallest image size in pixels that still leaves one position at the end.
    pub min_image_size: usize,
    /// Image sizes are multiples of this number of pixels.
    pub image_size_step: usize,
    /// Name of the layer that gives the logits: replaced when the classes are others.
    pub head: &'static str,
    build: fn(usize, [usize; 3], Regularisation) -> Result<Graph>,
}

const ARCHS: &[Arch] = &[
    Arch {
        name: "resnet18",
        summary: "18 layers, 11.7 M parameters: fast, the usual first choice",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: 1,
        head: "fc",
        build: resnet::resnet18,
    },
    Arch {
        name: "resnet34",
        summary: "34 layers, 21.8 M parameters: more accurate, about twice the time",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: 1,
        head: "fc",
        build: resnet::resnet34,
    },
    Arch {
        name: "resnet50",
        summary: "50 layers, 25.6 M parameters: the usual reference, for a GPU or patience",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: 1,
        head: "fc",
        build: resnet::resnet50,
    },
    Arch {
        name: "mobilenetv4_conv_small",
        summary: "3.8 M parameters: the fastest, for small devices",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: 1,
        head: "classifier",
        build: mobilenetv4::mobilenetv4_conv_small,
    },
    Arch {
        name: "mobilenetv4_conv_medium",
        summary: "9.7 M parameters: more accurate than the small one, still light",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: 1,
        head: "classifier",
        build: mobilenetv4::mobilenetv4_conv_medium,
    },
    Arch {
        name: "convnext_atto",
        summary: "3.7 M parameters: accurate for its size, needs pretrained weights or many images",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: 1,
        head: "head.fc",
        build: convnext::convnext_atto,
    },
    Arch {
        name: "convnext_tiny",
        summary: "28.6 M parameters: accurate, needs pretrained weights or many images",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: 1,
        head: "head.fc",
        build: convnext::convnext_tiny,
    },
    Arch {
        name: "vit_tiny_patch16_224",
        summary: "transformer, 5.7 M parameters: needs pretrained weights",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: vit::PATCH,
        head: "head",
        build: vit::vit_tiny_patch16_224,
    },
    Arch {
        name: "vit_small_patch16_224",
        summary: "transformer, 22.1 M parameters: needs pretrained weights",
        default_image_size: 224,
        min_image_size: 32,
        image_size_step: vit::PATCH,
        head: "head",
        build: vit::vit_small_patch16_224,
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

/// The architecture of that name.
///
/// # Errors
/// `NotFound` for an unknown name; the message lists the known ones.
pub(crate) fn arch(name: &str) -> Result<&'static Arch> {
    ARCHS.iter().find(|known| known.name == name).ok_or_else(|| {
        let names = arch_names().join(", ");
        Error::not_found(format!("unknown architecture `{name}`; known are: {names}"))
    })
}

/// Builds an architecture for square images `[image_size, image_size, channels]` and `num_classes` logits.
///
/// # Errors
/// `NotFound` for an unknown name (the message lists the known ones), `InvalidInput` for sizes that do not fit.
pub fn build(arch: &str, num_classes: usize, image_size: usize, channels: usize) -> Result<Graph> {
    build_with(arch, num_classes, image_size, channels, Regularisation::default())
}

/// As [`build`], with stochastic depth and dropout.
///
/// # Errors
/// As [`build`]; `InvalidInput` for a probability outside `[0, 1)`.
pub fn build_with(
    name: &str,
    num_classes: usize,
    image_size: usize,
    channels: usize,
    rates: Regularisation,
) -> Result<Graph> {
    let known = arch(name)?;
    if image_size < known.min_image_size || image_size > MAX_IMAGE_SIZE {
        return Err(Error::invalid(format!(
            "image size for {name} must be between {} and {MAX_IMAGE_SIZE} pixels, not {image_size}",
            known.min_image_size
        )));
    }
    if !image_size.is_multiple_of(known.image_size_step) {
        return Err(Error::invalid(format!(
            "image size for {name} must be a multiple of {} pixels, not {image_size}",
            known.image_size_step
        )));
    }
    if num_classes == 0 || !(1..=64).contains(&channels) {
        return Err(Error::invalid("a classifier needs at least one class and 1 to 64 input channels"));
    }
    for (what, rate) in [("stochastic depth", rates.stochastic_depth), ("dropout", rates.dropout)] {
        if !(0.0..1.0).contains(&rate) {
            return Err(Error::invalid(format!("the probability of {what} must be in [0, 1), not {rate}")));
        }
    }
    (known.build)(num_classes, [image_size, image_size, channels], rates)
}
