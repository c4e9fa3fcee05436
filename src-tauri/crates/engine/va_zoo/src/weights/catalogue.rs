//! The catalogue of published weights. Nothing here goes to the network or touches a disk.

use std::sync::OnceLock;

use serde::Deserialize;
use va_error::{Context, Error, Result};

use crate::registry::arch;

const CATALOGUE: &str = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../assets/weights.json"));

/// Published weights of an architecture.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublishedWeights {
    /// `arch.tag`, as in timm.
    pub name: String,
    pub arch: String,
    pub source_url: String,
    pub licence: String,
    /// Where it is known for certain.
    #[serde(default)]
    pub size_bytes: Option<u64>,
    /// Lower-case hex, where it is known for certain.
    #[serde(default)]
    pub sha256: Option<String>,
    /// The first digits of it, where the publisher put them into the file's name.
    #[serde(default)]
    pub sha256_prefix: Option<String>,
    /// Side of the images they were trained on, in pixels.
    pub image_size_px: u32,
    /// Normalisation of the images they were trained on.
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

impl PublishedWeights {
    /// As much of the SHA-256 as is published.
    pub fn known_sha256(&self) -> Option<&str> {
        self.sha256.as_deref().or(self.sha256_prefix.as_deref())
    }
}

/// All entries of the catalogue that is part of the program.
pub fn published_weights() -> &'static [PublishedWeights] {
    static ENTRIES: OnceLock<Vec<PublishedWeights>> = OnceLock::new();
    ENTRIES.get_or_init(|| serde_json::from_str(CATALOGUE).expect("BUG: the catalogue is part of the program"))
}

/// A catalogue that somebody wrote, in the form of `assets/weights.json`.
///
/// # Errors
/// `InvalidInput` naming the entry and what is wrong with it.
pub fn parse_catalogue(json: &str) -> Result<Vec<PublishedWeights>> {
    let entries: Vec<PublishedWeights> = serde_json::from_str(json)?;
    for entry in &entries {
        check(entry).with_context(|| format!("the entry {:?} cannot be used", entry.name))?;
    }
    Ok(entries)
}

fn check(entry: &PublishedWeights) -> Result<()> {
    arch(&entry.arch)?;
    if entry.name.is_empty() || !entry.name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c)) {
        return Err(Error::invalid("a name is made of letters, digits, dots, hyphens and underscores"));
    }
    let is_hex = |text: &str| text.len() <= 64 && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
    let is_whole = entry.sha256.as_ref().is_none_or(|hash| hash.len() == 64);
    if !is_whole || !entry.known_sha256().is_none_or(is_hex) {
        return Err(Error::invalid("a SHA-256 is 64 lower-case hexadecimal digits, a prefix fewer"));
    }
    let is_normal = |(mean, std): (&f32, &f32)| mean.is_finite() && std.is_finite() && *std > 0.0;
    if !entry.mean.iter().zip(&entry.std).all(is_normal) {
        return Err(Error::invalid("the deviation of each channel must be positive"));
    }
    Ok(())
}
