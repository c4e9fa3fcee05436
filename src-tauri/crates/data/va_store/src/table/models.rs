//! Named lines of model versions, and the projects they are linked to.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{Entity, Model, ModelId, Page, PageRequest, ProjectId, Task};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::table::model_versions;
use crate::tx::Tx;
use crate::value::{count_column, name_key, uuid_column, word, word_column};

pub(crate) const V1: &str = "
CREATE TABLE models (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    task TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE project_models (
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    model_id INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    PRIMARY KEY (project_id, model_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_models_by_model ON project_models (model_id);
";

const SELECT: &str = "SELECT m.uuid, m.name, m.task, m.created_ms, m.updated_ms, m.id,
    (SELECT count(*) FROM model_versions v WHERE v.model_id = m.id), m.name_key FROM models m";

fn model(row: &Row<'_>) -> rusqlite::Result<(i64, Model)> {
    let model = Model {
        id: ModelId(uuid_column(row, 0)?),
        name: row.get(1)?,
        task: word_column(row, 2)?,
        created_ms: row.get(3)?,
        updated_ms: row.get(4)?,
        version_count: row.get(6)?,
        latest: None,
    };
    Ok((row.get(5)?, model))
}

pub struct ModelsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl ModelsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: ModelId) -> Result<Model> {
        self.one("m.uuid = ?1", id.0.as_bytes().to_vec())?
            .ok_or_else(|| Error::not_found(format!("there is no model {id}")))
    }

    /// By name, upper or lower case.
    pub fn find_by_name(&self, name: &str) -> Result<Option<Model>> {
        self.one("m.name_key = ?1", name_key(name))
    }

    /// By name.
    pub fn list(&self, search: &str, page: &PageRequest) -> Result<Page<Model>> {
        let limit = page.checked_limit()?;
        let after = page.cursor.clone().unwrap_or_default();
        let search = name_key(search);
        let condition = "(?1 = '' OR instr(m.name_key, ?1) > 0)";
        let sql = format!("{SELECT} WHERE {condition} AND m.name_key > ?2 ORDER BY m.name_key LIMIT ?3");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing models")?;
        let rows = statement
            .query_map(params![search, after, i64::from(limit) + 1], |row| Ok((row.get::<_, String>(7)?, model(row)?)))
            .sql("listing models")?
            .collect::<rusqlite::Result<Vec<_>>>()
            .sql("listing models")?;
        let total = self
            .conn
            .query_row(&format!("SELECT count(*) FROM models m WHERE {condition}"), [&search], |row| {
                count_column(row, 0)
            })
            .sql("counting models")?;
        let rows =
            rows.into_iter().map(|(key, found)| Ok((key, self.with_latest(found)?))).collect::<Result<Vec<_>>>()?;
        Ok(super::page_by_name(rows, limit, total))
    }

    /// The models linked to a project, by name.
    pub fn of_project(&self, project: ProjectId) -> Result<Vec<Model>> {
        let sql = format!(
            "{SELECT} JOIN project_models p ON p.model_id = m.id
             WHERE p.project_id = (SELECT id FROM projects WHERE uuid = ?1) ORDER BY m.name_key"
        );
        let mut statement = self.conn.prepare_cached(&sql).sql("listing a project's models")?;
        let rows = statement
            .query_map([project.0.as_bytes()], model)
            .sql("listing a project's models")?
            .collect::<rusqlite::Result<Vec<_>>>()
            .sql("listing a project's models")?;
        rows.into_iter().map(|found| self.with_latest(found)).collect()
    }

    fn one(&self, condition: &str, value: impl rusqlite::ToSql) -> Result<Option<Model>> {
        let sql = format!("{SELECT} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading a model")?;
        let found = statement.query_row([value], model).optional().sql("reading a model")?;
        found.map(|found| self.with_latest(found)).transpose()
    }

    fn with_latest(&self, (rowid, mut model): (i64, Model)) -> Result<Model> {
        model.latest = model_versions::latest(self.conn, rowid)?;
        Ok(model)
    }
}

pub struct ModelsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl ModelsWrite<'_> {
    /// # Errors
    /// `Conflict` when the name is taken.
    pub fn create(&self, name: &str, task: Task) -> Result<Model> {
        self.refuse_taken(name, None)?;
        let id = ModelId::new();
        self.tx
            .conn
            .execute(
                "INSERT INTO models (uuid, name, name_key, task, created_ms, updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                params![id.0.as_bytes(), name, name_key(name), word(task)?, self.tx.at_ms()],
            )
            .sql("adding a model")?;
        self.tx.touch(Entity::Model, None, id.0);
        self.tx.models().get(id)
    }

    /// # Errors
    /// `NotFound`, or `Conflict` when the name is taken.
    pub fn rename(&self, id: ModelId, name: &str) -> Result<Model> {
        self.tx.models().get(id)?;
        self.refuse_taken(name, Some(id))?;
        self.tx
            .conn
            .execute(
                "UPDATE models SET name = ?2, name_key = ?3, updated_ms = ?4 WHERE uuid = ?1",
                params![id.0.as_bytes(), name, name_key(name), self.tx.at_ms()],
            )
            .sql("renaming a model")?;
        self.tx.touch(Entity::Model, None, id.0);
        self.tx.models().get(id)
    }

    /// With its versions, their evaluations and predictions.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: ModelId) -> Result<()> {
        let deleted = self.tx.conn.execute("DELETE FROM models WHERE uuid = ?1", [id.0.as_bytes()]);
        if deleted.sql("deleting a model")? == 0 {
            return Err(Error::not_found(format!("there is no model {id}")));
        }
        self.tx.touch(Entity::Model, None, id.0);
        Ok(())
    }

    /// Linking twice is linking once.
    ///
    /// # Errors
    /// `NotFound` without the project or the model.
    pub fn link(&self, project: ProjectId, model: ModelId) -> Result<()> {
        self.tx.projects().get(project)?;
        self.tx.models().get(model)?;
        self.tx
            .conn
            .execute(
                "INSERT INTO project_models (project_id, model_id)
                 SELECT p.id, m.id FROM projects p, models m WHERE p.uuid = ?1 AND m.uuid = ?2
                 ON CONFLICT DO NOTHING",
                params![project.0.as_bytes(), model.0.as_bytes()],
            )
            .sql("linking a model")?;
        self.tx.touch(Entity::Project, None, project.0);
        self.tx.touch(Entity::Model, None, model.0);
        Ok(())
    }

    /// # Errors
    /// `NotFound` when they are not linked.
    pub fn unlink(&self, project: ProjectId, model: ModelId) -> Result<()> {
        let removed = self.tx.conn.execute(
            "DELETE FROM project_models WHERE project_id = (SELECT id FROM projects WHERE uuid = ?1)
                 AND model_id = (SELECT id FROM models WHERE uuid = ?2)",
            params![project.0.as_bytes(), model.0.as_bytes()],
        );
        if removed.sql("unlinking a model")? == 0 {
            return Err(Error::not_found("this model is not linked to this project"));
        }
        self.tx.touch(Entity::Project, None, project.0);
        Ok(())
    }

    fn refuse_taken(&self, name: &str, own: Option<ModelId>) -> Result<()> {
        match self.tx.models().find_by_name(name)? {
            Some(other) if Some(other.id) != own => {
                Err(Error::conflict(format!("a model named \"{}\" exists already", other.name)))
            }
            _ => Ok(()),
        }
    }
}
