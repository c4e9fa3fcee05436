//! Samples: one image in a dataset. A deleted one stays as a tombstone, so that undo, versions and results find it.
//!
//! `split` is a column and not a table of its own: a sample is in one split or none, and lists filter and sort by it
//! through one index. `label_id` (the first class) and `region_count` repeat what the annotations say, kept by triggers
//! there, for the same reason. `name_key` is the name in lower case, for sorting and searching.

use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;
use va_domain::{DatasetId, Entity, LabelId, MediaHash, Sample, SampleId, Split};
use va_error::{Error, Result};

use crate::capture::Undoable;
use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{
    count_column, hash_bytes, hash_column, json_column, name_key, optional_uuid_column, split_column, split_number,
    uuid_column,
};

pub(crate) const V1: &str = "
CREATE TABLE samples (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    media_id INTEGER NOT NULL REFERENCES media (id) ON DELETE RESTRICT,
    name TEXT NOT NULL,
    -- The file's name where it is not UTF-8.
    name_bytes BLOB,
    name_key TEXT NOT NULL,
    -- 0 train, 1 val, 2 test.
    split INTEGER CHECK (split BETWEEN 0 AND 2),
    label_id INTEGER,
    region_count INTEGER NOT NULL DEFAULT 0,
    size_bytes INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    deleted_ms INTEGER
) STRICT;
CREATE INDEX samples_by_added ON samples (dataset_id, id) WHERE deleted_ms IS NULL;
CREATE INDEX samples_by_name ON samples (dataset_id, name_key, id) WHERE deleted_ms IS NULL;
CREATE INDEX samples_by_label ON samples (dataset_id, label_id, id) WHERE deleted_ms IS NULL;
CREATE INDEX samples_by_split ON samples (dataset_id, split, id) WHERE deleted_ms IS NULL;
CREATE INDEX samples_by_size ON samples (dataset_id, size_bytes, id) WHERE deleted_ms IS NULL;
CREATE INDEX samples_by_media ON samples (media_id);
CREATE TRIGGER samples_insert AFTER INSERT ON samples WHEN new.deleted_ms IS NULL BEGIN
    UPDATE datasets SET sample_count = sample_count + 1,
        labelled_count = labelled_count + (new.label_id IS NOT NULL),
        train_count = train_count + (new.split IS 0),
        val_count = val_count + (new.split IS 1),
        test_count = test_count + (new.split IS 2) WHERE id = new.dataset_id;
    UPDATE label_counts SET sample_count = sample_count + 1 WHERE label_id = new.label_id;
END;
CREATE TRIGGER samples_delete AFTER DELETE ON samples WHEN old.deleted_ms IS NULL BEGIN
    UPDATE datasets SET sample_count = sample_count - 1,
        labelled_count = labelled_count - (old.label_id IS NOT NULL),
        train_count = train_count - (old.split IS 0),
        val_count = val_count - (old.split IS 1),
        test_count = test_count - (old.split IS 2) WHERE id = old.dataset_id;
    UPDATE label_counts SET sample_count = sample_count - 1 WHERE label_id = old.label_id;
END;
CREATE TRIGGER samples_update AFTER UPDATE OF label_id, split, deleted_ms ON samples
WHEN old.label_id IS NOT new.label_id OR old.split IS NOT new.split OR old.deleted_ms IS NOT new.deleted_ms BEGIN
    UPDATE datasets SET
        sample_count = sample_count + (new.deleted_ms IS NULL) - (old.deleted_ms IS NULL),
        labelled_count = labelled_count + (new.deleted_ms IS NULL AND new.label_id IS NOT NULL)
            - (old.deleted_ms IS NULL AND old.label_id IS NOT NULL),
        train_count = train_count + (new.deleted_ms IS NULL AND new.split IS 0) - (old.deleted_ms IS NULL AND old.split IS 0),
        val_count = val_count + (new.deleted_ms IS NULL AND new.split IS 1) - (old.deleted_ms IS NULL AND old.split IS 1),
        test_count = test_count + (new.deleted_ms IS NULL AND new.split IS 2) - (old.deleted_ms IS NULL AND old.split IS 2)
        WHERE id = new.dataset_id;
    UPDATE label_counts SET sample_count = sample_count - 1 WHERE label_id = old.label_id AND old.deleted_ms IS NULL;
    UPDATE label_counts SET sample_count = sample_count + 1 WHERE label_id = new.label_id AND new.deleted_ms IS NULL;
