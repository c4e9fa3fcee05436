//! What an answer says before its bytes.

use serde::{Deserialize, Serialize};
use ureq::http::HeaderMap;

/// By which the server knows whether the file is still the same.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Validator {
    /// Strong ones only: a weak one does not promise the same bytes.
    pub etag: Option<String>,
    pub last_modified: Option<String>,
}

impl Validator {
    /// For `If-Range`.
    pub fn as_condition(&self) -> Option<&str> {
        self.etag.as_deref().or(self.last_modified.as_deref())
    }
}

/// Status and headers of the answer that brings the file.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub status: u16,
    pub validator: Validator,
    /// Of the whole file.
    pub total_bytes: Option<u64>,
    /// First byte, of a partial answer.
    pub start: Option<u64>,
}

impl Head {
    pub fn new(status: u16, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let range = text("content-range").as_deref().map(parse_range).unwrap_or_default();
        let length = text("content-length").and_then(|length| length.trim().parse().ok());
        Self {
            status,
            validator: Validator {
                etag: text("etag").filter(|etag| !etag.starts_with("W/")),
                last_modified: text("last-modified"),
            },
            total_bytes: if status == 200 { length } else { range.1 },
            start: range.0,
        }
    }
}

/// `bytes 7-9/10` or `bytes */10`: first byte and length of the whole.
fn parse_range(text: &str) -> (Option<u64>, Option<u64>) {
    let Some((range, total)) = text.trim().strip_prefix("bytes ").and_then(|rest| rest.split_once('/')) else {
        return (None, None);
    };
    let start = range.split_once('-').and_then(|(start, _)| start.trim().parse().ok());
    (start, total.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        assert_eq!(parse_range("bytes 7-9/10"), (Some(7), Some(10)));
        assert_eq!(parse_range("bytes */10"), (None, Some(10)));
        assert_eq!(parse_range("bytes 7-9/*"), (Some(7), None));
        assert_eq!(parse_range("lines 7-9/10"), (None, None));
    }

    #[test]
    fn a_weak_etag_promises_nothing() {
        let mut headers = HeaderMap::new();
        headers.insert("etag", "W/\"x\"".parse().unwrap());
        headers.insert("last-modified", "Thu, 01 Jan 2026 00:00:00 GMT".parse().unwrap());
        headers.insert("content-length", "12".parse().unwrap());
        let head = Head::new(200, &headers);
        assert_eq!(head.validator.as_condition(), Some("Thu, 01 Jan 2026 00:00:00 GMT"));
        assert_eq!(head.total_bytes, Some(12));
    }
}
