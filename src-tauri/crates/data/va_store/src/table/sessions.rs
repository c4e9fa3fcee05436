//! Logged-in members. Only hashes of the secrets are kept.

use rusqlite::{Connection, OptionalExtension, params};
use va_domain::MemberId;
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::uuid_column;

pub(crate) const V1: &str = "
CREATE TABLE sessions (
    id INTEGER PRIMARY KEY,
    member_id INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    -- `access`, `refresh`, `cookie`.
    kind TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_ms INTEGER NOT NULL,
    expires_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX sessions_by_member ON sessions (member_id);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);
";

pub struct SessionsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl SessionsRead<'_> {
    /// Whose session it is, while it is valid at `now_ms`.
    pub fn find(&self, kind: &str, secret_hash: &[u8; 32], now_ms: i64) -> Result<Option<MemberId>> {
        self.conn
            .prepare_cached(
                "SELECT m.uuid FROM sessions s JOIN members m ON m.id = s.member_id
                 WHERE s.secret_hash = ?1 AND s.kind = ?2 AND s.expires_ms > ?3",
            )
            .sql("reading a session")?
            .query_row(params![secret_hash, kind, now_ms], |row| uuid_column(row, 0).map(MemberId))
            .optional()
            .sql("reading a session")
    }
}

pub struct SessionsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl SessionsWrite<'_> {
    /// Also drops the sessions that have expired.
    ///
    /// # Errors
    /// `NotFound` without the member.
    pub fn insert(&self, member: MemberId, kind: &str, secret_hash: &[u8; 32], expires_ms: i64) -> Result<()> {
        self.tx
            .conn
            .execute("DELETE FROM sessions WHERE expires_ms <= ?1", [self.tx.at_ms()])
            .sql("dropping expired sessions")?;
        let added = self
            .tx
            .conn
            .execute(
                "INSERT INTO sessions (member_id, kind, secret_hash, created_ms, expires_ms)
                 SELECT id, ?2, ?3, ?4, ?5 FROM members WHERE uuid = ?1",
                params![member.0.as_bytes(), kind, secret_hash, self.tx.at_ms(), expires_ms],
            )
            .sql("adding a session")?;
        if added == 0 { Err(Error::not_found(format!("there is no member {member}"))) } else { Ok(()) }
    }

    /// Whether there was one.
    ///
    /// # Errors
    /// Only when it cannot be saved.
    pub fn delete(&self, secret_hash: &[u8; 32]) -> Result<bool> {
        let deleted = self.tx.conn.execute("DELETE FROM sessions WHERE secret_hash = ?1", [secret_hash]);
        Ok(deleted.sql("ending a session")? > 0)
    }
}