END;
";

/// `no_class`: a person said that the image shows none of the classes. What a class counts follows the annotations now
/// (see there); only the end of a sample is counted here.
pub(crate) const V2: &str = "
ALTER TABLE samples ADD COLUMN no_class INTEGER NOT NULL DEFAULT 0 CHECK (no_class BETWEEN 0 AND 1);
DROP TRIGGER samples_insert;
DROP TRIGGER samples_delete;
DROP TRIGGER samples_update;
CREATE TRIGGER samples_insert AFTER INSERT ON samples WHEN new.deleted_ms IS NULL BEGIN
    UPDATE datasets SET sample_count = sample_count + 1,
        labelled_count = labelled_count + (new.label_id IS NOT NULL OR new.no_class),
        no_class_count = no_class_count + new.no_class,
        train_count = train_count + (new.split IS 0),
        val_count = val_count + (new.split IS 1),
        test_count = test_count + (new.split IS 2) WHERE id = new.dataset_id;
END;
CREATE TRIGGER samples_delete BEFORE DELETE ON samples WHEN old.deleted_ms IS NULL BEGIN
    UPDATE datasets SET sample_count = sample_count - 1,
        labelled_count = labelled_count - (old.label_id IS NOT NULL OR old.no_class),
        no_class_count = no_class_count - old.no_class,
        train_count = train_count - (old.split IS 0),
        val_count = val_count - (old.split IS 1),
        test_count = test_count - (old.split IS 2) WHERE id = old.dataset_id;
    UPDATE label_counts SET sample_count = sample_count - 1
        WHERE label_id IN (SELECT label_id FROM annotations WHERE sample_id = old.id AND kind = 0);
END;
CREATE TRIGGER samples_update AFTER UPDATE OF label_id, no_class, split, deleted_ms ON samples
WHEN old.label_id IS NOT new.label_id OR old.no_class <> new.no_class OR old.split IS NOT new.split
    OR old.deleted_ms IS NOT new.deleted_ms BEGIN
    UPDATE datasets SET
        sample_count = sample_count + (new.deleted_ms IS NULL) - (old.deleted_ms IS NULL),
        labelled_count = labelled_count + (new.deleted_ms IS NULL AND (new.label_id IS NOT NULL OR new.no_class))
            - (old.deleted_ms IS NULL AND (old.label_id IS NOT NULL OR old.no_class)),
        no_class_count = no_class_count + (new.deleted_ms IS NULL AND new.no_class)
            - (old.deleted_ms IS NULL AND old.no_class),
        train_count = train_count + (new.deleted_ms IS NULL AND new.split IS 0) - (old.deleted_ms IS NULL AND old.split IS 0),
        val_count = val_count + (new.deleted_ms IS NULL AND new.split IS 1) - (old.deleted_ms IS NULL AND old.split IS 1),
        test_count = test_count + (new.deleted_ms IS NULL AND new.split IS 2) - (old.deleted_ms IS NULL AND old.split IS 2)
        WHERE id = new.dataset_id;
    UPDATE label_counts SET sample_count = sample_count + (new.deleted_ms IS NULL) - (old.deleted_ms IS NULL)
        WHERE (new.deleted_ms IS NULL) <> (old.deleted_ms IS NULL)
        AND label_id IN (SELECT label_id FROM annotations WHERE sample_id = new.id AND kind = 0);
END;
";

pub(crate) const UNDOABLE: Undoable = Undoable {
    name: "samples",
    columns: &[
        "id",
        "uuid",
        "dataset_id",
        "media_id",
        "name",
        "name_bytes",
        "name_key",
        "split",
        "label_id",
        "region_count",
        "size_bytes",
        "created_ms",
        "deleted_ms",
        "no_class",
    ],
    uuid: Some(1),
    dataset: Some(2),
    entity: Entity::Sample,
};

