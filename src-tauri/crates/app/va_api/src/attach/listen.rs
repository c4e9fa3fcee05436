//! The owner's side of the socket.

use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::RecvTimeoutError;
use interprocess::local_socket::{Listener, ListenerOptions, Stream, prelude::*};
use parking_lot::Mutex;
use serde_json::{Value, json};
use va_error::{Code, Context as _, Error, Result};

use super::place::places;
use super::wire::{Answer, EventLine, MAX_REQUEST_BYTES, Request, SUBSCRIBE, read_line, write_line};
use crate::events::Events;

/// More than anyone has windows; a runaway script is told so.
const MAX_CONNECTIONS: usize = 64;
/// A connection that does not take its answer for so long is closed.
const SEND_TIMEOUT: Duration = Duration::from_secs(30);

/// What the owner offers through the socket.
pub trait Serve: Send + Sync + 'static {
    /// Runs a command on behalf of the user at this machine.
    ///
    /// # Errors
    /// What the command says.
    fn call(&self, name: &str, request: Value) -> Result<Value>;

    /// What changes from now on. A slow reader loses the oldest and gets `Event::Lagged`.
    fn subscribe(&self) -> Events;
}

/// The socket of an owned library. Dropping it closes the socket; connections end with their current request.
pub struct Serving {
    shared: Arc<Shared>,
    place: PathBuf,
    accepting: Option<JoinHandle<()>>,
}

struct Shared {
    /// Taken when the owner closes.
    service: Mutex<Option<Arc<dyn Serve>>>,
    closing: AtomicBool,
    connections: AtomicUsize,
}

impl Shared {
    fn service(&self) -> Result<Arc<dyn Serve>> {
        let closed = || Error::new(Code::Io, "the process that owns the library is closing it: try again");
        self.service.lock().clone().ok_or_else(closed)
    }
}

/// Opens the socket of the library at `library_dir` (absolute), which this process owns.
///
/// # Errors
/// `Io` when no place for the socket can be used.
pub fn serve(library_dir: &Path, service: Arc<dyn Serve>) -> Result<Serving> {
    let (listener, place) = listen(library_dir)?;
    let shared = Arc::new(Shared {
        service: Mutex::new(Some(service)),
        closing: AtomicBool::new(false),
        connections: AtomicUsize::new(0),
    });
    let for_thread = shared.clone();
    let accepting = std::thread::Builder::new()
        .name("attach".to_owned())
        .spawn(move || accept(&listener, &for_thread))
        .context("cannot start the thread of the attach socket")?;
    Ok(Serving { shared, place, accepting: Some(accepting) })
}

fn listen(library_dir: &Path) -> Result<(Listener, PathBuf)> {
    let mut refused = None;
    for place in places(library_dir) {
        // The lock on the library is ours, so a socket that lies there is left over from a process that is gone.
        let options = ListenerOptions::new().name(super::client::socket_name(&place)?).try_overwrite(true);
        #[cfg(unix)]
        let options = {
            use interprocess::os::unix::local_socket::ListenerOptionsExt as _;
            options.mode(0o600)
        };
        match options.create_sync() {
            Ok(listener) => return Ok((listener, place)),
            Err(error) => refused = Some(error),
        }
    }
    let refused = refused.unwrap_or_else(|| std::io::Error::other("no place for it"));
    Err(refused).context("cannot open the socket through which other commands work with this library")
}

fn accept(listener: &Listener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        if shared.closing.load(Ordering::Acquire) {
            return;
        }
        let Ok(stream) = stream else {
            // Out of file descriptors, most likely: give connections time to end.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        if shared.connections.fetch_add(1, Ordering::AcqRel) >= MAX_CONNECTIONS {
            shared.connections.fetch_sub(1, Ordering::AcqRel);
            let error = Error::new(Code::RateLimited, "too many commands work with this library at once: try again");
            let mut stream = stream;
            // A sender that is gone needs no answer.
            let _ = write_line(&mut stream, &Answer::refusal(&error));
            continue;
        }
        let shared = shared.clone();
        let for_thread = shared.clone();
        let started = std::thread::Builder::new().name("attached".to_owned()).spawn(move || {
            if let Err(error) = converse(stream, &for_thread) {
                tracing::debug!(%error, "an attached command ended abruptly");
            }
            for_thread.connections.fetch_sub(1, Ordering::AcqRel);
        });
        if started.is_err() {
            shared.connections.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

fn converse(stream: Stream, shared: &Shared) -> Result<()> {
    stream.set_send_timeout(Some(SEND_TIMEOUT))?;
    let mut stream = BufReader::new(stream);
    loop {
        let line = match read_line(&mut stream, MAX_REQUEST_BYTES) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(error) => {
                write_line(stream.get_mut(), &Answer::refusal(&error))?;
                return Err(error);
            }
        };
        let request: Request = match serde_json::from_slice(&line) {
            Ok(request) => request,
            Err(error) => {
                let error = Error::invalid(format!("a line on the socket is not a request: {error}"));
                write_line(stream.get_mut(), &Answer::refusal(&error))?;
                continue;
            }
        };
        if request.name == SUBSCRIBE {
            return forward(stream.get_mut(), request.id, shared);
        }
        let outcome = shared.service().and_then(|service| service.call(&request.name, request.request));
        write_line(stream.get_mut(), &Answer::of(request.id, outcome))?;
    }
}

/// Events until either side closes.
fn forward(send: &mut impl std::io::Write, id: u64, shared: &Shared) -> Result<()> {
    let events = match shared.service() {
        Ok(service) => service.subscribe(),
        Err(error) => return write_line(send, &Answer::of(id, Err(error))),
    };
    write_line(send, &Answer::of(id, Ok(json!({}))))?;
    while !shared.closing.load(Ordering::Acquire) {
        match events.recv_timeout(Duration::from_millis(200)) {
            Ok(event) => write_line(send, &EventLine { event })?,
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
    Ok(())
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shared.closing.store(true, Ordering::Release);
        self.shared.service.lock().take();
        // Accepting is a blocking call: a connection of our own wakes it.
        let woken = super::client::socket_name(&self.place)
            .map_err(|_| ())
            .and_then(|name| Stream::connect(name).map_err(|_| ()));
        if let (Ok(_), Some(accepting)) = (woken, self.accepting.take())
            && accepting.join().is_err()
        {
            tracing::error!("the thread of the attach socket panicked");
        }
    }
}
