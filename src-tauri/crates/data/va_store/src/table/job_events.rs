//! What happened to a job, line by line.

use rusqlite::{Connection, Row, params};
use va_domain::JobId;
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;

pub(crate) const V1: &str = "
CREATE TABLE job_events (
    id INTEGER PRIMARY KEY,
    job_id INTEGER NOT NULL REFERENCES jobs (id) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX job_events_by_job ON job_events (job_id, id);
";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobEvent {
    pub at_ms: i64,
    pub message: String,
}

fn event(row: &Row<'_>) -> rusqlite::Result<JobEvent> {
    Ok(JobEvent { at_ms: row.get(0)?, message: row.get(1)? })
}

pub struct JobEventsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl JobEventsRead<'_> {
    /// Oldest first.
    pub fn of(&self, job: JobId) -> Result<Vec<JobEvent>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT at_ms, message FROM job_events WHERE job_id = (SELECT id FROM jobs WHERE uuid = ?1) ORDER BY id",
            )
            .sql("reading a job's events")?;
        let rows = statement.query_map([job.0.as_bytes()], event).sql("reading a job's events")?;
        rows.collect::<rusqlite::Result<_>>().sql("reading a job's events")
    }
}

pub struct JobEventsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl JobEventsWrite<'_> {
    /// # Errors
    /// `NotFound` without the job.
    pub fn append(&self, job: JobId, message: &str) -> Result<()> {
        let added = self
            .tx
            .conn
            .execute(
                "INSERT INTO job_events (job_id, at_ms, message) SELECT id, ?2, ?3 FROM jobs WHERE uuid = ?1",
                params![job.0.as_bytes(), self.tx.at_ms(), message],
            )
            .sql("noting a job's event")?;
        if added == 0 { Err(Error::not_found(format!("there is no job {job}"))) } else { Ok(()) }
    }
}
