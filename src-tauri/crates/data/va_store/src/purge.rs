//! What was deleted long ago goes for good: tombstones of samples and datasets, and originals that nothing shows any
//! more. The history that would need them goes with them; everything later can still be undone.
//!
//! What a frozen dataset version, a model or an evaluation refers to stays for as long as they do.

use std::collections::HashSet;

use rusqlite::types::Value;
use rusqlite::{Connection, params};
use va_domain::Actor;
use va_error::Result;

use crate::capture::{Action, RowChange, UNDOABLE};
use crate::error::SqlContext;
use crate::images;
use crate::store::Store;
use crate::table::audit_log;
use crate::table::media::{self, MediaRow};
use crate::tx::{Read, Tx};

const DOING: &str = "removing what was deleted long ago";

/// Deleted before ?1, and no result shows it.
const OLD_SAMPLE: &str = "s.deleted_ms < ?1 AND s.uuid NOT IN (SELECT sample_uuid FROM predictions)
    AND s.uuid NOT IN (SELECT sample_uuid FROM dataset_version_samples)";

/// Deleted before ?1, and no model or evaluation comes from it.
const OLD_DATASET: &str = "d.deleted_ms < ?1 AND d.id NOT IN (SELECT dataset_id FROM dataset_versions WHERE id IN
    (SELECT dataset_version_id FROM model_versions UNION SELECT dataset_version_id FROM evaluations))";

/// Brought in before ?1 and in no dataset, not even as a tombstone.
const OLD_MEDIA: &str = "m.created_ms < ?1 AND NOT EXISTS (SELECT 1 FROM samples WHERE media_id = m.id)
    AND NOT EXISTS (SELECT 1 FROM dataset_version_samples WHERE media_id = m.id)";

/// What went for good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Purged {
    pub samples: u64,
    pub datasets: u64,
    /// Their files are the caller's to remove.
    pub media: Vec<MediaRow>,
}

impl Purged {
    pub fn is_empty(&self) -> bool {
        self.samples == 0 && self.datasets == 0 && self.media.is_empty()
    }
}

impl Store {
    /// Removes what was deleted before `before_ms` (Unix milliseconds) and nothing needs, in one change that stands in the
    /// audit log. No import may be running: it relies on media files that have no row yet.
    ///
    /// # Errors
    /// `DiskFull` or `Io` when it could not be saved; then nothing was removed.
    pub fn purge(&self, actor: &Actor, before_ms: i64) -> Result<Purged> {
        // Looked for beside the writer: there is hardly ever anything.
        if !self.read(|read| anything(read, before_ms))? {
            return Ok(Purged::default());
        }
        let done = self.write(actor, "purge", |tx, capture| {
            capture.pause();
            let mut purged = Purged { datasets: datasets(tx, before_ms)?, ..Purged::default() };
            let sql = format!("SELECT DISTINCT s.dataset_id FROM samples s WHERE {OLD_SAMPLE}");
            for dataset in ids(tx.conn, &sql, before_ms)? {
                purged.samples += samples(tx, dataset, before_ms)?;
            }
            purged.media = media(tx, before_ms)?;
            if !purged.is_empty() {
                let Purged { samples, datasets, media } = &purged;
                let summary = format!("{samples} samples, {datasets} datasets, {} originals", media.len());
                audit_log::append(tx, "purge", &summary)?;
            }
            Ok((purged, None))
        })?;
        Ok(done.output)
    }
}

fn anything(read: &Read<'_>, before_ms: i64) -> Result<bool> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM samples s WHERE {OLD_SAMPLE}) OR EXISTS (SELECT 1 FROM datasets d WHERE {OLD_DATASET})
            OR EXISTS (SELECT 1 FROM media m WHERE {OLD_MEDIA})"
    );
    read.conn.query_row(&sql, [before_ms], |row| row.get(0)).sql(DOING)
}

fn ids(conn: &Connection, sql: &str, value: i64) -> Result<Vec<i64>> {
    let mut statement = conn.prepare_cached(sql).sql(DOING)?;
    let rows = statement.query_map([value], |row| row.get(0)).sql(DOING)?;
    rows.collect::<rusqlite::Result<_>>().sql(DOING)
}

/// In the order that the foreign keys ask for.
fn datasets(tx: &Tx<'_>, before_ms: i64) -> Result<u64> {
    let old = ids(tx.conn, &format!("SELECT d.id FROM datasets d WHERE {OLD_DATASET}"), before_ms)?;
    for dataset in &old {
        for sql in [
            "DELETE FROM op_log WHERE dataset_id = ?1",
            "DELETE FROM samples WHERE dataset_id = ?1",
            "DELETE FROM labels WHERE dataset_id = ?1",
            "DELETE FROM dataset_versions WHERE dataset_id = ?1",
            "DELETE FROM datasets WHERE id = ?1",
        ] {
            tx.conn.prepare_cached(sql).and_then(|mut statement| statement.execute([dataset])).sql(DOING)?;
        }
    }
    Ok(old.len() as u64)
}

