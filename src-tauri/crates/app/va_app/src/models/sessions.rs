//! Opened models, kept for the next call: opening reads the weights.

use std::sync::Arc;

use parking_lot::Mutex;
use va_domain::ModelVersionId;
use va_engine::{Explainer, Session};
use va_error::{Context, Result};

use crate::App;

/// Sessions kept open. Each holds its weights in memory.
const SESSIONS: usize = 2;
/// The same for models that are asked why.
const EXPLAINERS: usize = 1;

/// The models that were used last.
pub struct Sessions {
    sessions: Recent<dyn Session>,
    explainers: Recent<dyn Explainer>,
}

impl Default for Sessions {
    fn default() -> Self {
        Self { sessions: Recent::new(SESSIONS), explainers: Recent::new(EXPLAINERS) }
    }
}

impl Sessions {
    pub(crate) fn forget(&self, id: ModelVersionId) {
        self.sessions.forget(id);
        self.explainers.forget(id);
    }
}

/// What was opened last, newest at the end.
struct Recent<T: ?Sized> {
    most: usize,
    open: Mutex<Vec<(ModelVersionId, Arc<T>)>>,
}

impl<T: ?Sized> Recent<T> {
    fn new(most: usize) -> Self {
        Self { most, open: Mutex::new(Vec::new()) }
    }

    fn find(&self, id: ModelVersionId) -> Option<Arc<T>> {
        let mut open = self.open.lock();
        let at = open.iter().position(|(known, _)| *known == id)?;
        let entry = open.remove(at);
        open.push(entry.clone());
        Some(entry.1)
    }

    fn forget(&self, id: ModelVersionId) {
        self.open.lock().retain(|(known, _)| *known != id);
    }

    /// The model, opened by `open` unless it is here.
    fn get(&self, id: ModelVersionId, open: impl FnOnce() -> Result<Box<T>>) -> Result<Arc<T>> {
        if let Some(found) = self.find(id) {
            return Ok(found);
        }
        let opened: Arc<T> = open()?.into();
        self.forget(id);
        let mut kept = self.open.lock();
        if kept.len() == self.most {
            kept.remove(0);
        }
        kept.push((id, Arc::clone(&opened)));
        Ok(opened)
    }
}

/// The opened model of a version.
///
/// # Errors
/// When its files are missing or damaged.
pub(crate) fn session(app: &App, id: ModelVersionId) -> Result<Arc<dyn Session>> {
    let folder = super::folder_of(app.library_dir(), id);
    app.sessions().sessions.get(id, || {
        let opened = app.engine().open_session(&folder);
        opened.with_context(|| format!("the model's files in {} cannot be used", folder.display()))
    })
}

/// The opened model of a version, to ask why.
///
/// # Errors
/// When its files are missing or damaged.
pub(crate) fn explainer(app: &App, id: ModelVersionId) -> Result<Arc<dyn Explainer>> {
    let folder = super::folder_of(app.library_dir(), id);
    app.sessions().explainers.get(id, || {
        let opened = app.engine().open_explainer(&folder);
        opened.with_context(|| format!("the model's files in {} cannot be used", folder.display()))
    })
}
