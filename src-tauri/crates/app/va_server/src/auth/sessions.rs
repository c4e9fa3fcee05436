//! Tokens and codes that were given out. Only their hashes are kept, in memory: a restart ends every session.

use std::collections::HashMap;

use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use va_api::Tokens;
use va_domain::now_ms;
use va_error::{Code, Error, Result};

use crate::random::random_text;

/// 52 characters of five bits: 260 bits.
const TOKEN_LEN: usize = 52;
/// Sessions that are kept at most; the oldest goes first.
const MAX_ENTRIES: usize = 4096;

/// How long credentials are good for, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Lifetimes {
    pub access_ms: i64,
    pub refresh_ms: i64,
    pub cookie_ms: i64,
    /// The one-time code of the printed address.
    pub code_ms: i64,
}

impl Default for Lifetimes {
    fn default() -> Self {
        const MINUTE: i64 = 60_000;
        const DAY: i64 = 24 * 60 * MINUTE;
        Self { access_ms: 15 * MINUTE, refresh_ms: 30 * DAY, cookie_ms: 7 * DAY, code_ms: 15 * MINUTE }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Use {
    Access,
    Refresh,
    /// A refresh token that was used: its return means it was stolen.
    Spent,
    Cookie,
    Code,
}

#[derive(Debug, Clone)]
struct Entry {
    used_for: Use,
    /// Tokens that come from one sign-in.
    family: u64,
    expires_ms: i64,
}

type Hash = [u8; 32];

/// Everything given out and not yet expired.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    lifetimes: Lifetimes,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    entries: HashMap<Hash, Entry>,
    last_family: u64,
}

impl Sessions {
    pub fn new(lifetimes: Lifetimes) -> Self {
        Self { lifetimes, inner: Mutex::default() }
    }

    /// Tokens of a new sign-in.
    pub fn sign_in(&self) -> Result<Tokens> {
        let mut inner = self.inner.lock();
        inner.last_family += 1;
        let family = inner.last_family;
        self.tokens(&mut inner, family)
    }

    /// The next tokens for a refresh token, which is used up. One that was used before ends its whole sign-in:
    /// somebody else has it.
    pub fn refresh(&self, token: &str) -> Result<Tokens> {
        let mut inner = self.inner.lock();
        let hash = hash(token);
        let entry = inner.entries.get(&hash).cloned().filter(|entry| entry.expires_ms > now_ms());
        match entry {
            Some(entry) if entry.used_for == Use::Refresh => {
                if let Some(spent) = inner.entries.get_mut(&hash) {
                    spent.used_for = Use::Spent;
                }
                inner.entries.retain(|_, other| other.family != entry.family || other.used_for == Use::Spent);
                self.tokens(&mut inner, entry.family)
            }
            Some(entry) if entry.used_for == Use::Spent => {
                inner.entries.retain(|_, other| other.family != entry.family);
                Err(denied("this refresh token was used before, so its sign-in has been ended: sign in again"))
            }
            _ => Err(denied("this refresh token is not valid (any more): sign in again")),
        }
    }

    /// A code that can be exchanged once for a cookie.
    pub fn code(&self) -> Result<String> {
        let mut inner = self.inner.lock();
        inner.last_family += 1;
        let family = inner.last_family;
        inner.give(Use::Code, family, self.lifetimes.code_ms)
    }

    /// The value of the cookie for a one-time code.
    pub fn exchange(&self, code: &str) -> Result<String> {
        let mut inner = self.inner.lock();
        let hash = hash(code);
        let found = inner.entries.get(&hash).is_some_and(|e| e.used_for == Use::Code && e.expires_ms > now_ms());
        if !found {
            return Err(denied(
                "this code was used before or has expired: `visaion status` prints an address with a new one",
            ));
        }
        inner.entries.remove(&hash);
        inner.last_family += 1;
        let family = inner.last_family;
        inner.give(Use::Cookie, family, self.lifetimes.cookie_ms)
    }

