//! Owned handles of oneDNN objects. A status other than success becomes a Candle error that names the call.
#![allow(unsafe_code)]

mod chosen;
mod desc;
mod primitive;

use std::ffi::c_int;
use std::ptr::null_mut;
use std::sync::OnceLock;

use candle_core::{Result, bail};

use super::ffi;
pub(super) use chosen::{PostOps, PrimitiveDesc, Window};
pub(crate) use desc::Number;
pub(super) use desc::{Desc, wide};
pub(super) use primitive::{Arg, Memory, Primitive};

fn check(status: c_int, call: &str) -> Result<()> {
    match status {
        ffi::SUCCESS => Ok(()),
        ffi::UNIMPLEMENTED => bail!("oneDNN has no {call} for this shape and precision"),
        other => bail!("oneDNN: {call} failed with status {other}"),
    }
}

/// Engine and stream of this process: CPU streams run a primitive on the calling thread and its OpenMP team.
struct Cpu {
    engine: *mut ffi::dnnl_engine,
    stream: *mut ffi::dnnl_stream,
}

// SAFETY: oneDNN engines are thread-safe, and a CPU stream has no state that an execution changes.
unsafe impl Send for Cpu {}
// SAFETY: as above.
unsafe impl Sync for Cpu {}

fn cpu() -> Result<&'static Cpu> {
    static CPU: OnceLock<std::result::Result<Cpu, c_int>> = OnceLock::new();
    let made = CPU.get_or_init(|| {
        let (mut engine, mut stream) = (null_mut(), null_mut());
        // SAFETY: both calls write one pointer; the stream is made from an engine that exists.
        let status = unsafe {
            match ffi::dnnl_engine_create(&raw mut engine, ffi::CPU, 0) {
                ffi::SUCCESS => ffi::dnnl_stream_create(&raw mut stream, engine, ffi::IN_ORDER),
                other => other,
            }
        };
        if status == ffi::SUCCESS { Ok(Cpu { engine, stream }) } else { Err(status) }
    });
    match made {
        Ok(cpu) => Ok(cpu),
        Err(status) => bail!("oneDNN did not start: status {status}"),
    }
}
