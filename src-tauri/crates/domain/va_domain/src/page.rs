use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use va_error::{Error, Result};

use crate::Sample;

/// Part of a list. `next_cursor` asks for the part behind it; None at the end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
    /// Of the whole list.
    pub total: u64,
}

impl<T> Page<T> {
    /// A list that is short by nature, in one part.
    pub fn whole(items: Vec<T>) -> Self {
        let total = items.len() as u64;
        Self { items, next_cursor: None, total }
    }
}

/// Which part of a list: at most `limit` items (1–500, default 100) behind `cursor`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PageRequest {
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

impl PageRequest {
    /// # Errors
    /// `InvalidInput` unless the limit is between 1 and 500.
    pub fn checked_limit(&self) -> Result<u32> {
        match self.limit.unwrap_or(100) {
            limit @ 1..=500 => Ok(limit),
            other => Err(Error::invalid(format!("the limit is {other}; it must be between 1 and 500"))),
        }
    }
}

/// The samples at `offset..offset + items.len()` of a filtered and sorted dataset.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SampleWindow {
    pub total: u64,
    pub offset: u64,
    pub items: Vec<Sample>,
}
