//! The other side of the socket: a command that works through the library's owner.

use std::io::BufReader;
use std::path::{Path, PathBuf};

use crossbeam_channel::Receiver;
use interprocess::local_socket::{Name, Stream, prelude::*};
use parking_lot::Mutex;
use serde_json::{Value, json};
use va_domain::Event;
use va_error::{Code, Context as _, Error, Result};

use super::place::places;
use super::wire::{Answer, EventLine, MAX_ANSWER_BYTES, Request, SUBSCRIBE, read_line, write_line};

/// Events that wait for a reader before the owner is told to wait.
const WAITING_EVENTS: usize = 256;

/// A connection to the process that owns the library.
pub struct Attachment {
    place: PathBuf,
    connection: Mutex<Connection>,
}

struct Connection {
    stream: BufReader<Stream>,
    last_id: u64,
}

impl Attachment {
    /// Connects to the owner of the library at `library_dir` (absolute).
    ///
    /// # Errors
    /// `Io` or `NotFound` when nobody answers there.
    pub fn open(library_dir: &Path) -> Result<Self> {
        let mut refused = Error::new(Code::Io, "no process answers for this library");
        for place in places(library_dir) {
            match Connection::open(&place) {
                Ok(connection) => return Ok(Self { place, connection: Mutex::new(connection) }),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Runs a command through the owner. Calls from several threads follow one another.
    ///
    /// # Errors
    /// What the command says, or `Io` when the owner is gone.
    pub fn call(&self, name: &str, request: Value) -> Result<Value> {
        self.connection.lock().call(name, request)
    }

    /// What changes from now on, until the owner closes or the receiver is dropped.
    ///
    /// # Errors
    /// `Io` when the owner is gone.
    pub fn subscribe(&self) -> Result<Receiver<Event>> {
        let mut connection = Connection::open(&self.place)?;
        connection.call(SUBSCRIBE, json!({}))?;
        let (sender, events) = crossbeam_channel::bounded(WAITING_EVENTS);
        std::thread::Builder::new()
            .name("attach-events".to_owned())
            .spawn(move || {
                while let Ok(Some(line)) = read_line(&mut connection.stream, MAX_ANSWER_BYTES) {
                    let Ok(EventLine { event }) = serde_json::from_slice(&line) else {
                        // A newer owner may say things this version does not know.
                        continue;
                    };
                    if sender.send(event).is_err() {
                        return;
                    }
                }
            })
            .context("cannot start the thread that reads events")?;
        Ok(events)
    }
}

impl Connection {
    fn open(place: &Path) -> Result<Self> {
        let stream = Stream::connect(socket_name(place)?)?;
        Ok(Self { stream: BufReader::new(stream), last_id: 0 })
    }

    fn call(&mut self, name: &str, request: Value) -> Result<Value> {
        self.last_id += 1;
        let id = self.last_id;
        write_line(self.stream.get_mut(), &Request { id, name: name.to_owned(), request }).map_err(gone)?;
        loop {
            let line = read_line(&mut self.stream, MAX_ANSWER_BYTES)
                .map_err(gone)?
                .ok_or_else(|| gone(Error::new(Code::Io, "it closed the connection")))?;
            let answer: Answer = serde_json::from_slice(&line)
                .map_err(|error| Error::internal(format!("the owner of the library answered nonsense: {error}")))?;
            if answer.id.is_some_and(|answered| answered != id) {
                continue;
            }
            return match answer.error {
                Some(error) => Err(error.into()),
                None => Ok(answer.ok.unwrap_or(Value::Null)),
            };
        }
    }
}

fn gone(error: Error) -> Error {
    Error::new(Code::Io, "the process that owned the library is gone; what it had confirmed is saved")
        .with_source(error)
}

#[cfg(unix)]
pub(super) fn socket_name(place: &Path) -> Result<Name<'_>> {
    use interprocess::local_socket::GenericFilePath;
    Ok(place.to_fs_name::<GenericFilePath>()?)
}

#[cfg(windows)]
pub(super) fn socket_name(place: &Path) -> Result<Name<'_>> {
    use interprocess::local_socket::GenericNamespaced;
    Ok(place.as_os_str().to_ns_name::<GenericNamespaced>()?)
}
