//! What the GPU suite (`tests/gpu`) asks of the plug-in itself: that its results are right on this card, and how fast they
//! come; what can be asked through the engine's interface the suite asks there.

mod images;
mod memory;
mod operators;

use serde_json::Value;
use va_error::Result;

/// `{"check": …}`: `operators`, `images`, those of `va_check`, and what [`memory`] does. Each line of a check's answer says whether it
/// passed.
///
/// # Errors
/// `InvalidInput` for another check; what keeps one from being made at all.
pub fn run(request: &Value) -> Result<Value> {
    match request["check"].as_str() {
        Some("operators") => operators::run(),
        Some("images") => images::run(),
        Some("card") => memory::card(),
        Some("hold") => memory::hold(request),
        Some("release") => memory::release(),
        _ => va_check::run(request),
    }
}
