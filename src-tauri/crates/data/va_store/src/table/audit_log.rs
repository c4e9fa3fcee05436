//! Who changed what, when: each entry's hash covers the one before it, so that a change in the middle shows.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{AuditEntry, Origin, Page, PageRequest};
use va_error::Result;

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::count_column;

/// Entries are only ever added.
pub(crate) const V1: &str = "
CREATE TABLE audit_log (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    origin TEXT NOT NULL,
    op TEXT NOT NULL,
    summary TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32)
) STRICT;
CREATE TRIGGER audit_log_is_not_changed BEFORE UPDATE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
CREATE TRIGGER audit_log_is_not_shortened BEFORE DELETE ON audit_log BEGIN
    SELECT RAISE(ABORT, 'the audit log is only added to');
END;
";

/// Whether the chain holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AuditVerdict {
    Intact {
        entries: u64,
    },
    /// The first entry that does not follow from the one before it.
    Broken {
        seq: u64,
    },
}

const SELECT: &str = "SELECT seq, at_ms, actor, op, summary, hash, origin FROM audit_log";

fn entry(row: &Row<'_>) -> rusqlite::Result<(i64, AuditEntry)> {
    let hash: [u8; 32] = row.get(5)?;
    let entry = AuditEntry {
        seq: count_column(row, 0)?,
        at_ms: row.get(1)?,
        actor: row.get(2)?,
        op: row.get(3)?,
        summary: row.get(4)?,
        hash: blake3::Hash::from_bytes(hash).to_hex().to_string(),
    };
    Ok((row.get(0)?, entry))
}

/// BLAKE3 of the previous hash, the number, the time, and each text with its length before it.
fn chain_hash(previous: &[u8; 32], seq: i64, at_ms: i64, texts: [&str; 4]) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(previous).update(&seq.to_le_bytes()).update(&at_ms.to_le_bytes());
    for text in texts {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    *hasher.finalize().as_bytes()
}

pub struct AuditLogRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl AuditLogRead<'_> {
    /// Newest first.
    pub fn list(&self, page: &PageRequest) -> Result<Page<AuditEntry>> {
        let limit = page.checked_limit()?;
        let before = super::cursor_id(page)?.unwrap_or(i64::MAX);
        let sql = format!("{SELECT} WHERE seq < ?1 ORDER BY seq DESC LIMIT ?2");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading the audit log")?;
        let rows = statement
            .query_map([before, i64::from(limit) + 1], entry)
            .sql("reading the audit log")?
            .collect::<rusqlite::Result<Vec<_>>>()
            .sql("reading the audit log")?;
        let total = self
            .conn
            .query_row("SELECT coalesce(max(seq), 0) FROM audit_log", [], |row| count_column(row, 0))
            .sql("counting the audit log")?;
        Ok(super::page_by_id(rows, limit, total))
    }

    /// Follows the whole chain from the first entry. Cutting off the end cannot be seen from inside the file.
    ///
    /// # Errors
    /// Only when the file cannot be read.
    pub fn verify(&self) -> Result<AuditVerdict> {
        let doing = "verifying the audit log";
        let sql = format!("{SELECT} ORDER BY seq");
        let mut statement = self.conn.prepare_cached(&sql).sql(doing)?;
        let mut rows = statement.query([]).sql(doing)?;
        let (mut previous, mut expected) = ([0u8; 32], 1i64);
        while let Some(row) = rows.next().sql(doing)? {
            let (seq, entry) = entry(row).sql(doing)?;
            let origin: String = row.get(6).sql(doing)?;
            let stored: [u8; 32] = row.get(5).sql(doing)?;
            let texts = [entry.actor.as_str(), &origin, &entry.op, &entry.summary];
            let hash = chain_hash(&previous, seq, entry.at_ms, texts);
            if seq != expected || hash != stored {
                return Ok(AuditVerdict::Broken { seq: u64::try_from(expected).unwrap_or(0) });
            }
            previous = hash;
            expected += 1;
        }
        Ok(AuditVerdict::Intact { entries: u64::try_from(expected - 1).unwrap_or(0) })
    }
}

/// Adds an entry to the chain.
pub(crate) fn append(tx: &Tx<'_>, op: &str, summary: &str) -> Result<()> {
    let doing = "writing the audit log";
    let last: Option<(i64, [u8; 32])> = tx
        .conn
        .prepare_cached("SELECT seq, hash FROM audit_log ORDER BY seq DESC LIMIT 1")
        .sql(doing)?
        .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
        .sql(doing)?;
    let (seq, previous) = last.map_or((1, [0; 32]), |(seq, hash)| (seq + 1, hash));
    let actor = tx.actor();
    let origin = match actor.origin {
        Origin::Desktop => "desktop",
        Origin::Http => "http",
        Origin::Cli => "cli",
        Origin::Job => "job",
    };
    let hash = chain_hash(&previous, seq, tx.at_ms(), [&actor.name, origin, op, summary]);
    tx.conn
        .prepare_cached(
            "INSERT INTO audit_log (seq, at_ms, actor, origin, op, summary, hash) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )
        .sql(doing)?
        .execute(params![seq, tx.at_ms(), actor.name, origin, op, summary, hash])
        .sql(doing)?;
    Ok(())
}
