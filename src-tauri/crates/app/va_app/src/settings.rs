//! Settings of the library's user interface.

use va_domain::{Actor, Role, Settings};
use va_error::{Error, Result};
use va_store::{Op, Store};

use crate::App;
use crate::app::require;

const KEY: &str = "ui";
const DEFAULT_THUMBNAIL_PX: u32 = 160;

/// # Errors
/// When the library cannot be read.
pub fn get(app: &App) -> Result<Settings> {
    of(app.store())
}

pub(crate) fn of(store: &Store) -> Result<Settings> {
    let stored = store.read(|read| read.settings().get(KEY))?;
    Ok(stored.unwrap_or_else(|| Settings { thumbnail_px: DEFAULT_THUMBNAIL_PX, ..Settings::default() }))
}

/// # Errors
/// `InvalidInput` for a language or size that does not exist.
pub fn update(app: &App, actor: &Actor, settings: &Settings) -> Result<Settings> {
    require(actor, Role::Annotator)?;
    if !["", "en", "zh-CN"].contains(&settings.language.as_str()) {
        return Err(Error::invalid(format!(
            "{:?} is not a language of VisAIon; choose en or zh-CN",
            settings.language
        )));
    }
    if !(48..=512).contains(&settings.thumbnail_px) {
        return Err(Error::invalid(format!(
            "the size of thumbnails is {}; it must be between 48 and 512",
            settings.thumbnail_px
        )));
    }
    app.transact(actor, Op::quiet("update_settings"), |tx| tx.settings_mut().put(KEY, settings))?;
    Ok(settings.clone())
}
