//! Undo and redo: the recorded row images of a step, replayed backwards or forwards in one transaction.
//!
//! A step is exact: every row returns to the very bytes it had. Foreign keys are checked at the end of the replay,
//! because rows return in the order of their change, not of their dependence.

use rusqlite::params_from_iter;
use rusqlite::types::Value;
use va_domain::{Actor, DatasetId, HistoryState};
use va_error::{Error, Result};

use crate::capture::{Action, RowChange, UNDOABLE, Undoable};
use crate::error::SqlContext;
use crate::images;
use crate::record;
use crate::store::{OpOutput, Store};
use crate::table::{audit_log, op_log};
use crate::tx::Tx;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    Undo,
    Redo,
}

impl Store {
    /// Takes back the dataset's last step.
    ///
    /// # Errors
    /// `Conflict` when there is nothing to undo.
    pub fn undo(&self, actor: &Actor, dataset: DatasetId) -> Result<OpOutput<HistoryState>> {
        self.replay(actor, dataset, Direction::Undo)
    }

    /// Does again the step that was undone last.
    ///
    /// # Errors
    /// `Conflict` when there is nothing to redo: every new change drops what could be redone.
    pub fn redo(&self, actor: &Actor, dataset: DatasetId) -> Result<OpOutput<HistoryState>> {
        self.replay(actor, dataset, Direction::Redo)
    }

    fn replay(&self, actor: &Actor, dataset: DatasetId, direction: Direction) -> Result<OpOutput<HistoryState>> {
        let (name, what) = match direction {
            Direction::Undo => ("undo", "undo"),
            Direction::Redo => ("redo", "redo"),
        };
        self.write(actor, name, |tx, capture| {
            capture.pause();
            let row = tx.datasets().row(dataset)?;
            let undo = direction == Direction::Undo;
            let step = if undo { tx.op_log().undo_step(row.rowid)? } else { tx.op_log().redo_step(row.rowid)? };
            let step = step.ok_or_else(|| Error::conflict(format!("there is nothing to {what}")))?;
            tx.conn.execute_batch("PRAGMA defer_foreign_keys = ON").sql(name)?;
            let entries = tx.op_log().entries(row.rowid, step, undo)?;
            for entry in &entries {
                let changes = images::decode(&entry.images)?;
                if undo {
                    changes.iter().rev().try_for_each(|change| apply(tx, change, direction))?;
                } else {
                    changes.iter().try_for_each(|change| apply(tx, change, direction))?;
                }
                record::touch_all(tx, dataset, &changes);
            }
            op_log::mark_step(tx, row.rowid, step, undo)?;
            let op = entries.first().map_or("", |entry| entry.op.as_str());
            audit_log::append(tx, name, op)?;
            tx.datasets_mut().mark_updated(&row)?;
            Ok((tx.op_log().state(row.rowid)?, Some(dataset)))
        })
    }
}

fn apply(tx: &Tx<'_>, change: &RowChange, direction: Direction) -> Result<()> {
    let table = UNDOABLE.get(change.table).ok_or_else(|| Error::internal("BUG: a table without a history"))?;
    let affected = match (&change.action, direction) {
        (Action::Insert(_), Direction::Undo) | (Action::Delete(_), Direction::Redo) => delete(tx, table, change.rowid),
        (Action::Insert(row), Direction::Redo) | (Action::Delete(row), Direction::Undo) => insert(tx, table, row),
        (Action::Update(columns), Direction::Undo) => {
            update(tx, table, change.rowid, columns.iter().map(|(column, before, _)| (*column, before)))
        }
        (Action::Update(columns), Direction::Redo) => {
            update(tx, table, change.rowid, columns.iter().map(|(column, _, after)| (*column, after)))
        }
    }?;
    if affected != 1 {
        return Err(Error::internal(format!(
            "the history does not fit the stored {}; nothing was changed",
            table.name
        )));
    }
    Ok(())
}

fn delete(tx: &Tx<'_>, table: &Undoable, rowid: i64) -> Result<usize> {
    let sql = format!("DELETE FROM {} WHERE id = ?1", table.name);
    tx.conn.prepare_cached(&sql).and_then(|mut statement| statement.execute([rowid])).sql("undo")
}

fn insert(tx: &Tx<'_>, table: &Undoable, row: &[Value]) -> Result<usize> {
    let columns = &table.columns[..row.len().min(table.columns.len())];
    let places = (1..=columns.len()).map(|n| format!("?{n}")).collect::<Vec<_>>().join(", ");
    let sql = format!("INSERT INTO {} ({}) VALUES ({places})", table.name, columns.join(", "));
    let mut statement = tx.conn.prepare_cached(&sql).sql("undo")?;
    statement.execute(params_from_iter(row)).sql("undo")
}

fn update<'v>(
    tx: &Tx<'_>,
    table: &Undoable,
    rowid: i64,
    values: impl Iterator<Item = (usize, &'v Value)>,
) -> Result<usize> {
    let (columns, values): (Vec<usize>, Vec<&Value>) = values.unzip();
    let assignments = columns
        .iter()
        .enumerate()
        .map(|(n, column)| format!("{} = ?{}", table.columns[*column], n + 2))
        .collect::<Vec<_>>()
        .join(", ");
    let sql = format!("UPDATE {} SET {assignments} WHERE id = ?1", table.name);
    let mut statement = tx.conn.prepare_cached(&sql).sql("undo")?;
    let rowid = Value::Integer(rowid);
    statement.execute(params_from_iter(std::iter::once(&rowid).chain(values))).sql("undo")
}
