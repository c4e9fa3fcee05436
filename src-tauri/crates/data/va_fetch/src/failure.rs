//! Why an attempt ended.

use std::io::ErrorKind;

use va_error::{Code, Error};

/// The error, and whether another attempt may do better.
pub(crate) struct Failure {
    pub error: Error,
    pub again: Again,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// What is wrong stays wrong.
    Never,
    /// A network that was there comes back; one that was not there is said at once.
    AfterBytes,
    Yes,
}

impl Failure {
    pub fn transient(message: impl Into<String>) -> Self {
        Self { error: Error::new(Code::Io, message), again: Again::Yes }
    }

    /// The connection ended in the middle of the file.
    pub fn broken(host: &str, error: std::io::Error) -> Self {
        let error = Error::new(Code::Io, format!("the connection to {host} broke")).with_source(error);
        Self { error, again: Again::Yes }
    }

    /// What went wrong on the way to `host`.
    pub fn on_the_way(host: &str, error: ureq::Error) -> Self {
        let unreachable =
            format!("{host} cannot be reached: this machine seems to be offline, or a firewall is between");
        let (what, again) = match &error {
            ureq::Error::HostNotFound => {
                (format!("{host} is not found: this machine seems to be offline"), Again::AfterBytes)
            }
            ureq::Error::ConnectionFailed => (unreachable, Again::AfterBytes),
            ureq::Error::Io(io) if is_unreachable(io.kind()) => (unreachable, Again::AfterBytes),
            ureq::Error::Timeout(_) => (format!("{host} does not answer"), Again::Yes),
            ureq::Error::Io(_) => (format!("the connection to {host} broke"), Again::Yes),
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
                (format!("the connection to {host} is not secure, so nothing was taken from it"), Again::Never)
            }
            _ => (format!("{host} did not give the file"), Again::Never),
        };
        Self { error: Error::new(Code::Io, what).with_source(error), again }
    }
}

fn is_unreachable(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::ConnectionRefused
            | ErrorKind::HostUnreachable
            | ErrorKind::NetworkUnreachable
            | ErrorKind::NetworkDown
    )
}

impl From<Error> for Failure {
    /// The disk, the address, a stop.
    fn from(error: Error) -> Self {
        Self { error, again: Again::Never }
    }
}
