//! Classes of datasets. `class_idx` is dense: 0, 1, 2 … in every dataset, at every moment.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{DatasetId, Entity, Label, LabelId, class_color};
use va_error::{Error, Result};

use crate::capture::Undoable;
use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{count_column, name_key, uuid_column};

/// The counts lie in a table of their own: undo replays label rows, and must not replay counts.
pub(crate) const V1: &str = "
CREATE TABLE labels (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    dataset_id INTEGER NOT NULL REFERENCES datasets (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL,
    color TEXT NOT NULL,
    class_idx INTEGER NOT NULL CHECK (class_idx >= 0),
    UNIQUE (dataset_id, name_key),
    UNIQUE (dataset_id, class_idx)
) STRICT;
CREATE TABLE label_counts (
    label_id INTEGER PRIMARY KEY REFERENCES labels (id) ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED,
    sample_count INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TRIGGER labels_insert AFTER INSERT ON labels BEGIN
    INSERT INTO label_counts (label_id) VALUES (new.id);
    UPDATE datasets SET label_count = label_count + 1 WHERE id = new.dataset_id;
END;
CREATE TRIGGER labels_delete AFTER DELETE ON labels BEGIN
    UPDATE datasets SET label_count = label_count - 1 WHERE id = old.dataset_id;
END;
";

pub(crate) const UNDOABLE: Undoable = Undoable {
    name: "labels",
    columns: &["id", "uuid", "dataset_id", "name", "name_key", "color", "class_idx"],
    uuid: Some(1),
    dataset: Some(2),
    entity: Entity::Label,
};

const SELECT: &str = "SELECT l.uuid, d.uuid, l.name, l.color, l.class_idx, c.sample_count, l.id, l.dataset_id
    FROM labels l JOIN datasets d ON d.id = l.dataset_id JOIN label_counts c ON c.label_id = l.id";

/// A label inside the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LabelRow {
    pub(crate) rowid: i64,
    pub(crate) dataset_rowid: i64,
    pub(crate) label: Label,
}

fn label(row: &Row<'_>) -> rusqlite::Result<LabelRow> {
    let label = Label {
        id: LabelId(uuid_column(row, 0)?),
        dataset_id: DatasetId(uuid_column(row, 1)?),
        name: row.get(2)?,
        color: row.get(3)?,
        class_idx: row.get(4)?,
        sample_count: count_column(row, 5)?,
    };
    Ok(LabelRow { rowid: row.get(6)?, dataset_rowid: row.get(7)?, label })
}

pub struct LabelsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl LabelsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: LabelId) -> Result<Label> {
        self.row(id).map(|row| row.label)
    }

    pub fn find(&self, id: LabelId) -> Result<Option<Label>> {
        Ok(self.one("l.uuid = ?1", params![id.0.as_bytes()])?.map(|row| row.label))
    }

    pub(crate) fn row(&self, id: LabelId) -> Result<LabelRow> {
        self.one("l.uuid = ?1", params![id.0.as_bytes()])?
            .ok_or_else(|| Error::not_found(format!("there is no class {id}")))
    }

    /// By name, upper or lower case.
    pub fn find_by_name(&self, dataset: DatasetId, name: &str) -> Result<Option<Label>> {
        let found = self.one("d.uuid = ?1 AND l.name_key = ?2", params![dataset.0.as_bytes(), name_key(name)])?;
        Ok(found.map(|row| row.label))
    }

    /// By `class_idx`.
    pub fn of_dataset(&self, dataset: DatasetId) -> Result<Vec<Label>> {
        Ok(self.rows(dataset)?.into_iter().map(|row| row.label).collect())
    }

    pub(crate) fn rows(&self, dataset: DatasetId) -> Result<Vec<LabelRow>> {
        let sql = format!("{SELECT} WHERE d.uuid = ?1 ORDER BY l.class_idx");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing classes")?;
        let rows = statement.query_map([dataset.0.as_bytes()], label).sql("listing classes")?;
        rows.collect::<rusqlite::Result<_>>().sql("listing classes")
    }

    fn one(&self, condition: &str, values: &[&dyn rusqlite::ToSql]) -> Result<Option<LabelRow>> {
        let sql = format!("{SELECT} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading a class")?;
        statement.query_row(values, label).optional().sql("reading a class")
    }
}

