//! What the GPU suite (`tests/gpu`) asks of the plug-in itself: that its results are right on this card, and how fast they
//! come; what can be asked through the engine's interface the suite asks there.

mod images;
mod load;
mod memory;
mod operators;

use serde_json::{Value, json};
use va_error::Result;
use va_exec::gpu;

/// `{"check": …}`: `operators`, `images`, those of `va_check`, what [`memory`] does, and `recordings` so far. Each line of a
/// check's answer says whether it passed.
///
/// # Errors
/// `InvalidInput` for another check; what keeps one from being made at all.
pub fn run(request: &Value) -> Result<Value> {
    match request["check"].as_str() {
        Some("operators") => operators::run(),
        Some("images") => images::run(),
        Some("recordings") => Ok(recordings()),
        Some("card") => memory::card(),
        Some("hold") => memory::hold(request),
        Some("release") => memory::release(),
        _ => va_check::run(request),
    }
}

/// Passes that this process has recorded, and why others were refused.
fn recordings() -> Value {
    let recordings = gpu::recordings();
    json!({ "made": recordings.replayed, "refused": recordings.refused })
}
