//! Background work. A job is a row before it is a thread.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{DatasetId, Entity, Job, JobId, JobKind, JobProgress, JobState, Page, PageRequest, ProjectId};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{
    count_column, json, json_column, optional_json_column, optional_uuid_column, uuid_column, word, word_column,
};

pub(crate) const V1: &str = "
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    -- The uuids, not the rows: a job outlives what it worked on.
    project_uuid BLOB,
    dataset_uuid BLOB,
    progress TEXT NOT NULL,
    params TEXT NOT NULL,
    result TEXT,
    error TEXT,
    created_ms INTEGER NOT NULL,
    started_ms INTEGER,
    ended_ms INTEGER
) STRICT;
CREATE INDEX jobs_by_state ON jobs (state, id);
CREATE INDEX jobs_by_kind ON jobs (kind, id);
CREATE INDEX jobs_by_project ON jobs (project_uuid, id);
";

const SELECT: &str = "SELECT uuid, kind, state, title, project_uuid, dataset_uuid, progress, params, result, error, \
                      created_ms, started_ms, ended_ms, id FROM jobs";

fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    Ok(Job {
        id: JobId(uuid_column(row, 0)?),
        kind: word_column(row, 1)?,
        state: word_column(row, 2)?,
        title: row.get(3)?,
        project_id: optional_uuid_column(row, 4)?.map(ProjectId),
        dataset_id: optional_uuid_column(row, 5)?.map(DatasetId),
        progress: json_column(row, 6)?,
        params: json_column(row, 7)?,
        result: optional_json_column(row, 8)?,
        error: row.get(9)?,
        created_ms: row.get(10)?,
        started_ms: row.get(11)?,
        ended_ms: row.get(12)?,
    })
}

/// Which jobs. `None` does not filter.
#[derive(Debug, Clone, Copy, Default)]
pub struct JobFilter {
    pub kind: Option<JobKind>,
    pub state: Option<JobState>,
    pub project_id: Option<ProjectId>,
}

pub struct JobsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl JobsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: JobId) -> Result<Job> {
        self.find(id)?.ok_or_else(|| Error::not_found(format!("there is no job {id}")))
    }

    pub fn find(&self, id: JobId) -> Result<Option<Job>> {
        let sql = format!("{SELECT} WHERE uuid = ?1");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading a job")?;
        statement.query_row([id.0.as_bytes()], job).optional().sql("reading a job")
    }

    /// Newest first.
    pub fn list(&self, filter: &JobFilter, page: &PageRequest) -> Result<Page<Job>> {
        let limit = page.checked_limit()?;
        let before = super::cursor_id(page)?.unwrap_or(i64::MAX);
        let kind = filter.kind.map(word).transpose()?;
        let state = filter.state.map(word).transpose()?;
        let project = filter.project_id.map(|id| id.0.as_bytes().to_vec());
        let mut conditions = String::new();
        for (set, condition) in [
            (kind.is_some(), " AND kind = ?2"),
            (state.is_some(), " AND state = ?3"),
            (project.is_some(), " AND project_uuid = ?4"),
        ] {
            conditions.push_str(if set { condition } else { "" });
        }
        // Naming every parameter keeps their numbers whatever the filter.
        let always = "(?2 IS NULL OR 1) AND (?3 IS NULL OR 1) AND (?4 IS NULL OR 1)";
        let sql = format!("{SELECT} WHERE id < ?1 AND {always}{conditions} ORDER BY id DESC LIMIT ?5");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing jobs")?;
        let rows = statement
            .query_map(params![before, kind, state, project, i64::from(limit) + 1], |row| Ok((row.get(13)?, job(row)?)))
            .sql("listing jobs")?
            .collect::<rusqlite::Result<Vec<(i64, Job)>>>()
            .sql("listing jobs")?;
        let total = self.conn.query_row(
            &format!("SELECT count(*) FROM jobs WHERE (?1 IS NULL OR 1) AND {always}{conditions}"),
            params![Option::<i64>::None, kind, state, project],
            |row| count_column(row, 0),
        );
        Ok(super::page_by_id(rows, limit, total.sql("counting jobs")?))
    }

    /// Oldest first: the order in which a queue is worked off.
    pub fn in_state(&self, state: JobState) -> Result<Vec<Job>> {
        let sql = format!("{SELECT} WHERE state = ?1 ORDER BY id");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing jobs")?;
        let rows = statement.query_map([word(state)?], job).sql("listing jobs")?;
        rows.collect::<rusqlite::Result<_>>().sql("listing jobs")
    }
}

