//! Connections to `library.sqlite`: one writes, others only read.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use va_error::{Code, Context, Error, Result};

use crate::error::SqlContext;
use crate::migrate;

/// Statements kept prepared on a connection.
const STATEMENT_CACHE: usize = 128;

/// `VALB` in the file's header tells our libraries from other SQLite files.
pub(crate) const APPLICATION_ID: i64 = 0x5641_4C42;

/// Opens for writing and brings the schema up to date. Nothing of the file is changed before it is known to be ours
/// and not from the future.
///
/// # Errors
/// `TooNew` for a file of a newer version, `InvalidInput` for a foreign file, `Internal` for a damaged one.
pub(crate) fn open_writer(path: &Path, migrations: &[migrate::Migration]) -> Result<Connection> {
    check_header(path, migrate::latest(migrations))?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).sql("opening the library")?;
    // A version that only the write-ahead log knows: closing must not move it into the file.
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true).sql("opening the library")?;
    migrate::check_version(&conn, migrations)?;
    conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false).sql("opening the library")?;
    conn.busy_timeout(Duration::from_secs(10)).sql("opening the library")?;
    let mode: String = conn.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0)).sql("opening the library")?;
    if mode != "wal" {
        return Err(Error::new(
            Code::Io,
            format!("the file system of {} does not support a write-ahead log; choose another folder", path.display()),
        ));
    }
    conn.execute_batch(
        "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;",
    )
    .sql("opening the library")?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    migrate::migrate(&conn, migrations)?;
    Ok(conn)
}

/// Opens for reading only.
pub(crate) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags).sql("opening the library for reading")?;
    conn.busy_timeout(Duration::from_secs(10)).sql("opening the library for reading")?;
    conn.execute_batch(
        "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -8192;",
    )
    .sql("opening the library for reading")?;
    conn.set_prepared_statement_cache_capacity(STATEMENT_CACHE);
    Ok(conn)
}

/// Reads the header by itself, so that a file we must not touch is not even opened by SQLite.
fn check_header(path: &Path, latest: i64) -> Result<()> {
    let mut header = [0u8; 100];
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error).with_context(|| format!("cannot open {}", path.display())),
    };
    if file.metadata().with_context(|| format!("cannot read {}", path.display()))?.len() == 0 {
        return Ok(());
    }
    let damaged = || {
        Error::internal(format!(
            "{} is damaged: it is no SQLite file. It was left as it is; restore it from a backup \
             (the images in media/ are not affected)",
            path.display()
        ))
    };
    file.read_exact(&mut header).map_err(|error| damaged().with_source(error))?;
    if &header[..16] != b"SQLite format 3\0" {
        return Err(damaged());
    }
    let word = |at: usize| i64::from(u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]));
    let (version, application) = (word(60), word(68));
    // A fresh file whose first migration is still in the write-ahead log has neither.
    if application != 0 && application != APPLICATION_ID {
        return Err(Error::invalid(format!("{} is not a VisAIon library; it was left as it is", path.display())));
    }
    migrate::refuse_newer(version, latest)
}
