//! Projects, their members, and the datasets linked to them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{DatasetId, Entity, MemberId, Page, PageRequest, Project, ProjectId, Role, SampleId, Task};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{count_column, name_key, uuid_column, word, word_column};

pub(crate) const V1: &str = "
CREATE TABLE projects (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    task TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE project_members (
    project_id INTEGER NOT NULL REFERENCES projects (id) ON DELETE CASCADE,
    member_id INTEGER NOT NULL REFERENCES members (id) ON DELETE CASCADE,
    role TEXT NOT NULL,
    PRIMARY KEY (project_id, member_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_members_by_member ON project_members (member_id);
";

const SELECT: &str = "SELECT p.uuid, p.name, p.description, p.task, p.created_ms, p.updated_ms,
    (SELECT count(*) FROM project_datasets l JOIN datasets d ON d.id = l.dataset_id
        WHERE l.project_id = p.id AND d.deleted_ms IS NULL),
    (SELECT coalesce(sum(d.sample_count), 0) FROM project_datasets l JOIN datasets d ON d.id = l.dataset_id
        WHERE l.project_id = p.id AND d.deleted_ms IS NULL),
    (SELECT count(*) FROM project_models l WHERE l.project_id = p.id),
    p.id, p.name_key FROM projects p";

fn project(row: &Row<'_>) -> rusqlite::Result<(i64, Project)> {
    let project = Project {
        id: ProjectId(uuid_column(row, 0)?),
        name: row.get(1)?,
        description: row.get(2)?,
        task: word_column(row, 3)?,
        created_ms: row.get(4)?,
        updated_ms: row.get(5)?,
        dataset_count: count_column(row, 6)?,
        sample_count: count_column(row, 7)?,
        model_count: count_column(row, 8)?,
        cover: Vec::new(),
    };
    Ok((row.get(9)?, project))
}

pub struct ProjectsRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl ProjectsRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: ProjectId) -> Result<Project> {
        self.one("p.uuid = ?1", id.0.as_bytes().to_vec())?
            .ok_or_else(|| Error::not_found(format!("there is no project {id}")))
    }

    /// By name, upper or lower case.
    pub fn find_by_name(&self, name: &str) -> Result<Option<Project>> {
        self.one("p.name_key = ?1", name_key(name))
    }

    /// By name; `search` is part of the name.
    pub fn list(&self, search: &str, page: &PageRequest) -> Result<Page<Project>> {
        let limit = page.checked_limit()?;
        let after = page.cursor.clone().unwrap_or_default();
        let search = name_key(search);
        let condition = "(?1 = '' OR instr(p.name_key, ?1) > 0)";
        let sql = format!("{SELECT} WHERE {condition} AND p.name_key > ?2 ORDER BY p.name_key LIMIT ?3");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing projects")?;
        let rows = statement
            .query_map(params![search, after, i64::from(limit) + 1], |row| {
                Ok((row.get::<_, String>(10)?, project(row)?))
            })
            .sql("listing projects")?
            .collect::<rusqlite::Result<Vec<_>>>()
            .sql("listing projects")?;
        let total = self
            .conn
            .query_row(&format!("SELECT count(*) FROM projects p WHERE {condition}"), [&search], |row| {
                count_column(row, 0)
            })
            .sql("counting projects")?;
        let rows = rows.into_iter().map(|(key, found)| Ok((key, self.with_cover(found)?))).collect::<Result<_>>()?;
        Ok(super::page_by_name(rows, limit, total))
    }

    /// The projects a dataset is linked to, by name.
    pub fn of_dataset(&self, dataset: DatasetId) -> Result<Vec<Project>> {
        let sql = format!(
            "{SELECT} JOIN project_datasets x ON x.project_id = p.id
             WHERE x.dataset_id = (SELECT id FROM datasets WHERE uuid = ?1) ORDER BY p.name_key"
        );
        let mut statement = self.conn.prepare_cached(&sql).sql("listing a dataset's projects")?;
        let rows = statement
            .query_map([dataset.0.as_bytes()], project)
            .sql("listing a dataset's projects")?
            .collect::<rusqlite::Result<Vec<_>>>()
            .sql("listing a dataset's projects")?;
        rows.into_iter().map(|found| self.with_cover(found)).collect()
    }

    /// Members with their role in the project.
    pub fn members(&self, id: ProjectId) -> Result<Vec<(MemberId, Role)>> {
        let mut statement = self
            .conn
            .prepare_cached(
                "SELECT m.uuid, x.role FROM project_members x JOIN members m ON m.id = x.member_id
                 WHERE x.project_id = (SELECT id FROM projects WHERE uuid = ?1) ORDER BY m.username",
            )
            .sql("listing a project's members")?;
        let rows = statement
            .query_map([id.0.as_bytes()], |row| Ok((MemberId(uuid_column(row, 0)?), word_column(row, 1)?)))
            .sql("listing a project's members")?;
        rows.collect::<rusqlite::Result<_>>().sql("listing a project's members")
    }

    fn one(&self, condition: &str, value: impl rusqlite::ToSql) -> Result<Option<Project>> {
        let sql = format!("{SELECT} WHERE {condition}");
        let mut statement = self.conn.prepare_cached(&sql).sql("reading a project")?;
        let found = statement.query_row([value], project).optional().sql("reading a project")?;
        found.map(|found| self.with_cover(found)).transpose()
    }

    /// Up to four samples, the first of each linked dataset before the second of any.
    fn with_cover(&self, (rowid, mut project): (i64, Project)) -> Result<Project> {
        let mut datasets = self
            .conn
            .prepare_cached(
                "SELECT d.id FROM project_datasets l JOIN datasets d ON d.id = l.dataset_id
                 WHERE l.project_id = ?1 AND d.deleted_ms IS NULL ORDER BY d.id LIMIT 4",
            )
            .sql("reading a project's cover")?;
        let datasets = datasets
            .query_map([rowid], |row| row.get::<_, i64>(0))
            .sql("reading a project's cover")?
            .collect::<rusqlite::Result<Vec<_>>>()
            .sql("reading a project's cover")?;
        let mut ranked = Vec::new();
        for dataset in datasets {
            let mut samples = self
                .conn
                .prepare_cached(
                    "SELECT uuid FROM samples WHERE dataset_id = ?1 AND deleted_ms IS NULL ORDER BY id LIMIT 4",
                )
                .sql("reading a project's cover")?;
            let found = samples.query_map([dataset], |row| uuid_column(row, 0)).sql("reading a project's cover")?;
            for (rank, uuid) in found.enumerate() {
                ranked.push((rank, SampleId(uuid.sql("reading a project's cover")?)));
            }
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        project.cover = ranked.into_iter().take(4).map(|(_, id)| id).collect();
        Ok(project)
    }
}

pub struct ProjectsWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl ProjectsWrite<'_> {
    /// # Errors
    /// `Conflict` when the name is taken.
    pub fn create(&self, name: &str, description: &str, task: Task) -> Result<Project> {
        self.refuse_taken(name, None)?;
        let id = ProjectId::new();
        self.tx
            .conn
            .execute(
                "INSERT INTO projects (uuid, name, name_key, description, task, created_ms, updated_ms)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
                params![id.0.as_bytes(), name, name_key(name), description, word(task)?, self.tx.at_ms()],
            )
            .sql("adding a project")?;
        self.tx.touch(Entity::Project, None, id.0);
        self.tx.projects().get(id)
    }

    /// # Errors
    /// `NotFound`, or `Conflict` when the name is taken.
    pub fn update(&self, id: ProjectId, name: &str, description: &str) -> Result<Project> {
        self.tx.projects().get(id)?;
        self.refuse_taken(name, Some(id))?;
        self.tx
            .conn
            .execute(
                "UPDATE projects SET name = ?2, name_key = ?3, description = ?4, updated_ms = ?5 WHERE uuid = ?1",
                params![id.0.as_bytes(), name, name_key(name), description, self.tx.at_ms()],
            )
            .sql("changing a project")?;
        self.tx.touch(Entity::Project, None, id.0);
        self.tx.projects().get(id)
    }

    /// Its datasets and models stay.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: ProjectId) -> Result<()> {
        let deleted = self.tx.conn.execute("DELETE FROM projects WHERE uuid = ?1", [id.0.as_bytes()]);
        if deleted.sql("deleting a project")? == 0 {
            return Err(Error::not_found(format!("there is no project {id}")));
        }
        self.tx.touch(Entity::Project, None, id.0);
        Ok(())
    }

    /// Linking twice is linking once.
    ///
    /// # Errors
    /// `NotFound` without the project or the dataset.
    pub fn link_dataset(&self, id: ProjectId, dataset: DatasetId) -> Result<()> {
        self.tx.projects().get(id)?;
        let row = self.tx.datasets().row(dataset)?;
        self.tx
            .conn
            .execute(
                "INSERT INTO project_datasets (project_id, dataset_id) SELECT id, ?2 FROM projects WHERE uuid = ?1
                 ON CONFLICT DO NOTHING",
                params![id.0.as_bytes(), row.rowid],
            )
            .sql("linking a dataset")?;
        self.tx.touch(Entity::Project, None, id.0);
        self.tx.touch(Entity::Dataset, None, dataset.0);
        Ok(())
    }

    /// # Errors
    /// `NotFound` when they are not linked.
    pub fn unlink_dataset(&self, id: ProjectId, dataset: DatasetId) -> Result<()> {
        let removed = self.tx.conn.execute(
            "DELETE FROM project_datasets WHERE project_id = (SELECT id FROM projects WHERE uuid = ?1)
                 AND dataset_id = (SELECT id FROM datasets WHERE uuid = ?2)",
            params![id.0.as_bytes(), dataset.0.as_bytes()],
        );
        if removed.sql("unlinking a dataset")? == 0 {
            return Err(Error::not_found("this dataset is not linked to this project"));
        }
        self.tx.touch(Entity::Project, None, id.0);
        self.tx.touch(Entity::Dataset, None, dataset.0);
        Ok(())
    }

    /// Adds a member, or changes the role.
    ///
    /// # Errors
    /// `NotFound` without the project or the member.
    pub fn put_member(&self, id: ProjectId, member: MemberId, role: Role) -> Result<()> {
        self.tx.projects().get(id)?;
        self.tx.members().get(member)?;
        self.tx
            .conn
            .execute(
                "INSERT INTO project_members (project_id, member_id, role)
                 SELECT p.id, m.id, ?3 FROM projects p, members m WHERE p.uuid = ?1 AND m.uuid = ?2
                 ON CONFLICT (project_id, member_id) DO UPDATE SET role = excluded.role",
                params![id.0.as_bytes(), member.0.as_bytes(), word(role)?],
            )
            .sql("adding a member to a project")?;
        self.tx.touch(Entity::Project, None, id.0);
        Ok(())
    }

    /// # Errors
    /// `NotFound` when the member is not in the project.
    pub fn remove_member(&self, id: ProjectId, member: MemberId) -> Result<()> {
        let removed = self.tx.conn.execute(
            "DELETE FROM project_members WHERE project_id = (SELECT id FROM projects WHERE uuid = ?1)
                 AND member_id = (SELECT id FROM members WHERE uuid = ?2)",
            params![id.0.as_bytes(), member.0.as_bytes()],
        );
        if removed.sql("removing a member from a project")? == 0 {
            return Err(Error::not_found("this member is not in this project"));
        }
        self.tx.touch(Entity::Project, None, id.0);
        Ok(())
    }

    fn refuse_taken(&self, name: &str, own: Option<ProjectId>) -> Result<()> {
        match self.tx.projects().find_by_name(name)? {
            Some(other) if Some(other.id) != own => {
                Err(Error::conflict(format!("a project named \"{}\" exists already", other.name)))
            }
            _ => Ok(()),
        }
    }
}
