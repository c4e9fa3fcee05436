//! Curves of jobs, appended in batches.

use rusqlite::{Connection, OptionalExtension, params};
use va_domain::{JobId, MetricPoint, MetricSeries};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{count_column, signed};

pub(crate) const V1: &str = "
CREATE TABLE metrics (
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    step INTEGER NOT NULL,
    epoch REAL NOT NULL,
    -- NULL is a value that is not a number.
    value REAL,
    PRIMARY KEY (job_id, name, step)
) STRICT, WITHOUT ROWID;
";

pub struct MetricsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl MetricsRead<'_> {
    /// Every curve by name, each by step. Empty for a job without curves.
    pub fn series(&self, job: JobId) -> Result<Vec<MetricSeries>> {
        let doing = "reading a job's curves";
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT name, step, epoch, value FROM metrics WHERE job_id = (SELECT id FROM jobs WHERE uuid = ?1)
                 ORDER BY name, step",
            )
            .sql(doing)?;
        let mut rows = statement.query([job.0.as_bytes()]).sql(doing)?;
        let mut all: Vec<MetricSeries> = Vec::new();
        while let Some(row) = rows.next().sql(doing)? {
            let name: String = row.get(0).sql(doing)?;
            if all.last().is_none_or(|series| series.name != name) {
                all.push(MetricSeries { name, ..MetricSeries::default() });
            }
            if let Some(series) = all.last_mut() {
                series.steps.push(count_column(row, 1).sql(doing)?);
                series.epochs.push(row.get(2).sql(doing)?);
                series.values.push(row.get::<_, Option<f64>>(3).sql(doing)?.unwrap_or(f64::NAN));
            }
        }
        Ok(all)
    }
}

pub struct MetricsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl MetricsWrite<'_> {
    /// A resumed run repeats steps: the later value counts.
    ///
    /// # Errors
    /// `NotFound` without the job.
    pub fn append(&self, job: JobId, points: &[MetricPoint]) -> Result<()> {
        let doing = "saving a job's curves";
        let rowid = self.job_rowid(job)?;
        let mut statement = self
            .tx
            .conn
            .prepare_cached(
                "INSERT INTO metrics (job_id, name, step, epoch, value) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (job_id, name, step) DO UPDATE SET epoch = excluded.epoch, value = excluded.value",
            )
            .sql(doing)?;
        for point in points {
            statement.execute(params![rowid, point.name, signed(point.step)?, point.epoch, point.value]).sql(doing)?;
        }
        Ok(())
    }

    /// Drops what lies behind a checkpoint from which the run goes on.
    ///
    /// # Errors
    /// `NotFound` without the job.
    pub fn truncate_after(&self, job: JobId, step: u64) -> Result<()> {
        let rowid = self.job_rowid(job)?;
        self.tx
            .conn
            .execute("DELETE FROM metrics WHERE job_id = ?1 AND step > ?2", params![rowid, signed(step)?])
            .sql("dropping metrics behind a checkpoint")?;
        Ok(())
    }

    fn job_rowid(&self, job: JobId) -> Result<i64> {
        self.tx
            .conn
            .query_row("SELECT id FROM jobs WHERE uuid = ?1", [job.0.as_bytes()], |row| row.get(0))
            .optional()
            .sql("reading a job")?
            .ok_or_else(|| Error::not_found(format!("there is no job {job}")))
    }
}
