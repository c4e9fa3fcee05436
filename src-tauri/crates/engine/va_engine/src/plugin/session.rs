//! A session that runs in a plug-in.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::sync::Arc;

use va_dataset::RgbImage;
use va_error::Result;
use va_infer::{ModelCard, Session};

use super::abi::Image;
use super::call::ask;
use super::open::Opened;

/// Closed when it is dropped; keeps the plug-in open.
pub(super) struct RemoteSession {
    plugin: Arc<Opened>,
    handle: *mut c_void,
    card: ModelCard,
}

// SAFETY: the handle is a `dyn Session` of the plug-in, and sessions are `Send + Sync`.
unsafe impl Send for RemoteSession {}
// SAFETY: as above.
unsafe impl Sync for RemoteSession {}

impl RemoteSession {
    /// `handle` is what the plug-in's `open_session` gave.
    pub fn new(plugin: Arc<Opened>, handle: *mut c_void, card: ModelCard) -> Self {
        Self { plugin, handle, card }
    }
}

impl Drop for RemoteSession {
    fn drop(&mut self) {
        // SAFETY: opened by this plug-in, closed once.
        unsafe { (self.plugin.table().close_session)(self.handle) };
    }
}

impl Session for RemoteSession {
    fn card(&self) -> &ModelCard {
        &self.card
    }

    fn logits(&self, pixels: &[f32]) -> Result<Vec<Vec<f32>>> {
        let table = self.plugin.table();
        // SAFETY: the handle is open, the numbers are good for the call.
        unsafe { ask(table.free, |out| (table.logits)(self.handle, pixels.as_ptr(), pixels.len(), out)) }
    }

    fn probabilities(&self, images: &[RgbImage]) -> Result<Vec<Vec<f32>>> {
        let view = |image: &RgbImage| Image { pixels: image.pixels.as_ptr(), width: image.width, height: image.height };
        let views: Vec<Image> = images.iter().map(view).collect();
        let table = self.plugin.table();
        // SAFETY: as above.
        unsafe { ask(table.free, |out| (table.probabilities)(self.handle, views.as_ptr(), views.len(), out)) }
    }
}
