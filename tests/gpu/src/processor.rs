//! The engine on the processor behind the plug-in's interface: the same suite on a machine without a card.

use serde_json::Value;
use va_engine::plugin::guest::Guest;
use va_engine::{CpuEngine, Engine, PluginEngine};
use va_error::Result;

struct Processor;

impl Guest for Processor {
    fn engine() -> &'static dyn Engine {
        static ENGINE: CpuEngine = CpuEngine;
        &ENGINE
    }

    fn check(request: &Value) -> Result<Value> {
        va_check::run(request)
    }
}

/// The processor's engine on the other side of the C boundary.
///
/// # Errors
/// When it cannot describe itself.
pub fn engine() -> Result<PluginEngine> {
    PluginEngine::within::<Processor>()
}
