//! People who may use the library.

use rusqlite::{Connection, OptionalExtension, Row, params};
use va_domain::{Entity, Member, MemberId, Role};
use va_error::{Error, Result};

use crate::error::SqlContext;
use crate::tx::Tx;
use crate::value::{name_key, uuid_column, word, word_column};

pub(crate) const V1: &str = "
CREATE TABLE members (
    id INTEGER PRIMARY KEY,
    uuid BLOB NOT NULL UNIQUE CHECK (length(uuid) = 16),
    username TEXT NOT NULL,
    username_key TEXT NOT NULL UNIQUE,
    role TEXT NOT NULL,
    -- argon2id in PHC form; NULL until one is set.
    password_hash TEXT,
    created_ms INTEGER NOT NULL
) STRICT;
";

const SELECT: &str = "SELECT uuid, username, role, created_ms FROM members";

fn member(row: &Row<'_>) -> rusqlite::Result<Member> {
    Ok(Member {
        id: MemberId(uuid_column(row, 0)?),
        username: row.get(1)?,
        role: word_column(row, 2)?,
        created_ms: row.get(3)?,
    })
}

pub struct MembersRead<'c> {
    pub(crate) conn: &'c Connection,
}

impl MembersRead<'_> {
    /// # Errors
    /// `NotFound`.
    pub fn get(&self, id: MemberId) -> Result<Member> {
        self.one("uuid = ?1", id.0.as_bytes().to_vec())?
            .ok_or_else(|| Error::not_found(format!("there is no member {id}")))
    }

    /// By user name, upper or lower case.
    pub fn find_by_name(&self, username: &str) -> Result<Option<Member>> {
        self.one("username_key = ?1", name_key(username))
    }

    /// By user name.
    pub fn all(&self) -> Result<Vec<Member>> {
        let sql = format!("{SELECT} ORDER BY username_key");
        let mut statement = self.conn.prepare_cached(&sql).sql("listing members")?;
        let rows = statement.query_map([], member).sql("listing members")?;
        rows.collect::<rusqlite::Result<_>>().sql("listing members")
    }

    /// The stored password hash in PHC form.
    pub fn password_hash(&self, id: MemberId) -> Result<Option<String>> {
        self.conn
            .query_row("SELECT password_hash FROM members WHERE uuid = ?1", [id.0.as_bytes()], |row| row.get(0))
            .optional()
            .sql("reading a member")?
            .ok_or_else(|| Error::not_found(format!("there is no member {id}")))
    }

    fn one(&self, condition: &str, value: impl rusqlite::ToSql) -> Result<Option<Member>> {
        let sql = format!("{SELECT} WHERE {condition}");
        self.conn
            .prepare_cached(&sql)
            .and_then(|mut statement| statement.query_row([value], member).optional())
            .sql("reading a member")
    }
}

pub struct MembersWrite<'t> {
    pub(crate) tx: &'t Tx<'t>,
}

impl MembersWrite<'_> {
    /// # Errors
    /// `Conflict` when the user name is taken.
    pub fn create(&self, username: &str, role: Role) -> Result<Member> {
        if self.tx.members().find_by_name(username)?.is_some() {
            return Err(Error::conflict(format!("a member named \"{username}\" exists already")));
        }
        let id = MemberId::new();
        self.tx
            .conn
            .execute(
                "INSERT INTO members (uuid, username, username_key, role, created_ms) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![id.0.as_bytes(), username, name_key(username), word(role)?, self.tx.at_ms()],
            )
            .sql("adding a member")?;
        self.tx.touch(Entity::Member, None, id.0);
        self.tx.members().get(id)
    }

    /// `phc` is an argon2id hash in PHC form.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn set_password_hash(&self, id: MemberId, phc: Option<&str>) -> Result<()> {
        let changed = self
            .tx
            .conn
            .execute("UPDATE members SET password_hash = ?2 WHERE uuid = ?1", params![id.0.as_bytes(), phc]);
        self.changed(id, changed.sql("setting a password")?)
    }

    /// # Errors
    /// `NotFound`.
    pub fn set_role(&self, id: MemberId, role: Role) -> Result<()> {
        let changed =
            self.tx.conn.execute("UPDATE members SET role = ?2 WHERE uuid = ?1", params![id.0.as_bytes(), word(role)?]);
        self.changed(id, changed.sql("setting a role")?)
    }

    /// With sessions and tokens.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn delete(&self, id: MemberId) -> Result<()> {
        let changed = self.tx.conn.execute("DELETE FROM members WHERE uuid = ?1", [id.0.as_bytes()]);
        self.changed(id, changed.sql("deleting a member")?)
    }

    fn changed(&self, id: MemberId, rows: usize) -> Result<()> {
        if rows == 0 {
            return Err(Error::not_found(format!("there is no member {id}")));
        }
        self.tx.touch(Entity::Member, None, id.0);
        Ok(())
    }
}
