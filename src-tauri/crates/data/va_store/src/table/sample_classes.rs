//! The image-level classes of samples, as a person or an import gives them: annotations of the whole image, and the word
//! that an image shows none.

use rusqlite::params;
use va_domain::{AnnotationId, AnnotationSource, Geometry, LabelId, SampleId};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::geometry_blob;
use crate::table::annotations::source_number;
use crate::table::labels::LabelRow;
use crate::table::samples::{SampleRow, SamplesWrite};

const DOING: &str = "setting the class of an image";

impl SamplesWrite<'_> {
    /// Makes `label` the only image-level class of many samples, or takes every class away, and the word that there is
    /// none. `Ok` says how many changed.
    ///
    /// # Errors
    /// `NotFound` for a sample or class that does not exist; `InvalidInput` for a class of another dataset. Then the
    /// whole change fails.
    pub fn set_label(&self, samples: &[SampleId], label: Option<LabelId>, source: AnnotationSource) -> Result<u64> {
        let label = label.map(|label| self.tx.labels().row(label)).transpose()?;
        let mut changed = 0;
        for id in samples {
            let row = self.tx.samples().row(*id)?;
            let is_changed = match &label {
                None => self.remove_classes(row, None)? | self.mark_no_class(row, false)?,
                Some(label) => {
                    check_dataset(row, label)?;
                    self.replace_class(row, label, source)?
                }
            };
            changed += u64::from(is_changed);
        }
        Ok(changed)
    }

    /// Adds a class to those that the samples have. `Ok` says how many did not have it.
    ///
    /// # Errors
    /// As [`SamplesWrite::set_label`].
    pub fn add_label(&self, samples: &[SampleId], label: LabelId, source: AnnotationSource) -> Result<u64> {
        let label = self.tx.labels().row(label)?;
        let mut changed = 0;
        for id in samples {
            let row = self.tx.samples().row(*id)?;
            check_dataset(row, &label)?;
            changed += u64::from(self.add_class(row, &label, source)?);
        }
        Ok(changed)
    }

    /// Adds a class, or takes it away where every sample has it. None is the word that they show none of the classes.
    ///
    /// # Errors
    /// As [`SamplesWrite::set_label`].
    pub fn toggle_label(&self, samples: &[SampleId], label: Option<LabelId>, source: AnnotationSource) -> Result<u64> {
        let mut all_have = true;
        for id in samples {
            let sample = self.tx.samples().get(*id)?;
            all_have &= label.map_or(sample.no_class, |label| sample.label_ids.contains(&label));
        }
        match (label, all_have) {
            (Some(label), false) => self.add_label(samples, label, source),
            (Some(label), true) => {
                let label = self.tx.labels().row(label)?;
                self.each(samples, |row| self.remove_class(row, &label))
            }
            (None, true) => self.each(samples, |row| self.mark_no_class(row, false)),
            (None, false) => self.set_no_class(samples),
        }
    }

    /// The word that the samples show none of the classes; classes that they have go. `Ok` says how many changed.
    ///
    /// # Errors
    /// `NotFound` for a sample that does not exist.
    pub fn set_no_class(&self, samples: &[SampleId]) -> Result<u64> {
        self.each(samples, |row| Ok(self.remove_classes(row, None)? | self.mark_no_class(row, true)?))
    }

    fn each(&self, samples: &[SampleId], change: impl Fn(SampleRow) -> Result<bool>) -> Result<u64> {
        let mut changed = 0;
        for id in samples {
            changed += u64::from(change(self.tx.samples().row(*id)?)?);
        }
        Ok(changed)
    }

    /// The annotation that is there becomes one of this class; further ones go.
    fn replace_class(&self, row: SampleRow, label: &LabelRow, source: AnnotationSource) -> Result<bool> {
        let first: Option<i64> = self
            .tx
            .conn
            .prepare_cached("SELECT min(id) FROM annotations WHERE sample_id = ?1 AND kind = 0")
            .and_then(|mut statement| statement.query_row([row.rowid], |row| row.get(0)))
            .sql(DOING)?;
        let Some(first) = first else { return self.add_class(row, label, source) };
        let others = self.remove_classes(row, Some(first))?;
        let renamed = self
            .tx
            .conn
            .prepare_cached("UPDATE annotations SET label_id = ?2, source = ?3 WHERE id = ?1 AND label_id <> ?2")
            .and_then(|mut statement| statement.execute(params![first, label.rowid, source_number(source)]))
            .sql(DOING)?;
        Ok(others | (renamed > 0))
    }

    fn add_class(&self, row: SampleRow, label: &LabelRow, source: AnnotationSource) -> Result<bool> {
        let blob = geometry_blob::encode(&Geometry::Image)?;
        let added = self
            .tx
            .conn
            .prepare_cached(
                "INSERT INTO annotations (uuid, sample_id, label_id, kind, geometry, source, created_ms)
                 VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6) ON CONFLICT (sample_id, label_id) WHERE kind = 0 DO NOTHING",
            )
            .and_then(|mut statement| {
                statement.execute(params![
                    AnnotationId::new().0.as_bytes(),
                    row.rowid,
                    label.rowid,
                    blob,
                    source_number(source),
                    self.tx.at_ms(),
                ])
            })
            .sql(DOING)?;
        Ok(added > 0)
    }

    fn remove_class(&self, row: SampleRow, label: &LabelRow) -> Result<bool> {
        let removed = self
            .tx
            .conn
            .prepare_cached("DELETE FROM annotations WHERE sample_id = ?1 AND label_id = ?2 AND kind = 0")
            .and_then(|mut statement| statement.execute([row.rowid, label.rowid]))
            .sql(DOING)?;
        Ok(removed > 0)
    }

    /// All but the annotation `keep`.
    fn remove_classes(&self, row: SampleRow, keep: Option<i64>) -> Result<bool> {
        let removed = self
            .tx
            .conn
            .prepare_cached("DELETE FROM annotations WHERE sample_id = ?1 AND kind = 0 AND id IS NOT ?2")
            .and_then(|mut statement| statement.execute(params![row.rowid, keep]))
            .sql(DOING)?;
        Ok(removed > 0)
    }

    fn mark_no_class(&self, row: SampleRow, no_class: bool) -> Result<bool> {
        let changed = self
            .tx
            .conn
            .prepare_cached("UPDATE samples SET no_class = ?2 WHERE id = ?1 AND no_class <> ?2")
            .and_then(|mut statement| statement.execute(params![row.rowid, no_class]))
            .sql(DOING)?;
        Ok(changed > 0)
    }
}

fn check_dataset(sample: SampleRow, label: &LabelRow) -> Result<()> {
    if label.dataset_rowid == sample.dataset_rowid {
        return Ok(());
    }
    Err(Error::invalid(format!("the class \"{}\" belongs to another dataset than the sample", label.label.name)))
}
