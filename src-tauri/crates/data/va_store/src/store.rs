//! A library that is open: one writer, several readers, and the lock that makes us its only owner.

use std::collections::BTreeMap;
use std::path::Path;

use crossbeam_channel::{Receiver, Sender, bounded};
use parking_lot::Mutex;
use rusqlite::{Connection, TransactionBehavior};
use va_domain::{Actor, DatasetId};
use va_error::{Context, Error, Result};

use crate::capture::Capture;
use crate::changes::Changes;
use crate::connection::{open_reader, open_writer};
use crate::error::SqlContext;
use crate::filesystem::refuse_network;
use crate::library::Library;
use crate::lock::OwnerLock;
use crate::migrate::{MIGRATIONS, Migration};
use crate::op::Op;
use crate::record;
use crate::tx::{Read, Tx};
use crate::value::count_column;
use crate::view::Views;

/// Readers kept open; more are opened for a moment when all are busy.
const READERS: usize = 4;

/// An open library. Shared by reference between threads.
pub struct Store {
    library: Library,
    pub(crate) writer: Mutex<Option<Writer>>,
    idle_readers: (Sender<Connection>, Receiver<Connection>),
    pub(crate) views: Views,
}

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) capture: Capture,
    /// Held as long as the writer.
    _lock: OwnerLock,
}

/// What a change returned, and which entities it changed.
#[derive(Debug)]
pub struct OpOutput<T> {
    pub output: T,
    pub changes: Changes,
}

impl Store {
    /// Opens the library in `folder`; with `create`, makes one where there is none.
    ///
    /// # Errors
    /// `NotFound` without a library (and without `create`), `LibraryLocked` when it is owned, `TooNew` when a newer
    /// version wrote it, `InvalidInput` on a network drive or for a foreign file, `Internal` when it is damaged. In
    /// none of these cases is `library.sqlite` changed.
    pub fn open(folder: &Path, create: bool) -> Result<Self> {
        Self::open_with(folder, create, MIGRATIONS)
    }

    /// As [`open`](Self::open), with another list of migrations: for tests of the mechanism.
    #[doc(hidden)]
    pub fn open_with(folder: &Path, create: bool, migrations: &[Migration]) -> Result<Self> {
        let library = Library::new(folder);
        let exists = library.database().exists();
        if !exists && !create {
            return Err(Error::not_found(format!("there is no library in {}", folder.display())));
        }
        std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        refuse_network(folder)?;
        let lock = OwnerLock::acquire(&library.lock_file())?;
        let conn = open_writer(&library.database(), migrations)?;
        for part in [library.media_dir(), library.models_dir(), library.cache_dir()] {
            std::fs::create_dir_all(&part).with_context(|| format!("cannot make the folder {}", part.display()))?;
        }
        let capture = Capture::install(&conn)?;
        Ok(Self {
            library,
            writer: Mutex::new(Some(Writer { conn, capture, _lock: lock })),
            idle_readers: bounded(READERS),
            views: Views::default(),
        })
    }

    pub fn library(&self) -> &Library {
        &self.library
    }

