use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{Label, SplitCounts};

/// Maintained counts of a dataset, for the filters beside the gallery.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facets {
    pub total: u64,
    pub labelled: u64,
    pub unlabelled: u64,
    /// Said to show none of the classes; they count as labelled.
    pub no_class: u64,
    pub splits: SplitCounts,
    /// By `class_idx`, each with its count.
    pub labels: Vec<Label>,
}
