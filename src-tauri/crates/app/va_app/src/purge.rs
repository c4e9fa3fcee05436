//! What was deleted stays for 30 days, so that a person can come back to it; then it goes for good, also from the disk,
//! and the audit log says so.

use std::time::{Duration, SystemTime};

use va_domain::{Actor, Origin};
use va_error::Result;
use va_store::Op;
use va_store::table::media::MediaRow;

use crate::{App, gpu_pack, images, models, staging};

/// How long deleted samples, datasets and model files can still be brought back.
pub const KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// What the application does when nothing else is to be done: forgotten uploads, libraries of
/// removed GPU packs, and what was deleted long ago go.
pub(crate) fn tidy(app: &App) {
    staging::clean(app);
    gpu_pack::tidy(app);
    if let Err(error) = purge(app, SystemTime::now()) {
        // Nothing is lost by waiting.
        tracing::warn!("what was deleted long ago stays until the next time: {error:#}");
    }
}

/// Removes what was deleted more than [`KEPT`] before `now`. While images come in, it does nothing.
///
/// # Errors
/// When the library cannot be changed; then nothing was removed from it.
pub fn purge(app: &App, now: SystemTime) -> Result<()> {
    let Some(_no_import) = app.media_gate().try_write() else { return Ok(()) };
    let Some(before) = now.checked_sub(KEPT) else { return Ok(()) };
    let before_ms = before.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_millis());
    let actor = Actor { name: "visaion".to_owned(), ..Actor::owner(Origin::Job) };
    let purged = app.store().purge(&actor, i64::try_from(before_ms).unwrap_or(i64::MAX))?;
    purged.media.iter().for_each(|media| remove_files(app, media));
    let versions = models::purge_deleted(app.library_dir(), before);
    if versions > 0 {
        let op = Op::audited("purge_models").summary(format!("the files of {versions} deleted model versions"));
        app.transact(&actor, op, |_| Ok(()))?;
    }
    Ok(())
}

/// The rows are gone: a file that stays is only space.
fn remove_files(app: &App, media: &MediaRow) {
    let path = app.media_path(&media.hash, &media.format);
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::warn!("cannot remove {}: {error}", path.display());
    }
    images::forget_cached(app, &media.hash);
}
