//! Shapes that every feature shares on the wire.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use va_domain::PageRequest;
use va_error::{Code, Error};

/// The empty answer of a command that only does something.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Done {}

/// The empty request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

/// Every error on the wire.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApiError {
    pub code: Code,
    /// What happened, what is safe and what to do, for a person.
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<serde_json::Value>,
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        Self { code: error.code(), message: error.chain(), details: error.details().cloned() }
    }
}

impl From<ApiError> for Error {
    fn from(error: ApiError) -> Self {
        let made = Error::new(error.code, error.message);
        match error.details {
            Some(details) => made.with_details(details),
            None => made,
        }
    }
}

/// The answer of a command that gives nothing.
pub(crate) fn done(outcome: va_error::Result<()>) -> va_error::Result<Done> {
    outcome.map(|()| Done {})
}

pub(crate) fn page(limit: Option<u32>, cursor: Option<String>) -> PageRequest {
    PageRequest { limit, cursor }
}

/// Tells a field that is absent (`None`: leave it) from one that is null (`Some(None)`: clear it).
pub(crate) fn absent_or_null<'de, D, T>(deserializer: D) -> Result<Option<Option<T>>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    Option::<T>::deserialize(deserializer).map(Some)
}

/// A request struct: what a command takes, unknown fields refused.
macro_rules! request {
    ($($(#[$meta:meta])* $name:ident { $($(#[$field_meta:meta])* $field:ident : $type:ty),* $(,)? })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(deny_unknown_fields)]
        pub struct $name { $($(#[$field_meta])* pub $field: $type,)* }
    )+};
}
pub(crate) use request;
