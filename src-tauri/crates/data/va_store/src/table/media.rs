//! Original bytes by their hash, immutable: `media/ab/abcdef….jpg`. The same bytes in two datasets are one row.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::MediaHash;
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{count_column, hash_bytes, hash_column, signed};

pub(crate) const V1: &str = "
CREATE TABLE media (
    id INTEGER PRIMARY KEY,
    hash BLOB NOT NULL UNIQUE CHECK (length(hash) = 32),
    size_bytes INTEGER NOT NULL,
    -- Upright: after the EXIF orientation was applied.
    width_px INTEGER NOT NULL,
    height_px INTEGER NOT NULL,
    format TEXT NOT NULL,
    -- As in EXIF, 1 to 8: what has to be done to show the original upright.
    orientation INTEGER NOT NULL CHECK (orientation BETWEEN 1 AND 8),
    created_ms INTEGER NOT NULL
) STRICT;
-- One row: what all media take on disk.
CREATE TABLE media_total (id INTEGER PRIMARY KEY CHECK (id = 1), count INTEGER NOT NULL, size_bytes INTEGER NOT NULL) STRICT;
INSERT INTO media_total (id, count, size_bytes) VALUES (1, 0, 0);
CREATE TRIGGER media_insert AFTER INSERT ON media BEGIN
    UPDATE media_total SET count = count + 1, size_bytes = size_bytes + new.size_bytes;
END;
CREATE TRIGGER media_delete AFTER DELETE ON media BEGIN
    UPDATE media_total SET count = count - 1, size_bytes = size_bytes - old.size_bytes;
END;
";

/// One stored original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MediaRow {
    pub hash: MediaHash,
    pub size_bytes: u64,
    /// Upright size.
    pub width_px: u32,
    pub height_px: u32,
    /// `jpeg`, `png`, `bmp`, `webp`, `tiff`.
    pub format: String,
    /// EXIF orientation of the original, 1 to 8.
    pub orientation: u8,
}

fn media(row: &Row<'_>) -> rusqlite::Result<MediaRow> {
    Ok(MediaRow {
        hash: hash_column(row, 0)?,
        size_bytes: count_column(row, 1)?,
        width_px: row.get(2)?,
        height_px: row.get(3)?,
        format: row.get(4)?,
        orientation: row.get(5)?,
    })
}

pub struct MediaRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl MediaRead<'_> {
    pub fn find(&self, hash: &MediaHash) -> Result<Option<MediaRow>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT hash, size_bytes, width_px, height_px, format, orientation FROM media WHERE hash = ?1",
            )
            .sql("reading media")?;
        statement.query_row([hash_bytes(hash)?], media).optional().sql("reading media")
    }

    /// # Errors
    /// `NotFound`.
    pub fn get(&self, hash: &MediaHash) -> Result<MediaRow> {
        self.find(hash)?.ok_or_else(|| Error::not_found(format!("there is no media {hash}")))
    }

    /// Bytes of all originals, maintained.
    pub fn total_bytes(&self) -> Result<u64> {
        self.conn
            .query_row("SELECT size_bytes FROM media_total WHERE id = 1", [], |row| count_column(row, 0))
            .sql("reading the size of the media")
    }
}

pub struct MediaWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl MediaWrite<'_> {
    /// Adds the row unless the bytes are known. The file must already lie in `media/`, synced.
    ///
    /// # Errors
    /// `InvalidInput` for a hash that is none.
    pub fn put(&self, media: &MediaRow) -> Result<()> {
        self.tx
            .conn
            .prepare_cached(
                "INSERT INTO media (hash, size_bytes, width_px, height_px, format, orientation, created_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (hash) DO NOTHING",
            )
            .sql("adding media")?
            .execute(params![
                hash_bytes(&media.hash)?,
                signed(media.size_bytes)?,
                media.width_px,
                media.height_px,
                media.format,
                media.orientation,
                self.tx.at_ms(),
            ])
            .sql("adding media")?;
        Ok(())
    }
}

/// Removes a row that nothing refers to; its file is the caller's to remove.
pub(crate) fn take(tx: &Tx<'_>, rowid: i64) -> Result<MediaRow> {
    tx.conn
        .prepare_cached(
            "DELETE FROM media WHERE id = ?1 RETURNING hash, size_bytes, width_px, height_px, format, orientation",
        )
        .sql("removing media")?
        .query_row([rowid], media)
        .sql("removing media")
}
