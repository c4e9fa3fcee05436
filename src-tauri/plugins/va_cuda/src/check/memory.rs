//! The card's memory, for the suite: how much of it is free, and little of it on purpose.

use std::sync::{Mutex, PoisonError};

use candle_core::{DType, Device, Tensor};
use serde_json::{Value, json};
use va_error::{Code, Error, Result};
use va_exec::gpu;

/// Taken so many bytes at a time.
const PIECE: u64 = 256 << 20;
/// What the driver gives out at least.
const LEAST: u64 = 2 << 20;

static HELD: Mutex<Vec<Tensor>> = Mutex::new(Vec::new());

/// Which it is, and what is free; what this process keeps but does not use counts as free.
pub fn card() -> Result<Value> {
    Ok(json!({ "name": gpu::name()?, "uuid": gpu::uuid().ok(), "free_bytes": gpu::free_bytes()? }))
}

/// Takes memory until about `leave_bytes` are free, for [`release`]; says how many still are.
pub fn hold(request: &Value) -> Result<Value> {
    let leave = request["leave_bytes"].as_u64().ok_or_else(|| Error::invalid("`leave_bytes` is missing"))?;
    let device = gpu::device()?;
    let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        let surplus = gpu::free_bytes()?.saturating_sub(leave);
        if surplus < LEAST {
            break;
        }
        match take(&device, surplus.min(PIECE)) {
            Ok(piece) => held.push(piece),
            // What the driver still counts as free it does not always give.
            Err(error) if error.code() == Code::TooLarge => break,
            Err(error) => return Err(error),
        }
    }
    card()
}

/// Gives back what [`hold`] took.
pub fn release() -> Result<Value> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).clear();
    card()
}

fn take(device: &Device, bytes: u64) -> Result<Tensor> {
    let len = usize::try_from(bytes).map_err(|_| Error::invalid("this machine has no such memory"))?;
    Tensor::zeros(len, DType::U8, device)
        .map_err(|error| Error::new(Code::TooLarge, "the card gives no more memory").with_source(error))
}
