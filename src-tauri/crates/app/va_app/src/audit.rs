//! The hash-chained log of who changed what.

use serde::{Deserialize, Serialize};
use va_domain::{Actor, AuditEntry, PageRequest, Role};
use va_error::Result;
use va_store::table::audit_log::AuditVerdict;

use crate::App;
use crate::app::require;

/// Newest first, and whether the whole chain holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditPage {
    pub items: Vec<AuditEntry>,
    pub next_cursor: Option<String>,
    pub total: u64,
    /// Every entry follows from the one before it.
    pub verified: bool,
}

/// # Errors
/// `Forbidden` for anyone but an owner; `InvalidInput` for a bad limit or cursor.
pub fn list(app: &App, actor: &Actor, page: &PageRequest) -> Result<AuditPage> {
    require(actor, Role::Owner)?;
    app.store().read(|read| {
        let found = read.audit_log().list(page)?;
        let verified = matches!(read.audit_log().verify()?, AuditVerdict::Intact { .. });
        Ok(AuditPage { items: found.items, next_cursor: found.next_cursor, total: found.total, verified })
    })
}
