//! Working with a library, whoever owns it: this process opens it, or attaches to the one that has it open.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use va_app::{App, OpenOptions};
use va_domain::{Actor, Origin};
use va_error::{Code, Context as _, Error, Result};

use crate::attach::{Attachment, Serve, Serving, serve};
use crate::dispatch::{dispatch, read_answer};
use crate::events::Events;

/// A command that ends holds the library for this long at most after we saw it locked.
const OWNER_CHANGE: Duration = Duration::from_secs(10);

/// The command by which an owner's window comes to the front; only an owner with a window knows it.
pub const RAISE: &str = "window_raise";

/// A library to work with.
pub enum Client {
    /// This process owns the library and serves others.
    Local { app: App, serving: Serving },
    /// Another process owns it.
    Attached(Attachment),
}

impl Client {
    /// Runs a command as the user at this machine.
    ///
    /// # Errors
    /// What the command says; `Io` when the owner went away.
    pub fn call(&self, name: &str, request: Value) -> Result<Value> {
        match self {
            Self::Local { app, .. } => dispatch(app, &Actor::owner(Origin::Cli), name, request),
            Self::Attached(attachment) => attachment.call(name, request),
        }
    }

    /// [`Self::call`] with types on both sides.
    ///
    /// # Errors
    /// As [`Self::call`]; `Internal` when the answer is not an `R`.
    pub fn ask<R: DeserializeOwned>(&self, name: &str, request: impl Serialize) -> Result<R> {
        read_answer(name, self.call(name, serde_json::to_value(request)?)?)
    }

    /// Another process owns the library.
    pub fn is_attached(&self) -> bool {
        matches!(self, Self::Attached(_))
    }

    /// What changes from now on. It ends when the owner closes.
    ///
    /// # Errors
    /// `Io` when the owner is gone.
    pub fn events(&self) -> Result<Events> {
        match self {
            Self::Local { app, .. } => Ok(Events::Own(app.subscribe())),
            Self::Attached(attachment) => attachment.subscribe().map(Events::Forwarded),
        }
    }

    /// Checkpoints and stops this process's running jobs and gives the library back.
    ///
    /// # Errors
    /// `Io` or `DiskFull` from the last write; nothing that was confirmed is lost.
    pub fn close(self) -> Result<()> {
        match self {
            Self::Local { app, serving } => {
                drop(serving);
                app.close()
            }
            Self::Attached(_) => Ok(()),
        }
    }
}

/// The application as others reach it through the socket.
pub struct Owner {
    app: App,
    /// What this owner can do beyond the command table.
    more: Box<More>,
}

type More = dyn Fn(&str, &Value) -> Option<Result<Value>> + Send + Sync;

impl Owner {
    /// `more` answers names that the command table does not know; None leaves them unknown.
    pub fn new(app: App, more: impl Fn(&str, &Value) -> Option<Result<Value>> + Send + Sync + 'static) -> Self {
        Self { app, more: Box::new(more) }
    }
}

impl Serve for Owner {
    fn call(&self, name: &str, request: Value) -> Result<Value> {
        match (self.more)(name, &request) {
            Some(outcome) => outcome,
            None => dispatch(&self.app, &Actor::owner(Origin::Cli), name, request),
        }
    }

    fn subscribe(&self) -> Events {
        Events::Own(self.app.subscribe())
    }
}

/// Opens the library, or attaches to the process that has it open.
///
/// # Errors
/// What opening says; `LibraryLocked` when another process owns the library and does not answer.
pub fn connect(library_dir: &Path, options: OpenOptions) -> Result<Client> {
    let started = Instant::now();
    loop {
        let locked = match App::open(library_dir, options) {
            Ok(app) => return local(app),
            Err(error) if error.code() == Code::LibraryLocked => error,
            Err(error) => return Err(error),
        };
        match Attachment::open(&absolute(library_dir)) {
            Ok(attachment) => return Ok(Client::Attached(attachment)),
            // It may be starting, or be about to end: then the next round finds it or takes its place.
            Err(_) if started.elapsed() < OWNER_CHANGE => std::thread::sleep(Duration::from_millis(50)),
            Err(error) => {
                return Err(Error::new(
                    Code::LibraryLocked,
                    format!(
                        "the library at {} is in use by another process, which does not answer; close it and try again",
                        library_dir.display()
                    ),
                )
                .with_source(if error.code() == Code::Io { locked } else { error }));
            }
        }
    }
}

fn local(app: App) -> Result<Client> {
    let serving = serve_app(&app, |_, _| None)?;
    Ok(Client::Local { app, serving })
}

/// Serves an opened library to other commands; `more` as for [`Owner::new`].
///
/// # Errors
/// `Io` when the socket cannot be opened.
pub fn serve_app(
    app: &App,
    more: impl Fn(&str, &Value) -> Option<Result<Value>> + Send + Sync + 'static,
) -> Result<Serving> {
    serve(&absolute(app.library_dir()), Arc::new(Owner::new(app.clone(), more)))
}

/// Asks the process that owns the library to bring its window to the front.
///
/// # Errors
/// `NotFound` when the owner has no window, `Io` when there is none.
pub fn raise(library_dir: &Path) -> Result<()> {
    Attachment::open(&absolute(library_dir))?.call(RAISE, json!({})).map(|_| ())
}

/// The folder that `VISAION_LIBRARY` names, or `VisAIon` in the home folder.
///
/// # Errors
/// `NotFound` when this user has no home folder.
pub fn default_library() -> Result<PathBuf> {
    if let Some(named) = std::env::var_os("VISAION_LIBRARY").filter(|named| !named.is_empty()) {
        return Ok(PathBuf::from(named));
    }
    let home = std::env::home_dir().filter(|home| !home.as_os_str().is_empty());
    let none = || Error::not_found("there is no home folder: name the library with --library or VISAION_LIBRARY");
    Ok(home.ok_or_else(none)?.join("VisAIon"))
}

/// Opens the library as its owner, making it if it is not there, and takes up its queued jobs.
///
/// # Errors
/// What opening says; `LibraryLocked` when another process owns it.
pub fn open(library_dir: &Path) -> Result<App> {
    App::open(library_dir, OpenOptions { create: true, run_jobs: true })
        .with_context(|| format!("cannot open the library at {}", library_dir.display()))
}

/// The same folder has the same socket, however it was named.
fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}
