//! The service as a process: start, serve until told to stop, and what other terminals can see of it.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use va_api::attach::{Attachment, Serving};
use va_api::{App, serve_app};
use va_domain::now_ms;
use va_error::{Code, Context as _, Error, Result};

use crate::auth::{Account, Lifetimes, SecretPlace, Secrets};
use crate::core::{Core, Limits};
use crate::router::router;
use crate::ui;

/// Requests that are being answered when the service stops get so long.
const DRAIN: Duration = Duration::from_secs(5);
const STATE_FILE: &str = "state.json";
const STATUS: &str = "service_status";
const STOP: &str = "service_stop";

/// How to serve a library.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// 0 takes any free port.
    pub port: u16,
    pub lifetimes: Lifetimes,
    pub limits: Limits,
    /// Keep the password in the keyring where there is one.
    pub use_keyring: bool,
    /// The built user interface; found by itself without it.
    pub ui: Option<PathBuf>,
}

impl Default for ServeOptions {
    fn default() -> Self {
        Self { port: 0, lifetimes: Lifetimes::default(), limits: Limits::default(), use_keyring: true, ui: None }
    }
}

/// What is known of a library's service.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    pub running: bool,
    pub pid: Option<u32>,
    /// Without a code.
    pub url: Option<String>,
    /// Signs a browser in, once.
    pub sign_in_url: Option<String>,
    pub started_ms: Option<i64>,
    /// For a person: why it is not running, when there is something to say.
    pub note: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct State {
    pid: u32,
    url: String,
    started_ms: i64,
}

/// A running service.
pub struct Service {
    core: Core,
    secret: SecretPlace,
    state_file: PathBuf,
    serving: Serving,
    task: tokio::task::JoinHandle<std::io::Result<()>>,
}

impl Service {
    /// Serves an opened library on 127.0.0.1.
    ///
    /// # Errors
    /// `Conflict` when the port is taken; `Io` when the account or the state cannot be kept.
    pub async fn start(app: App, options: ServeOptions) -> Result<Self> {
        let folder = service_dir(app.library_dir());
        make_private(&folder)?;
        let secrets = if options.use_keyring { Secrets::new(&folder) } else { Secrets::in_file(&folder) };
        let opened = tokio::task::spawn_blocking({
            let folder = folder.clone();
            move || Account::open(&folder, &secrets)
        });
        let (account, secret) =
            opened.await.map_err(|error| Error::internal(format!("BUG: opening the account panicked: {error}")))??;
        let listener = bind(options.port).await?;
        let port = listener.local_addr()?.port();
        let ui = options.ui.or_else(ui::find);
        let core = Core::new(app, port, account, options.lifetimes, options.limits, ui);
        let started_ms = now_ms();
        let serving = serve_others(&core, started_ms)?;
        let state = State { pid: std::process::id(), url: core.url(), started_ms };
        let state_file = folder.join(STATE_FILE);
        crate::auth::write_private(&state_file, &serde_json::to_vec_pretty(&state)?)?;
        let mut stopping = core.stopping.subscribe();
        let server = axum::serve(listener, router(&core)).with_graceful_shutdown(async move {
            // The sender lives as long as the service.
            let _ = stopping.wait_for(|stop| *stop).await;
        });
        let task = tokio::spawn(async move { server.await });
        tracing::info!(port, "serving");
        Ok(Self { core, secret, state_file, serving, task })
    }

    /// `http://127.0.0.1:PORT/`.
    pub fn url(&self) -> String {
        self.core.url()
    }

    /// The address that signs a browser in, once.
    ///
    /// # Errors
    /// `Internal` when there is no randomness.
    pub fn sign_in_url(&self) -> Result<String> {
        self.core.url_with_code()
    }

    /// Where the owner's password lies.
    pub fn secret_place(&self) -> &SecretPlace {
        &self.secret
    }

    /// Whether the user interface is there to be served.
    pub fn has_ui(&self) -> bool {
        self.core.ui.is_some()
    }

    /// Resolves when the service is asked to stop from another terminal.
    pub async fn stopping(&self) {
        let mut stopping = self.core.stopping.subscribe();
        // The sender lives as long as the service.
        let _ = stopping.wait_for(|stop| *stop).await;
    }

    /// Asks the service to stop, as a signal or another terminal does.
    pub fn ask_to_stop(&self) {
        self.core.stopping.send_replace(true);
    }

    /// Waits until the service is asked to stop, then stops it: open requests are answered, running jobs checkpoint.
    ///
    /// # Errors
    /// `Io` when the listener failed.
    pub async fn finish(self) -> Result<()> {
        let mut stopping = self.core.stopping.subscribe();
        let mut task = self.task;
        let outcome = tokio::select! {
            _ = stopping.wait_for(|stop| *stop) => match tokio::time::timeout(DRAIN, &mut task).await {
                Ok(outcome) => outcome,
                Err(_) => {
                    task.abort();
                    Ok(Ok(()))
                }
            },
            outcome = &mut task => outcome,
        };
        let app = self.core.app.clone();
        let closed = tokio::task::spawn_blocking(move || app.close()).await;
        if let Err(error) = fs::remove_file(&self.state_file) {
            tracing::warn!(%error, "the state file could not be removed");
        }
        drop(self.serving);
        closed.map_err(|error| Error::internal(format!("BUG: closing the library panicked: {error}")))??;
        outcome
            .map_err(|error| Error::internal(format!("BUG: the server panicked: {error}")))?
            .context("the server failed")
    }
}