    /// Reads in one consistent view. Runs beside the writer and other readers.
    ///
    /// # Errors
    /// Those of `read`; `Conflict` after `close`.
    pub fn read<T>(&self, read: impl FnOnce(&Read<'_>) -> Result<T>) -> Result<T> {
        let mut conn = self.reader()?;
        let output = {
            let tx = conn.transaction_with_behavior(TransactionBehavior::Deferred).sql("reading the library")?;
            read(&Read { conn: &tx })?
        };
        // A full pool closes it.
        drop(self.idle_readers.0.try_send(conn));
        Ok(output)
    }

    fn reader(&self) -> Result<Connection> {
        if let Ok(conn) = self.idle_readers.1.try_recv() {
            return Ok(conn);
        }
        if self.writer.lock().is_none() {
            return Err(closed());
        }
        open_reader(&self.library.database())
    }

    /// The one door for change: runs `change` in a transaction, records the inverse of an undoable op, appends to the
    /// audit log, commits, and says what changed. When `change` fails, nothing has happened.
    ///
    /// # Errors
    /// Those of `change`; `DiskFull` or `Io` when it could not be saved (then nothing was).
    #[allow(clippy::needless_pass_by_value)] // an op is made for one change and ends with it
    pub fn transact<T>(&self, actor: &Actor, op: Op, change: impl FnOnce(&Tx<'_>) -> Result<T>) -> Result<OpOutput<T>> {
        self.write(actor, op.name, |tx, capture| {
            let scope = record::scope(tx, &op)?;
            let output = change(tx)?;
            let dataset = record::finish(tx, &op, scope, capture)?;
            Ok((output, dataset))
        })
    }

    /// A transaction of any kind. The closure says which dataset's lists may look different now.
    pub(crate) fn write<T>(
        &self,
        actor: &Actor,
        doing: &str,
        change: impl FnOnce(&Tx<'_>, &Capture) -> Result<(T, Option<DatasetId>)>,
    ) -> Result<OpOutput<T>> {
        let mut guard = self.writer.lock();
        let writer = guard.as_mut().ok_or_else(closed)?;
        writer.capture.begin();
        let transaction = writer.conn.transaction_with_behavior(TransactionBehavior::Immediate).sql(doing)?;
        let tx = Tx::new(&transaction, actor);
        let (output, dataset) = change(&tx, &writer.capture)?;
        let changes = tx.into_changes();
        transaction.commit().sql(doing)?;
        if let Some(dataset) = dataset {
            self.views.invalidate(dataset);
        }
        Ok(OpOutput { output, changes })
    }

    /// Moves the write-ahead log into the file and gives the library free. Later calls fail with `Conflict`.
    ///
    /// # Errors
    /// `Io` or `DiskFull` when the log could not be moved; it stays valid and is used at the next opening.
    pub fn close(&self) -> Result<()> {
        while self.idle_readers.1.try_recv().is_ok() {}
        let Some(writer) = self.writer.lock().take() else { return Ok(()) };
        writer.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())).sql("closing the library")
    }

    /// As if the disk held only `pages` more pages: for tests of a full disk.
    ///
    /// # Errors
    /// `Conflict` after `close`.
    #[doc(hidden)]
    pub fn limit_size_for_test(&self, pages: i64) -> Result<()> {
        let guard = self.writer.lock();
        let conn = &guard.as_ref().ok_or_else(closed)?.conn;
        let used: i64 = conn.query_row("PRAGMA page_count", [], |row| row.get(0)).sql("limiting the size")?;
        conn.query_row(&format!("PRAGMA max_page_count = {}", used + pages), [], |_| Ok(())).sql("limiting the size")
    }

    /// SQLite's own check of the file and of every foreign key, then our counts against a recount. Empty when all is
    /// well.
    ///
    /// # Errors
    /// Only when the file cannot be read.
    pub fn check_integrity(&self) -> Result<Vec<String>> {
        self.read(crate::check::integrity)
    }
}

/// Sizes of a library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// Version of the schema.
    pub schema: i64,
    /// Rows by table.
    pub rows: BTreeMap<String, u64>,
    pub database_bytes: u64,
}

impl Store {
    /// Counts every table.
    ///
    /// # Errors
    /// When the library cannot be read.
    pub fn statistics(&self) -> Result<Statistics> {
        let doing = "counting the library";
        self.read(|read| {
            let number = |sql: &str| read.conn.query_row(sql, [], |row| count_column(row, 0)).sql(doing);
            let mut tables = read
                .conn
                .prepare(
                    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name",
                )
                .sql(doing)?;
            let tables = tables
                .query_map([], |row| row.get(0))
                .sql(doing)?
                .collect::<rusqlite::Result<Vec<String>>>()
                .sql(doing)?;
            let rows = tables
                .into_iter()
                .map(|table| Ok((table.clone(), number(&format!("SELECT count(*) FROM \"{table}\""))?)))
                .collect::<Result<_>>()?;
            Ok(Statistics {
                schema: read.conn.pragma_query_value(None, "user_version", |row| row.get(0)).sql(doing)?,
                rows,
                database_bytes: number("SELECT page_count * page_size FROM pragma_page_count, pragma_page_size")?,
            })
        })
    }
}

pub(crate) fn closed() -> Error {
    Error::conflict("the library was closed")
}
