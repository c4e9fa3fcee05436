//! The application's side: a plug-in's table as an engine.
#![allow(unsafe_code)]

use std::any::Any;
use std::ffi::c_void;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use va_dataset::{Batch, SampleSource, WantedImage};
use va_domain::{Forecast, ModelPrecision, TrainSettings};
use va_error::{Error, Result};
use va_infer::{Explainer, Session};
use va_train::{Stop, TrainHost, TrainJob, TrainOutcome};

use super::abi::{Answer, CANCEL, CONTINUE, Host, PAUSE, Status, Table, Text};
use super::call::{BatchHead, ForecastRequest, answer, ask, free};
use super::guest::{self, Guest};
use super::open::Opened;
use super::session::RemoteSession;
use crate::{CpuEngine, DataSize, Engine, EngineDescription, ExportedModel};

/// An engine of a plug-in. What needs no device (exports, explanations) is done here.
pub struct PluginEngine {
    plugin: Arc<Opened>,
    description: EngineDescription,
}

impl PluginEngine {
    /// Opens the plug-in library at `path`. Libraries that it needs and does not name itself must be loaded before.
    ///
    /// # Errors
    /// `NotFound` when there is no such file; `Conflict` when it was built for another version of this application;
    /// `InvalidInput` when it is no plug-in, or something that it needs is missing (the message names it).
    pub fn open(path: &Path) -> Result<Self> {
        Self::new(Opened::open(path)?)
    }

    /// Of a plug-in whose code is in this program.
    ///
    /// # Errors
    /// When the engine cannot describe itself.
    pub fn within<G: Guest>() -> Result<Self> {
        Self::new(Opened::within(guest::table::<G>(), guest::check::<G>))
    }

    fn new(plugin: Opened) -> Result<Self> {
        let table = *plugin.table();
        // SAFETY: the table is of a plug-in that stays open.
        let description = unsafe { ask(table.free, |out| (table.describe)(out))? };
        Ok(Self { plugin: Arc::new(plugin), description })
    }

    /// Asks the plug-in to check itself; request and answer are its own.
    ///
    /// # Errors
    /// `NotFound` where it has no checks; what the check says.
    pub fn check(&self, request: &serde_json::Value) -> Result<serde_json::Value> {
        let Some(check) = self.plugin.check() else {
            return Err(Error::not_found("this engine plug-in has no checks of itself"));
        };
        // SAFETY: the text is good for the call.
        self.call(request, |_, text, out| unsafe { check(text, out) })
    }

    /// Sends `request` to one of the table's functions.
    fn call<T: DeserializeOwned>(
        &self,
        request: &impl Serialize,
        function: impl FnOnce(&Table, Text, *mut Answer) -> Status,
    ) -> Result<T> {
        let request = serde_json::to_vec(request).map_err(|error| {
            Error::invalid("the engine plug-in cannot be told this: paths must be UTF-8").with_source(error)
        })?;
        let table = self.plugin.table();
        // SAFETY: the plug-in answers by its own allocator, whose `free` this is.
        unsafe { ask(table.free, |out| function(table, Text::of(&request), out)) }
    }
}

impl Engine for PluginEngine {
    fn describe(&self) -> EngineDescription {
        self.description.clone()
    }

    fn forecast(&self, settings: &TrainSettings, data: &DataSize) -> Result<Forecast> {
        let request = ForecastRequest { settings: settings.clone(), data: *data };
        // SAFETY: the text is good for the call.
        self.call(&request, |table, text, out| unsafe { (table.forecast)(text, out) })
    }

    fn train(&self, job: &TrainJob, host: &mut dyn TrainHost) -> Result<TrainOutcome> {
        let mut run = HostRun { host, panic: None };
        let context = (&raw mut run).cast();
        let table = Host { context, next_batch, next_images, copy_images, event, should_stop, free };
        // SAFETY: `run` and the table outlive the call, and only the callbacks below look at them meanwhile.
        let outcome = self.call(job, |plugin, text, out| unsafe { (plugin.train)(text, &raw const table, out) });
        match run.panic {
            Some(panic) => resume_unwind(panic),
            None => outcome,
        }
    }

