//! The history of every dataset: row images before and after, step by step. What was undone waits for redo until the
//! next change drops it.

use rusqlite::{Connection, OptionalExtension, params};
use va_domain::{HistoryState, OpKind};
use va_error::{Error, Result};

use crate::capture::RowChange;
use crate::error::SqlContext;
use crate::images;
use crate::op::Op;
use crate::tx::Tx;
use crate::value::{count_column, signed};

pub(crate) const V1: &str = "
CREATE TABLE op_log (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    -- 1, 2, 3 … of the dataset; the batches of one import share a step.
    step INTEGER NOT NULL,
    undone INTEGER NOT NULL DEFAULT 0 CHECK (undone IN (0, 1)),
    op TEXT NOT NULL,
    count INTEGER NOT NULL,
    group_uuid BLOB,
    actor TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    images BLOB NOT NULL
) STRICT;
CREATE INDEX op_log_by_step ON op_log (dataset_id, undone, step, id);
";

/// One transaction of a step.
#[derive(Debug)]
pub(crate) struct OpEntry {
    pub(crate) op: String,
    pub(crate) images: Vec<u8>,
}

pub struct OpLogRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl OpLogRead<'_> {
    /// What undo and redo would do.
    ///
    /// # Errors
    /// `NotFound` without the dataset.
    pub fn of_dataset(&self, dataset: va_domain::DatasetId) -> Result<HistoryState> {
        let row = super::datasets::DatasetsRead { conn: self.conn }.row(dataset)?;
        self.state(row.rowid)
    }

    pub(crate) fn state(&self, dataset: i64) -> Result<HistoryState> {
        let undo_step = self.undo_step(dataset)?;
        // Steps follow each other without gaps; the oldest may have been purged.
        let oldest = self.step("SELECT min(step) FROM op_log WHERE dataset_id = ?1 AND undone = 0", dataset)?;
        let kind = |step: Option<i64>, undone| step.map(|step| self.kind(dataset, step, undone)).transpose();
        Ok(HistoryState {
            undo: kind(undo_step, false)?,
            redo: kind(self.redo_step(dataset)?, true)?,
            kept: undo_step.zip(oldest).map_or(0, |(last, first)| u64::try_from(last - first + 1).unwrap_or(0)),
        })
    }

    pub(crate) fn undo_step(&self, dataset: i64) -> Result<Option<i64>> {
        self.step("SELECT max(step) FROM op_log WHERE dataset_id = ?1 AND undone = 0", dataset)
    }

    pub(crate) fn redo_step(&self, dataset: i64) -> Result<Option<i64>> {
        self.step("SELECT min(step) FROM op_log WHERE dataset_id = ?1 AND undone = 1", dataset)
    }

    fn step(&self, sql: &str, dataset: i64) -> Result<Option<i64>> {
        self.conn
            .prepare_cached(sql)
            .and_then(|mut statement| statement.query_row([dataset], |row| row.get(0)))
            .sql("reading the history")
    }

    fn kind(&self, dataset: i64, step: i64, undone: bool) -> Result<OpKind> {
        self.conn
            .prepare_cached("SELECT op, sum(count) FROM op_log WHERE dataset_id = ?1 AND undone = ?2 AND step = ?3")
            .sql("reading the history")?
            .query_row(params![dataset, undone, step], |row| {
                Ok(OpKind { op: row.get(0)?, count: count_column(row, 1)? })
            })
            .sql("reading the history")
    }

    /// Of a step, the last first for undo, the first first for redo.
    pub(crate) fn entries(&self, dataset: i64, step: i64, undo: bool) -> Result<Vec<OpEntry>> {
        let order = if undo { "DESC" } else { "ASC" };
        let sql = format!(
            "SELECT op, images FROM op_log WHERE dataset_id = ?1 AND undone = ?2 AND step = ?3 ORDER BY id {order}"
        );
        let mut statement = self.conn.prepare_cached(&sql).sql("reading the history")?;
        let rows = statement
            .query_map(params![dataset, !undo, step], |row| Ok(OpEntry { op: row.get(0)?, images: row.get(1)? }))
            .sql("reading the history")?;
        rows.collect::<rusqlite::Result<_>>().sql("reading the history")
    }
}

/// Adds a change to the dataset's history and drops what could have been redone.
pub(crate) fn append(tx: &Tx<'_>, op: &Op, dataset: i64, count: u64, changes: &[RowChange]) -> Result<()> {
    let doing = "writing the history";
    tx.conn
        .prepare_cached("DELETE FROM op_log WHERE dataset_id = ?1 AND undone = 1")
        .and_then(|mut statement| statement.execute([dataset]))
        .sql(doing)?;
    let last = tx.op_log().undo_step(dataset)?.unwrap_or(0);
    let group = op.group.map(|uuid| *uuid.as_bytes());
    let step = if group.is_some() && last_group(tx, dataset, last)? == group { last } else { last + 1 };
    tx.conn
        .prepare_cached(
            "INSERT INTO op_log (dataset_id, step, op, count, group_uuid, actor, at_ms, images)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )
        .sql(doing)?
        .execute(params![
            dataset,
            step,
            op.name,
            signed(count)?,
            group,
            tx.actor().name,
            tx.at_ms(),
            images::encode(changes),
        ])
        .sql(doing)?;
    Ok(())
}

fn last_group(tx: &Tx<'_>, dataset: i64, step: i64) -> Result<Option<[u8; 16]>> {
    let found = tx
        .conn
        .prepare_cached(
            "SELECT group_uuid FROM op_log WHERE dataset_id = ?1 AND undone = 0 AND step = ?2 ORDER BY id DESC LIMIT 1",
        )
        .sql("reading the history")?
        .query_row([dataset, step], |row| row.get(0))
        .optional()
        .sql("reading the history")?;
    Ok(found.flatten())
}

/// Moves a step between what can be undone and what can be redone.
pub(crate) fn mark_step(tx: &Tx<'_>, dataset: i64, step: i64, undone: bool) -> Result<()> {
    let moved = tx
        .conn
        .execute(
            "UPDATE op_log SET undone = ?3 WHERE dataset_id = ?1 AND step = ?2 AND undone <> ?3",
            params![dataset, step, undone],
        )
        .sql("writing the history")?;
    if moved == 0 { Err(Error::internal("BUG: a step of the history is empty")) } else { Ok(()) }
}
