//! Opened models, kept for the next call: opening reads and folds the weights.

use std::sync::Arc;

use parking_lot::Mutex;
use va_domain::ModelVersionId;
use va_engine::Session;
use va_error::{Context, Result};

use crate::App;

/// Models kept open. Each holds its weights in memory.
const KEPT: usize = 2;

/// The models that were used last, newest at the end.
#[derive(Default)]
pub struct Sessions {
    open: Mutex<Vec<(ModelVersionId, Arc<dyn Session>)>>,
}

impl Sessions {
    fn find(&self, id: ModelVersionId) -> Option<Arc<dyn Session>> {
        let mut open = self.open.lock();
        let at = open.iter().position(|(known, _)| *known == id)?;
        let entry = open.remove(at);
        open.push(entry.clone());
        Some(entry.1)
    }

    fn keep(&self, id: ModelVersionId, session: Arc<dyn Session>) {
        let mut open = self.open.lock();
        open.retain(|(known, _)| *known != id);
        if open.len() == KEPT {
            open.remove(0);
        }
        open.push((id, session));
    }

    pub(crate) fn forget(&self, id: ModelVersionId) {
        self.open.lock().retain(|(known, _)| *known != id);
    }
}

/// The opened model of a version.
///
/// # Errors
/// When its files are missing or damaged.
pub(crate) fn session(app: &App, id: ModelVersionId) -> Result<Arc<dyn Session>> {
    if let Some(session) = app.sessions().find(id) {
        return Ok(session);
    }
    let folder = super::folder_of(app.library_dir(), id);
    let session: Arc<dyn Session> = app
        .engine()
        .open_session(&folder)
        .with_context(|| format!("the model's files in {} cannot be used", folder.display()))?
        .into();
    app.sessions().keep(id, Arc::clone(&session));
    Ok(session)
}