fn serve_others(core: &Core, started_ms: i64) -> Result<Serving> {
    let for_calls = core.clone();
    serve_app(&core.app, move |name, _| match name {
        STATUS => Some(for_calls.url_with_code().and_then(|sign_in_url| {
            Ok(serde_json::to_value(ServiceStatus {
                running: true,
                pid: Some(std::process::id()),
                url: Some(for_calls.url()),
                sign_in_url: Some(sign_in_url),
                started_ms: Some(started_ms),
                note: None,
            })?)
        })),
        STOP => {
            for_calls.stopping.send_replace(true);
            Some(Ok(json!({})))
        }
        _ => None,
    })
}

async fn bind(port: u16) -> Result<TcpListener> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => Error::conflict(format!(
            "port {port} is taken by another program: choose another with --port, or leave it out"
        )),
        _ => Error::from(error),
    })
}

/// What is known of the service of the library at `library_dir`, from any terminal.
///
/// # Errors
/// `Io` when the state file cannot be read.
pub fn status(library_dir: &Path) -> Result<ServiceStatus> {
    match ask_owner(library_dir, STATUS)? {
        Asked::Answered(answer) => Ok(serde_json::from_value(answer)?),
        Asked::OtherOwner => Ok(ServiceStatus {
            note: Some("the library is open in another program of VisAIon, which is not the service".to_owned()),
            ..ServiceStatus::default()
        }),
        Asked::Nobody => {
            let path = service_dir(library_dir).join(STATE_FILE);
            let state = match fs::read(&path) {
                Ok(bytes) => serde_json::from_slice::<State>(&bytes).ok(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
                Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
            };
            let note = state.map(|state| {
                format!("the service (process {}) ended without stopping; what it had confirmed is saved", state.pid)
            });
            Ok(ServiceStatus { note, ..ServiceStatus::default() })
        }
    }
}

/// Stops the service of the library at `library_dir` and waits for its end. Gives what was known of it before.
///
/// # Errors
/// `Io` when it does not end in time: then its process has to be ended by hand.
pub fn stop(library_dir: &Path, patience: Duration) -> Result<ServiceStatus> {
    let before = status(library_dir)?;
    let state_file = service_dir(library_dir).join(STATE_FILE);
    if !before.running {
        if before.note.is_some() && fs::exists(&state_file)? && matches!(ask_owner(library_dir, STATUS)?, Asked::Nobody)
        {
            // Left over from a service that was killed.
            fs::remove_file(&state_file).with_context(|| format!("cannot remove {}", state_file.display()))?;
        }
        return Ok(before);
    }
    ask_owner(library_dir, STOP)?;
    let started = std::time::Instant::now();
    while matches!(ask_owner(library_dir, STATUS)?, Asked::Answered(_)) {
        if started.elapsed() > patience {
            let pid = before.pid.unwrap_or_default();
            return Err(Error::new(
                Code::Io,
                format!(
                    "the service (process {pid}) does not stop; ending the process is safe: what is confirmed is saved"
                ),
            ));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(before)
}

enum Asked {
    Answered(Value),
    /// Somebody owns the library and knows nothing of a service.
    OtherOwner,
    Nobody,
}

fn ask_owner(library_dir: &Path, name: &str) -> Result<Asked> {
    let folder = library_dir.canonicalize().unwrap_or_else(|_| library_dir.to_owned());
    let Ok(attachment) = Attachment::open(&folder) else { return Ok(Asked::Nobody) };
    match attachment.call(name, json!({})) {
        Ok(answer) => Ok(Asked::Answered(answer)),
        Err(error) if error.code() == Code::NotFound => Ok(Asked::OtherOwner),
        Err(error) if error.code() == Code::Io => Ok(Asked::Nobody),
        Err(error) => Err(error),
    }
}

/// Where the service of a library keeps its account and state.
pub fn service_dir(library_dir: &Path) -> PathBuf {
    library_dir.join("service")
}

fn make_private(folder: &Path) -> Result<()> {
    let make = || -> std::io::Result<()> {
        fs::create_dir_all(folder)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        }
        Ok(())
    };
    make().with_context(|| format!("cannot make {}", folder.display()))
}

/// The owner's password and where it lies, for the user at this machine.
///
/// # Errors
/// `NotFound` before the first start.
pub fn password(library_dir: &Path, use_keyring: bool) -> Result<(String, SecretPlace)> {
    let folder = service_dir(library_dir);
    Account::password(&if use_keyring { Secrets::new(&folder) } else { Secrets::in_file(&folder) })
}