pub(crate) const SELECT: &str =
    "SELECT s.uuid, d.uuid, m.hash, s.name, m.width_px, m.height_px, m.size_bytes, m.format, s.split, l.uuid,
    s.region_count, s.created_ms, s.id, s.name_key, l.class_idx, s.no_class,
    (SELECT json_group_array(hex(c.uuid)) FROM (SELECT x.uuid FROM annotations a JOIN labels x ON x.id = a.label_id
        WHERE a.sample_id = s.id AND a.kind = 0 ORDER BY x.class_idx) c)
    FROM samples s JOIN datasets d ON d.id = s.dataset_id JOIN media m ON m.id = s.media_id
    LEFT JOIN labels l ON l.id = s.label_id";

pub(crate) fn sample(row: &Row<'_>) -> rusqlite::Result<Sample> {
    Ok(Sample {
        id: SampleId(uuid_column(row, 0)?),
        dataset_id: DatasetId(uuid_column(row, 1)?),
        media_hash: hash_column(row, 2)?,
        name: row.get(3)?,
        width_px: row.get(4)?,
        height_px: row.get(5)?,
        size_bytes: count_column(row, 6)?,
        format: row.get(7)?,
        split: split_column(row, 8)?,
        label_id: optional_uuid_column(row, 9)?.map(LabelId),
        label_ids: json_column::<Vec<Uuid>>(row, 16)?.into_iter().map(LabelId).collect(),
        no_class: row.get(15)?,
        region_count: row.get(10)?,
        created_ms: row.get(11)?,
    })
}

/// What an import adds. Its class, if any, is set with [`SamplesWrite::set_label`].
#[derive(Debug, Clone)]
pub struct NewSample {
    pub media_hash: MediaHash,
    /// For display.
    pub name: String,
    /// The file's name where it is not UTF-8.
    pub name_bytes: Option<Vec<u8>>,
    pub split: Option<Split>,
}

/// A living sample inside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SampleRow {
    pub(crate) rowid: i64,
    pub(crate) dataset_rowid: i64,
}

pub struct SamplesRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl SamplesRead<'_> {
    /// # Errors
    /// `NotFound`, also for a deleted one.
    pub fn get(&self, id: SampleId) -> Result<Sample> {
        self.find(id)?.ok_or_else(|| missing(id))
    }

    pub fn find(&self, id: SampleId) -> Result<Option<Sample>> {
        self.one("s.uuid = ?1 AND s.deleted_ms IS NULL", id)
    }

    /// Also when it was deleted: for the images of old evaluations.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get_even_deleted(&self, id: SampleId) -> Result<Sample> {
        self.one("s.uuid = ?1", id)?.ok_or_else(|| missing(id))
    }

    /// The bytes of a file name that is not UTF-8.
    pub fn name_bytes(&self, id: SampleId) -> Result<Option<Vec<u8>>> {
        let found = self
            .conn
            .query_row("SELECT name_bytes FROM samples WHERE uuid = ?1", [id.0.as_bytes()], |row| row.get(0))
            .optional()
            .sql("reading a sample's name")?;
        found.ok_or_else(|| missing(id))
    }

    /// The living samples of a dataset with these bytes.
    pub fn with_media(&self, dataset: DatasetId, hash: &MediaHash) -> Result<Vec<SampleId>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT s.uuid FROM media m JOIN samples s ON s.media_id = m.id
                 WHERE m.hash = ?2 AND s.dataset_id = (SELECT id FROM datasets WHERE uuid = ?1)
                   AND s.deleted_ms IS NULL",
            )
            .sql("looking for an image")?;
        let rows = statement
            .query_map(params![dataset.0.as_bytes(), hash_bytes(hash)?], |row| uuid_column(row, 0).map(SampleId))
            .sql("looking for an image")?;
        rows.collect::<rusqlite::Result<_>>().sql("looking for an image")
    }

    /// Every living sample in order of addition: for exports. Memory grows with the dataset.
    pub fn all_of_dataset(&self, dataset: DatasetId) -> Result<Vec<Sample>> {
        let row = super::datasets::DatasetsRead { conn: self.conn }.row(dataset)?;
        let sql = format!("{SELECT} WHERE s.dataset_id = ?1 AND s.deleted_ms IS NULL ORDER BY s.id");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing samples")?;
        let rows = statement.query_map([row.rowid], sample).sql("listing samples")?;
        rows.collect::<rusqlite::Result<_>>().sql("listing samples")
    }

    /// # Errors
    /// `NotFound` for a sample that does not exist; `InvalidInput` for one of another dataset.
    pub fn require_dataset(&self, ids: &[SampleId], dataset: DatasetId) -> Result<()> {
        let own = super::datasets::DatasetsRead { conn: self.conn }.row(dataset)?;
        for id in ids {
            if self.row(*id)?.dataset_rowid != own.rowid {
                return Err(Error::invalid(format!(
                    "the sample {id} belongs to another dataset; one change is made in one dataset"
                )));
            }
        }
        Ok(())
    }

    /// A living one by its row.
    pub(crate) fn by_rowid(&self, rowid: i64) -> Result<Option<Sample>> {
        let sql = format!("{SELECT} WHERE s.id = ?1 AND s.deleted_ms IS NULL");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading a sample")?;
        statement.query_row([rowid], sample).optional().sql("reading a sample")
    }

    pub(crate) fn row(&self, id: SampleId) -> Result<SampleRow> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id, dataset_id FROM samples WHERE uuid = ?1 AND deleted_ms IS NULL")
            .sql("reading a sample")?;
        statement
            .query_row([id.0.as_bytes()], |row| Ok(SampleRow { rowid: row.get(0)?, dataset_rowid: row.get(1)? }))
            .optional()
            .sql("reading a sample")?
            .ok_or_else(|| missing(id))
    }

    fn one(&self, condition: &str, id: SampleId) -> Result<Option<Sample>> {
        let sql = format!("{SELECT} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading a sample")?;
        statement.query_row([id.0.as_bytes()], sample).optional().sql("reading a sample")
    }
}

