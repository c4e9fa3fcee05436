//! What persons say of samples. A class of a whole image is an annotation too (`Geometry::Image`), at most one a sample
//! and class.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{Annotation, AnnotationId, AnnotationSource, Entity, Geometry, LabelId, SampleId};
use va_error::{Error, Result};

use crate::capture::Undoable;
use crate::error::SqlContext;
use crate::geometry_blob;
use crate::table::samples::SampleRow;
use crate::tx::Tx;
use crate::value::{optional_uuid_column, uuid_column};

/// The triggers keep `samples.label_id` and `samples.region_count`. They set results, not differences, so that the
/// replay of undo may run them again.
pub(crate) const V1: &str = "
CREATE TABLE annotations (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    sample_id INTEGER NOT NULL REFERENCES samples (id) ON DELETE CASCADE,
    label_id INTEGER REFERENCES labels (id) ON DELETE RESTRICT,
    -- 0 image, 1 box, 2 polygon, 3 mask.
    kind INTEGER NOT NULL CHECK (kind BETWEEN 0 AND 3),
    geometry BLOB NOT NULL,
    -- 0 person, 1 import, 2 accepted prediction.
    source INTEGER NOT NULL CHECK (source BETWEEN 0 AND 2),
    created_ms INTEGER NOT NULL,
    CHECK (kind <> 0 OR label_id IS NOT NULL)
) STRICT;
CREATE INDEX annotations_by_sample ON annotations (sample_id, id);
CREATE UNIQUE INDEX annotations_one_class ON annotations (sample_id) WHERE kind = 0;
CREATE INDEX annotations_by_label ON annotations (label_id);
CREATE TRIGGER annotations_class_insert AFTER INSERT ON annotations WHEN new.kind = 0 BEGIN
    UPDATE samples SET label_id = new.label_id WHERE id = new.sample_id AND label_id IS NOT new.label_id;
END;
CREATE TRIGGER annotations_class_update AFTER UPDATE OF label_id ON annotations WHEN new.kind = 0 BEGIN
    UPDATE samples SET label_id = new.label_id WHERE id = new.sample_id AND label_id IS NOT new.label_id;
END;
CREATE TRIGGER annotations_class_delete AFTER DELETE ON annotations WHEN old.kind = 0 BEGIN
    UPDATE samples SET label_id = NULL WHERE id = old.sample_id AND label_id IS NOT NULL;
END;
CREATE TRIGGER annotations_region_insert AFTER INSERT ON annotations WHEN new.kind > 0 BEGIN
    UPDATE samples SET region_count = (SELECT count(*) FROM annotations WHERE sample_id = new.sample_id AND kind > 0)
        WHERE id = new.sample_id;
END;
CREATE TRIGGER annotations_region_delete AFTER DELETE ON annotations WHEN old.kind > 0 BEGIN
    UPDATE samples SET region_count = (SELECT count(*) FROM annotations WHERE sample_id = old.sample_id AND kind > 0)
        WHERE id = old.sample_id;
END;
";

/// Several classes an image. `samples.label_id` is the class that was given first. Counts follow the annotations of living
/// samples; what deletes a sample is counted there. A class takes the word back that the image shows none.
pub(crate) const V2: &str = "
DROP INDEX annotations_one_class;
CREATE UNIQUE INDEX annotations_classes ON annotations (sample_id, label_id) WHERE kind = 0;
CREATE INDEX annotations_by_class ON annotations (label_id, sample_id) WHERE kind = 0;
DROP TRIGGER annotations_class_insert;
DROP TRIGGER annotations_class_update;
DROP TRIGGER annotations_class_delete;
CREATE TRIGGER annotations_class_insert AFTER INSERT ON annotations WHEN new.kind = 0 BEGIN
    UPDATE label_counts SET sample_count = sample_count + 1 WHERE label_id = new.label_id
        AND EXISTS (SELECT 1 FROM samples WHERE id = new.sample_id AND deleted_ms IS NULL);
    UPDATE samples SET no_class = 0, label_id =
        (SELECT label_id FROM annotations WHERE sample_id = new.sample_id AND kind = 0 ORDER BY id LIMIT 1)
        WHERE id = new.sample_id;
