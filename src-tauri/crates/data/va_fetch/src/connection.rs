//! One request, read by a thread of its own, so that a stop is heard at once however the network behaves.

use std::io::Read;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::{Duration, Instant};

use ureq::http::Response;
use ureq::tls::{Certificate, RootCerts, TlsConfig};
use ureq::{Agent, Body, Proxy};
use va_error::Error;

use crate::address::Address;
use crate::download::Patience;
use crate::failure::Failure;
use crate::head::Head;

const MAX_REDIRECTS: usize = 10;
const BLOCK_BYTES: usize = 256 << 10;
/// Blocks that wait for the disk.
const WAITING: usize = 8;
/// A stop is looked for this often.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// A body that is not read to its end any more lets its thread go after this long at most.
const BODY_AT_MOST: Duration = Duration::from_secs(24 * 3600);

/// What of the file is asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Asked {
    /// From this byte on; 0 asks for the whole.
    pub from: u64,
    /// The rest only of the same file, else the whole new one.
    pub if_range: Option<String>,
}

enum Message {
    Head(Head),
    Bytes(Vec<u8>),
    End,
    Failed(Failure),
}

/// An answer being read.
pub(crate) struct Connection<'a> {
    host: String,
    messages: Receiver<Message>,
    stall: Duration,
    stop: &'a dyn Fn() -> bool,
}

impl<'a> Connection<'a> {
    /// Asks, follows redirects, and returns the head of the answer.
    ///
    /// # Errors
    /// When the server cannot be reached or redirects elsewhere than to HTTPS; `Cancelled` when stopped.
    pub fn open(
        address: &Address,
        asked: Asked,
        patience: &Patience,
        stop: &'a dyn Fn() -> bool,
    ) -> Result<(Self, Head), Failure> {
        let (sender, messages) = sync_channel(WAITING);
        let (host, patience_of_thread) = (address.host().to_owned(), patience.clone());
        let address = address.clone();
        std::thread::Builder::new()
            .name("fetch".to_owned())
            .spawn(move || read_all(&address, &asked, &patience_of_thread, &sender))
            .map_err(|error| Failure::from(Error::from(error)))?;
        let connection = Self { host, messages, stall: patience.stall, stop };
        match connection.wait(patience.connect * 2 + patience.stall)? {
            Message::Head(head) => Ok((connection, head)),
            Message::Failed(failure) => Err(failure),
            Message::Bytes(_) | Message::End => Err(Failure::transient("BUG: an answer without a head")),
        }
    }

    /// The next bytes; None at the end.
    ///
    /// # Errors
    /// When the connection breaks or stalls; `Cancelled` when stopped.
    pub fn next(&self) -> Result<Option<Vec<u8>>, Failure> {
        match self.wait(self.stall)? {
            Message::Bytes(bytes) => Ok(Some(bytes)),
            Message::End => Ok(None),
            Message::Failed(failure) => Err(failure),
            Message::Head(_) => Err(Failure::transient("BUG: an answer with two heads")),
        }
    }

    fn wait(&self, at_most: Duration) -> Result<Message, Failure> {
        let begun = Instant::now();
        loop {
            if (self.stop)() {
                return Err(Error::cancelled().into());
            }
            match self.messages.recv_timeout(LOOK_EVERY) {
                Ok(message) => return Ok(message),
                Err(RecvTimeoutError::Timeout) if begun.elapsed() < at_most => {}
                Err(RecvTimeoutError::Timeout) => {
                    return Err(Failure::transient(format!("{} sends nothing any more", self.host)));
                }
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::transient(format!("the connection to {} broke", self.host)));
                }
            }
        }
    }
}

/// A send that fails means that nobody waits any more.
fn read_all(address: &Address, asked: &Asked, patience: &Patience, sender: &SyncSender<Message>) {
    let response = match ask(address, asked, patience) {
        Ok(response) => response,
        Err(failure) => return drop(sender.send(Message::Failed(failure))),
    };
    let head = Head::new(response.status().as_u16(), response.headers());
    if sender.send(Message::Head(head)).is_err() {
        return;
    }
    let mut body = response.into_body().into_reader();
    loop {
        let mut block = vec![0; BLOCK_BYTES];
        let message = match body.read(&mut block) {
            Ok(0) => Message::End,
            Ok(read) => {
                block.truncate(read);
                Message::Bytes(block)
            }
            Err(error) => Message::Failed(Failure::broken(address.host(), error)),
        };
        let is_last = !matches!(message, Message::Bytes(_));
        if sender.send(message).is_err() || is_last {
            return;
        }
    }
}

/// Whom this machine trusts: a company that looks into its own traffic has put its certificate there. Where the system
/// names nobody, those whom Mozilla trusts.
fn trusted() -> RootCerts {
    let found = rustls_native_certs::load_native_certs().certs;
    if found.is_empty() {
        return RootCerts::WebPki;
    }
    RootCerts::from(found.iter().map(|certificate| Certificate::from_der(certificate).to_owned()).collect::<Vec<_>>())
}

fn ask(address: &Address, asked: &Asked, patience: &Patience) -> Result<Response<Body>, Failure> {
    // Where a company's proxy is named in the environment, it is used; this machine reaches itself without.
    let proxy = if address.is_loopback() { None } else { Proxy::try_from_env() };
    let config = Agent::config_builder()
        .proxy(proxy)
        .http_status_as_error(false)
        // Each address is checked here before it is asked.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .timeout_resolve(Some(patience.connect))
        .timeout_connect(Some(patience.connect))
        .timeout_recv_response(Some(patience.stall))
        .timeout_recv_body(Some(BODY_AT_MOST))
        .tls_config(TlsConfig::builder().root_certs(trusted()).build())
        .user_agent(concat!("VisAIon/", env!("CARGO_PKG_VERSION")))
        .build();
    let agent = Agent::from(config);
    let mut at = address.clone();
    for _ in 0..=MAX_REDIRECTS {
        // The hash is that of the file's own bytes: no compression on the way.
        let mut request = agent.get(at.uri().clone()).header("accept-encoding", "identity");
        if asked.from > 0 {
            request = request.header("range", format!("bytes={}-", asked.from));
            if let Some(condition) = &asked.if_range {
                request = request.header("if-range", condition);
            }
        }
        let response = request.call().map_err(|error| Failure::on_the_way(at.host(), error))?;
        let location = response.headers().get("location").and_then(|value| value.to_str().ok()).map(str::to_owned);
        match location.filter(|_| response.status().is_redirection()) {
            Some(location) => at = at.redirected(&location)?,
            None => return Ok(response),
        }
    }
    Err(Failure::from(Error::invalid(format!("{} redirects too often", address.host()))))
}