fn missing(id: SampleId) -> Error {
    Error::not_found(format!("there is no sample {id}"))
}

pub struct SamplesWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl SamplesWrite<'_> {
    /// # Errors
    /// `NotFound` without the dataset or the media row.
    pub fn insert(&self, dataset: DatasetId, new: &NewSample) -> Result<SampleId> {
        let row = self.tx.datasets().row(dataset)?;
        let id = SampleId::new();
        let added = self
            .tx
            .conn
            .prepare_cached(
                "INSERT INTO samples (uuid, dataset_id, media_id, name, name_bytes, name_key, split, size_bytes, created_ms)
                 SELECT ?1, ?2, m.id, ?4, ?5, ?6, ?7, m.size_bytes, ?8 FROM media m WHERE m.hash = ?3",
            )
            .sql("adding a sample")?
            .execute(params![
                id.0.as_bytes(),
                row.rowid,
                hash_bytes(&new.media_hash)?,
                new.name,
                new.name_bytes,
                name_key(&new.name),
                new.split.map(split_number),
                self.tx.at_ms(),
            ])
            .sql("adding a sample")?;
        if added == 0 {
            return Err(Error::not_found(format!("there is no media {}", new.media_hash)));
        }
        Ok(id)
    }

    /// # Errors
    /// `NotFound`.
    pub fn rename(&self, id: SampleId, name: &str) -> Result<()> {
        let row = self.tx.samples().row(id)?;
        self.tx
            .conn
            .execute(
                "UPDATE samples SET name = ?2, name_key = ?3 WHERE id = ?1 AND name <> ?2",
                params![row.rowid, name, name_key(name)],
            )
            .sql("renaming a sample")?;
        Ok(())
    }

    /// # Errors
    /// `NotFound`.
    pub fn set_split(&self, id: SampleId, split: Option<Split>) -> Result<()> {
        let row = self.tx.samples().row(id)?;
        self.set_split_of_row(row.rowid, split)
    }

    pub(crate) fn set_split_of_row(&self, rowid: i64, split: Option<Split>) -> Result<()> {
        self.tx
            .conn
            .prepare_cached("UPDATE samples SET split = ?2 WHERE id = ?1 AND split IS NOT ?2")
            .sql("setting a split")?
            .execute(params![rowid, split.map(split_number)])
            .sql("setting a split")?;
        Ok(())
    }

    /// Leaves a tombstone.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: SampleId) -> Result<()> {
        let row = self.tx.samples().row(id)?;
        self.tx
            .conn
            .prepare_cached("UPDATE samples SET deleted_ms = ?2 WHERE id = ?1")
            .sql("deleting a sample")?
            .execute(params![row.rowid, self.tx.at_ms()])
            .sql("deleting a sample")?;
        Ok(())
    }
}
