//! Weight files as the application sees them: what is published, and what a file is.

use std::path::Path;

use va_domain::WeightsReport;
use va_error::Result;
use va_zoo::read_weights;

pub use va_zoo::{PublishedWeights, parse_catalogue, published_weights};

/// What a weight file was found to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeightFile {
    /// The architecture that it fits.
    pub arch: String,
    /// Of its own classifier; None where it has none.
    pub class_count: Option<u32>,
    /// How it fits with its own classes.
    pub report: WeightsReport,
}

/// Reads a weight file with the reader that executes nothing, and finds its architecture.
///
/// # Errors
/// As `va_zoo::read_weights` and `va_zoo::identify_weights`.
pub fn identify_weights(path: &Path) -> Result<WeightFile> {
    let found = va_zoo::identify_weights(read_weights(path)?)?;
    Ok(WeightFile {
        arch: found.arch.name.to_owned(),
        class_count: found.class_count.and_then(|classes| u32::try_from(classes).ok()),
        report: va_train::weights_report(found.report),
    })
}
