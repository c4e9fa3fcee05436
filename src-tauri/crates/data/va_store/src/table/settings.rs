//! Settings by key, as JSON.

use rusqlite::{Connection, OptionalExtension, params};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;
use va_domain::Entity;
use va_error::Result;

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{json, json_column};

pub(crate) const V1: &str = "
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
";

pub struct SettingsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl SettingsRead<'_> {
    /// None when it was never set.
    ///
    /// # Errors
    /// `Internal` when what is stored is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>> {
        self.conn
            .query_row("SELECT value FROM settings WHERE key = ?1", [key], |row| json_column(row, 0))
            .optional()
            .sql("reading a setting")
    }
}

pub struct SettingsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl SettingsWrite<'_> {
    /// # Errors
    /// Only when it cannot be saved.
    pub fn put<T: Serialize>(&self, key: &str, value: &T) -> Result<()> {
        self.tx
            .conn
            .execute(
                "INSERT INTO settings (key, value) VALUES (?1, ?2)
                 ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                params![key, json(value)?],
            )
            .sql("saving a setting")?;
        self.tx.touch(Entity::Settings, None, Uuid::nil());
        Ok(())
    }
}
