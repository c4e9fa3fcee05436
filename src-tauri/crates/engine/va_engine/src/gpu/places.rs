//! Where the driver, the CUDA libraries and the plug-in may lie.

use std::path::{Path, PathBuf};

use super::pack::PackFolders;

/// Folders to look in, the first that has a file wins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// For the plug-in.
    pub plugin: Vec<PathBuf>,
    /// For the CUDA libraries.
    pub libraries: Vec<PathBuf>,
    /// For the driver's library; where it is in none of them, the system's loader finds it.
    pub driver: Vec<PathBuf>,
}

/// Subfolders of a toolkit that hold libraries.
const TOOLKIT: [&str; 4] = ["lib64", "lib", "bin", "bin/x64"];

impl Places {
    /// The usual ones: the folder that the settings name, an installed GPU pack that is whole, a CUDA toolkit, a Python
    /// environment with NVIDIA's packages (`VIRTUAL_ENV`, `CONDA_PREFIX`), the system's library folders. Made
    /// anew for each look: a pack may have come since.
    pub fn usual(from_settings: Option<&Path>, packs: &PackFolders) -> Self {
        let beside: Vec<PathBuf> =
            std::env::current_exe().ok().and_then(|exe| exe.parent().map(Path::to_path_buf)).into_iter().collect();
        let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let toolkits = ["CUDA_PATH", "CUDA_HOME"].into_iter().filter_map(variable).chain(installed_toolkits());
        let environments = ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(variable);
        let mut libraries = from_settings.map(below).unwrap_or_default();
        libraries.extend(packs.libraries());
        libraries.extend(toolkits.flat_map(|toolkit| toolkit_folders(&toolkit)));
        libraries.extend(environments.flat_map(|environment| python_folders(&environment)));
        libraries.extend(SYSTEM.iter().map(PathBuf::from));
        Self { plugin: beside, libraries, driver: SYSTEM.iter().map(PathBuf::from).collect() }
    }

    /// None where no folder has it.
    pub(super) fn plugin(&self, file: &str) -> Option<PathBuf> {
        first(&self.plugin, file)
    }

    pub(super) fn library(&self, file: &str) -> Option<PathBuf> {
        first(&self.libraries, file)
    }

    pub(super) fn driver(&self, file: &str) -> Option<PathBuf> {
        first(&self.driver, file)
    }
}

/// Where Debian, Red Hat and WSL keep libraries; Windows finds its own.
const SYSTEM: &[&str] =
    if cfg!(windows) { &[] } else { &["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib", "/usr/lib/wsl/lib"] };

fn first(folders: &[PathBuf], file: &str) -> Option<PathBuf> {
    folders.iter().map(|folder| folder.join(file)).find(|path| path.is_file())
}

/// A folder that a person named may be the libraries' own, a toolkit's, or a Python environment's.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_path_buf()];
    found.extend(toolkit_folders(folder));
    found.extend(python_folders(folder));
    found.extend(wheel_folders(folder));
    found
}

fn toolkit_folders(toolkit: &Path) -> Vec<PathBuf> {
    TOOLKIT.iter().map(|sub| toolkit.join(sub)).collect()
}

/// `/usr/local/cuda`, then `/usr/local/cuda-13.1` and so on, the newest first.
fn installed_toolkits() -> Vec<PathBuf> {
    let mut versioned = children(Path::new("/usr/local"), |name| name.starts_with("cuda-"));
    versioned.sort_by(|a, b| b.cmp(a));
    [PathBuf::from("/usr/local/cuda")].into_iter().chain(versioned).collect()
}

/// `lib/python3.12/site-packages/nvidia/cudnn/lib` and its like, of an environment.
fn python_folders(environment: &Path) -> Vec<PathBuf> {
    let mut sites = children(&environment.join("lib"), |name| name.starts_with("python3"));
    sites.iter_mut().for_each(|dir| dir.push("site-packages"));
    sites.push(environment.join("Lib/site-packages"));
    sites.iter().flat_map(|site| wheel_folders(&site.join("nvidia"))).collect()
}

/// The library folders of NVIDIA's Python packages, which lie together in one folder.
fn wheel_folders(nvidia: &Path) -> Vec<PathBuf> {
    let packages = children(nvidia, |_| true);
    packages.iter().flat_map(|package| [package.join("lib"), package.join("bin")]).collect()
}

/// Subfolders whose name fits, by name.
fn children(folder: &Path, fits: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_str().is_some_and(&fits))
        .map(|entry| entry.path())
        .filter(|path| path.is_dir())
        .collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_folder_is_searched_as_toolkit_and_as_python_environment() {
        let dir = tempfile::tempdir().unwrap();
        let put = |at: &str| {
            let path = dir.path().join(at);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        };
        let toolkit = put("lib64/libcudart.so.13");
        let wheel = put("lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9");
        let places = Places { libraries: below(dir.path()), ..Places::default() };
        assert_eq!(places.library("libcudart.so.13"), Some(toolkit));
        assert_eq!(places.library("libcudnn.so.9"), Some(wheel));
        assert_eq!(places.library("libcublas.so.13"), None);
        // A file of the same name nearer to the top is taken first.
        let nearer = put("libcudnn.so.9");
        assert_eq!(places.library("libcudnn.so.9"), Some(nearer));
    }

    #[test]
    fn the_usual_places_begin_with_the_settings() {
        let places = Places::usual(Some(Path::new("/chosen")), &PackFolders::usual());
        assert_eq!(places.libraries[0], Path::new("/chosen"));
        assert!(places.libraries.iter().any(|dir| dir.ends_with("gpu-pack")));
        assert!(!places.plugin.is_empty());
    }
}
