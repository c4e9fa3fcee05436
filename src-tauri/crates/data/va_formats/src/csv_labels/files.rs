//! Which file of the tree a row means. A look-up among names that were found, never a look at the disk: a row cannot lead
//! out of the folder that was given.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use unicode_normalization::UnicodeNormalization;

use crate::Tree;
use crate::detect::looks_like_image;

/// How the rows of one file name their images; the first way that fits any row is the way of all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Naming {
    /// By path, from the CSV file's folder or from the top.
    Path,
    /// By file name: the paths are those of another machine, or of other folders.
    Name,
    /// By file name without its extension.
    Stem,
}

pub(super) const NAMINGS: [Naming; 3] = [Naming::Path, Naming::Name, Naming::Stem];

/// The files of a tree by their names.
pub(super) struct Files {
    files: Vec<File>,
    by_path: HashMap<String, usize>,
    by_name: HashMap<String, Vec<usize>>,
    by_stem: HashMap<String, Vec<usize>>,
}

struct File {
    path: PathBuf,
    /// From the top, with `/`.
    below: String,
}

impl Files {
    pub fn of(tree: &Tree) -> Self {
        let mut index =
            Self { files: Vec::new(), by_path: HashMap::new(), by_name: HashMap::new(), by_stem: HashMap::new() };
        for directory in &tree.directories {
            for name in &directory.files {
                index.add(directory.path.join(name), &directory.components, name);
            }
        }
        index
    }

    fn add(&mut self, path: PathBuf, components: &[String], name: &OsStr) {
        let at = self.files.len();
        let shown = composed(&name.to_string_lossy());
        let below =
            composed(&components.iter().map(String::as_str).chain([shown.as_str()]).collect::<Vec<_>>().join("/"));
        if looks_like_image(name) {
            let stem =
                Path::new(&shown).file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
            self.by_stem.entry(stem).or_default().push(at);
        }
        self.by_path.insert(below.clone(), at);
        self.by_name.entry(shown).or_default().push(at);
        self.files.push(File { path, below });
    }

    pub fn path(&self, at: usize) -> &Path {
        &self.files[at].path
    }

    /// # Errors
    /// In words for a person, when no file is meant, or it cannot be told which.
    pub fn find(&self, cell: &str, csv_folder: &[String], naming: Naming) -> Result<usize, String> {
        let named = composed(&cell.trim().replace('\\', "/"));
        let missing = || format!("there is no file {}", super::header::shortened(&named));
        if named.is_empty() {
            return Err("it names no file".to_owned());
        }
        match naming {
            Naming::Path => self.by_path(&named, csv_folder).ok_or_else(missing),
            Naming::Name => {
                let name = named.rsplit('/').next().unwrap_or_default();
                self.one_of(self.by_name.get(name), &named).unwrap_or_else(|| Err(missing()))
            }
            Naming::Stem => {
                let stem = named.rsplit('/').next().unwrap_or_default();
                self.one_of(self.by_stem.get(stem), &named).unwrap_or_else(|| Err(missing()))
            }
        }
    }

    fn by_path(&self, named: &str, csv_folder: &[String]) -> Option<usize> {
        let from = |base: &[String]| self.by_path.get(&resolved(base, named)?).copied();
        from(csv_folder).or_else(|| from(&[]))
    }

    /// Of several files of one name the one whose folders agree best with the row's.
    fn one_of(&self, found: Option<&Vec<usize>>, named: &str) -> Option<Result<usize, String>> {
        let found = found?;
        if let [one] = found.as_slice() {
            return Some(Ok(*one));
        }
        let folders = |path: &str| path.rsplit('/').skip(1).map(str::to_owned).collect::<Vec<_>>();
        let wanted = folders(named);
        let agreement =
            |at: usize| folders(&self.files[at].below).iter().zip(&wanted).take_while(|(a, b)| a == b).count();
        let best = found.iter().map(|at| agreement(*at)).max()?;
        let mut closest = found.iter().filter(|at| agreement(**at) == best);
        match (closest.next(), closest.next()) {
            (Some(one), None) => Some(Ok(*one)),
            _ => Some(Err(format!(
                "{} files are called {}: write their folders too",
                found.len(),
                super::header::shortened(named.rsplit('/').next().unwrap_or_default())
            ))),
        }
    }
}

/// A path below `base`, without `.` and `..`; None when it leads out of the top, or is absolute.
fn resolved(base: &[String], named: &str) -> Option<String> {
    let is_absolute = named.starts_with('/') || named.as_bytes().get(1) == Some(&b':');
    if is_absolute {
        return None;
    }
    let mut parts: Vec<&str> = base.iter().map(String::as_str).collect();
    for part in named.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop()?,
            part => parts.push(part),
        }
    }
    Some(composed(&parts.join("/")))
}

/// macOS keeps names decomposed; a spreadsheet does not.
fn composed(text: &str) -> String {
    text.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Directory;

    fn files(paths: &[&str]) -> Files {
        let mut tree = Tree::default();
        for path in paths {
            let mut components: Vec<String> = path.split('/').map(str::to_owned).collect();
            let name = components.pop().unwrap();
            tree.directories.push(Directory {
                path: PathBuf::from("/top").join(components.join("/")),
                components,
                files: vec![name.into()],
            });
        }
        Files::of(&tree)
    }

    fn find(files: &Files, cell: &str, folder: &str, naming: Naming) -> Result<String, String> {
        let folder: Vec<String> = folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
        files.find(cell, &folder, naming).map(|at| files.path(at).display().to_string())
    }

    #[test]
    fn a_path_counts_from_the_files_folder_then_from_the_top() {
        let files = files(&["train/1.jpg", "1.jpg", "images/2.jpg"]);
        let by_path = |cell, folder| find(&files, cell, folder, Naming::Path);
        assert_eq!(by_path("1.jpg", "train").unwrap(), "/top/train/1.jpg");
        assert_eq!(by_path(" .\\1.jpg", "").unwrap(), "/top/1.jpg");
        assert_eq!(by_path("../images/2.jpg", "labels").unwrap(), "/top/images/2.jpg");
        assert_eq!(by_path("images/2.jpg", "labels").unwrap(), "/top/images/2.jpg");
    }

    #[test]
    fn nothing_outside_the_tree_is_ever_meant() {
        let files = files(&["1.jpg"]);
        for cell in ["/etc/passwd", "../1.jpg", "../../etc/passwd", "C:\\1.jpg", "", "..", ".", "/", "1.jpg\0"] {
            assert!(find(&files, cell, "", Naming::Path).is_err(), "{cell:?}");
        }
    }

    #[test]
    fn names_of_another_machine_are_found_by_their_end() {
        let files = files(&["cat/1.jpg", "dog/1.jpg", "dog/2.jpg", "bru\u{308}cke.png"]);
        let by_name = |cell| find(&files, cell, "", Naming::Name);
        assert_eq!(by_name("D:\\data\\dog\\1.jpg").unwrap(), "/top/dog/1.jpg");
        assert_eq!(by_name("/home/me/2.jpg").unwrap(), "/top/dog/2.jpg");
        assert!(by_name("/data/1.jpg").unwrap_err().contains("2 files are called 1.jpg"));
        assert!(by_name("/x/br\u{fc}cke.png").is_ok(), "composed and decomposed names are the same");
        assert_eq!(find(&files, "2", "", Naming::Stem).unwrap(), "/top/dog/2.jpg");
    }
}
