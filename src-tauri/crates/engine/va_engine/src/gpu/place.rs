//! One place with NVIDIA's libraries, and the major versions of CUDA that they are of.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::libraries::{MAJOR, major_of};

/// Folders whose libraries were installed together: a GPU pack, a toolkit, a Python environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// What a person calls the place.
    pub root: PathBuf,
    /// Where its libraries lie; the first that has a file wins.
    pub folders: Vec<PathBuf>,
    /// Several installations put their libraries here, so that one says little about another.
    pub is_shared: bool,
}

/// Whether a library is of the plug-in's major version of CUDA.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is, or nothing speaks against it.
    Fits,
    /// There are signs of several versions.
    Unclear,
    Other,
}

impl Place {
    pub fn folder(path: impl Into<PathBuf>) -> Self {
        let root = path.into();
        Self { folders: vec![root.clone()], root, is_shared: false }
    }

    pub(super) fn of(folders: Vec<PathBuf>, root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), folders, is_shared: false }
    }

    /// Where this file lies here, and whether each fits.
    pub(super) fn library(&self, file: &str) -> Vec<(PathBuf, Fit)> {
        let paths = self.folders.iter().map(|folder| folder.join(file)).filter(|path| path.is_file());
        let with_fit = |path: PathBuf| {
            let fit = self.fit(&path, file);
            (path, fit)
        };
        paths.map(with_fit).collect()
    }

    /// A name with the version says it. For one without, the nearest sign counts: what lies in the same folder, the Python
    /// package that brought it, what lies in the whole place.
    fn fit(&self, path: &Path, file: &str) -> Fit {
        if let Some(major) = major_of(file) {
            return if major == MAJOR { Fit::Fits } else { Fit::Other };
        }
        let beside = path.parent().map(majors_in).unwrap_or_default();
        let signs = [beside, majors_of_wheel(path), self.majors()].into_iter().find(|majors| !majors.is_empty());
        match signs {
            None => Fit::Fits,
            Some(majors) if majors.len() == 1 && majors.contains(&MAJOR) => Fit::Fits,
            Some(majors) if majors.contains(&MAJOR) || self.is_shared => Fit::Unclear,
            Some(_) => Fit::Other,
        }
    }

    /// The major versions here when the plug-in's is not among them; None for a place that has it, or no library at all.
    pub(super) fn other_majors(&self) -> Option<BTreeSet<u32>> {
        let mut majors = self.majors();
        majors.extend(self.folders.iter().flat_map(|folder| majors_of_wheel(&folder.join("any"))));
        (!majors.is_empty() && !majors.contains(&MAJOR)).then_some(majors)
    }

    fn majors(&self) -> BTreeSet<u32> {
        self.folders.iter().flat_map(|folder| majors_in(folder)).collect()
    }
}

/// Told by the names of the libraries in a folder.
fn majors_in(folder: &Path) -> BTreeSet<u32> {
    names(folder).iter().filter_map(|name| major_of(name)).collect()
}

/// Of `site-packages/nvidia/cudnn/lib/libcudnn.so.9`, told by the installed packages' names: `nvidia_cudnn_cu12-9.1.0.70.dist-info`
/// lies in `site-packages`. Wheels of both versions write to the same folder, so that both may be named.
fn majors_of_wheel(library: &Path) -> BTreeSet<u32> {
    let above = |levels: usize| library.ancestors().nth(levels);
    let (Some(package), Some(nvidia), Some(site)) = (above(2), above(3), above(4)) else { return BTreeSet::new() };
    let Some(package) = package.file_name().and_then(|name| name.to_str()) else { return BTreeSet::new() };
    if nvidia.file_name().is_none_or(|name| name != "nvidia") {
        return BTreeSet::new();
    }
    let prefix = format!("nvidia_{package}_cu");
    let major = |name: &String| {
        let (digits, _) = name.strip_suffix(".dist-info")?.strip_prefix(&prefix)?.split_once('-')?;
        digits.parse().ok()
    };
    names(site).iter().filter_map(major).collect()
}

fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}
