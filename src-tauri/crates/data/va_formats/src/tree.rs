//! What lies in a folder: every file once, in the order of names, links followed but never in circles.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use va_error::{Code, Context, Error, FileFault, Result, WarningReport};

/// Deeper than this is a mistake, not a data set.
const MAX_DEPTH: usize = 64;

/// The files of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    pub path: PathBuf,
    /// Folder names between the root and here, as shown.
    pub components: Vec<String>,
    /// Regular files, by name.
    pub files: Vec<OsString>,
}

/// What was found below the given paths. Names only: nothing has been opened.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// Folders that hold files.
    pub directories: Vec<Directory>,
    /// What could not be looked at, and why.
    pub left_out: WarningReport,
}

impl Tree {
    /// Walks a folder; or several folders and files, taken as if they lay in one folder (so that dropping the class
    /// folders is the same as dropping their parent). `stop` is asked at every folder.
    ///
    /// # Errors
    /// `NotFound` or `Io` when a given path itself is missing or unreadable, `Cancelled` when `stop` says so.
    pub fn walk(paths: &[PathBuf], stop: &dyn Fn() -> bool) -> Result<Self> {
        let roots = paths.iter().filter_map(|path| path.canonicalize().ok()).collect();
        let mut walk = Walk { tree: Self::default(), roots, read: HashSet::new(), depth: 0, stop };
        if let [one] = paths {
            let metadata = fs::metadata(one).with_context(|| format!("cannot open {}", one.display()))?;
            if metadata.is_dir() {
                walk.root(one)?;
                return Ok(walk.tree);
            }
        }
        walk.several(paths)?;
        Ok(walk.tree)
    }

    pub fn file_count(&self) -> u64 {
        self.directories.iter().map(|d| d.files.len() as u64).sum()
    }
}

struct Walk<'a> {
    tree: Tree,
    /// Real paths of the given folders.
    roots: Vec<PathBuf>,
    /// Real paths of the folders read so far: each is read once, however many links lead to it.
    read: HashSet<PathBuf>,
    depth: usize,
    stop: &'a dyn Fn() -> bool,
}

impl Walk<'_> {
    fn root(&mut self, path: &Path) -> Result<()> {
        fs::read_dir(path).with_context(|| format!("cannot read the folder {}", path.display()))?;
        self.folder(path, &mut Vec::new())
    }

    fn several(&mut self, paths: &[PathBuf]) -> Result<()> {
        for path in paths {
            let metadata = fs::metadata(path).with_context(|| format!("cannot open {}", path.display()))?;
            if metadata.is_dir() {
                let name =
                    path.canonicalize()?.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
                self.folder(path, &mut vec![name])?;
            } else if metadata.is_file() {
                let (Some(name), Some(parent)) = (path.file_name(), path.parent()) else {
                    return Err(Error::invalid(format!("{} is not a file", path.display())));
                };
                self.loose_file(parent, name);
            } else {
                return Err(Error::new(Code::Io, format!("{} is neither a file nor a folder", path.display())));
            }
        }
        Ok(())
    }

    /// A file given by itself stands in no folder, whatever its parent is called.
    fn loose_file(&mut self, parent: &Path, name: &OsStr) {
        match self.tree.directories.iter_mut().find(|d| d.components.is_empty() && d.path == parent) {
            Some(directory) if directory.files.iter().any(|file| file == name) => {}
            Some(directory) => directory.files.push(name.to_owned()),
            None => self.tree.directories.push(Directory {
                path: parent.to_owned(),
                components: Vec::new(),
                files: vec![name.to_owned()],
            }),
        }
    }

    fn folder(&mut self, path: &Path, components: &mut Vec<String>) -> Result<()> {
        if (self.stop)() {
            return Err(Error::cancelled());
        }
        let subject = || path.display().to_string();
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) => return self.skip(subject(), format!("the folder cannot be opened: {error}")),
        };
        if let Some(reason) = self.not_followed(path, &real) {
            return self.skip(subject(), reason);
        }
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return self.skip(subject(), format!("the folder cannot be read: {error}")),
        };
        let (files, folders) = self.sorted_entries(path, entries);
        if !files.is_empty() {
            self.tree.directories.push(Directory { path: path.to_owned(), components: components.clone(), files });
        }
        self.depth += 1;
        for name in folders {
            components.push(name.to_string_lossy().into_owned());
            self.folder(&path.join(&name), components)?;
            components.pop();
        }
        self.depth -= 1;
        Ok(())
    }

    /// Links may lead anywhere, also back: a folder is read where it really lies, and once.
    fn not_followed(&mut self, path: &Path, real: &Path) -> Option<String> {
        if self.depth > 0 && path.is_symlink() {
            if self.roots.iter().any(|root| root.starts_with(real)) {
                return Some("a link back to a folder above it: not followed, to not go in circles".to_owned());
            }
            if self.roots.iter().any(|root| real.starts_with(root)) {
                return Some("a link to a folder that is read anyway: not followed".to_owned());
            }
        }
        if !self.read.insert(real.to_owned()) {
            return Some("this folder was already read under another name".to_owned());
        }
        (self.depth >= MAX_DEPTH).then(|| format!("deeper than {MAX_DEPTH} folders"))
    }

    /// Files and folders of one folder, each by name; system droppings are passed over, everything else left out is named.
    fn sorted_entries(&mut self, path: &Path, entries: fs::ReadDir) -> (Vec<OsString>, Vec<OsString>) {
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for entry in entries {
            let name = match entry {
                Ok(entry) => entry.file_name(),
                Err(error) => {
                    self.tree
                        .left_out
                        .push(path.display().to_string(), format!("the folder cannot be read to its end: {error}"));
                    continue;
                }
            };
            if is_system_dropping(&name) {
                continue;
            }
            let child = path.join(&name);
            // Follows links: a link to a file is that file.
            match fs::metadata(&child) {
                _ if name.as_encoded_bytes().starts_with(b".") => {
                    let fault = Some(FileFault::Hidden);
                    self.tree.left_out.push_fault(child.display().to_string(), "hidden", fault);
                }
                Ok(metadata) if metadata.is_dir() => folders.push(name),
                Ok(metadata) if metadata.is_file() => files.push(name),
                Ok(_) => self.note(&child, "not a regular file (a device, pipe or socket)"),
                Err(error) if fs::symlink_metadata(&child).is_ok_and(|m| m.is_symlink()) => {
                    self.note(&child, &format!("a link that leads nowhere: {error}"));
                }
                Err(error) => self.note(&child, &format!("cannot be looked at: {error}")),
            }
        }
        files.sort_unstable();
        folders.sort_unstable();
        (files, folders)
    }

    fn note(&mut self, path: &Path, reason: &str) {
        self.tree.left_out.push(path.display().to_string(), reason);
    }

    fn skip(&mut self, subject: String, reason: String) -> Result<()> {
        self.tree.left_out.push(subject, reason);
        Ok(())
    }
}

/// What operating systems leave in folders without being asked; nobody misses it in a report.
fn is_system_dropping(name: &OsStr) -> bool {
    let name = name.as_encoded_bytes();
    let known: [&[u8]; 6] = [b".DS_Store", b"Thumbs.db", b"ehthumbs.db", b"desktop.ini", b"__MACOSX", b"@eaDir"];
    name.starts_with(b"._") || known.iter().any(|k| name.eq_ignore_ascii_case(k))
}
