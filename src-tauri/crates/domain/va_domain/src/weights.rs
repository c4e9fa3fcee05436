use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JobId;

/// Names that a report lists of each kind; how many there are is always said.
const LISTED_NAMES: usize = 100;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WeightsState {
    Installed,
    /// A download was begun; it goes on where it stopped.
    PartlyDownloaded,
    NotInstalled,
}

/// Pretrained weights to start from: published ones of the catalogue, or a file that a person brought.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Weights {
    /// `resnet18.a1_in1k`, or the name given to an own file.
    pub name: String,
    /// The architecture that they fit.
    pub arch: String,
    /// Where they are published; None for an own file.
    pub source_url: Option<String>,
    /// As published (SPDX); None where nobody said.
    pub licence: Option<String>,
    /// None while unknown.
    pub size_bytes: Option<u64>,
    /// Lower-case hex: the whole hash of an installed file; of a published one as much as the publisher gives; None is
    /// recorded at the first install.
    pub sha256: Option<String>,
    /// The publisher gives a hash, whole or in part, and an install compares with it.
    pub is_hash_published: bool,
    /// Side of the images they were trained on.
    pub image_size_px: Option<u32>,
    /// Normalisation of the images they were trained on, used when training starts from them.
    pub mean: [f32; 3],
    pub std: [f32; 3],
    pub state: WeightsState,
    /// Of an unfinished download.
    pub downloaded_bytes: u64,
    /// The install or download under way.
    pub job_id: Option<JobId>,
    /// Classes of the file's own classifier, once installed.
    pub class_count: Option<u32>,
    pub installed_ms: Option<i64>,
}

/// What became of the arrays of a weight file in a network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeightsReport {
    /// Parameters and running statistics taken from the file.
    pub loaded: WeightNames,
    /// Position embeddings taken and resized to the image.
    pub resized: WeightNames,
    /// Parameters that the file does not give for these classes: they start from the seed.
    pub new: WeightNames,
    /// In the file, not in the network.
    pub skipped: WeightNames,
}

/// How many, and the first hundred by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WeightNames {
    pub count: u64,
    pub names: Vec<String>,
}

impl From<Vec<String>> for WeightNames {
    fn from(mut names: Vec<String>) -> Self {
        let count = names.len() as u64;
        names.truncate(LISTED_NAMES);
        Self { count, names }
    }
}

/// The weights that a model version started from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InitialWeights {
    pub name: String,
    /// Of the file, lower-case hex.
    pub sha256: String,
    pub licence: Option<String>,
    pub source_url: Option<String>,
    /// None until they were loaded.
    #[serde(default)]
    pub report: Option<WeightsReport>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_counted_whole_and_named_in_part() {
        let names = WeightNames::from((0..250).map(|at| format!("w{at}")).collect::<Vec<_>>());
        assert_eq!((names.count, names.names.len()), (250, 100));
    }
}
