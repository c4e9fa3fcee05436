//! What the GPU suite (`tests/gpu`) asks of the plug-in: that its results are right on this card, and how fast they come.

mod networks;
mod operators;
mod resume;
mod speed;

use serde_json::Value;
use va_error::{Error, Result};

/// `{"check": …}`: `operators`, `networks`, `resume` or `speed`; each line of the answer says whether it passed.
///
/// # Errors
/// `InvalidInput` for another check; what keeps one from being made at all.
pub fn run(request: &Value) -> Result<Value> {
    match request["check"].as_str() {
        Some("operators") => operators::run(),
        Some("networks") => networks::run(),
        Some("resume") => resume::run(),
        Some("speed") => speed::run(request),
        _ => Err(Error::invalid(format!("there is no check like {request}"))),
    }
}
