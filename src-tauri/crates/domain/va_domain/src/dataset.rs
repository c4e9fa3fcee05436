use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use va_error::{Error, Result};

use crate::{DatasetId, DatasetVersionId};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Dataset {
    pub id: DatasetId,
    pub name: String,
    pub description: String,
    pub created_ms: i64,
    pub updated_ms: i64,
    pub sample_count: u64,
    pub labelled_count: u64,
    pub label_count: u64,
    pub splits: SplitCounts,
}

/// Samples in each split. They add up to the samples of the dataset.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SplitCounts {
    pub train: u64,
    pub val: u64,
    pub test: u64,
    pub none: u64,
}

/// A frozen dataset: which samples, with which labels and splits. Never changes; `content_hash` proves it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DatasetVersion {
    pub id: DatasetVersionId,
    pub dataset_id: DatasetId,
    /// 1, 2, 3 … within the dataset.
    pub number: u32,
    pub note: String,
    pub created_ms: i64,
    pub sample_count: u64,
    pub splits: SplitCounts,
    /// Class names by `class_idx`.
    pub classes: Vec<String>,
    /// BLAKE3 over the canonical listing (media hash, class, split of every sample).
    pub content_hash: String,
}

/// Shares of a stratified split; they add up to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SplitRatios {
    pub train: f64,
    pub val: f64,
    pub test: f64,
}

impl SplitRatios {
    /// # Errors
    /// `InvalidInput` unless every share is in 0..=1 and they add up to 1 within 1e-6.
    pub fn check(&self) -> Result<()> {
        let shares = [self.train, self.val, self.test];
        let sum: f64 = shares.iter().sum();
        if shares.iter().any(|s| !s.is_finite() || !(0.0..=1.0).contains(s)) || (sum - 1.0).abs() > 1e-6 {
            return Err(Error::invalid(format!(
                "the shares of train, val and test must lie between 0 and 1 and add up to 1 (they are {}, {}, {})",
                self.train, self.val, self.test
            )));
        }
        Ok(())
    }
}

impl Default for SplitRatios {
    fn default() -> Self {
        Self { train: 0.7, val: 0.15, test: 0.15 }
    }
}
