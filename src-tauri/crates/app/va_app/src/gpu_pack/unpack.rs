//! From verified wheels to an installed pack.

use std::path::Path;

use va_domain::now_ms;
use va_engine::gpu::PackRecord;
use va_error::{Context, Error, Result};
use va_store::Op;

use super::announce;
use super::archive::Archive;
use super::gather::Wheel;
use super::manifest::{Content, Manifest};
use super::place::{Lock, Place};
use crate::jobs::JobContext;

/// Unpacks the libraries, puts them in their place, and says so last. Wheels that were kept are removed.
///
/// # Errors
/// `DiskFull` before anything is written; `InvalidInput` when a wheel does not hold what it should; `Io`. What was
/// installed before still is.
pub(super) fn install(
    context: &JobContext,
    place: &Place,
    lock: &Lock,
    manifest: &Manifest,
    wheels: &[Wheel<'_>],
) -> Result<()> {
    place.require_space(manifest.installed_bytes())?;
    let incoming = place.fresh_incoming(lock)?;
    let mut done = 0;
    for wheel in wheels {
        let mut archive = Archive::open(&wheel.path)?;
        for content in &wheel.package.contents {
            let progress = |bytes| context.progress(done + bytes, manifest.installed_bytes(), "bytes", "unpacking");
            take_out(context, &mut archive, content, &incoming, progress)
                .with_context(|| format!("{} cannot be unpacked", wheel.package.file))?;
            done += content.size_bytes;
        }
    }
    let folder = place.settle(&incoming, &manifest.version)?;
    let record = PackRecord {
        version: manifest.version.clone(),
        folder,
        files: manifest.files(),
        installed_ms: now_ms(),
        damaged: Vec::new(),
    };
    place.put_record(&record)?;
    let summary = format!("{} in {}", record.version, place.dir().display());
    context.app().transact(context.actor(), Op::audited("gpu_pack_install").summary(summary), |_| Ok(()))?;
    // The pack is there: what is left over is only space.
    if let Err(error) = place.forget_downloads(lock) {
        context.note(format!("the files that the pack was unpacked from stay: {error}"));
    }
    context.app().engine().look_again();
    announce(context.app());
    Ok(())
}

fn take_out(
    context: &JobContext,
    archive: &mut Archive,
    content: &Content,
    incoming: &Path,
    progress: impl Fn(u64),
) -> Result<()> {
    let at = archive.find(&content.path).ok_or_else(|| Error::invalid(format!("it has no {}", content.path)))?;
    let to = incoming.join(&content.name);
    archive.extract(at, content.size_bytes, &to, |bytes| {
        progress(bytes);
        context.check_cancel()
    })?;
    // Of what is on the disk, not of what was meant to be.
    let (size_bytes, sha256) = va_fetch::sha256_of(&to, |_| context.check_cancel())?;
    let expected = va_fetch::Expected { sha256: Some(&content.sha256), size_bytes: Some(content.size_bytes) };
    expected.check(size_bytes, &sha256).with_context(|| format!("{} is another file", content.name))
}
