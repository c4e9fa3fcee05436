//! What both sides of the boundary agree on, by memory layout. A change of anything here, or of a message's meaning, is a
//! new [`VERSION`].
//!
//! Every call returns a [`Status`] and writes an [`Answer`]: the JSON of the result, or of the error. Memory is given
//! back by the side that made it. No panic crosses.

use std::ffi::{CStr, c_void};

/// Of this interface. The two sides work together only if they have the same.
pub const VERSION: u32 = 3;

/// `extern "C" fn() -> u32`, the plug-in's [`VERSION`]: the one thing that never changes.
pub const VERSION_SYMBOL: &CStr = c"visaion_plugin_abi_version";

/// `extern "C" fn() -> *const Table`, called after the versions were found equal.
pub const TABLE_SYMBOL: &CStr = c"visaion_plugin_table";

/// `extern "C" fn(Text, *mut Answer) -> Status`: a plug-in's checks of itself, in JSON of its own. Not every plug-in has it,
/// and no version speaks of it: only the test suite of the same release asks.
pub const CHECK_SYMBOL: &CStr = c"visaion_plugin_check";

pub type Status = i32;

pub const OK: Status = 0;
pub const FAILED: Status = 1;

/// UTF-8 that is borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Text {
    pub data: *const u8,
    pub len: usize,
}

/// UTF-8 that belongs to the side that made it, until that side's `free` is called with it.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Answer {
    pub data: *mut u8,
    pub len: usize,
    pub capacity: usize,
}

/// An upright RGB image, `[height, width, 3]` bytes, borrowed for the call.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Image {
    pub pixels: *const u8,
    pub width: u32,
    pub height: u32,
}

/// What the person wants, as `should_stop` says it.
pub const CONTINUE: u32 = 0;
pub const PAUSE: u32 = 1;
pub const CANCEL: u32 = 2;

/// The host's side of a training run.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Host {
    /// Handed back with every call.
    pub context: *mut c_void,
    /// A `BatchRequest`, and room for so many numbers that belongs to the plug-in: the host writes `[N, H, W, 3]` there and
    /// answers with a [`BatchHead`](super::call::BatchHead).
    pub next_batch: unsafe extern "C" fn(*mut c_void, Text, *mut f32, usize, *mut Answer) -> Status,
    /// A `BatchRequest`; answers with a [`BatchHead`](super::call::BatchHead) that says what is to be done to which images.
    pub next_images: unsafe extern "C" fn(*mut c_void, Text, *mut Answer) -> Status,
    /// Some `WantedImage`s of the batch that `next_images` gave last, and room for exactly their bytes that belongs to the
    /// plug-in (pinned memory on a GPU), where the host writes them one after the other.
    pub copy_images: unsafe extern "C" fn(*mut c_void, Text, *mut u8, usize, *mut Answer) -> Status,
    /// A `TrainEvent`.
    pub event: unsafe extern "C" fn(*mut c_void, Text),
    pub should_stop: unsafe extern "C" fn(*mut c_void) -> u32,
    pub free: unsafe extern "C" fn(Answer),
}

/// The plug-in's functions.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Table {
    pub free: unsafe extern "C" fn(Answer),
    /// Answers with an `EngineDescription`.
    pub describe: unsafe extern "C" fn(*mut Answer) -> Status,
    /// A `ForecastRequest`; answers with a `Forecast`.
    pub forecast: unsafe extern "C" fn(Text, *mut Answer) -> Status,
    /// A `TrainJob`; answers with a `TrainOutcome`.
    pub train: unsafe extern "C" fn(Text, *const Host, *mut Answer) -> Status,
    /// A model folder; answers with its `ModelCard` and writes a handle.
    pub open_session: unsafe extern "C" fn(Text, *mut *mut c_void, *mut Answer) -> Status,
    /// Normalised pixels `[N, H, W, 3]`; answers with `[N, classes]`.
    pub logits: unsafe extern "C" fn(*mut c_void, *const f32, usize, *mut Answer) -> Status,
    /// Images of any size; answers with `[N, classes]`.
    pub probabilities: unsafe extern "C" fn(*mut c_void, *const Image, usize, *mut Answer) -> Status,
    pub close_session: unsafe extern "C" fn(*mut c_void),
}