pub struct LabelsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl LabelsWrite<'_> {
    /// At the end of the classes; without a colour it gets one.
    ///
    /// # Errors
    /// `Conflict` when the dataset has a class of this name.
    pub fn create(&self, dataset: DatasetId, name: &str, color: Option<&str>) -> Result<Label> {
        let row = self.tx.datasets().row(dataset)?;
        self.refuse_taken(dataset, name, None)?;
        let class_idx: u32 = self
            .tx
            .conn
            .query_row("SELECT coalesce(max(class_idx) + 1, 0) FROM labels WHERE dataset_id = ?1", [row.rowid], |r| {
                r.get(0)
            })
            .sql("adding a class")?;
        let color = color.map_or_else(|| class_color(class_idx, name), str::to_owned);
        let id = LabelId::new();
        self.tx
            .conn
            .execute(
                "INSERT INTO labels (uuid, dataset_id, name, name_key, color, class_idx) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params![id.0.as_bytes(), row.rowid, name, name_key(name), color, class_idx],
            )
            .sql("adding a class")?;
        self.tx.labels().get(id)
    }

    /// The class of this name, made when there is none.
    ///
    /// # Errors
    /// `NotFound` without the dataset.
    pub fn get_or_create(&self, dataset: DatasetId, name: &str) -> Result<Label> {
        match self.tx.labels().find_by_name(dataset, name)? {
            Some(label) => Ok(label),
            None => self.create(dataset, name, None),
        }
    }

    /// # Errors
    /// `NotFound`, or `Conflict` when another class has the name.
    pub fn update(&self, id: LabelId, name: &str, color: &str) -> Result<Label> {
        let row = self.tx.labels().row(id)?;
        self.refuse_taken(row.label.dataset_id, name, Some(id))?;
        self.tx
            .conn
            .execute(
                "UPDATE labels SET name = ?2, name_key = ?3, color = ?4 WHERE id = ?1",
                params![row.rowid, name, name_key(name), color],
            )
            .sql("changing a class")?;
        self.tx.labels().get(id)
    }

    /// Every annotation of `from` becomes one of `into`; `from` goes.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` for a class with itself or of another dataset.
    pub fn merge(&self, from: LabelId, into: LabelId) -> Result<Label> {
        let (from, target) = (self.tx.labels().row(from)?, self.tx.labels().row(into)?);
        if from.rowid == target.rowid {
            return Err(Error::invalid("a class cannot be merged with itself"));
        }
        if from.dataset_rowid != target.dataset_rowid {
            return Err(Error::invalid("classes of different datasets cannot be merged"));
        }
        // An image that has both keeps one.
        self.tx
            .conn
            .execute(
                "DELETE FROM annotations WHERE label_id = ?1 AND kind = 0
                     AND sample_id IN (SELECT sample_id FROM annotations WHERE label_id = ?2 AND kind = 0)",
                [from.rowid, target.rowid],
            )
            .sql("merging classes")?;
        self.tx
            .conn
            .execute("UPDATE annotations SET label_id = ?2 WHERE label_id = ?1", [from.rowid, target.rowid])
            .sql("merging classes")?;
        self.remove(&from)?;
        self.tx.labels().get(into)
    }

    /// With its annotations.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: LabelId) -> Result<()> {
        let row = self.tx.labels().row(id)?;
        self.tx
            .conn
            .execute("DELETE FROM annotations WHERE label_id = ?1", [row.rowid])
            .sql("deleting a class's annotations")?;
        self.remove(&row)
    }

    /// The later classes move up, one by one from below, so that no two ever share an index.
    fn remove(&self, row: &LabelRow) -> Result<()> {
        let doing = "deleting a class";
        self.tx.conn.execute("DELETE FROM labels WHERE id = ?1", [row.rowid]).sql(doing)?;
        let mut later = self
            .tx
            .conn
            .prepare_cached("SELECT id FROM labels WHERE dataset_id = ?1 AND class_idx > ?2 ORDER BY class_idx")
            .sql(doing)?;
        let later = later
            .query_map(params![row.dataset_rowid, row.label.class_idx], |r| r.get(0))
            .sql(doing)?
            .collect::<rusqlite::Result<Vec<i64>>>()
            .sql(doing)?;
        for rowid in later {
            self.tx.conn.execute("UPDATE labels SET class_idx = class_idx - 1 WHERE id = ?1", [rowid]).sql(doing)?;
        }
        Ok(())
    }

    fn refuse_taken(&self, dataset: DatasetId, name: &str, own: Option<LabelId>) -> Result<()> {
        match self.tx.labels().find_by_name(dataset, name)? {
            Some(other) if Some(other.id) != own => {
                Err(Error::conflict(format!("the dataset has a class named \"{}\" already", other.name)))
            }
            _ => Ok(()),
        }
    }
}