    /// Whether a bearer token is good.
    pub fn accepts_bearer(&self, token: &str) -> bool {
        self.inner.lock().accepts(token, Use::Access)
    }

    /// Whether a cookie is good.
    pub fn accepts_cookie(&self, value: &str) -> bool {
        self.inner.lock().accepts(value, Use::Cookie)
    }

    /// Ends the session of a token or cookie, with all tokens of its sign-in.
    pub fn end(&self, credential: &str) {
        let mut inner = self.inner.lock();
        if let Some(family) = inner.entries.get(&hash(credential)).map(|entry| entry.family) {
            inner.entries.retain(|_, entry| entry.family != family);
        }
    }

    fn tokens(&self, inner: &mut Inner, family: u64) -> Result<Tokens> {
        Ok(Tokens {
            access_token: inner.give(Use::Access, family, self.lifetimes.access_ms)?,
            token_type: "bearer".to_owned(),
            refresh_token: inner.give(Use::Refresh, family, self.lifetimes.refresh_ms)?,
            expires_in_ms: u64::try_from(self.lifetimes.access_ms).unwrap_or(0),
        })
    }
}

impl Inner {
    fn give(&mut self, used_for: Use, family: u64, lifetime_ms: i64) -> Result<String> {
        let now = now_ms();
        self.entries.retain(|_, entry| entry.expires_ms > now);
        if self.entries.len() >= MAX_ENTRIES
            && let Some(oldest) = self.entries.iter().min_by_key(|(_, entry)| entry.family).map(|(hash, _)| *hash)
        {
            self.entries.remove(&oldest);
        }
        let token = random_text(TOKEN_LEN)?;
        self.entries.insert(hash(&token), Entry { used_for, family, expires_ms: now.saturating_add(lifetime_ms) });
        Ok(token)
    }

    fn accepts(&self, token: &str, used_for: Use) -> bool {
        let entry = self.entries.get(&hash(token));
        entry.is_some_and(|entry| entry.used_for == used_for && entry.expires_ms > now_ms())
    }
}

fn denied(message: &str) -> Error {
    Error::new(Code::Unauthorized, message)
}

fn hash(token: &str) -> Hash {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_once() {
        let sessions = Sessions::new(Lifetimes::default());
        let code = sessions.code().unwrap();
        let cookie = sessions.exchange(&code).unwrap();
        assert!(sessions.accepts_cookie(&cookie));
        assert_eq!(sessions.exchange(&code).unwrap_err().code(), Code::Unauthorized);
        assert!(!sessions.accepts_bearer(&cookie), "a cookie is not a bearer token");
        sessions.end(&cookie);
        assert!(!sessions.accepts_cookie(&cookie));
    }

    #[test]
    fn refresh_tokens_rotate_and_a_returning_one_ends_the_sign_in() {
        let sessions = Sessions::new(Lifetimes::default());
        let first = sessions.sign_in().unwrap();
        let second = sessions.refresh(&first.refresh_token).unwrap();
        assert!(sessions.accepts_bearer(&second.access_token));
        assert!(!sessions.accepts_bearer(&first.access_token), "the old access token goes with its refresh token");
        assert!(sessions.refresh(&first.refresh_token).is_err());
        assert!(!sessions.accepts_bearer(&second.access_token), "the stolen sign-in is over for both");
        assert!(sessions.refresh(&second.refresh_token).is_err());
    }

    #[test]
    fn what_has_expired_is_not_accepted() {
        let sessions = Sessions::new(Lifetimes { access_ms: 0, refresh_ms: 0, cookie_ms: 0, code_ms: 0 });
        let tokens = sessions.sign_in().unwrap();
        assert!(!sessions.accepts_bearer(&tokens.access_token));
        assert!(sessions.refresh(&tokens.refresh_token).is_err());
        assert!(sessions.exchange(&sessions.code().unwrap()).is_err());
    }
}
