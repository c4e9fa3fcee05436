//! The library that the window works on: opened and owned here, served to commands in other terminals, left tidy at the end.

use std::path::PathBuf;
use std::sync::OnceLock;

use serde_json::json;
use tauri::{AppHandle, Manager, RunEvent};
use va_api::{App, RAISE, Serving};
use va_domain::{Actor, Job, JobState, Origin, Settings};
use va_error::{Code, Error, Result};

use crate::window;

pub struct Library {
    pub app: App,
    /// The private socket; answers as long as it is held.
    serving: OnceLock<Serving>,
}

pub enum Opened {
    Ours(Library),
    /// Another window has the library; it was brought to the front.
    RaisedOther,
}

/// Opens the library named by `--library DIR`, `VISAION_LIBRARY` or the default, making it if need be.
pub fn open_or_raise() -> Result<Opened> {
    let folder = folder()?;
    match va_api::open(&folder) {
        Ok(app) => Ok(Opened::Ours(Library { app, serving: OnceLock::new() })),
        Err(error) if error.code() == Code::LibraryLocked && va_api::raise(&folder).is_ok() => Ok(Opened::RaisedOther),
        Err(error) => Err(error),
    }
}

fn folder() -> Result<PathBuf> {
    let mut arguments = std::env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--library" {
            return arguments.next().map(PathBuf::from).ok_or_else(|| Error::invalid("--library needs a folder"));
        }
    }
    va_api::default_library()
}

/// Answers commands of other terminals on the private socket, and the wish of a second window to raise this one.
pub fn serve_others(handle: &AppHandle) {
    let library = handle.state::<Library>();
    let raised = handle.clone();
    let serving = va_api::serve_app(&library.app, move |name, _| {
        (name == RAISE).then(|| {
            window::raise(&raised);
            Ok(json!({}))
        })
    });
    match serving {
        Ok(serving) => drop(library.serving.set(serving)),
        Err(error) => tracing::error!("commands in a terminal will not reach this window: {error:#}"),
    }
}

/// At the end jobs reach a checkpoint and the library is released.
pub fn on_run_event(handle: &AppHandle, event: RunEvent) {
    if !matches!(event, RunEvent::Exit) {
        return;
    }
    if let Err(error) = handle.state::<Library>().app.close() {
        tracing::error!("the library was not closed tidily; it will be checked when it is next opened: {error:#}");
    }
}

impl Library {
    fn ask<R: serde::de::DeserializeOwned>(&self, name: &str, request: serde_json::Value) -> Result<R> {
        va_api::ask(&self.app, &Actor::owner(Origin::Desktop), name, request)
    }

    /// Whether closing now would interrupt something. An error counts as no: it must always be possible to close.
    pub fn has_running_jobs(&self) -> bool {
        let running: Result<va_domain::Page<Job>> =
            self.ask("job_list", json!({ "state": JobState::Running, "limit": 1 }));
        running.is_ok_and(|page| page.total > 0)
    }

    /// The language of the settings; empty follows the system.
    pub fn language(&self) -> String {
        self.ask::<Settings>("settings_get", json!({})).map(|s| s.language).unwrap_or_default()
    }
}
