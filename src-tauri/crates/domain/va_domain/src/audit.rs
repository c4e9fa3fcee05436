use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the last undoable change was, and what undo and redo would do now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HistoryState {
    /// What `undo` would take back.
    pub undo: Option<OpKind>,
    /// What `redo` would do again.
    pub redo: Option<OpKind>,
    /// Changes kept since the dataset was made.
    pub kept: u64,
}

/// One change as shown in the history: a stable key for the catalogue and how many things it touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OpKind {
    /// `set_label`, `create_label`, `merge_label`, `delete_samples`, `split`, `import` …
    pub op: String,
    pub count: u64,
}

/// One link of the hash-chained audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuditEntry {
    /// 1, 2, 3 … without gaps.
    pub seq: u64,
    pub at_ms: i64,
    pub actor: String,
    pub op: String,
    pub summary: String,
    /// BLAKE3 of the previous hash and this entry's fields.
    pub hash: String,
}
