//! The lines on the socket.

use std::io::{BufRead, Read, Write};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use va_domain::Event;
use va_error::{Code, Error, Result};

use crate::wire::ApiError;

/// Longest request line: a selection of 100,000 samples is 4 MB.
pub(super) const MAX_REQUEST_BYTES: u64 = 16 << 20;
/// Longest answer line.
pub(super) const MAX_ANSWER_BYTES: u64 = 512 << 20;
/// The name that asks for events.
pub(super) const SUBSCRIBE: &str = "subscribe";

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub id: u64,
    pub name: String,
    #[serde(default)]
    pub request: Value,
}

#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Answer {
    /// Null when the request could not be read.
    pub id: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ok: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ApiError>,
}

impl Answer {
    pub fn of(id: u64, outcome: Result<Value>) -> Self {
        match outcome {
            Ok(value) => Self { id: Some(id), ok: Some(value), error: None },
            Err(error) => Self { id: Some(id), ok: None, error: Some(ApiError::from(&error)) },
        }
    }

    pub fn refusal(error: &Error) -> Self {
        Self { id: None, ok: None, error: Some(ApiError::from(error)) }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct EventLine {
    pub event: Event,
}

/// The next line without its end; None when the other side has closed.
///
/// # Errors
/// `TooLarge` when the line is longer than `limit` bytes (the rest of it is unread), `Io` when reading fails.
pub(super) fn read_line(reader: &mut impl BufRead, limit: u64) -> Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    reader.by_ref().take(limit + 1).read_until(b'\n', &mut line)?;
    if line.last() == Some(&b'\n') {
        line.pop();
        return Ok(Some(line));
    }
    if line.len() as u64 > limit {
        return Err(Error::new(Code::TooLarge, format!("a line on the socket is longer than {limit} bytes")));
    }
    // A line without an end was cut off: its sender is gone.
    Ok(None)
}

/// Writes one value as one line.
///
/// # Errors
/// `Io` when the other side is gone.
pub(super) fn write_line(writer: &mut impl Write, value: &impl Serialize) -> Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    writer.write_all(&line)?;
    writer.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_bounded_and_a_cut_line_is_the_end() {
        let mut reader = std::io::Cursor::new(b"{}\nabc".to_vec());
        assert_eq!(read_line(&mut reader, 10).unwrap(), Some(b"{}".to_vec()));
        assert_eq!(read_line(&mut reader, 10).unwrap(), None);
        let mut long = std::io::Cursor::new(vec![b'x'; 100]);
        assert_eq!(read_line(&mut long, 10).unwrap_err().code(), Code::TooLarge);
    }
}
