//! Weights from a file on this machine, or from an upload.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use va_domain::{Actor, Job, JobKind, Role, check_name};
use va_error::{Code, Context, Error, Result};

use super::admit::{Arrival, Wanted, admit};
use super::catalogue;
use super::place::Place;
use crate::app::require;
use crate::jobs::{self, JobContext, NewJob, copy_file};
use crate::{App, staging};

/// What the reader takes.
pub(super) const MAX_BYTES: u64 = 4 << 30;
/// Space that must stay free beside the file.
const RESERVE_BYTES: u64 = 64 << 20;

/// Exactly one of `path` and `upload_id`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallRequest {
    #[serde(default)]
    pub path: Option<PathBuf>,
    #[serde(default)]
    pub upload_id: Option<String>,
    /// Of an entry of the catalogue: the file must be that one. Another name is given to the file; without it the name is
    /// that of the file, or of the entry whose hash it has.
    #[serde(default)]
    pub name: Option<String>,
    /// Of an own file, for the lineage.
    #[serde(default)]
    pub licence: Option<String>,
}

/// Queues the install; the job's result is a [`super::WeightsInstalled`].
///
/// # Errors
/// `NotFound` for the file, `InvalidInput` for the name or when it is no file, `TooLarge`.
pub fn install(app: &App, actor: &Actor, request: &InstallRequest) -> Result<Job> {
    require(actor, Role::Owner)?;
    let request = InstallRequest {
        // Absolute: the job may go on in a process that was started elsewhere.
        path: request.path.as_ref().map(std::path::absolute).transpose()?,
        name: request.name.as_deref().map(checked_name).transpose()?,
        licence: request.licence.as_deref().map(|text| check_name("licence", text)).transpose()?,
        ..request.clone()
    };
    let source = source_of(app, &request)?;
    let size = std::fs::metadata(&source).with_context(|| format!("cannot read {}", source.display()))?.len();
    if size > MAX_BYTES {
        let message = format!("{} has {size} bytes; weight files of at most 4 GiB are read", source.display());
        return Err(Error::new(Code::TooLarge, message));
    }
    let title = request.name.clone().unwrap_or_else(|| file_name(&source));
    let params = serde_json::to_value(&request)
        .map_err(|_| Error::invalid("the path of the file is not valid Unicode: rename it and try again"))?;
    let kind = JobKind::WeightsInstall;
    jobs::submit(app, actor, NewJob { kind, title, project_id: None, dataset_id: None, params })
}

/// The work of an install job.
pub(crate) fn run(context: &JobContext) -> Result<Value> {
    let request: InstallRequest = context.params()?;
    let app = context.app();
    let source = source_of(app, &request)?;
    let arrived = Place::of(app).incoming(context.id());
    let installed = take_in(context, &request, &source, &arrived);
    // Moved to its place, or not wanted; best effort, for it is only space.
    let _ = std::fs::remove_file(&arrived);
    let installed = installed?;
    if let Some(upload) = &request.upload_id
        && let Err(error) = staging::discard(app, upload)
    {
        tracing::warn!("an installed upload stays in the cache for a day: {error:#}");
    }
    Ok(serde_json::to_value(installed)?)
}

fn take_in(
    context: &JobContext,
    request: &InstallRequest,
    source: &Path,
    arrived: &Path,
) -> Result<super::WeightsInstalled> {
    let size_bytes = copy(context, source, arrived)?;
    context.progress(size_bytes, size_bytes, "bytes", "checking");
    // Of the copy: what was looked at is what is installed.
    let (_, sha256) = va_fetch::sha256_of(arrived, |_| context.check_cancel())?;
    let entry = match &request.name {
        Some(name) => catalogue::entries(context.app())?.into_iter().find(|entry| &entry.name == name),
        None => None,
    };
    let suggested = suggested_name(source);
    let wanted = match &entry {
        Some(entry) => Wanted::Published(entry),
        None => {
            Wanted::Own { name: request.name.as_deref(), suggested: &suggested, licence: request.licence.as_deref() }
        }
    };
    let arrival = Arrival { path: arrived, sha256: &sha256, size_bytes };
    admit(context, &arrival, &wanted).with_context(|| format!("{} was not installed", file_name(source)))
}

fn source_of(app: &App, request: &InstallRequest) -> Result<PathBuf> {
    let source = match (&request.path, &request.upload_id) {
        (Some(path), None) => path.clone(),
        (None, Some(upload)) => staging::only_file(app, upload)?,
        _ => return Err(Error::invalid("name exactly one of a file on this machine and an upload")),
    };
    match std::fs::metadata(&source).with_context(|| format!("cannot read {}", source.display()))?.is_file() {
        true => Ok(source),
        false => Err(Error::invalid(format!("{} is not a file: name the weight file itself", source.display()))),
    }
}

/// Bytes copied; progress, a stop, and the space that must be there included.
fn copy(context: &JobContext, from: &Path, to: &Path) -> Result<u64> {
    let cannot = || format!("cannot copy {}", from.display());
    let folder = to.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    let total = std::fs::metadata(from).with_context(cannot)?.len();
    let free = fs4::available_space(folder).with_context(cannot)?;
    if total.saturating_add(RESERVE_BYTES) > free {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let (needed, free) = (mib(total + RESERVE_BYTES), mib(free));
        let message = format!("the weights need {needed} MiB in the library, and {free} MiB are free");
        return Err(Error::new(Code::DiskFull, message));
    }
    copy_file(context, from, to, MAX_BYTES)
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// Names stand in addresses: letters, digits, dots, hyphens and underscores.
fn checked_name(name: &str) -> Result<String> {
    let name = check_name("weights", name)?;
    if name.chars().all(is_plain) && !name.starts_with('.') {
        return Ok(name);
    }
    Err(Error::invalid("a name of weights is made of letters, digits, dots, hyphens and underscores"))
}

fn suggested_name(source: &Path) -> String {
    let stem = source.file_stem().unwrap_or_default().to_string_lossy();
    let plain: String = stem.chars().map(|c| if is_plain(c) { c } else { '-' }).take(100).collect();
    let plain = plain.trim_matches(['.', '-']);
    if plain.is_empty() { "weights".to_owned() } else { plain.to_owned() }
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "._-".contains(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_stand_in_an_address() {
        assert_eq!(suggested_name(Path::new("/x/my weights (2).safetensors")), "my-weights--2");
        assert_eq!(suggested_name(Path::new("/x/权重.pth")), "weights");
        assert_eq!(suggested_name(Path::new("/x/resnet18_a1_0-d63eafa0.pth")), "resnet18_a1_0-d63eafa0");
        assert!(checked_name("tiles.v1").is_ok());
        for bad in ["", "a/b", "..", "a b", "权重"] {
            assert!(checked_name(bad).is_err(), "{bad}");
        }
    }
}
