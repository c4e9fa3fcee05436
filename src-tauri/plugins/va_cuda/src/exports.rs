//! What the application looks for in this library.
#![allow(unsafe_code)]

use serde_json::Value;
use va_engine::Engine;
use va_engine::plugin::abi::{self, Answer, Status, Table, Text};
use va_engine::plugin::guest::{self, Guest};
use va_error::Result;

struct Cuda;

impl Guest for Cuda {
    fn engine() -> &'static dyn Engine {
        crate::engine::engine()
    }

    fn check(request: &Value) -> Result<Value> {
        crate::check::run(request)
    }
}

// SAFETY (of the three names): no other library of this process exports them to everyone; the application opens this one
// with symbols of its own.
#[unsafe(no_mangle)]
pub extern "C" fn visaion_plugin_abi_version() -> u32 {
    abi::VERSION
}

#[unsafe(no_mangle)]
pub extern "C" fn visaion_plugin_table() -> *const Table {
    const { &guest::table::<Cuda>() }
}

/// # Safety
/// The text must be good for the call, the answer's place for writing.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn visaion_plugin_check(request: Text, out: *mut Answer) -> Status {
    // SAFETY: as the caller promises.
    unsafe { guest::check::<Cuda>(request, out) }
}
