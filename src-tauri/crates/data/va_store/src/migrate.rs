//! Schema versions: ordered, all or nothing in one transaction; a file from the future is refused.

use rusqlite::{Connection, TransactionBehavior};
use va_error::{Code, Error, Result};

use crate::connection::APPLICATION_ID;
use crate::error::SqlContext;
use crate::table;

/// One step of the schema. A released step never changes (a test compares it with `tests/fixtures`).
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// `user_version` of the file after it: 1, 2, 3 …
    pub version: i64,
    /// What each table contributes, in order.
    pub parts: &'static [&'static str],
}

/// Every step of the library's schema.
pub const MIGRATIONS: &[Migration] =
    &[Migration { version: 1, parts: table::SCHEMA_V1 }, Migration { version: 2, parts: table::SCHEMA_V2 }];

/// The version that this program writes.
pub(crate) fn latest(migrations: &[Migration]) -> i64 {
    migrations.last().map_or(0, |migration| migration.version)
}

/// # Errors
/// `TooNew` when the file's version is beyond ours.
pub(crate) fn refuse_newer(version: i64, latest: i64) -> Result<()> {
    if version <= latest {
        return Ok(());
    }
    Err(Error::new(
        Code::TooNew,
        format!(
            "this library was written by a newer VisAIon (schema {version}, this one knows {latest}); \
             it was left untouched. Update VisAIon to open it"
        ),
    )
    .with_details(serde_json::json!({ "schema": version, "known": latest })))
}

/// Reads only.
///
/// # Errors
/// `TooNew`, or `InvalidInput` for an SQLite file of another program.
pub(crate) fn check_version(conn: &Connection, migrations: &[Migration]) -> Result<()> {
    let version = user_version(conn)?;
    refuse_newer(version, latest(migrations))?;
    let application: i64 =
        conn.pragma_query_value(None, "application_id", |row| row.get(0)).sql("reading the library's version")?;
    let tables: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))
        .sql("reading the library's schema")?;
    let fresh = version == 0 && application == 0 && tables == 0;
    if application != APPLICATION_ID && !fresh {
        return Err(Error::invalid("library.sqlite is not a VisAIon library; it was left as it is"));
    }
    Ok(())
}

/// Runs the missing steps in one transaction: all of them, or none.
pub(crate) fn migrate(conn: &Connection, migrations: &[Migration]) -> Result<()> {
    let current = user_version(conn)?;
    if current == latest(migrations) {
        return Ok(());
    }
    let doing = "bringing the library up to date";
    let tx = rusqlite::Transaction::new_unchecked(conn, TransactionBehavior::Immediate).sql(doing)?;
    for migration in migrations.iter().filter(|migration| migration.version > current) {
        for part in migration.parts {
            tx.execute_batch(part).sql(doing)?;
        }
        tx.pragma_update(None, "user_version", migration.version).sql(doing)?;
    }
    tx.pragma_update(None, "application_id", APPLICATION_ID).sql(doing)?;
    let broken: i64 = tx.query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0)).sql(doing)?;
    if broken > 0 {
        return Err(Error::internal(format!("{doing} failed: {broken} rows would point nowhere; nothing was changed")));
    }
    tx.commit().sql(doing)
}

fn user_version(conn: &Connection) -> Result<i64> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).sql("reading the library's version")
}
