use crate::Role;

/// Who asks, and from where. Every change carries it into the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub name: String,
    pub role: Role,
    pub origin: Origin,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Desktop,
    Http,
    Cli,
    /// A background job on behalf of who started it.
    Job,
}

impl Actor {
    /// The single user at this machine.
    pub fn owner(origin: Origin) -> Self {
        Self { name: "owner".to_owned(), role: Role::Owner, origin }
    }
}
