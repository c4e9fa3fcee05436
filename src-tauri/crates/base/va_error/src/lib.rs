//! One error type for the whole product: a message a person can act on, a small [`Code`] only where someone branches
//! on it, and the chain of causes for the log. Partly failed work is not an error but a [`WarningReport`].

mod report;

use std::error::Error as StdError;
use std::fmt;

pub use report::{FileFault, Warning, WarningReport};

/// What callers branch on. A code exists only if someone does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The request itself is wrong: the message names the field or file and what would be right.
    InvalidInput,
    NotFound,
    /// The request is right but the present state forbids it (a name taken, a job already running).
    Conflict,
    /// No or wrong credentials.
    Unauthorized,
    /// Known, but not allowed.
    Forbidden,
    /// Another process owns the library.
    LibraryLocked,
    /// The library (or model, or graph) was written by a newer version of VisAIon.
    TooNew,
    /// Not enough free space; nothing was changed.
    DiskFull,
    /// Input is larger than a limit that protects the machine.
    TooLarge,
    RateLimited,
    Cancelled,
    /// A loss or weight stopped being a finite number.
    NotFinite,
    /// The operating system refused: missing file, no permission, broken device.
    Io,
    /// A defect of VisAIon or damaged internal data.
    Internal,
}

/// Where an error keeps its [`FileFault`].
const FAULT: &str = "file_fault";

/// An error with its context. `Display` is the sentence for a person; `source` chains to the cause.
pub struct Error {
    code: Code,
    message: String,
    details: Option<Box<serde_json::Value>>,
    source: Option<Box<dyn StdError + Send + Sync + 'static>>,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, source: None }
    }

    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidInput, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(Code::Conflict, message)
    }

    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    pub fn cancelled() -> Self {
        Self::new(Code::Cancelled, "cancelled")
    }

    /// Attaches the cause; it is shown in logs and by `{:#}`.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.source = Some(Box::new(source));
        self
    }

    /// Attaches machine-readable details (`details` on the wire).
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.details = Some(Box::new(details));
        self
    }

    /// Says in a word what is wrong with the file that this is about (`details.file_fault` on the wire).
    #[must_use]
    pub fn with_fault(self, fault: FileFault) -> Self {
        self.with_details(serde_json::json!({ FAULT: fault }))
    }

    /// What [`Error::with_fault`] said, here or further inside.
    pub fn fault(&self) -> Option<FileFault> {
        serde_json::from_value(self.details.as_ref()?.get(FAULT)?.clone()).ok()
    }

    pub fn code(&self) -> Code {
        self.code
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn details(&self) -> Option<&serde_json::Value> {
        self.details.as_deref()
    }

    /// Message and causes on one line, for a person: `cannot open x: permission denied`.
    pub fn chain(&self) -> String {
        let mut text = self.message.clone();
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() { f.write_str(&self.chain()) } else { f.write_str(&self.message) }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{:?}] {}", self.code, self.chain())
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.source.as_deref().map(|s| s as &(dyn StdError + 'static))
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        let code = match error.kind() {
            std::io::ErrorKind::NotFound => Code::NotFound,
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::DiskFull,
            _ => Code::Io,
        };
        Self::new(code, error.to_string()).with_source(error)
    }
}

impl From<serde_json::Error> for Error {
    fn from(error: serde_json::Error) -> Self {
        Self::new(Code::InvalidInput, format!("not valid JSON for this place: {error}")).with_source(error)
    }
}

/// Adds what was being done to any error, keeping its code where it has one.
pub trait Context<T> {
    fn context(self, message: impl Into<String>) -> Result<T>;
    fn with_context<S: Into<String>>(self, message: impl FnOnce() -> S) -> Result<T>;
}

impl<T, E: Into<Error>> Context<T> for std::result::Result<T, E> {
    fn context(self, message: impl Into<String>) -> Result<T> {
        self.with_context(|| message)
    }

    fn with_context<S: Into<String>>(self, message: impl FnOnce() -> S) -> Result<T> {
        self.map_err(|error| {
            let inner: Error = error.into();
            let details = inner.details.clone();
            let mut outer = Error::new(inner.code, message()).with_source(inner);
            outer.details = details;
            outer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_survives_context_and_stands_in_the_report() {
        let damaged = Error::invalid("the JPEG is damaged").with_fault(FileFault::Damaged);
        let error = std::result::Result::<(), _>::Err(damaged).context("cannot read the upload").unwrap_err();
        let mut report = WarningReport::default();
        report.push_error("a.jpg", &error);
        report.push("b.jpg", "unknown");
        let faults: Vec<_> = report.warnings.iter().map(|warning| warning.fault).collect();
        assert_eq!(faults, [Some(FileFault::Damaged), None]);
        assert_eq!(report.warnings[0].reason, "cannot read the upload: the JPEG is damaged");
        let old: Warning = serde_json::from_str(r#"{"subject":"c","reason":"d"}"#).unwrap();
        assert_eq!(old.fault, None, "reports of earlier versions are read");
    }

    #[test]
    fn context_keeps_the_code_and_chains_the_cause() {
        let io = std::io::Error::new(std::io::ErrorKind::StorageFull, "no space left");
        let error = std::result::Result::<(), _>::Err(io).context("cannot copy a.jpg").unwrap_err();
        assert_eq!(error.code(), Code::DiskFull);
        assert_eq!(error.message(), "cannot copy a.jpg");
        assert!(error.chain().starts_with("cannot copy a.jpg: no space left"), "{}", error.chain());
    }
}
