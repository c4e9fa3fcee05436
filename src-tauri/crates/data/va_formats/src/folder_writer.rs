//! A data set as a folder a class, readable again by this crate and by everything else.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use va_domain::Split;
use va_error::{Code, Context, Error, Result};

use crate::component::UNLABELLED_FOLDER;
use crate::csv_writer::split_word;
use crate::names::{safe_component, split_extension};

/// Writes below one folder that was empty, and never over a file.
pub struct FolderWriter {
    root: PathBuf,
    /// The folder of each class, by class name.
    class_folders: HashMap<Option<String>, String>,
    /// Names taken in each folder, in lower case: some file systems do not tell cases apart.
    taken: HashMap<PathBuf, HashMap<String, u32>>,
}

impl FolderWriter {
    /// Makes `root`, or takes it if it is there and empty.
    ///
    /// # Errors
    /// `Conflict` when it holds anything or is a file, `Io` when it cannot be made.
    pub fn create(root: &Path) -> Result<Self> {
        let cannot = || format!("cannot make the folder {}", root.display());
        if root.exists() {
            if !root.is_dir() {
                return Err(Error::conflict(format!("{} is a file: choose another folder", root.display())));
            }
            if fs::read_dir(root).with_context(cannot)?.next().is_some() {
                return Err(Error::conflict(format!(
                    "{} is not empty, and an export never writes over anything: choose a new folder",
                    root.display()
                )));
            }
        }
        fs::create_dir_all(root).with_context(cannot)?;
        Ok(Self { root: root.to_owned(), class_folders: HashMap::new(), taken: HashMap::new() })
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Copies `source` to `[split/]class/name`, under a free name; gives the path below the root, with `/`.
    ///
    /// # Errors
    /// `Io`, `DiskFull`, `NotFound` of the copy.
    pub fn place(&mut self, source: &Path, name: &str, class: Option<&str>, split: Option<Split>) -> Result<String> {
        let class_folder = self.class_folder(class);
        let below = match split {
            Some(_) => format!("{}/{class_folder}", split_word(split)),
            None => class_folder,
        };
        let folder = self.root.join(&below);
        if !self.taken.contains_key(&folder) {
            fs::create_dir_all(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
        }
        let file_name = free_name(self.taken.entry(folder.clone()).or_default(), &safe_component(name));
        copy_new(source, &folder.join(&file_name))?;
        Ok(format!("{below}/{file_name}"))
    }

    fn class_folder(&mut self, class: Option<&str>) -> String {
        let key = class.map(str::to_owned);
        if let Some(folder) = self.class_folders.get(&key) {
            return folder.clone();
        }
        let wanted = class.map_or_else(|| UNLABELLED_FOLDER.to_owned(), safe_component);
        let folder = free_name(self.taken.entry(PathBuf::new()).or_default(), &wanted);
        self.class_folders.insert(key, folder.clone());
        folder
    }
}

/// `name`, or `name (2)`, `name (3)` … before the extension, whichever is free.
fn free_name(taken: &mut HashMap<String, u32>, name: &str) -> String {
    let (stem, extension) = split_extension(name);
    let mut candidate = name.to_owned();
    while taken.contains_key(&candidate.to_lowercase()) {
        let next = taken.entry(name.to_lowercase()).or_insert(1);
        *next += 1;
        candidate = format!("{stem} ({next}){extension}");
    }
    taken.insert(candidate.to_lowercase(), 1);
    candidate
}

/// A copy, not a link: whoever edits the export must not change the library.
fn copy_new(source: &Path, target: &Path) -> Result<()> {
    let cannot = || format!("cannot copy {} to {}", source.display(), target.display());
    let mut from = File::open(source).with_context(cannot)?;
    let to = File::options().write(true).create_new(true).open(target);
    let mut to = match to {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(Error::new(Code::Conflict, format!("{} appeared during the export", target.display())));
        }
        other => other.with_context(cannot)?,
    };
    if let Err(error) = io::copy(&mut from, &mut to) {
        // A half-written copy must not look like an image; the error that matters is the first.
        let _ = fs::remove_file(target);
        return Err(error).with_context(cannot);
    }
    Ok(())
}