END;
CREATE TRIGGER annotations_class_update AFTER UPDATE OF label_id ON annotations
WHEN new.kind = 0 AND old.label_id IS NOT new.label_id BEGIN
    UPDATE label_counts SET sample_count = sample_count + (label_id = new.label_id) - (label_id = old.label_id)
        WHERE label_id IN (old.label_id, new.label_id)
        AND EXISTS (SELECT 1 FROM samples WHERE id = new.sample_id AND deleted_ms IS NULL);
    UPDATE samples SET label_id =
        (SELECT label_id FROM annotations WHERE sample_id = new.sample_id AND kind = 0 ORDER BY id LIMIT 1)
        WHERE id = new.sample_id;
END;
CREATE TRIGGER annotations_class_delete AFTER DELETE ON annotations WHEN old.kind = 0 BEGIN
    UPDATE label_counts SET sample_count = sample_count - 1 WHERE label_id = old.label_id
        AND EXISTS (SELECT 1 FROM samples WHERE id = old.sample_id AND deleted_ms IS NULL);
    UPDATE samples SET label_id =
        (SELECT label_id FROM annotations WHERE sample_id = old.sample_id AND kind = 0 ORDER BY id LIMIT 1)
        WHERE id = old.sample_id;
END;
";

pub(crate) const UNDOABLE: Undoable = Undoable {
    name: "annotations",
    columns: &["id", "uuid", "sample_id", "label_id", "kind", "geometry", "source", "created_ms"],
    uuid: Some(1),
    dataset: None,
    entity: Entity::Annotation,
};

const SELECT: &str = "SELECT a.uuid, s.uuid, l.uuid, a.geometry, a.source, a.created_ms
    FROM annotations a JOIN samples s ON s.id = a.sample_id LEFT JOIN labels l ON l.id = a.label_id";

fn annotation(row: &Row<'_>) -> rusqlite::Result<Annotation> {
    let blob: Vec<u8> = row.get(3)?;
    let bad =
        |index, what: &str| rusqlite::Error::InvalidColumnType(index, what.to_owned(), rusqlite::types::Type::Blob);
    Ok(Annotation {
        id: AnnotationId(uuid_column(row, 0)?),
        sample_id: SampleId(uuid_column(row, 1)?),
        label_id: optional_uuid_column(row, 2)?.map(LabelId),
        geometry: geometry_blob::decode(&blob).map_err(|_| bad(3, "geometry"))?,
        source: match row.get::<_, i64>(4)? {
            0 => AnnotationSource::Person,
            1 => AnnotationSource::Import,
            2 => AnnotationSource::Accepted,
            _ => return Err(bad(4, "source")),
        },
        created_ms: row.get(5)?,
    })
}

pub(crate) fn source_number(source: AnnotationSource) -> i64 {
    match source {
        AnnotationSource::Person => 0,
        AnnotationSource::Import => 1,
        AnnotationSource::Accepted => 2,
    }
}

pub struct AnnotationsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl AnnotationsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: AnnotationId) -> Result<Annotation> {
        let sql = format!("{SELECT} WHERE a.uuid = ?1");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading an annotation")?;
        statement
            .query_row([id.0.as_bytes()], annotation)
            .optional()
            .sql("reading an annotation")?
            .ok_or_else(|| Error::not_found(format!("there is no annotation {id}")))
    }

    /// In order of creation, the image's classes among them.
    ///
    /// # Errors
    /// `NotFound` without the sample; `Internal` for a damaged geometry.
    pub fn of_sample(&self, sample: SampleId) -> Result<Vec<Annotation>> {
        let row = super::samples::SamplesRead { conn: self.conn }.row(sample)?;
        let sql = format!("{SELECT} WHERE a.sample_id = ?1 ORDER BY a.id");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing annotations")?;
        let rows = statement.query_map([row.rowid], annotation).sql("listing annotations")?;
        rows.collect::<rusqlite::Result<_>>().sql("listing annotations")
    }
}

