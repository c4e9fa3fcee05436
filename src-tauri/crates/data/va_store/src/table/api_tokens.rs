//! Long-lived tokens of programs. Only hashes of the secrets are kept.

use rusqlite::{Connection, OptionalExtension, params};
use va_domain::MemberId;
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::uuid_column;

pub(crate) const V1: &str = "
CREATE TABLE api_tokens (
    id INTEGER PRIMARY KEY,
    member_id INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    secret_hash BLOB NOT NULL UNIQUE CHECK (length(secret_hash) = 32),
    created_ms INTEGER NOT NULL,
    UNIQUE (member_id, name)
) STRICT;
";

pub struct ApiTokensRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl ApiTokensRead<'_> {
    /// Whose token it is.
    pub fn find(&self, secret_hash: &[u8; 32]) -> Result<Option<MemberId>> {
        self.conn
            .prepare_cached(
                "SELECT m.uuid FROM api_tokens t JOIN members m ON m.id = t.member_id WHERE t.secret_hash = ?1",
            )
            .sql("reading a token")?
            .query_row([secret_hash], |row| uuid_column(row, 0).map(MemberId))
            .optional()
            .sql("reading a token")
    }
}

pub struct ApiTokensWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl ApiTokensWrite<'_> {
    /// A token of the same name is replaced: the old secret stops working.
    ///
    /// # Errors
    /// `NotFound` without the member.
    pub fn put(&self, member: MemberId, name: &str, secret_hash: &[u8; 32]) -> Result<()> {
        let added = self
            .tx
            .conn
            .execute(
                "INSERT INTO api_tokens (member_id, name, secret_hash, created_ms)
                 SELECT id, ?2, ?3, ?4 FROM members WHERE uuid = ?1
                 ON CONFLICT (member_id, name) DO UPDATE SET secret_hash = excluded.secret_hash, created_ms = excluded.created_ms",
                params![member.0.as_bytes(), name, secret_hash, self.tx.at_ms()],
            )
            .sql("adding a token")?;
        if added == 0 { Err(Error::not_found(format!("there is no member {member}"))) } else { Ok(()) }
    }

    /// Whether there was one.
    ///
    /// # Errors
    /// Only when it cannot be saved.
    pub fn delete(&self, member: MemberId, name: &str) -> Result<bool> {
        let deleted = self.tx.conn.execute(
            "DELETE FROM api_tokens WHERE member_id = (SELECT id FROM members WHERE uuid = ?1) AND name = ?2",
            params![member.0.as_bytes(), name],
        );
        Ok(deleted.sql("deleting a token")? > 0)
    }
}
