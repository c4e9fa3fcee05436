//! Frozen datasets: which samples, with which classes and splits. They never change; `content_hash` proves it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{DatasetId, DatasetVersion, DatasetVersionId, Entity, MediaHash, SampleId, Split, SplitCounts};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{
    classes_from_blob, classes_to_blob, count_column, hash_bytes, hash_column, json, json_column, signed, split_column,
    split_number, uuid_column,
};

/// Samples are kept by uuid and media: the living rows may change or go.
pub(crate) const V1: &str = "
CREATE TABLE dataset_versions (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE RESTRICT,
    number INTEGER NOT NULL CHECK (number > 0),
    note TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    sample_count INTEGER NOT NULL,
    train_count INTEGER NOT NULL,
    val_count INTEGER NOT NULL,
    test_count INTEGER NOT NULL,
    -- Class names by class_idx, JSON.
    classes TEXT NOT NULL,
    content_hash BLOB NOT NULL CHECK (length(content_hash) = 32),
    UNIQUE (dataset_id, number)
) STRICT;
CREATE TABLE dataset_version_samples (
    version_id INTEGER NOT NULL REFERENCES dataset_versions (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    sample_uuid BLOB NOT NULL CHECK (length(sample_uuid) = 16),
    media_id INTEGER NOT NULL REFERENCES media (id) ON DELETE RESTRICT,
    name TEXT NOT NULL,
    class_idx INTEGER,
    split INTEGER CHECK (split BETWEEN 0 AND 2),
    PRIMARY KEY (version_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX dataset_version_samples_by_media ON dataset_version_samples (media_id);
CREATE TRIGGER dataset_versions_are_frozen BEFORE UPDATE ON dataset_versions BEGIN
    SELECT RAISE(ABORT, 'a dataset version never changes');
END;
CREATE TRIGGER dataset_version_samples_are_frozen BEFORE UPDATE ON dataset_version_samples BEGIN
    SELECT RAISE(ABORT, 'a dataset version never changes');
END;
";

/// `classes`: little-endian 32-bit class indices, ascending, where `class_idx` does not say it all: of several classes, or
/// of none by a person's word. NULL with `class_idx`: that one class; NULL without: nobody said anything.
pub(crate) const V2: &str = "ALTER TABLE dataset_version_samples ADD COLUMN classes BLOB;";

/// One sample as it was frozen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrozenSample {
    pub sample_id: SampleId,
    pub media_hash: MediaHash,
    pub name: String,
    /// Ascending; empty where a person said that the image shows none of the classes. None where nobody said anything.
    pub classes: Option<Vec<u32>>,
    pub split: Option<Split>,
    /// `jpeg`, `png` …: the extension of the media file follows from it.
    pub format: String,
    /// Width and height.
    pub size_px: [u32; 2],
}

const SELECT: &str =
    "SELECT v.uuid, d.uuid, v.number, v.note, v.created_ms, v.sample_count, v.train_count, v.val_count,
    v.test_count, v.classes, v.content_hash FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id";

fn version(row: &Row<'_>) -> rusqlite::Result<DatasetVersion> {
    let count = |index| count_column(row, index);
    let (total, train, val, test) = (count(5)?, count(6)?, count(7)?, count(8)?);
    Ok(DatasetVersion {
        id: DatasetVersionId(uuid_column(row, 0)?),
        dataset_id: DatasetId(uuid_column(row, 1)?),
        number: row.get(2)?,
        note: row.get(3)?,
        created_ms: row.get(4)?,
        sample_count: total,
        splits: SplitCounts { train, val, test, none: total.saturating_sub(train + val + test) },
        classes: json_column(row, 9)?,
        content_hash: hash_column(row, 10)?.0,
    })
}

pub struct DatasetVersionsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl DatasetVersionsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: DatasetVersionId) -> Result<DatasetVersion> {
        self.list("v.uuid = ?1", id.0.as_bytes())?
            .pop()
            .ok_or_else(|| Error::not_found(format!("there is no dataset version {id}")))
    }

    /// Newest first.
    pub fn of_dataset(&self, dataset: DatasetId) -> Result<Vec<DatasetVersion>> {
        self.list("d.uuid = ?1 ORDER BY v.number DESC", dataset.0.as_bytes())
    }

    /// The frozen samples in order; of one split, or all.
    pub fn samples(&self, id: DatasetVersionId, split: Option<Split>) -> Result<Vec<FrozenSample>> {
        let doing = "reading a dataset version";
        let only = if split.is_some() { "x.split = ?2" } else { "?2 IS NULL" };
        let sql = format!(
            "SELECT x.sample_uuid, m.hash, x.name, x.class_idx, x.split, m.format, x.classes, m.width_px, m.height_px
             FROM dataset_version_samples x JOIN media m ON m.id = x.media_id
             WHERE x.version_id = (SELECT id FROM dataset_versions WHERE uuid = ?1) AND {only} ORDER BY x.position"
        );
        let mut statement = self.conn.prepare_cached(&sql).sql(doing)?;
        let rows = statement
            .query_map(params![id.0.as_bytes(), split.map(split_number)], |row| {
                Ok(FrozenSample {
                    sample_id: SampleId(uuid_column(row, 0)?),
                    media_hash: hash_column(row, 1)?,
                    name: row.get(2)?,
                    classes: match row.get::<_, Option<Vec<u8>>>(6)? {
                        Some(blob) => Some(classes_from_blob(&blob)),
                        None => row.get::<_, Option<u32>>(3)?.map(|class| vec![class]),
                    },
                    split: split_column(row, 4)?,
                    format: row.get(5)?,
                    size_px: [row.get(7)?, row.get(8)?],
                })
            })
            .sql(doing)?;
        rows.collect::<rusqlite::Result<_>>().sql(doing)
    }

    fn list(&self, condition: &str, key: &[u8; 16]) -> Result<Vec<DatasetVersion>> {
        let sql = format!("{SELECT} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading dataset versions")?;
        let rows = statement.query_map([key], version).sql("reading dataset versions")?;
        rows.collect::<rusqlite::Result<_>>().sql("reading dataset versions")
    }
}

