//! What a transaction does to undoable tables, row by row: the material of undo.
//!
//! Temporary triggers of the writing connection call `va_capture(table, action, old…, new…)` for every row that is
//! inserted, updated or deleted, whoever does it (a write handle, another trigger, a cascading key). So no write
//! handle can forget to record itself.

use std::sync::Arc;

use parking_lot::Mutex;
use rusqlite::Connection;
use rusqlite::functions::{Context, FunctionFlags};
use rusqlite::types::{Null, Value, ValueRef};
use uuid::Uuid;
use va_domain::Entity;
use va_error::Result;

use crate::error::SqlContext;
use crate::table;

/// A table whose rows have a history. Column 0 is always `id`.
#[derive(Debug)]
pub(crate) struct Undoable {
    pub(crate) name: &'static str,
    /// In the order of creation: later migrations only append.
    pub(crate) columns: &'static [&'static str],
    pub(crate) uuid: Option<usize>,
    pub(crate) dataset: Option<usize>,
    pub(crate) entity: Entity,
}

/// Their positions are part of `op_log`: append only.
pub(crate) const UNDOABLE: &[&Undoable] = &[
    &table::labels::UNDOABLE,
    &table::samples::UNDOABLE,
    &table::annotations::UNDOABLE,
    &table::tags::UNDOABLE,
    &table::tags::UNDOABLE_LINK,
];

/// One row before and after.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RowChange {
    /// Position in [`UNDOABLE`].
    pub(crate) table: usize,
    pub(crate) rowid: i64,
    pub(crate) uuid: Option<Uuid>,
    pub(crate) action: Action,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Action {
    Insert(Vec<Value>),
    Delete(Vec<Value>),
    /// Only what differs: column, before, after.
    Update(Vec<(usize, Value, Value)>),
}

#[derive(Debug, Default)]
struct Buffer {
    paused: bool,
    changes: Vec<RowChange>,
    /// Datasets that rows belong to, without repeats.
    datasets: Vec<i64>,
}

/// The buffer between the triggers and `transact`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Capture {
    buffer: Arc<Mutex<Buffer>>,
}

impl Capture {
    /// Creates the function and the triggers on the writing connection.
    pub(crate) fn install(conn: &Connection) -> Result<Self> {
        let capture = Self::default();
        let buffer = Arc::clone(&capture.buffer);
        conn.create_scalar_function("va_capture", -1, FunctionFlags::SQLITE_UTF8, move |context| {
            record(&buffer, context)?;
            Ok(Null)
        })
        .sql("preparing the history")?;
        for (position, table) in UNDOABLE.iter().enumerate() {
            conn.execute_batch(&triggers(position, table)).sql("preparing the history")?;
        }
        Ok(capture)
    }

    /// Forgets what a transaction that was rolled back left behind.
    pub(crate) fn begin(&self) {
        *self.buffer.lock() = Buffer::default();
    }

    /// Records nothing until the next `begin`: undo and redo replay what is already recorded.
    pub(crate) fn pause(&self) {
        self.buffer.lock().paused = true;
    }

    /// The changes so far, in order, and the datasets they touch.
    pub(crate) fn take(&self) -> (Vec<RowChange>, Vec<i64>) {
        let buffer = std::mem::take(&mut *self.buffer.lock());
        (buffer.changes, buffer.datasets)
    }
}

fn triggers(position: usize, table: &Undoable) -> String {
    let name = table.name;
    let list = |prefix: &str| table.columns.iter().map(|c| format!("{prefix}.{c}")).collect::<Vec<_>>().join(", ");
    let (old, new) = (list("old"), list("new"));
    format!(
        "CREATE TEMP TRIGGER capture_{name}_insert AFTER INSERT ON main.{name}
             BEGIN SELECT va_capture({position}, 0, {new}); END;
         CREATE TEMP TRIGGER capture_{name}_delete AFTER DELETE ON main.{name}
             BEGIN SELECT va_capture({position}, 1, {old}); END;
         CREATE TEMP TRIGGER capture_{name}_update AFTER UPDATE ON main.{name}
             BEGIN SELECT va_capture({position}, 2, {old}, {new}); END;"
    )
}

fn record(buffer: &Mutex<Buffer>, context: &Context<'_>) -> rusqlite::Result<()> {
    let mut buffer = buffer.lock();
    if buffer.paused {
        return Ok(());
    }
    let position = usize::try_from(context.get::<i64>(0)?).unwrap_or(usize::MAX);
    let Some(table) = UNDOABLE.get(position) else {
        return Err(rusqlite::Error::InvalidQuery);
    };
    let width = table.columns.len();
    let value = |at: usize| context.get_raw(2 + at);
    let row = || (0..width).map(|at| owned(value(at))).collect::<Vec<_>>();
    let action = match context.get::<i64>(1)? {
        0 => Action::Insert(row()),
        1 => Action::Delete(row()),
        _ => Action::Update(
            (0..width)
                .filter(|at| value(*at) != value(at + width))
                .map(|at| (at, owned(value(at)), owned(value(at + width))))
                .collect(),
        ),
    };
    if matches!(&action, Action::Update(columns) if columns.is_empty()) {
        return Ok(());
    }
    let rowid = context.get::<i64>(2)?;
    let uuid = table.uuid.and_then(|at| value(at).as_blob().ok()).and_then(|bytes| Uuid::from_slice(bytes).ok());
    if let Some(dataset) = table.dataset.and_then(|at| value(at).as_i64().ok())
        && !buffer.datasets.contains(&dataset)
    {
        buffer.datasets.push(dataset);
    }
    buffer.changes.push(RowChange { table: position, rowid, uuid, action });
    Ok(())
}

fn owned(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(i) => Value::Integer(i),
        ValueRef::Real(r) => Value::Real(r),
        ValueRef::Text(t) => Value::Text(String::from_utf8_lossy(t).into_owned()),
        ValueRef::Blob(b) => Value::Blob(b.to_vec()),
    }
}
