//! Datasets with their maintained counts. A deleted one stays as a tombstone: versions and models may need it.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{Dataset, DatasetId, Entity, Page, PageRequest, SplitCounts};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{count_column, name_key, uuid_column};

/// The counts are kept by triggers of samples and labels (see there), so that no writer can forget them.
pub(crate) const V1: &str = "
CREATE TABLE datasets (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    description TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    deleted_ms INTEGER,
    sample_count INTEGER NOT NULL DEFAULT 0,
    labelled_count INTEGER NOT NULL DEFAULT 0,
    label_count INTEGER NOT NULL DEFAULT 0,
    train_count INTEGER NOT NULL DEFAULT 0,
    val_count INTEGER NOT NULL DEFAULT 0,
    test_count INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX datasets_by_name ON datasets (name_key) WHERE deleted_ms IS NULL;
CREATE TABLE project_datasets (
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, dataset_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_datasets_by_dataset ON project_datasets (dataset_id);
";

pub(crate) const V2: &str = "ALTER TABLE datasets ADD COLUMN no_class_count INTEGER NOT NULL DEFAULT 0;";

const SELECT: &str =
    "SELECT d.uuid, d.name, d.description, d.created_ms, d.updated_ms, d.sample_count, d.labelled_count,
    d.label_count, d.train_count, d.val_count, d.test_count, d.name_key FROM datasets d";

fn dataset(row: &Row<'_>) -> rusqlite::Result<Dataset> {
    let count = |index| count_column(row, index);
    let (total, train, val, test) = (count(5)?, count(8)?, count(9)?, count(10)?);
    Ok(Dataset {
        id: DatasetId(uuid_column(row, 0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        created_ms: row.get(3)?,
        updated_ms: row.get(4)?,
        sample_count: total,
        labelled_count: count(6)?,
        label_count: count(7)?,
        splits: SplitCounts { train, val, test, none: total.saturating_sub(train + val + test) },
    })
}

/// Images of a dataset that have one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageSize {
    /// `jpeg`, `png` …
    pub format: String,
    /// Width and height.
    pub size_px: [u32; 2],
    pub sample_count: u64,
}

/// A living dataset inside the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DatasetRow {
    pub(crate) rowid: i64,
    pub(crate) id: DatasetId,
}

pub struct DatasetsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl DatasetsRead<'_> {
    /// # Errors
    /// `NotFound`, also for a deleted one.
    pub fn get(&self, id: DatasetId) -> Result<Dataset> {
        self.one("d.uuid = ?1 AND d.deleted_ms IS NULL", id.0.as_bytes().to_vec())?
            .ok_or_else(|| Error::not_found(format!("there is no dataset {id}")))
    }

    /// Samples that a person said show none of the classes.
    ///
    /// # Errors
    /// `NotFound`, also for a deleted one.
    pub fn no_class_count(&self, id: DatasetId) -> Result<u64> {
        let row = self.row(id)?;
        self.conn
            .query_row("SELECT no_class_count FROM datasets WHERE id = ?1", [row.rowid], |row| count_column(row, 0))
            .sql("reading a dataset")
    }

    /// Every width and height, px, that its images have in a format, and how many have them.
    ///
    /// # Errors
    /// `NotFound`, also for a deleted one.
    pub fn image_sizes(&self, id: DatasetId) -> Result<Vec<ImageSize>> {
        let row = self.row(id)?;
        let doing = "reading the sizes of a dataset's images";
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT m.format, m.width_px, m.height_px, count(*) FROM samples s JOIN media m ON m.id = s.media_id
                 WHERE s.dataset_id = ?1 AND s.deleted_ms IS NULL GROUP BY 1, 2, 3",
            )
            .sql(doing)?;
        let sizes = statement
            .query_map([row.rowid], |row| {
                Ok(ImageSize {
                    format: row.get(0)?,
                    size_px: [row.get(1)?, row.get(2)?],
                    sample_count: count_column(row, 3)?,
                })
            })
            .sql(doing)?;
        sizes.collect::<rusqlite::Result<_>>().sql(doing)
    }

    /// Also when it was deleted: for lineage.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn get_even_deleted(&self, id: DatasetId) -> Result<Dataset> {
        self.one("d.uuid = ?1", id.0.as_bytes().to_vec())?
            .ok_or_else(|| Error::not_found(format!("there is no dataset {id}")))
    }

    /// By name, upper or lower case.
    pub fn find_by_name(&self, name: &str) -> Result<Option<Dataset>> {
        self.one("d.name_key = ?1 AND d.deleted_ms IS NULL", name_key(name))
    }

    /// # Errors
    /// `NotFound`, also for a deleted one.
    pub(crate) fn row(&self, id: DatasetId) -> Result<DatasetRow> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT id FROM datasets WHERE uuid = ?1 AND deleted_ms IS NULL")
            .sql("reading a dataset")?;
        let rowid: Option<i64> =
            statement.query_row([id.0.as_bytes()], |row| row.get(0)).optional().sql("reading a dataset")?;
        rowid.map(|rowid| DatasetRow { rowid, id }).ok_or_else(|| Error::not_found(format!("there is no dataset {id}")))
    }

    /// By name; `search` is part of the name.
    pub fn list(&self, search: &str, page: &PageRequest) -> Result<Page<Dataset>> {
        let limit = page.checked_limit()?;
        let after = page.cursor.clone().unwrap_or_default();
        let search = name_key(search);
        let condition = "d.deleted_ms IS NULL AND (?1 = '' OR instr(d.name_key, ?1) > 0)";
        let sql = format!("{SELECT} WHERE {condition} AND d.name_key > ?2 ORDER BY d.name_key LIMIT ?3");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing datasets")?;
        let rows = statement
            .query_map(params![search, after, i64::from(limit) + 1], |row| Ok((row.get(11)?, dataset(row)?)))
            .sql("listing datasets")?
            .collect::<rusqlite::Result<Vec<(String, Dataset)>>>()
            .sql("listing datasets")?;
        let total = self
            .conn
            .query_row(&format!("SELECT count(*) FROM datasets d WHERE {condition}"), [&search], |row| {
                count_column(row, 0)
            })
            .sql("counting datasets")?;
        Ok(super::page_by_name(rows, limit, total))
    }

    /// The datasets linked to a project, by name.
    pub fn of_project(&self, project: va_domain::ProjectId) -> Result<Vec<Dataset>> {
        let sql = format!(
            "{SELECT} JOIN project_datasets p ON p.dataset_id = d.id
             WHERE p.project_id = (SELECT id FROM projects WHERE uuid = ?1) AND d.deleted_ms IS NULL ORDER BY d.name_key"
        );
        let mut statement = self.conn.prepare_cached(&sql).sql("listing a project's datasets")?;
        let rows = statement.query_map([project.0.as_bytes()], dataset).sql("listing a project's datasets")?;
        rows.collect::<rusqlite::Result<_>>().sql("listing a project's datasets")
    }

    /// Model versions that were trained on a version of this dataset.
    pub fn dependent_model_versions(&self, id: DatasetId) -> Result<u64> {
        self.conn
            .query_row(
                "SELECT count(*) FROM model_versions WHERE dataset_version_id IN (
                     SELECT v.id FROM dataset_versions v JOIN datasets d ON d.id = v.dataset_id WHERE d.uuid = ?1)",
                [id.0.as_bytes()],
                |row| count_column(row, 0),
            )
            .sql("counting models of a dataset")
    }

    fn one(&self, condition: &str, value: impl rusqlite::ToSql) -> Result<Option<Dataset>> {
        let sql = format!("{SELECT} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading a dataset")?;
        statement.query_row([value], dataset).optional().sql("reading a dataset")
    }
}

