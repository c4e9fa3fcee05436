//! `start`, `status` and `stop`.

use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use va_error::{Code, Context as _, Error, Result};
use va_server::{SecretPlace, ServeOptions, Service, ServiceStatus, service_dir};

use crate::args::StartArgs;
use crate::interrupt::Signals;
use crate::session::Session;
use crate::{log, output};

const STANDARD_PORT: u16 = 7421;
/// Opening a large library after a crash takes a while.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// A running training checkpoints first.
const STOP_PATIENCE: Duration = Duration::from_secs(60);

/// Runs the service, in the background unless asked otherwise.
///
/// # Errors
/// Why it cannot start, and what to do.
pub fn start(session: &Session, args: &StartArgs) -> Result<()> {
    let present = va_server::status(&session.library)?;
    if present.running {
        return tell(session, args, &present, "the service is already running");
    }
    if args.foreground {
        return in_foreground(session, args);
    }
    let status = in_background(session, args)?;
    tell(session, args, &status, "the service is running")?;
    if !session.json {
        tell_password(session, args)?;
        output::line("stop it with `visaion stop`")?;
    }
    Ok(())
}

fn tell(session: &Session, args: &StartArgs, status: &ServiceStatus, text: &str) -> Result<()> {
    let address = status.sign_in_url.clone().unwrap_or_default();
    if session.json {
        output::json(status)?;
    } else {
        output::line(format!("{text}; open {address}"))?;
        output::line("the address signs one browser in, once, within 15 minutes; `visaion status` gives a new one")?;
    }
    if !args.no_browser {
        open_browser(&address);
    }
    Ok(())
}

fn tell_password(session: &Session, args: &StartArgs) -> Result<()> {
    let (_, place) = va_server::password(&session.library, !args.no_keyring)?;
    output::line(match place {
        SecretPlace::Keyring { service, account } => {
            format!(
                "programs sign in as \"owner\"; the password is in the keyring ({service}, {account}): `visaion status --show-password`"
            )
        }
        SecretPlace::File(path) => format!(
            "programs sign in as \"owner\"; no keyring is used, so the password is in {}, which only you can read",
            path.display()
        ),
    })
}

fn in_foreground(session: &Session, args: &StartArgs) -> Result<()> {
    let app = va_api::open(&session.library)?;
    log::open(&session.library);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(32)
        .enable_all()
        .build()
        .context("cannot start the service")?;
    runtime.block_on(async {
        // Before anything is printed: whoever reads the address may end us at once.
        let mut signals = Signals::new()?;
        let service = start_service(app.clone(), args).await;
        let service = match service {
            Ok(service) => service,
            Err(error) => {
                app.close()?;
                return Err(error);
            }
        };
        if !service.has_ui() {
            output::note(
                "the user interface has not been built (`npm run build` in ui); serving the REST interface alone",
            );
        }
        let status = ServiceStatus {
            running: true,
            pid: Some(std::process::id()),
            url: Some(service.url()),
            sign_in_url: Some(service.sign_in_url()?),
            ..ServiceStatus::default()
        };
        if let Err(error) = tell(session, args, &status, "serving") {
            // Nobody reads what this prints; the service is there for the browser.
            tracing::warn!(%error, "the address could not be printed");
        }
        tokio::select! {
            () = signals.next() => service.ask_to_stop(),
            () = service.stopping() => {}
        }
        output::note("stopping: running jobs checkpoint …");
        service.finish().await
    })
}

/// The named port, or else the standard one, or else any.
async fn start_service(app: va_api::App, args: &StartArgs) -> Result<Service> {
    let options = |port| ServeOptions { port, use_keyring: !args.no_keyring, ..ServeOptions::default() };
    match args.port {
        Some(port) => Service::start(app, options(port)).await,
        None => match Service::start(app.clone(), options(STANDARD_PORT)).await {
            Err(error) if error.code() == Code::Conflict => Service::start(app, options(0)).await,
            outcome => outcome,
        },
    }
}