/// Samples that a step which stays would still need stay too.
fn samples(tx: &Tx<'_>, dataset: i64, before_ms: i64) -> Result<u64> {
    let last_step = last_step(tx, dataset, before_ms)?;
    let needed = touched(tx, dataset, last_step)?;
    let sql = format!("SELECT s.id FROM samples s WHERE {OLD_SAMPLE} AND s.dataset_id = {dataset}");
    let old: Vec<i64> = ids(tx.conn, &sql, before_ms)?.into_iter().filter(|id| !needed.contains(id)).collect();
    if old.is_empty() {
        return Ok(0);
    }
    for id in &old {
        tx.conn
            .prepare_cached("DELETE FROM samples WHERE id = ?1")
            .and_then(|mut statement| statement.execute([id]))
            .sql(DOING)?;
    }
    tx.conn
        .execute("DELETE FROM op_log WHERE dataset_id = ?1 AND undone = 0 AND step <= ?2", params![dataset, last_step])
        .sql(DOING)?;
    Ok(old.len() as u64)
}

/// The last old step: the history up to it goes with the samples that it would bring back.
fn last_step(tx: &Tx<'_>, dataset: i64, before_ms: i64) -> Result<i64> {
    let sql = "SELECT coalesce(max(step), 0) FROM op_log WHERE dataset_id = ?1 AND undone = 0 AND at_ms < ?2";
    tx.conn.query_row(sql, [dataset, before_ms], |row| row.get(0)).sql(DOING)
}

/// The rows of samples in the steps behind `last_step` and in those that can be redone.
fn touched(tx: &Tx<'_>, dataset: i64, last_step: i64) -> Result<HashSet<i64>> {
    let sql = "SELECT images FROM op_log WHERE dataset_id = ?1 AND (undone = 1 OR step > ?2)";
    let mut rows = HashSet::new();
    for_each_change(tx.conn, sql, params![dataset, last_step], |change| {
        if let Some(sample) = sample_of(tx.conn, change)? {
            rows.insert(sample);
        }
        Ok(())
    })?;
    Ok(rows)
}

fn for_each_change(
    conn: &Connection,
    sql: &str,
    values: impl rusqlite::Params,
    mut each: impl FnMut(&RowChange) -> Result<()>,
) -> Result<()> {
    let mut statement = conn.prepare_cached(sql).sql(DOING)?;
    let mut entries = statement.query(values).sql(DOING)?;
    while let Some(entry) = entries.next().sql(DOING)? {
        let bytes: Vec<u8> = entry.get(0).sql(DOING)?;
        images::decode(&bytes)?.iter().try_for_each(&mut each)?;
    }
    Ok(())
}

/// The sample's row that a change is about: its own, or that of an annotation or tag.
fn sample_of(conn: &Connection, change: &RowChange) -> Result<Option<i64>> {
    let Some(table) = UNDOABLE.get(change.table) else { return Ok(None) };
    if table.name == "samples" {
        return Ok(Some(change.rowid));
    }
    let Some(column) = table.columns.iter().position(|column| *column == "sample_id") else { return Ok(None) };
    match &change.action {
        Action::Insert(row) | Action::Delete(row) => Ok(integer(row.get(column))),
        Action::Update(_) => {
            let sql = format!("SELECT sample_id FROM {} WHERE id = ?1", table.name);
            Ok(ids(conn, &sql, change.rowid)?.first().copied())
        }
    }
}

fn integer(value: Option<&Value>) -> Option<i64> {
    match value {
        Some(Value::Integer(number)) => Some(*number),
        _ => None,
    }
}

/// Originals without a sample, unless a redo would bring one back.
fn media(tx: &Tx<'_>, before_ms: i64) -> Result<Vec<MediaRow>> {
    let mut needed = HashSet::new();
    for_each_change(tx.conn, "SELECT images FROM op_log WHERE undone = 1", [], |change| {
        let table = UNDOABLE.get(change.table).filter(|table| table.name == "samples");
        let column = table.and_then(|table| table.columns.iter().position(|column| *column == "media_id"));
        if let (Some(column), Action::Insert(row)) = (column, &change.action) {
            needed.extend(integer(row.get(column)));
        }
        Ok(())
    })?;
    let old = ids(tx.conn, &format!("SELECT m.id FROM media m WHERE {OLD_MEDIA}"), before_ms)?;
    let mut purged = Vec::new();
    for id in old.into_iter().filter(|id| !needed.contains(id)) {
        purged.push(media::take(tx, id)?);
    }
    Ok(purged)
}
