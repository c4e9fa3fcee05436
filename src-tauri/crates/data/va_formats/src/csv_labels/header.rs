//! What the columns of a CSV file mean, by their names.

use std::collections::HashSet;

use csv::ByteRecord;

use crate::component::class_name;

/// More columns are no labels.
const MAX_COLUMNS: usize = 10_000;

const FILE: [&str; 17] = [
    "file",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "path",
    "image",
    "image_name",
    "image_file",
    "image_path",
    "image_id",
    "img",
    "img_name",
    "img_path",
    "sample",
    "name",
    "id",
];
const CLASSES: [&str; 14] = [
    "classes",
    "class",
    "labels",
    "label",
    "categories",
    "category",
    "class_names",
    "class_name",
    "label_names",
    "label_name",
    "tags",
    "tag",
    "ground_truth",
    "target",
];
const SPLIT: [&str; 4] = ["split", "subset", "partition", "ml_use"];
/// Numbers that would look like 1 and 0 and are no classes.
const NO_CLASS: [&str; 7] = ["media_hash", "", "index", "unnamed:_0", "width", "height", "id"];
/// A column that says of an image that it shows none of the classes.
const NONE: &str = "no_class";

/// The first columns of the files that this program writes with a column a class: what follows are classes, whatever they
/// are called.
const OWN: [&str; 3] = ["file", "split", "media_hash"];

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub file: usize,
    pub split: Option<usize>,
    /// Holds the classes of an image in one cell.
    pub classes: Option<usize>,
    /// Says with 1 that an image shows none of the classes.
    pub none: Option<usize>,
    /// What may be a class each, where no column holds the classes in one cell.
    pub others: Vec<Column>,
    /// `others` are classes without a look at their cells.
    pub is_own: bool,
    pub len: usize,
    /// As written, by column.
    pub names: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub at: usize,
    pub class: String,
}

impl Header {
    /// # Errors
    /// In words for a person, when it cannot be the first line of a file with labels.
    pub fn read(record: &ByteRecord) -> Result<Self, String> {
        if record.len() > MAX_COLUMNS {
            return Err(format!("it has {} columns, and at most {MAX_COLUMNS} can be read", record.len()));
        }
        let cells: Result<Vec<String>, _> =
            record.iter().map(|cell| std::str::from_utf8(cell).map(str::to_owned)).collect();
        let names = cells.map_err(|_| super::text::NOT_UTF8.to_owned())?;
        let keys: Vec<String> = names.iter().map(|name| key(name)).collect();
        let find = |wanted: &[&str]| wanted.iter().find_map(|word| keys.iter().position(|key| key == word));
        let Some(file) = find(&FILE) else {
            return Err(format!(
                "its first line must name the columns, and one of them the image: file, filename, image or path; it says {}",
                shortened(&names.join(", "))
            ));
        };
        let is_own = keys.len() > OWN.len() && keys.iter().zip(OWN).all(|(key, own)| key == own);
        if is_own {
            let others = columns(&names, (OWN.len()..names.len()).collect::<Vec<_>>());
            return Ok(Self {
                file,
                split: Some(1),
                classes: None,
                none: None,
                others,
                is_own,
                len: names.len(),
                names,
            });
        }
        let (split, classes) = (find(&SPLIT), find(&CLASSES));
        let none = keys.iter().position(|key| key == NONE);
        let is_other = |at: &usize| {
            *at != file && ![split, classes, none].contains(&Some(*at)) && !NO_CLASS.contains(&keys[*at].as_str())
        };
        let others = columns(&names, (0..names.len()).filter(is_other));
        Ok(Self { file, split, classes, none, others, is_own, len: names.len(), names })
    }
}

fn columns(names: &[String], at: impl IntoIterator<Item = usize>) -> Vec<Column> {
    at.into_iter().filter_map(|at| Some(Column { at, class: class_name(&names[at])? })).collect()
}

/// Two columns of one class contradict each other sooner or later.
///
/// # Errors
/// Names the class.
pub(super) fn refuse_twice(columns: &[Column]) -> Result<(), String> {
    let mut seen = HashSet::new();
    match columns.iter().find(|column| !seen.insert(column.class.to_lowercase())) {
        Some(twice) => Err(format!("two of its columns are called {}", twice.class)),
        None => Ok(()),
    }
}

/// `File Name` and `file-name` are `file_name`.
pub(super) fn key(name: &str) -> String {
    let plain = name.trim().to_lowercase().replace([' ', '-'], "_");
    plain.trim_start_matches('_').to_owned()
}

pub(super) fn is_none_word(text: &str) -> bool {
    key(text) == NONE
}

pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 80;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(line: &[&str]) -> Result<Header, String> {
        Header::read(&ByteRecord::from(line.to_vec()))
    }

    #[test]
    fn columns_are_known_by_many_names() {
        let found = header(&["Index", "File Name", "Subset", "Labels"]).unwrap();
        assert_eq!((found.file, found.split, found.classes, found.others.len()), (1, Some(2), Some(3), 0));
        let found = header(&["filename", " cat", "dog ", "no class"]).unwrap();
        let classes: Vec<_> = found.others.iter().map(|column| (column.at, column.class.as_str())).collect();
        assert_eq!((classes, found.none), (vec![(1, "cat"), (2, "dog")], Some(3)));
        assert!(header(&["a", "b"]).unwrap_err().contains("it says a, b"));
    }

    #[test]
    fn after_our_own_columns_every_name_is_a_class() {
        let found = header(&["file", "split", "media_hash", "class", "width", "no_class"]).unwrap();
        assert_eq!((found.is_own, found.classes, found.none, found.others.len()), (true, None, None, 3));
    }

    #[test]
    fn a_class_has_one_column() {
        let found = header(&["file", "cat", "CAT"]).unwrap();
        assert!(refuse_twice(&found.others).unwrap_err().contains("CAT"));
    }
}