/// BLAKE3 over the canonical listing: the class names in order, then every sample as media hash, class and split, sorted.
/// Names and the order of import do not count: they do not change what a model sees. A dataset with at most one class a
/// sample has the hash that it always had.
pub fn content_hash(classes: &[String], samples: &[FrozenSample]) -> Result<MediaHash> {
    let mut hasher = blake3::Hasher::new();
    let is_simple = samples.iter().all(|sample| sample.classes.as_ref().is_none_or(|classes| classes.len() == 1));
    let head: &[u8] = if is_simple { b"visaion dataset 1\0" } else { b"visaion dataset 2\0" };
    hasher.update(head).update(&(classes.len() as u64).to_le_bytes());
    for class in classes {
        hasher.update(&(class.len() as u64).to_le_bytes()).update(class.as_bytes());
    }
    let mut lines = samples
        .iter()
        .map(|sample| {
            let class = |class: &u32| i64::from(*class);
            let classes: Vec<i64> = match (&sample.classes, is_simple) {
                (Some(classes), true) => classes.iter().map(class).collect(),
                // Said with their number, so that no two listings look alike.
                (Some(classes), false) => {
                    std::iter::once(classes.len() as i64).chain(classes.iter().map(class)).collect()
                }
                (None, _) => vec![-1],
            };
            Ok((hash_bytes(&sample.media_hash)?, classes, sample.split.map_or(-1, split_number)))
        })
        .collect::<Result<Vec<_>>>()?;
    lines.sort_unstable();
    for (media, classes, split) in lines {
        hasher.update(&media);
        classes.iter().for_each(|class| {
            hasher.update(&class.to_le_bytes());
        });
        hasher.update(&split.to_le_bytes());
    }
    Ok(MediaHash(hasher.finalize().to_hex().to_string()))
}

