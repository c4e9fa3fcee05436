//! What a change is: its name, its scope, and whether it can be undone.

use uuid::Uuid;
use va_domain::DatasetId;

/// A change that `transact` is asked to make.
#[derive(Debug, Clone)]
pub struct Op {
    pub(crate) class: OpClass,
    pub(crate) name: &'static str,
    pub(crate) summary: Option<String>,
    pub(crate) count: Option<u64>,
    pub(crate) group: Option<Uuid>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OpClass {
    Undoable(DatasetId),
    Audited,
    Quiet,
}

impl Op {
    /// Labels, samples, classes, splits. The history belongs to the dataset, not to a project, because a dataset may be
    /// linked to several projects and must have one history in all of them. Also audited.
    pub fn undoable(dataset: DatasetId, name: &'static str) -> Self {
        Self::new(OpClass::Undoable(dataset), name)
    }

    /// Members, projects, datasets as a whole, models, releases: kept in the audit log, not undoable.
    pub fn audited(name: &'static str) -> Self {
        Self::new(OpClass::Audited, name)
    }

    /// Metrics, job progress, sessions: neither.
    pub fn quiet(name: &'static str) -> Self {
        Self::new(OpClass::Quiet, name)
    }

    fn new(class: OpClass, name: &'static str) -> Self {
        Self { class, name, summary: None, count: None, group: None }
    }

    /// A line for the audit log (at most 500 characters are kept).
    #[must_use]
    pub fn summary(mut self, summary: impl Into<String>) -> Self {
        self.summary = Some(summary.into());
        self
    }

    /// How many things a person would say it touched; without it, the samples (or else the rows) that changed.
    #[must_use]
    pub fn count(mut self, count: u64) -> Self {
        self.count = Some(count);
        self
    }

    /// Changes of one group that follow each other are one step of undo: the batches of an import.
    #[must_use]
    pub fn group(mut self, group: Uuid) -> Self {
        self.group = Some(group);
        self
    }
}
