//! Labels in CSV files beside the images: a column with the class of each image, or with several classes in a cell, or in
//! several rows; or a column a class with 1 and 0. What this program exports comes back as it was.

mod cells;
mod files;
mod header;
mod problems;
mod read;
mod text;

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use va_domain::{CsvFile, ImportFormat, ImportOptions, Split};
use va_error::{Error, Result, WarningReport};

use crate::detect::extension;
use crate::{Directory, Tree};
use files::Files;
use problems::Problems;
use read::{Read, Row, read};

/// Of several CSV files in a folder, the one that is meant by its name.
const MEANT: [&str; 4] = ["labels.csv", "_classes.csv", "annotations.csv", "labels.tsv"];

/// What CSV files say of an image.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    pub classes: Vec<String>,
    /// It shows none of the classes.
    pub no_class: bool,
    pub split: Option<Split>,
}

/// The CSV files of a tree, as they were understood.
#[derive(Debug, Default)]
pub(crate) struct CsvLabels {
    pub files: Vec<CsvFile>,
    said: HashMap<PathBuf, Said>,
    /// The files themselves, and those that were looked at in vain.
    passed_over: HashSet<PathBuf>,
    /// Rows that could not be used, or not whole.
    pub rows_left_out: WarningReport,
    pub has_splits: bool,
}

/// Whether a file may hold labels, by its name.
pub fn looks_like_csv(name: &OsStr) -> bool {
    matches!(extension(name).as_str(), "csv" | "tsv")
}

impl CsvLabels {
    /// Reads the CSV files of the tree, at most one a folder; with `only`, that one. `Ok(None)`: with the format left open
    /// nothing in it speaks for labels of these images; what seemed to and could not be read is in `tree.left_out` then.
    ///
    /// # Errors
    /// `InvalidInput` when labels in CSV are demanded and there are none.
    pub fn of(tree: &mut Tree, only: Option<&Path>, options: &ImportOptions) -> Result<Option<Self>> {
        let is_demanded = only.is_some() || options.format == ImportFormat::Csv;
        let mut found = Candidates::default();
        for directory in &tree.directories {
            found.choose(directory, only);
        }
        if found.chosen.is_empty() && found.failed.is_empty() {
            return if is_demanded { Err(nothing("there is no CSV file", &[])) } else { Ok(None) };
        }
        let files = Files::of(tree);
        let mut reads = Vec::new();
        for (path, folder) in found.chosen {
            match read(&path, &folder, &files, options) {
                Ok(read) if read.look.found_count == 0 => {
                    let reason = read.problems.first().unwrap_or("it has no rows").to_owned();
                    found.failed.push((path, format!("it names none of the images that are there ({reason})")));
                }
                // Something else that happens to name a few of the files, or says less than the folders.
                Ok(read) if !is_demanded && !read.speaks_for_itself() => {}
                Ok(read) => reads.push(read),
                Err(reason) => found.failed.push((path, reason)),
            }
        }
        if reads.is_empty() {
            return if is_demanded {
                Err(nothing("no CSV file with labels could be read", &found.failed))
            } else {
                Ok(None)
            };
        }
        let mut labels = Self::default();
        for (path, reason) in found.failed {
            tree.left_out.push(path.display().to_string(), reason);
            labels.passed_over.insert(path);
        }
        for read in reads {
            labels.add(read, &files, options.several_classes);
        }
        Ok(Some(labels))
    }

    pub fn of_image(&self, path: &Path) -> Option<&Said> {
        self.said.get(path)
    }

    /// Not an image, and no news either.
    pub fn is_passed_over(&self, path: &Path) -> bool {
        self.passed_over.contains(path)
    }

    fn add(&mut self, read: Read, files: &Files, takes_several: bool) {
        let Read { path, look, rows, mut problems } = read;
        self.has_splits |= rows.iter().any(|row| row.split.is_some());
        let mut lines: HashMap<usize, u64> = HashMap::new();
        for mut row in rows {
            if !takes_several && row.classes.len() > 1 {
                let reason =
                    format!("it has {} classes, of which the first was taken: {}", row.classes.len(), row.classes[0]);
                problems.push(row.line, reason);
                row.classes.truncate(1);
            }
            let line = row.line;
            let before = lines.get(&row.file).map_or_else(|| "another file".to_owned(), |line| format!("line {line}"));
            lines.entry(row.file).or_insert(line);
            let said = self.said.entry(files.path(row.file).to_owned()).or_default();
            for reason in said.join(row, takes_several) {
                problems.push(line, format!("{reason} in {before}, which was kept"));
            }
        }
        self.rows_left_out.extend(Problems::finish(problems, &path));
        self.passed_over.insert(path);
        self.files.push(look);
    }
}

impl Said {
    /// Takes what another row adds; gives what it contradicts, in words that `in line 3` ends.
    fn join(&mut self, row: Row, takes_several: bool) -> Vec<String> {
        let mut against = Vec::new();
        match (self.split, row.split) {
            (Some(before), Some(now)) if before != now => {
                against.push(format!("the same image is in the split {}", crate::csv_writer::split_word(Some(before))));
            }
            (before, now) => self.split = before.or(now),
        }
        let is_same = |a: &str, b: &str| a.to_lowercase() == b.to_lowercase();
        for class in row.classes {
            match self.classes.first() {
                _ if self.classes.iter().any(|before| is_same(before, &class)) => {}
                _ if self.no_class => against.push("the same image shows none of the classes".to_owned()),
                Some(first) if !takes_several => against.push(format!("the same image has the class {first}")),
                _ => self.classes.push(class),
            }
        }
        match self.classes.first() {
            Some(first) if row.no_class => against.push(format!("the same image has the class {first}")),
            _ => self.no_class |= row.no_class,
        }
        against
    }
}

#[derive(Default)]
struct Candidates {
    /// With the names of the folders above it.
    chosen: Vec<(PathBuf, Vec<String>)>,
    failed: Vec<(PathBuf, String)>,
}

impl Candidates {
    fn choose(&mut self, directory: &Directory, only: Option<&Path>) {
        let path_of = |name: &OsStr| directory.path.join(name);
        let is_meant = |name: &&OsStr| MEANT.iter().any(|meant| name.eq_ignore_ascii_case(meant));
        let names: Vec<&OsStr> =
            directory.files.iter().map(|name| name.as_os_str()).filter(|n| looks_like_csv(n)).collect();
        let chosen = match (only, names.as_slice()) {
            (Some(only), _) => names.iter().find(|name| path_of(name) == only),
            (None, [one]) => Some(one),
            (None, several) => several.iter().find(|name| is_meant(name)),
        };
        match chosen {
            Some(name) => self.chosen.push((path_of(name), directory.components.clone())),
            None if only.is_none() => self.failed.extend(names.iter().map(|name| {
                let reason = "one of several CSV files in this folder: import the one that holds the labels, or call it labels.csv";
                (path_of(name), reason.to_owned())
            })),
            None => {}
        }
    }
}

fn nothing(what: &str, failed: &[(PathBuf, String)]) -> Error {
    let first = failed.first().map(|(path, reason)| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        format!(": {name}: {reason}")
    });
    Error::invalid(format!("{what}{}", first.unwrap_or_default()))
}