pub struct DatasetVersionsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl DatasetVersionsWrite<'_> {
    /// Freezes the dataset as it is now. When nothing changed since the newest version, that one is returned.
    ///
    /// # Errors
    /// `NotFound` without the dataset.
    pub fn freeze(&self, dataset: DatasetId, note: &str) -> Result<DatasetVersion> {
        let row = self.tx.datasets().row(dataset)?;
        let labels = self.tx.labels().of_dataset(dataset)?;
        let classes: Vec<String> = labels.iter().map(|label| label.name.clone()).collect();
        let index = |id| labels.iter().find(|label| label.id == id).map(|label| label.class_idx);
        let samples: Vec<FrozenSample> = self
            .tx
            .samples()
            .all_of_dataset(dataset)?
            .into_iter()
            .map(|sample| FrozenSample {
                sample_id: sample.id,
                media_hash: sample.media_hash,
                name: sample.name,
                classes: match (sample.label_ids.is_empty(), sample.no_class) {
                    (true, false) => None,
                    _ => Some(sample.label_ids.into_iter().filter_map(index).collect()),
                },
                split: sample.split,
                format: sample.format,
                size_px: [sample.width_px, sample.height_px],
            })
            .collect();
        let hash = content_hash(&classes, &samples)?;
        if let Some(newest) = self.tx.dataset_versions().of_dataset(dataset)?.into_iter().next()
            && newest.content_hash == hash.0
        {
            return Ok(newest);
        }
        let id = DatasetVersionId::new();
        self.insert_version(id, row.rowid, note, &classes, &samples, &hash)?;
        self.insert_samples(id, &samples)?;
        self.tx.touch(Entity::DatasetVersion, Some(dataset), id.0);
        self.tx.dataset_versions().get(id)
    }

    fn insert_version(
        &self,
        id: DatasetVersionId,
        dataset: i64,
        note: &str,
        classes: &[String],
        samples: &[FrozenSample],
        hash: &MediaHash,
    ) -> Result<()> {
        let in_split = |split| signed(samples.iter().filter(|sample| sample.split == Some(split)).count() as u64);
        self.tx
            .conn
            .execute(
                "INSERT INTO dataset_versions (uuid, dataset_id, number, note, created_ms, sample_count, train_count,
                     val_count, test_count, classes, content_hash)
                 VALUES (?1, ?2, (SELECT coalesce(max(number), 0) + 1 FROM dataset_versions WHERE dataset_id = ?2),
                     ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    id.0.as_bytes(),
                    dataset,
                    note,
                    self.tx.at_ms(),
                    signed(samples.len() as u64)?,
                    in_split(Split::Train)?,
                    in_split(Split::Val)?,
                    in_split(Split::Test)?,
                    json(&classes)?,
                    hash_bytes(hash)?,
                ],
            )
            .sql("freezing a dataset")?;
        Ok(())
    }

    fn insert_samples(&self, id: DatasetVersionId, samples: &[FrozenSample]) -> Result<()> {
        let doing = "freezing a dataset";
        let version: Option<i64> = self
            .tx
            .conn
            .query_row("SELECT id FROM dataset_versions WHERE uuid = ?1", [id.0.as_bytes()], |row| row.get(0))
            .optional()
            .sql(doing)?;
        let mut statement = self
            .tx
            .conn
            .prepare_cached(
                "INSERT INTO dataset_version_samples (version_id, position, sample_uuid, media_id, name, class_idx, split,
                     classes)
                 SELECT ?1, ?2, ?3, id, ?5, ?6, ?7, ?8 FROM media WHERE hash = ?4",
            )
            .sql(doing)?;
        for (position, sample) in samples.iter().enumerate() {
            statement
                .execute(params![
                    version,
                    signed(position as u64)?,
                    sample.sample_id.0.as_bytes(),
                    hash_bytes(&sample.media_hash)?,
                    sample.name,
                    sample.classes.as_ref().and_then(|classes| classes.first()),
                    sample.split.map(split_number),
                    sample
                        .classes
                        .as_ref()
                        .filter(|classes| classes.len() != 1)
                        .map(|classes| classes_to_blob(classes)),
                ])
                .sql(doing)?;
        }
        Ok(())
    }
}
