//! Free marks on samples.

use rusqlite::{Connection, params};
use va_domain::{DatasetId, Entity, SampleId};
use va_error::{Error, Result};

use crate::capture::Undoable;
use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::name_key;

pub(crate) const V1: &str = "
CREATE TABLE tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    UNIQUE (dataset_id, name_key)
) STRICT;
CREATE TABLE sample_tags (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
    tag_id INTEGER NOT NULL REFERENCES tags (id) ON DELETE CASCADE,
    UNIQUE (sample_id, tag_id)
) STRICT;
CREATE INDEX sample_tags_by_tag ON sample_tags (tag_id);
";

pub(crate) const UNDOABLE: Undoable = Undoable {
    name: "tags",
    columns: &["id", "dataset_id", "name", "name_key"],
    uuid: None,
    dataset: Some(1),
    entity: Entity::Sample,
};

pub(crate) const UNDOABLE_LINK: Undoable = Undoable {
    name: "sample_tags",
    columns: &["id", "sample_id", "tag_id"],
    uuid: None,
    dataset: None,
    entity: Entity::Sample,
};

pub struct TagsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl TagsRead<'_> {
    /// The marks of a sample, by name.
    pub fn of_sample(&self, sample: SampleId) -> Result<Vec<String>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT t.name FROM samples s JOIN sample_tags x ON x.sample_id = s.id JOIN tags t ON t.id = x.tag_id
                 WHERE s.uuid = ?1 ORDER BY t.name_key",
            )
            .sql("reading a sample's tags")?;
        let rows = statement.query_map([sample.0.as_bytes()], |row| row.get(0)).sql("reading a sample's tags")?;
        rows.collect::<rusqlite::Result<_>>().sql("reading a sample's tags")
    }
}

pub struct TagsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl TagsWrite<'_> {
    /// Marks a sample; marking twice is marking once.
    ///
    /// # Errors
    /// `NotFound` without the sample in this dataset.
    pub fn add(&self, dataset: DatasetId, sample: SampleId, name: &str) -> Result<()> {
        let (dataset, row) = (self.tx.datasets().row(dataset)?, self.tx.samples().row(sample)?);
        if row.dataset_rowid != dataset.rowid {
            return Err(Error::not_found(format!("the dataset has no sample {sample}")));
        }
        self.tx
            .conn
            .execute(
                "INSERT INTO tags (dataset_id, name, name_key) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING",
                params![dataset.rowid, name, name_key(name)],
            )
            .sql("adding a tag")?;
        self.tx
            .conn
            .execute(
                "INSERT INTO sample_tags (sample_id, tag_id)
                 SELECT ?1, id FROM tags WHERE dataset_id = ?2 AND name_key = ?3 ON CONFLICT DO NOTHING",
                params![row.rowid, dataset.rowid, name_key(name)],
            )
            .sql("adding a tag")?;
        Ok(())
    }

    /// # Errors
    /// `NotFound` without the sample.
    pub fn remove(&self, sample: SampleId, name: &str) -> Result<()> {
        let row = self.tx.samples().row(sample)?;
        self.tx
            .conn
            .execute(
                "DELETE FROM sample_tags WHERE sample_id = ?1
                     AND tag_id IN (SELECT id FROM tags WHERE dataset_id = ?2 AND name_key = ?3)",
                params![row.rowid, row.dataset_rowid, name_key(name)],
            )
            .sql("removing a tag")?;
        Ok(())
    }
}
