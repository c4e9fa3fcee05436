//! `Idempotency-Key`: a request that is sent again, because its answer was lost, is answered and not done again.

use std::collections::HashMap;

use bytes::Bytes;
use http::StatusCode;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use va_domain::now_ms;
use va_error::{Error, Result};

const KEEP_MS: i64 = 24 * 60 * 60 * 1000;
const MAX_ENTRIES: usize = 1024;
/// Answers that are larger are not kept; such a request is done again.
const MAX_ANSWER_BYTES: usize = 1 << 20;

/// An answer as it was given.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub status: StatusCode,
    pub body: Bytes,
}

#[derive(Debug)]
struct Entry {
    request: [u8; 32],
    at_ms: i64,
    /// None while it is being worked on.
    answer: Option<Kept>,
}

/// Answers by caller and key.
#[derive(Debug, Default)]
pub(crate) struct Idempotency {
    entries: Mutex<HashMap<String, Entry>>,
}

impl Idempotency {
    /// The answer that was given to this key, or None: then the request is to be done and [`Self::end`] told.
    ///
    /// # Errors
    /// `Conflict` when the key was used for another request, or the first one is still being worked on;
    /// `InvalidInput` for a key of more than 200 characters.
    pub fn begin(&self, key: &str, request: &[&[u8]]) -> Result<Option<Kept>> {
        if key.len() > 400 {
            return Err(Error::invalid("the Idempotency-Key is longer than 200 characters"));
        }
        let mut hash = Sha256::new();
        for part in request {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        let request: [u8; 32] = hash.finalize().into();
        let now = now_ms();
        let mut entries = self.entries.lock();
        entries.retain(|_, entry| entry.at_ms + KEEP_MS > now);
        if let Some(entry) = entries.get(key) {
            if entry.request != request {
                return Err(Error::conflict("this Idempotency-Key was used for another request: use a new one"));
            }
            let working = || Error::conflict("the first request with this Idempotency-Key is still being worked on");
            return entry.answer.clone().map(Some).ok_or_else(working);
        }
        if entries.len() >= MAX_ENTRIES
            && let Some(oldest) = entries.iter().min_by_key(|(_, entry)| entry.at_ms).map(|(key, _)| key.clone())
        {
            entries.remove(&oldest);
        }
        entries.insert(key.to_owned(), Entry { request, at_ms: now, answer: None });
        Ok(None)
    }

    /// Keeps the answer of a request. What failed on our side may be tried again.
    pub fn end(&self, key: &str, kept: Kept) {
        let mut entries = self.entries.lock();
        if kept.status.is_server_error() || kept.body.len() > MAX_ANSWER_BYTES {
            entries.remove(key);
        } else if let Some(entry) = entries.get_mut(key) {
            entry.answer = Some(kept);
        }
    }

    /// Forgets a request that has no answer (its work broke off).
    pub fn forget(&self, key: &str) {
        let mut entries = self.entries.lock();
        if entries.get(key).is_some_and(|entry| entry.answer.is_none()) {
            entries.remove(key);
        }
    }
}