/// Starts this program again, detached from the terminal, and waits until it serves.
fn in_background(session: &Session, args: &StartArgs) -> Result<ServiceStatus> {
    let folder = service_dir(&session.library);
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let said = folder.join("start.log");
    let mut child = spawn(session, args, &said)?;
    let begun = Instant::now();
    while begun.elapsed() < START_PATIENCE {
        let status = va_server::status(&session.library)?;
        if status.running {
            return Ok(status);
        }
        if let Some(ended) = child.try_wait()? {
            let why = std::fs::read_to_string(&said).unwrap_or_default();
            let why = why.trim().trim_start_matches("error: ").to_owned();
            let why = if why.is_empty() { format!("it ended with {ended}") } else { why };
            return Err(Error::new(Code::Conflict, format!("the service did not start: {why}")));
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Err(Error::new(Code::Io, format!("the service does not answer; what it said is in {}", said.display())))
}

fn spawn(session: &Session, args: &StartArgs, said: &Path) -> Result<Child> {
    let out = File::create(said).with_context(|| format!("cannot write {}", said.display()))?;
    let program = std::env::current_exe().context("cannot find this program")?;
    let mut command = Command::new(program);
    command.arg("--library").arg(&session.library).args(["start", "--foreground", "--no-browser"]);
    if let Some(port) = args.port {
        command.args(["--port", &port.to_string()]);
    }
    if args.no_keyring {
        command.arg("--no-keyring");
    }
    // The address with its code is not for files: only what goes wrong is kept.
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(out);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt as _;
        // Ctrl-C in this terminal is not meant for the service.
        command.process_group(0);
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt as _;
        const DETACHED_PROCESS: u32 = 0x8;
        const CREATE_NEW_PROCESS_GROUP: u32 = 0x200;
        command.creation_flags(DETACHED_PROCESS | CREATE_NEW_PROCESS_GROUP);
    }
    command.spawn().context("cannot start the service")
}

fn open_browser(address: &str) {
    #[cfg(target_os = "windows")]
    let mut command = {
        let mut command = Command::new("explorer");
        command.arg(address);
        command
    };
    #[cfg(target_os = "macos")]
    let mut command = {
        let mut command = Command::new("open");
        command.arg(address);
        command
    };
    #[cfg(all(unix, not(target_os = "macos")))]
    let mut command = {
        // Without a display a text browser would take over the terminal.
        if std::env::var_os("DISPLAY").is_none() && std::env::var_os("WAYLAND_DISPLAY").is_none() {
            return;
        }
        let mut command = Command::new("xdg-open");
        command.arg(address);
        command
    };
    let opened = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    if opened.is_err() {
        output::note("no browser could be opened; open the address yourself");
    }
}

/// # Errors
/// `Io` when the state cannot be read.
pub fn status(session: &Session, show_password: bool) -> Result<()> {
    let status = va_server::status(&session.library)?;
    let password = if show_password { Some(va_server::password(&session.library, true)?.0) } else { None };
    if session.json {
        let mut document = serde_json::to_value(&status)?;
        if let Some(password) = password {
            document["password"] = json!(password);
        }
        return output::json(&document);
    }
    if status.running {
        output::line(format!(
            "running (process {}); open {}",
            status.pid.unwrap_or_default(),
            status.sign_in_url.unwrap_or_default()
        ))?;
    } else {
        output::line("not running; `visaion start` starts it")?;
    }
    if let Some(note) = status.note {
        output::line(note)?;
    }
    if let Some(password) = password {
        output::line(format!("user owner, password {password}"))?;
    }
    Ok(())
}

/// # Errors
/// `Io` when it does not stop in time.
pub fn stop(session: &Session) -> Result<()> {
    let before = va_server::stop(&session.library, STOP_PATIENCE)?;
    if session.json {
        return output::json(&ServiceStatus { running: false, sign_in_url: None, ..before });
    }
    output::line(match (before.running, before.note) {
        (true, _) => "stopped; running jobs go on next time".to_owned(),
        (false, Some(note)) => format!("not running: {note}"),
        (false, None) => "not running".to_owned(),
    })
}
