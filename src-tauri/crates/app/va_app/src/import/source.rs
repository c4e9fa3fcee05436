//! Where the images come from, walked and understood.

use std::path::{Path, PathBuf};

use va_domain::{CsvFile, ImportFormat};
use va_error::{Error, FileFault, Result, WarningReport};
use va_formats::{FoundImage, Layout, Tree, looks_like_csv};

use super::ImportRequest;
use crate::{App, staging};

pub(super) struct Source {
    pub layout: Layout,
    /// Paths are shown from here on.
    root: Option<PathBuf>,
    name: String,
}

/// The paths a request means, absolute.
///
/// # Errors
/// `InvalidInput` without exactly one source, `NotFound` for an unknown upload or a missing path.
pub(super) fn paths_of(app: &App, request: &ImportRequest) -> Result<Vec<PathBuf>> {
    match (&request.upload_id, request.paths.as_slice()) {
        (Some(upload), []) => Ok(vec![brought_over(staging::folder(app, upload)?)]),
        (Some(_), _) => Err(Error::invalid("name either paths or an upload, not both")),
        (None, []) => Err(Error::invalid("name the folder or the files to import")),
        (None, paths) => paths.iter().map(|path| absolute(path)).collect(),
    }
}

/// Where one folder was dropped on the page, that folder, as if its path had been given: its name is no class.
fn brought_over(staged: PathBuf) -> PathBuf {
    let mut entries = std::fs::read_dir(&staged).into_iter().flatten().flatten();
    match (entries.next(), entries.next()) {
        (Some(one), None) if one.file_type().is_ok_and(|kind| kind.is_dir()) => one.path(),
        _ => staged,
    }
}

fn absolute(path: &Path) -> Result<PathBuf> {
    if !path.try_exists().unwrap_or(false) {
        return Err(Error::not_found(format!("there is no {} on this machine", path.display())));
    }
    Ok(std::path::absolute(path)?)
}

impl Source {
    pub(super) fn open(app: &App, request: &ImportRequest, stop: &dyn Fn() -> bool) -> Result<Self> {
        let options = &request.options;
        let paths = paths_of(app, request)?;
        if let ([csv], ImportFormat::Auto | ImportFormat::Csv) = (paths.as_slice(), options.format)
            && let Some(folder) = csv.parent().filter(|_| csv.is_file() && looks_like_csv(csv.as_os_str()))
        {
            let tree = Tree::walk(&[folder.to_owned()], stop)?;
            let layout = Layout::of_csv(tree, csv, options)?;
            return Ok(Self { layout, root: Some(folder.to_owned()), name: csv.display().to_string() });
        }
        let tree = Tree::walk(&paths, stop)?;
        let (root, name) = match paths.as_slice() {
            [one] if one.is_dir() => (Some(one.clone()), one.display().to_string()),
            [one] => (one.parent().map(Path::to_owned), one.display().to_string()),
            several => (None, format!("these {} paths", several.len())),
        };
        let name = if request.upload_id.is_some() { "the upload".to_owned() } else { name };
        if tree.file_count() == 0 && tree.left_out.is_empty() {
            return Err(Error::invalid(format!("there are no images in {name}: it holds no files"))
                .with_fault(FileFault::NoImages));
        }
        Ok(Self { layout: Layout::of(tree, options)?, root, name })
    }

    /// The images; masks that lost theirs go to `lonely` with their whole path.
    pub(super) fn images<'a>(&'a self, lonely: &'a mut WarningReport) -> impl Iterator<Item = FoundImage> + 'a {
        self.layout.images(lonely)
    }

    /// A path as the person knows it: below the folder that was given.
    pub(super) fn shown(&self, path: &Path) -> String {
        let below = self.root.as_deref().and_then(|root| path.strip_prefix(root).ok());
        below.filter(|b| !b.as_os_str().is_empty()).unwrap_or(path).display().to_string()
    }

    pub(super) fn shown_report(&self, report: &WarningReport) -> WarningReport {
        let mut shown = WarningReport::default();
        for warning in &report.warnings {
            let subject = self.shown(Path::new(&warning.subject));
            shown.push_fault(subject, warning.reason.clone(), warning.fault);
        }
        shown
    }

    /// The CSV files that were read for labels.
    pub(super) fn csv_files(&self) -> Vec<CsvFile> {
        let shown = |csv: &CsvFile| CsvFile { file: self.shown(Path::new(&csv.file)), ..csv.clone() };
        self.layout.csv_files().iter().map(shown).collect()
    }

    /// One message instead of a list, when nothing in the source is an image.
    pub(super) fn nothing_found(&self, left_out: &WarningReport) -> Error {
        let first =
            left_out.warnings.first().map_or_else(String::new, |w| format!(" (first: {}: {})", w.subject, w.reason));
        Error::invalid(format!(
            "there are no images in {}: of {} files none is a JPEG, PNG, BMP, WebP or TIFF{first}",
            self.name,
            self.layout.file_count().max(left_out.len() as u64)
        ))
        .with_fault(FileFault::NoImages)
    }
}
