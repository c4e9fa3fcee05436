//! Identities. Inside the store rows have integer ids; outside they are UUIDv7, which sort by creation time.

use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use va_error::{Error, Result};

macro_rules! id {
    ($($(#[$doc:meta])* $name:ident => $word:literal),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A new UUIDv7.
            #[allow(clippy::new_without_default)]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                Uuid::parse_str(text).map(Self).map_err(|_| Error::invalid(format!("{text:?} is not the id of a {}", $word)))
            }
        }
    )+};
}

id! {
    ProjectId => "project",
    DatasetId => "dataset",
    DatasetVersionId => "dataset version",
    LabelId => "label",
    SampleId => "sample",
    AnnotationId => "annotation",
    ModelId => "model",
    ModelVersionId => "model version",
    JobId => "job",
    EvaluationId => "evaluation",
    MemberId => "member",
}

/// BLAKE3 of the original bytes, 64 lower-case hexadecimal digits; names the media file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct MediaHash(pub String);

impl MediaHash {
    pub fn of(bytes: &[u8]) -> Self {
        Self(blake3::hash(bytes).to_hex().to_string())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MediaHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
