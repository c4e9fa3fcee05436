//! Messages in and out of a call, the same on both sides. Every function here is told by its caller which memory is good.
#![allow(unsafe_code)]

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use va_dataset::{Batch, BatchImage, Blend};
use va_domain::TrainSettings;
use va_error::{Code, Error, Result};

use super::abi::{Answer, FAILED, OK, Status, Text};
use crate::DataSize;

/// An error on its way across.
#[derive(Serialize, Deserialize)]
struct WireError {
    code: Code,
    message: String,
    /// Causes, joined.
    causes: String,
    details: Option<serde_json::Value>,
}

/// What was the cause on the other side.
#[derive(Debug)]
struct Cause(String);

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Cause {}

impl From<&Error> for WireError {
    fn from(error: &Error) -> Self {
        let chain = error.chain();
        let causes = chain.strip_prefix(error.message()).unwrap_or_default().trim_start_matches(": ").to_owned();
        Self { code: error.code(), message: error.message().to_owned(), causes, details: error.details().cloned() }
    }
}

impl From<WireError> for Error {
    fn from(wire: WireError) -> Self {
        let mut error = Error::new(wire.code, wire.message);
        if let Some(details) = wire.details {
            error = error.with_details(details);
        }
        if wire.causes.is_empty() { error } else { error.with_source(Cause(wire.causes)) }
    }
}

/// What a forecast is asked for.
#[derive(Serialize, Deserialize)]
pub(super) struct ForecastRequest {
    pub settings: TrainSettings,
    pub data: DataSize,
}

/// A batch but its pixels, which lie in the plug-in's buffer.
#[derive(Serialize, Deserialize)]
pub(super) struct BatchHead {
    /// Numbers written.
    pixels: usize,
    images: Vec<BatchImage>,
    classes: Vec<u32>,
    class_sets: Vec<Vec<u32>>,
    blends: Vec<(usize, f64)>,
    keys: Vec<String>,
}

impl BatchHead {
    /// Copies the pixels into `room`.
    ///
    /// # Errors
    /// `TooLarge` when they do not fit.
    pub fn put(batch: &Batch, room: &mut [f32]) -> Result<Self> {
        let Some(place) = room.get_mut(..batch.pixels.len()) else {
            return Err(Error::new(
                Code::TooLarge,
                format!("a batch of {} numbers does not fit in a buffer of {}", batch.pixels.len(), room.len()),
            ));
        };
        place.copy_from_slice(&batch.pixels);
        Ok(Self::of(batch))
    }

    pub fn of(batch: &Batch) -> Self {
        let blends = batch.blends.iter().map(|blend| (blend.other, blend.share)).collect();
        let (classes, class_sets, keys) = (batch.classes.clone(), batch.class_sets.clone(), batch.keys.clone());
        let (pixels, images) = (batch.pixels.len(), batch.images.clone());
        Self { pixels, images, classes, class_sets, blends, keys }
    }

    /// Fills everything of `batch` but the pixels, which it has already; surplus ones go.
    pub fn take(self, batch: &mut Batch) {
        batch.pixels.truncate(self.pixels);
        batch.images = self.images;
        batch.classes = self.classes;
        batch.class_sets = self.class_sets;
        batch.blends = self.blends.into_iter().map(|(other, share)| Blend { other, share }).collect();
        batch.keys = self.keys;
    }
}

impl Text {
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { data: bytes.as_ptr(), len: bytes.len() }
    }

    /// # Safety
    /// `data` must be good for `len` bytes until the call that brought it returns.
    pub(super) unsafe fn read<T: DeserializeOwned>(self) -> Result<T> {
        // SAFETY: as the caller promises; a length of 0 may come with any pointer.
        let bytes = if self.len == 0 { &[] } else { unsafe { std::slice::from_raw_parts(self.data, self.len) } };
        Ok(serde_json::from_slice(bytes)?)
    }
}

impl Answer {
    pub(super) const EMPTY: Self = Self { data: std::ptr::null_mut(), len: 0, capacity: 0 };

    fn of(bytes: Vec<u8>) -> Self {
        let mut bytes = std::mem::ManuallyDrop::new(bytes);
        Self { data: bytes.as_mut_ptr(), len: bytes.len(), capacity: bytes.capacity() }
    }

    fn text(&self) -> Text {
        Text { data: self.data, len: self.len }
    }
}

/// Gives an [`Answer`] of this side back.
///
/// # Safety
/// It must come from [`answer`] on this side, and be given back once.
pub(super) unsafe extern "C" fn free(answer: Answer) {
    if !answer.data.is_null() {
        // SAFETY: these are the parts of a vector that `answer` took apart.
        drop(unsafe { Vec::from_raw_parts(answer.data, answer.len, answer.capacity) });
    }
}

/// Runs `body`, and writes its result or error to `out`. A panic is an error.
///
/// # Safety
/// `out` must be good for writing.
pub(super) unsafe fn answer<T: Serialize>(out: *mut Answer, body: impl FnOnce() -> Result<T>) -> Status {
    let outcome = catch_unwind(AssertUnwindSafe(|| body().and_then(|value| Ok(serde_json::to_vec(&value)?))))
        .unwrap_or_else(|panic| Err(Error::internal(format!("the engine gave up: {}", panic_text(&panic)))));
    let (status, bytes) = match outcome {
        Ok(bytes) => (OK, bytes),
        Err(error) => (FAILED, serde_json::to_vec(&WireError::from(&error)).unwrap_or_default()),
    };
    // SAFETY: as the caller promises.
    unsafe { out.write(Answer::of(bytes)) };
    status
}

/// What a panic said.
pub(super) fn panic_text(panic: &Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "it panicked".to_owned())
}

/// Makes a call to the other side and reads its answer, which goes back to `free`.
///
/// # Safety
/// `call` must write an answer that `free` takes.
pub(super) unsafe fn ask<T: DeserializeOwned>(
    free: unsafe extern "C" fn(Answer),
    call: impl FnOnce(*mut Answer) -> Status,
) -> Result<T> {
    let mut found = Answer::EMPTY;
    let status = call(&raw mut found);
    // SAFETY: the answer is good until it is freed, just below.
    let result = match status {
        OK => unsafe { found.text().read::<T>() },
        _ => Err(match unsafe { found.text().read::<WireError>() } {
            Ok(error) => error.into(),
            Err(error) => Error::internal("the engine answered with an error that cannot be read").with_source(error),
        }),
    };
    // SAFETY: freed once, by the side that made it.
    unsafe { free(found) };
    result
}