pub struct AnnotationsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl AnnotationsWrite<'_> {
    /// # Errors
    /// `NotFound`; `InvalidInput` for a bad shape or a class of another dataset; `Conflict` for a class that the image has.
    pub fn insert(
        &self,
        sample: SampleId,
        label: Option<LabelId>,
        geometry: &Geometry,
        source: AnnotationSource,
    ) -> Result<AnnotationId> {
        let row = self.tx.samples().row(sample)?;
        let label_rowid = self.label_rowid(row, label)?;
        if matches!(geometry, Geometry::Image) {
            let Some(label) = label_rowid else {
                return Err(Error::invalid("the class of an image needs a class"));
            };
            self.refuse_class(row, label, None)?;
        }
        let id = AnnotationId::new();
        self.tx
            .conn
            .prepare_cached(
                "INSERT INTO annotations (uuid, sample_id, label_id, kind, geometry, source, created_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
            )
            .sql("adding an annotation")?
            .execute(params![
                id.0.as_bytes(),
                row.rowid,
                label_rowid,
                geometry_blob::kind(geometry),
                geometry_blob::encode(geometry)?,
                source_number(source),
                self.tx.at_ms(),
            ])
            .sql("adding an annotation")?;
        Ok(id)
    }

    /// Its kind stays: a box does not become the class of the image.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` for a bad shape, another kind, or a class of another dataset; `Conflict` for a class that
    /// the image has.
    pub fn update(&self, id: AnnotationId, label: Option<LabelId>, geometry: &Geometry) -> Result<()> {
        let current = self.tx.annotations().get(id)?;
        let row = self.tx.samples().row(current.sample_id)?;
        let is_class = matches!(geometry, Geometry::Image);
        if matches!(current.geometry, Geometry::Image) != is_class {
            return Err(Error::invalid("a region cannot become the class of the image, nor the other way round"));
        }
        let label_rowid = self.label_rowid(row, label)?;
        if is_class {
            let label = label_rowid.ok_or_else(|| {
                Error::invalid("the class of an image needs a class; delete it to leave the image without one")
            })?;
            self.refuse_class(row, label, Some(id))?;
        }
        self.tx
            .conn
            .execute(
                "UPDATE annotations SET label_id = ?2, kind = ?3, geometry = ?4 WHERE uuid = ?1",
                params![id.0.as_bytes(), label_rowid, geometry_blob::kind(geometry), geometry_blob::encode(geometry)?,],
            )
            .sql("changing an annotation")?;
        Ok(())
    }

    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: AnnotationId) -> Result<()> {
        let deleted = self.tx.conn.execute("DELETE FROM annotations WHERE uuid = ?1", [id.0.as_bytes()]);
        if deleted.sql("deleting an annotation")? == 0 {
            return Err(Error::not_found(format!("there is no annotation {id}")));
        }
        Ok(())
    }

    /// A class must be one of the sample's dataset.
    fn label_rowid(&self, sample: SampleRow, label: Option<LabelId>) -> Result<Option<i64>> {
        let Some(label) = label else { return Ok(None) };
        let row = self.tx.labels().row(label)?;
        if row.dataset_rowid != sample.dataset_rowid {
            return Err(Error::invalid(format!("the class \"{}\" belongs to another dataset", row.label.name)));
        }
        Ok(Some(row.rowid))
    }

    /// An image has a class once; `own` is the annotation that may stay what it is.
    fn refuse_class(&self, sample: SampleRow, label: i64, own: Option<AnnotationId>) -> Result<()> {
        let there: Option<[u8; 16]> = self
            .tx
            .conn
            .prepare_cached("SELECT uuid FROM annotations WHERE sample_id = ?1 AND label_id = ?2 AND kind = 0")
            .sql("reading the classes of an image")?
            .query_row([sample.rowid, label], |row| row.get(0))
            .optional()
            .sql("reading the classes of an image")?;
        match there {
            Some(uuid) if own.is_none_or(|own| *own.0.as_bytes() != uuid) => {
                Err(Error::conflict("the image has this class already"))
            }
            _ => Ok(()),
        }
    }
}
