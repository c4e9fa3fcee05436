//! The plug-in's side: any engine as a [`Table`] of C functions.
//!
//! A plug-in is a `cdylib` that exports two functions:
//!
//! ```ignore
//! struct Cuda;
//! impl Guest for Cuda { fn engine() -> &'static dyn Engine { … } }
//!
//! #[unsafe(no_mangle)]
//! pub extern "C" fn visaion_plugin_abi_version() -> u32 { abi::VERSION }
//! #[unsafe(no_mangle)]
//! pub extern "C" fn visaion_plugin_table() -> *const Table { const { &table::<Cuda>() } }
//! ```
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::path::PathBuf;

use va_dataset::{Batch, BatchRequest, RgbImage, WantedImage};
use va_error::{Error, Result};
use va_infer::Session;
use va_train::{Stop, TrainEvent, TrainHost, TrainJob};

use super::abi::{Answer, CANCEL, Host, Image, PAUSE, Status, Table, Text};
use super::call::{BatchHead, ForecastRequest, answer, ask, free};
use crate::Engine;

/// The engine of this plug-in, made on first use and never given up.
pub trait Guest: 'static {
    fn engine() -> &'static dyn Engine;

    /// Checks itself, for a test suite that knows what it asks.
    ///
    /// # Errors
    /// `InvalidInput` where there is no such check.
    fn check(request: &serde_json::Value) -> Result<serde_json::Value> {
        Err(Error::invalid(format!("this engine has no check like {request}")))
    }
}

/// What a plug-in exports as [`super::abi::CHECK_SYMBOL`].
///
/// # Safety
/// The text must be good for the call, the answer's place for writing.
pub unsafe extern "C" fn check<G: Guest>(request: Text, out: *mut Answer) -> Status {
    // SAFETY: as the caller promises.
    unsafe { answer(out, || G::check(&request.read()?)) }
}

/// The functions of `G`'s engine.
pub const fn table<G: Guest>() -> Table {
    Table {
        free,
        describe: describe::<G>,
        forecast: forecast::<G>,
        train: train::<G>,
        open_session: open_session::<G>,
        logits,
        probabilities,
        close_session,
    }
}

type Opened = Box<dyn Session>;

unsafe extern "C" fn describe<G: Guest>(out: *mut Answer) -> Status {
    // SAFETY: the host gives a place for the answer.
    unsafe { answer(out, || Ok(G::engine().describe())) }
}

unsafe extern "C" fn forecast<G: Guest>(request: Text, out: *mut Answer) -> Status {
    // SAFETY: as above, and the text is good for the call.
    unsafe {
        answer(out, || {
            let ForecastRequest { settings, data } = request.read()?;
            G::engine().forecast(&settings, &data)
        })
    }
}

unsafe extern "C" fn train<G: Guest>(job: Text, host: *const Host, out: *mut Answer) -> Status {
    // SAFETY: as above; the host's table is good until this call returns.
    unsafe {
        answer(out, || {
            let job: TrainJob = job.read()?;
            G::engine().train(&job, &mut RemoteHost::new(&*host, &job))
        })
    }
}

unsafe extern "C" fn open_session<G: Guest>(dir: Text, handle: *mut *mut c_void, out: *mut Answer) -> Status {
    // SAFETY: as above; the handle's place is good for writing.
    unsafe {
        answer(out, || {
            let session: Opened = G::engine().open_session(&dir.read::<PathBuf>()?)?;
            let card = session.card().clone();
            handle.write(Box::into_raw(Box::new(session)).cast());
            Ok(card)
        })
    }
}

unsafe extern "C" fn logits(session: *mut c_void, pixels: *const f32, len: usize, out: *mut Answer) -> Status {
    // SAFETY: the handle is one of `open_session` that was not closed; the numbers are good for the call.
    unsafe {
        let session = &*session.cast::<Opened>();
        answer(out, || session.logits(if len == 0 { &[] } else { std::slice::from_raw_parts(pixels, len) }))
    }
}

unsafe extern "C" fn probabilities(session: *mut c_void, images: *const Image, len: usize, out: *mut Answer) -> Status {
    // SAFETY: as above; every image is good for the call.
    unsafe {
        let session = &*session.cast::<Opened>();
        answer(out, || {
            let images = if len == 0 { &[] } else { std::slice::from_raw_parts(images, len) };
            let images: Result<Vec<RgbImage>> = images.iter().map(|image| owned(image)).collect();
            session.probabilities(&images?)
        })
    }
}

/// # Safety
/// The pixels must be as many as the sides say.
unsafe fn owned(image: &Image) -> Result<RgbImage> {
    let bytes = (image.width as usize).checked_mul(image.height as usize).and_then(|n| n.checked_mul(3));
    let bytes = bytes.ok_or_else(|| Error::invalid("the image is larger than memory"))?;
    // SAFETY: as the caller promises.
    let pixels = unsafe { std::slice::from_raw_parts(image.pixels, bytes) };
    RgbImage::new(image.width, image.height, pixels.to_vec())
}

unsafe extern "C" fn close_session(session: *mut c_void) {
    // SAFETY: the handle is one of `open_session`, closed once.
    drop(unsafe { Box::from_raw(session.cast::<Opened>()) });
}

/// The host of a run, called back.
struct RemoteHost<'a> {
    host: &'a Host,
    /// Of the largest batch.
    numbers: usize,
}

impl<'a> RemoteHost<'a> {
    fn new(host: &'a Host, job: &TrainJob) -> Self {
        let image = (job.settings.image_size_px as usize).pow(2) * 3;
        Self { host, numbers: image * job.settings.batch_size as usize }
    }
}

impl TrainHost for RemoteHost<'_> {
    fn next_batch(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        let request = serde_json::to_vec(&request)?;
        batch.pixels.resize(self.numbers, 0.0);
        let (context, room, len) = (self.host.context, batch.pixels.as_mut_ptr(), batch.pixels.len());
        // SAFETY: the context is the host's own, the room is ours for the call.
        let head: BatchHead =
            unsafe { ask(self.host.free, |out| (self.host.next_batch)(context, Text::of(&request), room, len, out))? };
        head.take(batch);
        Ok(())
    }

    fn next_images(&mut self, request: BatchRequest, batch: &mut Batch) -> Result<()> {
        let request = serde_json::to_vec(&request)?;
        let context = self.host.context;
        batch.pixels.clear();
        // SAFETY: the context is the host's own, the text is good for the call.
        let head: BatchHead =
            unsafe { ask(self.host.free, |out| (self.host.next_images)(context, Text::of(&request), out))? };
        head.take(batch);
        Ok(())
    }

    fn copy_images(&mut self, wanted: &[WantedImage], room: &mut [u8]) -> Result<()> {
        let wanted = serde_json::to_vec(wanted)?;
        let (context, place, len) = (self.host.context, room.as_mut_ptr(), room.len());
        // SAFETY: as above, and the room is ours for the call.
        unsafe { ask(self.host.free, |out| (self.host.copy_images)(context, Text::of(&wanted), place, len, out)) }
    }

    fn event(&mut self, event: TrainEvent) {
        // An event that has no JSON form (a number that is none) must not end a run.
        let Ok(event) = serde_json::to_vec(&event) else { return };
        // SAFETY: as above.
        unsafe { (self.host.event)(self.host.context, Text::of(&event)) };
    }

    fn should_stop(&mut self) -> Stop {
        // SAFETY: as above.
        match unsafe { (self.host.should_stop)(self.host.context) } {
            PAUSE => Stop::Pause,
            CANCEL => Stop::Cancel,
            _ => Stop::Continue,
        }
    }
}