    fn open_session(&self, model_dir: &Path) -> Result<Box<dyn Session>> {
        let mut handle = std::ptr::null_mut();
        // SAFETY: the handle's place outlives the call.
        let card =
            self.call(&model_dir, |table, text, out| unsafe { (table.open_session)(text, &raw mut handle, out) })?;
        Ok(Box::new(RemoteSession::new(self.plugin.clone(), handle, card)))
    }

    fn open_explainer(&self, model_dir: &Path) -> Result<Box<dyn Explainer>> {
        CpuEngine::new().open_explainer(model_dir)
    }

    fn export_onnx(
        &self,
        model_dir: &Path,
        out: &Path,
        samples: &dyn SampleSource,
        precision: ModelPrecision,
    ) -> Result<ExportedModel> {
        CpuEngine::new().export_onnx(model_dir, out, samples, precision)
    }
}

/// A run's host while the plug-in trains.
struct HostRun<'a> {
    host: &'a mut dyn TrainHost,
    /// A panic of the host's: it goes on here once the plug-in has returned.
    panic: Option<Box<dyn Any + Send>>,
}

impl HostRun<'_> {
    /// None after a panic, then and ever after.
    fn guarded<R>(&mut self, body: impl FnOnce(&mut dyn TrainHost) -> R) -> Option<R> {
        if self.panic.is_some() {
            return None;
        }
        match catch_unwind(AssertUnwindSafe(|| body(self.host))) {
            Ok(value) => Some(value),
            Err(panic) => {
                self.panic = Some(panic);
                None
            }
        }
    }
}

/// # Safety
/// `context` must be the run that the table was made for, while it trains.
unsafe fn run<'a>(context: *mut c_void) -> &'a mut HostRun<'a> {
    // SAFETY: as the caller promises; a plug-in calls back from one thread.
    unsafe { &mut *context.cast() }
}

unsafe extern "C" fn next_batch(
    context: *mut c_void,
    request: Text,
    room: *mut f32,
    len: usize,
    out: *mut Answer,
) -> Status {
    // SAFETY: the plug-in hands back its context, and memory that is good for the call.
    unsafe {
        let room = std::slice::from_raw_parts_mut(room, len);
        answer(out, || {
            let request = request.read()?;
            let mut batch = Batch::default();
            let made = run(context).guarded(|host| host.next_batch(request, &mut batch));
            made.unwrap_or_else(|| Err(Error::internal("the host gave up")))?;
            BatchHead::put(&batch, room)
        })
    }
}

unsafe extern "C" fn next_images(context: *mut c_void, request: Text, out: *mut Answer) -> Status {
    // SAFETY: as above.
    unsafe {
        answer(out, || {
            let request = request.read()?;
            let mut batch = Batch::default();
            let made = run(context).guarded(|host| host.next_images(request, &mut batch));
            made.unwrap_or_else(|| Err(Error::internal("the host gave up")))?;
            Ok(BatchHead::of(&batch))
        })
    }
}

unsafe extern "C" fn copy_images(
    context: *mut c_void,
    wanted: Text,
    room: *mut u8,
    len: usize,
    out: *mut Answer,
) -> Status {
    // SAFETY: as above; of no bytes there may be no room at all.
    unsafe {
        let room = if len == 0 { &mut [] } else { std::slice::from_raw_parts_mut(room, len) };
        answer(out, || {
            let wanted: Vec<WantedImage> = wanted.read()?;
            let copied = run(context).guarded(|host| host.copy_images(&wanted, room));
            copied.unwrap_or_else(|| Err(Error::internal("the host gave up")))
        })
    }
}

unsafe extern "C" fn event(context: *mut c_void, text: Text) {
    // SAFETY: as above.
    unsafe {
        // Both sides have one version, so an event that cannot be read does not happen.
        if let Ok(event) = text.read() {
            run(context).guarded(|host| host.event(event));
        }
    }
}

unsafe extern "C" fn should_stop(context: *mut c_void) -> u32 {
    // SAFETY: as above.
    match unsafe { run(context) }.guarded(|host| host.should_stop()) {
        Some(Stop::Continue) => CONTINUE,
        Some(Stop::Pause) => PAUSE,
        Some(Stop::Cancel) | None => CANCEL,
    }
}