pub struct JobsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl JobsWrite<'_> {
    /// # Errors
    /// `Conflict` when the id is taken.
    pub fn insert(&self, job: &Job) -> Result<()> {
        self.tx
            .conn
            .execute(
                "INSERT INTO jobs (uuid, kind, state, title, project_uuid, dataset_uuid, progress, params, result, error,
                     created_ms, started_ms, ended_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
                params![
                    job.id.0.as_bytes(),
                    word(job.kind)?,
                    word(job.state)?,
                    job.title,
                    job.project_id.map(|id| *id.0.as_bytes()),
                    job.dataset_id.map(|id| *id.0.as_bytes()),
                    json(&job.progress)?,
                    json(&job.params)?,
                    job.result.as_ref().map(json).transpose()?,
                    job.error,
                    job.created_ms,
                    job.started_ms,
                    job.ended_ms,
                ],
            )
            .sql("adding a job")?;
        self.tx.touch(Entity::Job, None, job.id.0);
        Ok(())
    }

    /// Replaces everything but identity, kind, parameters and creation time.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn update(&self, job: &Job) -> Result<()> {
        let changed = self.tx.conn.execute(
            "UPDATE jobs SET state = ?2, progress = ?3, result = ?4, error = ?5, started_ms = ?6, ended_ms = ?7
             WHERE uuid = ?1",
            params![
                job.id.0.as_bytes(),
                word(job.state)?,
                json(&job.progress)?,
                job.result.as_ref().map(json).transpose()?,
                job.error,
                job.started_ms,
                job.ended_ms,
            ],
        );
        self.changed(job.id, changed.sql("changing a job")?)
    }

    /// # Errors
    /// `NotFound`.
    pub fn rename(&self, id: JobId, title: &str) -> Result<()> {
        let changed = self
            .tx
            .conn
            .execute("UPDATE jobs SET title = ?2 WHERE uuid = ?1", params![id.0.as_bytes(), title])
            .sql("renaming a job")?;
        self.changed(id, changed)
    }

    /// # Errors
    /// `NotFound`.
    pub fn set_state(&self, id: JobId, state: JobState) -> Result<()> {
        let changed = self
            .tx
            .conn
            .execute("UPDATE jobs SET state = ?2 WHERE uuid = ?1", params![id.0.as_bytes(), word(state)?])
            .sql("changing a job's state")?;
        self.changed(id, changed)
    }

    /// # Errors
    /// `NotFound`.
    pub fn set_progress(&self, id: JobId, progress: &JobProgress) -> Result<()> {
        let changed = self
            .tx
            .conn
            .execute("UPDATE jobs SET progress = ?2 WHERE uuid = ?1", params![id.0.as_bytes(), json(progress)?])
            .sql("saving a job's progress")?;
        self.changed(id, changed)
    }

    /// For jobs whose owner died: every `running` one becomes `interrupted`.
    ///
    /// # Errors
    /// Only when it cannot be saved.
    pub fn interrupt_running(&self) -> Result<Vec<JobId>> {
        let found = self.tx.jobs().in_state(JobState::Running)?;
        for job in &found {
            self.set_state(job.id, JobState::Interrupted)?;
        }
        Ok(found.into_iter().map(|job| job.id).collect())
    }

    /// With its events and metrics.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: JobId) -> Result<()> {
        let changed = self.tx.conn.execute("DELETE FROM jobs WHERE uuid = ?1", [id.0.as_bytes()]);
        self.changed(id, changed.sql("deleting a job")?)
    }

    fn changed(&self, id: JobId, rows: usize) -> Result<()> {
        if rows == 0 {
            return Err(Error::not_found(format!("there is no job {id}")));
        }
        self.tx.touch(Entity::Job, None, id.0);
        Ok(())
    }
}
