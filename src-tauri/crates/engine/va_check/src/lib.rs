//! Checks that an engine makes of itself below its interface, on the fastest back end of its program: whole networks against
//! f64, recorded passes against stepwise ones, and how long a training step takes. The plug-in for CUDA has them for the
//! suite of machines with a card, which runs them over the CPU in its own tests. Requests and answers are JSON of the suite's
//! own.

mod networks;
mod replay;
mod speed;

pub use networks::works as network_works;

use serde_json::Value;
use va_error::{Error, Result};
use va_exec::Backend;

/// `{"check": …}`: `networks`, `replay` or `speed`; each line of the answer says whether it passed.
///
/// # Errors
/// `InvalidInput` for another check; what keeps one from being made at all.
pub fn run(request: &Value) -> Result<Value> {
    let backend = Backend::default();
    match request["check"].as_str() {
        Some("networks") => networks::run(request, backend),
        Some("replay") => replay::run(backend),
        Some("speed") => speed::run(request, backend),
        _ => Err(Error::invalid(format!("there is no check like {request}"))),
    }
}
