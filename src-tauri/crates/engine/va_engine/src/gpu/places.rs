//! Where the driver, the CUDA libraries and the plug-in may lie.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use va_domain::CudaPlace;

use super::pack::PackFolders;
use super::place::{Fit, Place};

/// Where to look, in this order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// For the plug-in.
    pub plugin: Vec<PathBuf>,
    /// For the CUDA libraries; a place whose libraries are of another major version is passed over.
    pub libraries: Vec<Place>,
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
        let system = SYSTEM.iter().map(|folder| Place { is_shared: true, ..Place::folder(*folder) });
        let mut libraries: Vec<Place> = from_settings.map(named).into_iter().collect();
        libraries.extend(packs.libraries().into_iter().map(Place::folder));
        libraries.extend(toolkits.map(|toolkit| Place::of(toolkit_folders(&toolkit), toolkit)));
        libraries.extend(environments.map(|environment| Place::of(environment_folders(&environment), environment)));
        libraries.extend(system);
        Self { plugin: beside, libraries, driver: SYSTEM.iter().map(PathBuf::from).collect() }
    }

    /// None where no folder has it.
    pub(super) fn plugin(&self, file: &str) -> Option<PathBuf> {
        first(&self.plugin, file)
    }

    /// The first whose place's major version of CUDA fits. Where that cannot be told of any, the first whose place has
    /// libraries of several.
    pub(super) fn library(&self, file: &str) -> Option<PathBuf> {
        let found: Vec<_> = self.libraries.iter().flat_map(|place| place.library(file)).collect();
        let best = found.iter().find(|(_, fit)| *fit == Fit::Fits);
        best.or_else(|| found.iter().find(|(_, fit)| *fit == Fit::Unclear)).map(|(path, _)| path.clone())
    }

    /// Places that have CUDA's libraries in other major versions alone, each folder once, in order.
    pub(super) fn other_versions(&self) -> Vec<CudaPlace> {
        let mut seen = HashSet::new();
        let other = self.libraries.iter().filter_map(|place| Some((&place.root, place.other_majors()?)));
        other
            .filter(|(root, _)| seen.insert(root.canonicalize().unwrap_or_else(|_| root.to_path_buf())))
            .map(|(root, majors)| CudaPlace {
                folder: root.display().to_string(),
                major_versions: majors.into_iter().collect(),
            })
            .collect()
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
fn named(folder: &Path) -> Place {
    let mut folders = vec![folder.to_path_buf()];
    folders.extend(toolkit_folders(folder));
    folders.extend(python_folders(folder));
    folders.extend(wheel_folders(folder));
    Place::of(folders, folder)
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

/// Conda's packages lie in `lib`, pip's with the other Python packages.
fn environment_folders(environment: &Path) -> Vec<PathBuf> {
    [environment.join("lib")].into_iter().chain(python_folders(environment)).collect()
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

    struct Machine(tempfile::TempDir);

    impl Machine {
        fn new() -> Self {
            Self(tempfile::tempdir().unwrap())
        }

        fn at(&self, path: &str) -> PathBuf {
            self.0.path().join(path)
        }

        fn put(&self, path: &str) -> PathBuf {
            let path = self.at(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, "").unwrap();
            path
        }

        fn toolkit(&self, name: &str) -> Place {
            Place::of(toolkit_folders(&self.at(name)), self.at(name))
        }

        fn environment(&self, name: &str) -> Place {
            Place::of(environment_folders(&self.at(name)), self.at(name))
        }

        fn system(&self, name: &str) -> Place {
            Place { is_shared: true, ..Place::folder(self.at(name)) }
        }
    }

    fn places(libraries: Vec<Place>) -> Places {
        Places { libraries, ..Places::default() }
    }

    const SITE: &str = "venv/lib/python3.12/site-packages";

    #[test]
    fn a_named_folder_is_searched_as_toolkit_and_as_python_environment() {
        let machine = Machine::new();
        let toolkit = machine.put("lib64/libcudart.so.13");
        let wheel = machine.put("lib/python3.12/site-packages/nvidia/cudnn/lib/libcudnn.so.9");
        let places = || places(vec![named(machine.0.path())]);
        assert_eq!(places().library("libcudart.so.13"), Some(toolkit));
        assert_eq!(places().library("libcudnn.so.9"), Some(wheel));
        assert_eq!(places().library("libcublas.so.13"), None);
        // A file of the same name nearer to the top is taken first.
        let nearer = machine.put("libcudnn.so.9");
        assert_eq!(places().library("libcudnn.so.9"), Some(nearer));
    }

    #[test]
    fn the_usual_places_begin_with_the_settings() {
        let places = Places::usual(Some(Path::new("/chosen")), &PackFolders::usual());
        assert_eq!(places.libraries[0].root, Path::new("/chosen"));
        assert!(places.libraries.iter().any(|place| place.root.ends_with("gpu-pack")));
        assert!(!places.plugin.is_empty());
    }

    /// cuDNN and cuRAND have one file name for CUDA 12 and 13; only what lies around them tells which they are of.
    #[test]
    fn a_library_comes_from_a_place_of_the_right_major_version_whatever_the_order() {
        let machine = Machine::new();
        for file in ["cublas/lib/libcublas.so.12", "cudnn/lib/libcudnn.so.9", "curand/lib/libcurand.so.10"] {
            machine.put(&format!("{SITE}/nvidia/{file}"));
        }
        machine.put("cuda-12.4/lib64/libcudart.so.12");
        machine.put("cuda-12.4/lib64/libcurand.so.10");
        machine.put("cuda-13.0/lib64/libcudart.so.13");
        let curand = machine.put("cuda-13.0/lib64/libcurand.so.10");
        let before = vec![machine.environment("venv"), machine.toolkit("cuda-12.4"), machine.toolkit("cuda-13.0")];
        let after: Vec<Place> = before.iter().rev().cloned().collect();
        for order in [before, after] {
            let places = places(order);
            assert_eq!(places.library("libcurand.so.10"), Some(curand.clone()));
            assert_eq!(places.library("libcudnn.so.9"), None, "that of CUDA 12 is no help");
            let mut other: Vec<_> = places.other_versions().into_iter().map(|p| (p.folder, p.major_versions)).collect();
            other.sort();
            let at = |name: &str| machine.at(name).display().to_string();
            assert_eq!(other, [(at("cuda-12.4"), vec![12]), (at("venv"), vec![12])]);
        }
    }

    #[test]
    fn an_environment_of_cuda_13_is_one_place() {
        let machine = Machine::new();
        machine.put(&format!("{SITE}/nvidia/cu13/lib/libcublas.so.13"));
        let curand = machine.put(&format!("{SITE}/nvidia/cu13/lib/libcurand.so.10"));
        let cudnn = machine.put(&format!("{SITE}/nvidia/cudnn/lib/libcudnn.so.9"));
        let places = places(vec![machine.environment("venv")]);
        assert_eq!(places.library("libcurand.so.10"), Some(curand));
        assert_eq!(places.library("libcudnn.so.9"), Some(cudnn));
        assert!(places.other_versions().is_empty());
    }

    /// Wheels of both majors lie side by side: the package that was installed tells, or the folder itself.
    #[test]
    fn in_a_mixed_environment_the_nearest_sign_counts() {
        let machine = Machine::new();
        machine.put(&format!("{SITE}/nvidia/cublas/lib/libcublas.so.12"));
        machine.put(&format!("{SITE}/nvidia/cu13/lib/libcublas.so.13"));
        machine.put(&format!("{SITE}/nvidia/a_curand/lib/libcurand.so.10"));
        let curand = machine.put(&format!("{SITE}/nvidia/cu13/lib/libcurand.so.10"));
        let cudnn = machine.put(&format!("{SITE}/nvidia/cudnn/lib/libcudnn.so.9"));
        let mixed = || places(vec![machine.environment("venv")]);
        assert_eq!(mixed().library("libcurand.so.10"), Some(curand), "not the first, whose version is unclear");
        assert_eq!(mixed().library("libcudnn.so.9"), Some(cudnn.clone()), "unclear is better than nothing");
        assert!(mixed().other_versions().is_empty(), "it has what is needed");

        let package = |name: &str| _ = machine.put(&format!("{SITE}/{name}.dist-info/METADATA"));
        package("nvidia_cudnn_cu12-9.10.2.21");
        assert_eq!(mixed().library("libcudnn.so.9"), None);
        package("nvidia_cudnn_cu13-9.19.0.56");
        assert_eq!(mixed().library("libcudnn.so.9"), Some(cudnn), "whichever was installed last");
        machine.put("cuda-13.0/lib64/libcudart.so.13");
        let clear = machine.put("cuda-13.0/lib64/libcudnn.so.9");
        let both = places(vec![machine.environment("venv"), machine.toolkit("cuda-13.0")]);
        assert_eq!(both.library("libcudnn.so.9"), Some(clear), "one that is known to fit is better");
    }

    /// Package managers put libraries of several installations into one folder.
    #[test]
    fn in_a_folder_of_the_system_a_neighbour_of_another_version_proves_nothing() {
        let machine = Machine::new();
        machine.put("usr/lib/libcudart.so.12.4.127");
        let cudnn = machine.put("usr/lib/libcudnn.so.9");
        machine.put("cuda-13.0/lib64/libcudart.so.13");
        let order = vec![machine.system("usr/lib"), machine.toolkit("cuda-13.0")];
        assert_eq!(places(order.clone()).library("libcudnn.so.9"), Some(cudnn));
        let fits = machine.put("cuda-13.0/lib64/libcudnn.so.9");
        assert_eq!(places(order.clone()).library("libcudnn.so.9"), Some(fits));
        assert_eq!(places(order).other_versions().len(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_toolkit_with_two_names_is_told_once() {
        let machine = Machine::new();
        machine.put("cuda-12.4/lib64/libcublas.so.12");
        std::os::unix::fs::symlink(machine.at("cuda-12.4"), machine.at("cuda")).unwrap();
        let places = places(vec![machine.toolkit("cuda"), machine.toolkit("cuda-12.4")]);
        let told = places.other_versions();
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].folder, machine.at("cuda").display().to_string());
    }
}
