//! What a model said of every sample of an evaluation.

use rusqlite::{Connection, Row, params};
use va_domain::{EvaluationId, EvaluationSample, LabelId, Page, PageRequest, SampleId};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{classes_from_blob, classes_to_blob, count_column, floats_from_blob, floats_to_blob, uuid_column};

pub(crate) const V1: &str = "
CREATE TABLE predictions (
    id INTEGER PRIMARY KEY,
    evaluation_id INTEGER NOT NULL REFERENCES evaluations (id) ON DELETE CASCADE,
    -- The uuid, not the row: results outlive their samples.
    sample_uuid BLOB NOT NULL CHECK (length(sample_uuid) = 16),
    name TEXT NOT NULL,
    actual INTEGER NOT NULL,
    predicted INTEGER NOT NULL,
    -- NULL is a loss that is not a number.
    loss REAL,
    -- 32-bit little-endian floats by class_idx.
    probabilities BLOB NOT NULL
) STRICT;
CREATE INDEX predictions_by_cell ON predictions (evaluation_id, actual, predicted, id);
CREATE INDEX predictions_by_evaluation ON predictions (evaluation_id, id);
";

/// Of a multi-label model: class indices as little-endian 32-bit numbers, ascending; `actual` and `predicted` are -1 then.
pub(crate) const V2: &str = "
ALTER TABLE predictions ADD COLUMN actual_classes BLOB;
ALTER TABLE predictions ADD COLUMN predicted_classes BLOB;
";

fn prediction(row: &Row<'_>) -> rusqlite::Result<(i64, EvaluationSample)> {
    let blob: Vec<u8> = row.get(5)?;
    let probabilities = floats_from_blob(&blob)
        .map_err(|_| rusqlite::Error::InvalidColumnType(5, "probabilities".to_owned(), rusqlite::types::Type::Blob))?;
    let class = |index: usize| row.get::<_, i64>(index).map(|class| u32::try_from(class).ok());
    let (actual, predicted) = (class(2)?, class(3)?);
    let classes = |index: usize, one: Option<u32>| {
        let blob = row.get::<_, Option<Vec<u8>>>(index);
        blob.map(|blob| blob.map_or_else(|| one.into_iter().collect(), |blob| classes_from_blob(&blob)))
    };
    let sample = EvaluationSample {
        sample_id: SampleId(uuid_column(row, 0)?),
        name: row.get(1)?,
        actual,
        predicted,
        actual_classes: classes(7, actual)?,
        predicted_classes: classes(8, predicted)?,
        loss: row.get::<_, Option<f64>>(4)?.unwrap_or(f64::NAN),
        probabilities,
        current_label_id: None,
    };
    Ok((row.get(6)?, sample))
}

/// Which results. `None` and `false` do not filter.
#[derive(Debug, Clone, Copy, Default)]
pub struct PredictionFilter {
    pub actual: Option<u32>,
    pub predicted: Option<u32>,
    pub wrong_only: bool,
}

pub struct PredictionsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl PredictionsRead<'_> {
    /// In order of the evaluation. `current_label_id` is None: see [`current_label`](Self::current_label).
    pub fn list(
        &self,
        evaluation: EvaluationId,
        filter: PredictionFilter,
        page: &PageRequest,
    ) -> Result<Page<EvaluationSample>> {
        let limit = page.checked_limit()?;
        let after = super::cursor_id(page)?.unwrap_or(0);
        let (condition, values) = condition(evaluation, filter);
        let sql = format!("{SELECT} WHERE {condition} AND id > ?4 ORDER BY id LIMIT ?5");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing predictions")?;
        let rows = statement
            .query_map(params![values.0, values.1, values.2, after, i64::from(limit) + 1], prediction)
            .sql("listing predictions")?
            .collect::<rusqlite::Result<Vec<_>>>()
            .sql("listing predictions")?;
        let total = self
            .conn
            .query_row(
                &format!("SELECT count(*) FROM predictions WHERE {condition}"),
                params![values.0, values.1, values.2],
                |row| count_column(row, 0),
            )
            .sql("counting predictions")?;
        Ok(super::page_by_id(rows, limit, total))
    }

    /// Every result, in order: for curves and thresholds.
    pub fn all(&self, evaluation: EvaluationId) -> Result<Vec<EvaluationSample>> {
        let (condition, values) = condition(evaluation, PredictionFilter::default());
        let sql = format!("{SELECT} WHERE {condition} ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading predictions")?;
        let rows = statement.query_map(params![values.0, values.1, values.2], prediction).sql("reading predictions")?;
        rows.map(|row| row.map(|(_, sample)| sample)).collect::<rusqlite::Result<_>>().sql("reading predictions")
    }

    /// The classes a sample carries now, by `class_idx`; empty without one or when the sample is gone.
    pub fn current_labels(&self, sample: SampleId) -> Result<Vec<LabelId>> {
        Ok(self.conn_samples().find(sample)?.map_or_else(Vec::new, |sample| sample.label_ids))
    }

    fn conn_samples(&self) -> super::samples::SamplesRead<'_> {
        super::samples::SamplesRead { conn: self.conn }
    }
}

const SELECT: &str = "SELECT sample_uuid, name, actual, predicted, loss, probabilities, id,
    actual_classes, predicted_classes FROM predictions";

type Values = ([u8; 16], Option<u32>, Option<u32>);

/// Parameters 1 to 3 and what is asked of them.
fn condition(evaluation: EvaluationId, filter: PredictionFilter) -> (String, Values) {
    let mut text =
        "evaluation_id = (SELECT id FROM evaluations WHERE uuid = ?1) AND (?2 IS NULL OR 1) AND (?3 IS NULL OR 1)"
            .to_owned();
    for (set, part) in [
        (filter.actual.is_some(), " AND actual = ?2"),
        (filter.predicted.is_some(), " AND predicted = ?3"),
        (filter.wrong_only, " AND (actual <> predicted OR actual_classes IS NOT predicted_classes)"),
    ] {
        text.push_str(if set { part } else { "" });
    }
    (text, (*evaluation.0.as_bytes(), filter.actual, filter.predicted))
}

pub struct PredictionsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl PredictionsWrite<'_> {
    /// # Errors
    /// `NotFound` without the evaluation.
    pub fn append(&self, evaluation: EvaluationId, samples: &[EvaluationSample]) -> Result<()> {
        let mut statement = self
            .tx
            .conn
            .prepare_cached(
                "INSERT INTO predictions (evaluation_id, sample_uuid, name, actual, predicted, loss, probabilities,
                     actual_classes, predicted_classes)
                 SELECT id, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9 FROM evaluations WHERE uuid = ?1",
            )
            .sql("saving predictions")?;
        for sample in samples {
            let added = statement
                .execute(params![
                    evaluation.0.as_bytes(),
                    sample.sample_id.0.as_bytes(),
                    sample.name,
                    sample.actual.map_or(-1, i64::from),
                    sample.predicted.map_or(-1, i64::from),
                    sample.loss,
                    floats_to_blob(&sample.probabilities),
                    sample.actual.is_none().then(|| classes_to_blob(&sample.actual_classes)),
                    sample.predicted.is_none().then(|| classes_to_blob(&sample.predicted_classes)),
                ])
                .sql("saving predictions")?;
            if added == 0 {
                return Err(Error::not_found(format!("there is no evaluation {evaluation}")));
            }
        }
        Ok(())
    }
}