pub struct DatasetsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl DatasetsWrite<'_> {
    /// # Errors
    /// `Conflict` when the name is taken.
    pub fn create(&self, name: &str, description: &str) -> Result<Dataset> {
        self.refuse_taken(name, None)?;
        let id = DatasetId::new();
        self.tx
            .conn
            .execute(
                "INSERT INTO datasets (uuid, name, name_key, description, created_ms, updated_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                params![id.0.as_bytes(), name, name_key(name), description, self.tx.at_ms()],
            )
            .sql("adding a dataset")?;
        self.tx.touch(Entity::Dataset, None, id.0);
        self.tx.datasets().get(id)
    }

    /// # Errors
    /// `NotFound`, or `Conflict` when the name is taken.
    pub fn update(&self, id: DatasetId, name: &str, description: &str) -> Result<Dataset> {
        let row = self.tx.datasets().row(id)?;
        self.refuse_taken(name, Some(id))?;
        self.tx
            .conn
            .execute(
                "UPDATE datasets SET name = ?2, name_key = ?3, description = ?4, updated_ms = ?5 WHERE id = ?1",
                params![row.rowid, name, name_key(name), description, self.tx.at_ms()],
            )
            .sql("changing a dataset")?;
        self.tx.touch(Entity::Dataset, None, id.0);
        self.tx.datasets().get(id)
    }

    /// Leaves a tombstone with everything in it; its name is free again.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: DatasetId) -> Result<()> {
        let row = self.tx.datasets().row(id)?;
        self.tx
            .conn
            .execute("UPDATE datasets SET deleted_ms = ?2 WHERE id = ?1", params![row.rowid, self.tx.at_ms()])
            .sql("deleting a dataset")?;
        self.tx.touch(Entity::Dataset, None, id.0);
        Ok(())
    }

    pub(crate) fn mark_updated(&self, dataset: &DatasetRow) -> Result<()> {
        self.tx
            .conn
            .prepare_cached("UPDATE datasets SET updated_ms = ?2 WHERE id = ?1")
            .and_then(|mut statement| statement.execute(params![dataset.rowid, self.tx.at_ms()]))
            .sql("changing a dataset")?;
        Ok(())
    }

    fn refuse_taken(&self, name: &str, own: Option<DatasetId>) -> Result<()> {
        match self.tx.datasets().find_by_name(name)? {
            Some(other) if Some(other.id) != own => {
                Err(Error::conflict(format!("a dataset named \"{}\" exists already", other.name)))
            }
            _ => Ok(()),
        }
    }
}
