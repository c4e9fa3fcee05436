//! One CSV file row by row: first a look at all cells, which says how they are meant, then what each row says.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use csv::ByteRecord;
use va_domain::{ClassSeparator, CsvFile, CsvShape, ImportOptions, Split};

use super::cells::{self, Mark, SeparatorsSeen};
use super::files::{Files, NAMINGS, Naming};
use super::header::{Column, Header, is_none_word, refuse_twice, shortened};
use super::problems::Problems;
use super::text::{NOT_UTF8, Text};

const MAX_ROWS: u64 = 2_000_000;
/// More classes are no classes: the column holds something else.
const MAX_CLASSES: usize = 10_000;

/// What a row says of an image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    pub line: u64,
    /// In [`Files`].
    pub file: usize,
    pub classes: Vec<String>,
    /// It shows none of the classes.
    pub no_class: bool,
    pub split: Option<Split>,
}

/// A CSV file as it was understood.
#[derive(Debug)]
pub(super) struct Read {
    pub path: PathBuf,
    pub look: CsvFile,
    pub rows: Vec<Row>,
    pub problems: Problems,
}

impl Read {
    /// It gives classes to images, most of which are there: nobody has to say that it holds labels.
    pub fn speaks_for_itself(&self) -> bool {
        self.look.shape != CsvShape::NoClasses && self.look.found_count * 2 >= self.look.row_count
    }
}

/// How the cells of a file are meant.
struct Meaning {
    header: Header,
    naming: Naming,
    shape: CsvShape,
    separator: ClassSeparator,
    likely_separator: ClassSeparator,
    /// Of the shape with a column a class.
    columns: Vec<Column>,
}

/// # Errors
/// In words for a person, when the file as a whole cannot be read as labels of these images.
pub(super) fn read(path: &Path, folder: &[String], files: &Files, options: &ImportOptions) -> Result<Read, String> {
    let text = Text::read(path)?;
    let mut records = text.records();
    let first = records.next().ok_or("it is empty")?.map_err(|error| format!("it cannot be read: {error}"))?;
    let header = Header::read(&first)?;
    let meaning = Meaning::of(header, &text, folder, files, options)?;
    let mut read =
        Read { path: path.to_owned(), look: meaning.look(path), rows: Vec::new(), problems: Problems::default() };
    let mut classes = HashSet::new();
    for record in records {
        let Ok(record) = record else { continue };
        if is_blank(&record) {
            continue;
        }
        let line = text.line_of(&record);
        read.look.row_count += 1;
        if read.look.row_count > MAX_ROWS {
            return Err(format!("it has more than {MAX_ROWS} rows"));
        }
        let cells = match meaning.cells(&record) {
            Ok(cells) => cells,
            Err(reason) => {
                read.problems.push(line, reason);
                continue;
            }
        };
        let file = match files.find(cells[meaning.header.file], folder, meaning.naming) {
            Ok(file) => file,
            Err(reason) => {
                read.problems.push(line, reason);
                continue;
            }
        };
        read.look.found_count += 1;
        let row = meaning.row(line, file, &cells, |reason| read.problems.push(line, reason));
        classes.extend(row.classes.iter().map(|class| class.to_lowercase()));
        if classes.len() > MAX_CLASSES {
            return Err(format!("it names more than {MAX_CLASSES} classes: does another column hold them?"));
        }
        read.rows.push(row);
    }
    Ok(read)
}

/// Spreadsheets write lines of nothing but delimiters behind the table.
fn is_blank(record: &ByteRecord) -> bool {
    record.iter().all(|cell| cell.iter().all(u8::is_ascii_whitespace))
}

impl Meaning {
    fn of(
        header: Header,
        text: &Text,
        folder: &[String],
        files: &Files,
        options: &ImportOptions,
    ) -> Result<Self, String> {
        let seen = Seen::look(&header, text, folder, files);
        let naming = NAMINGS.into_iter().zip(seen.fits).find_map(|(naming, fits)| fits.then_some(naming));
        let columns: Vec<Column> = match header.classes {
            Some(_) => Vec::new(),
            None => {
                seen.marks.into_iter().filter(|(_, marks)| header.is_own || marks.are_most()).map(|(c, _)| c).collect()
            }
        };
        refuse_twice(&columns)?;
        let shape = match (header.classes, columns.is_empty() && header.none.is_none()) {
            (Some(_), _) => CsvShape::OneColumn,
            (None, false) => CsvShape::ColumnPerClass,
            (None, true) if header.split.is_some() => CsvShape::NoClasses,
            (None, true) => {
                return Err(format!(
                    "no column holds classes: call one class or labels, or give each class a column of 1 and 0; its \
                     columns are {}",
                    shortened(&header.names.join(", "))
                ));
            }
        };
        let likely_separator = seen.separators.most_likely();
        let separator = match options.class_separator {
            _ if shape != CsvShape::OneColumn => ClassSeparator::None,
            ClassSeparator::Auto if options.several_classes => likely_separator,
            ClassSeparator::Auto => ClassSeparator::None,
            said => said,
        };
        Ok(Self { header, naming: naming.unwrap_or(Naming::Path), shape, separator, likely_separator, columns })
    }

    fn look(&self, path: &Path) -> CsvFile {
        let header = &self.header;
        let is_used = |at: &usize| {
            *at == header.file
                || [header.split, header.classes, header.none].contains(&Some(*at))
                || self.columns.iter().any(|column| column.at == *at)
        };
        let named = |at: usize| header.names[at].trim().to_owned();
        CsvFile {
            file: path.display().to_string(),
            row_count: 0,
            found_count: 0,
            shape: self.shape,
            class_column: header.classes.map(named),
            separator: self.separator,
            likely_separator: self.likely_separator,
            unused_columns: (0..header.len)
                .filter(|at| !is_used(at))
                .map(named)
                .filter(|name| !name.is_empty())
                .collect(),
        }
    }

    /// As many as the header has.
    ///
    /// # Errors
    /// In words for a person.
    fn cells<'r>(&self, record: &'r ByteRecord) -> Result<Vec<&'r str>, String> {
        let cells: Result<Vec<&str>, _> = record.iter().map(std::str::from_utf8).collect();
        let mut cells = cells.map_err(|_| NOT_UTF8.to_owned())?;
        while cells.len() > self.header.len && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.len() != self.header.len {
            return Err(format!("it has {} cells, and the first line has {}", cells.len(), self.header.len));
        }
        Ok(cells)
    }

    /// What is wrong with a part of the row costs that part.
    fn row(&self, line: u64, file: usize, cells: &[&str], mut problem: impl FnMut(String)) -> Row {
        let split = match self.header.split.map_or(Ok(None), |at| cells::split(cells[at])) {
            Ok(split) => split,
            Err(reason) => {
                problem(reason);
                None
            }
        };
        let said = match self.header.classes {
            Some(at) => self.one_cell(cells[at]),
            None => self.marks(cells),
        };
        let (classes, no_class) = match said {
            Ok(said) => said,
            Err(reason) => {
                problem(format!("{reason}; the image comes without its classes"));
                (Vec::new(), false)
            }
        };
        Row { line, file, classes, no_class, split }
    }

    fn one_cell(&self, cell: &str) -> Result<(Vec<String>, bool), String> {
        let named = cells::classes(cell, cells::separator_char(self.separator))?;
        let (none, classes): (Vec<String>, Vec<String>) = named.into_iter().partition(|class| is_none_word(class));
        contradiction(!none.is_empty(), &classes)?;
        Ok((classes, !none.is_empty()))
    }

    /// Classes and the word that there is none; a row of empty cells says nothing.
    fn marks(&self, cells: &[&str]) -> Result<(Vec<String>, bool), String> {
        let mark = |at: usize| {
            cells::mark(cells[at]).ok_or_else(|| {
                let (column, cell) = (shortened(self.header.names[at].trim()), shortened(cells[at].trim()));
                format!("the column {column} says “{cell}”, where 1, 0 or nothing is expected")
            })
        };
        let (mut classes, mut zeros, mut empty) = (Vec::new(), 0, 0);
        for column in &self.columns {
            match mark(column.at)? {
                Mark::Yes => classes.push(column.class.clone()),
                Mark::No => zeros += 1,
                Mark::Empty => empty += 1,
            }
        }
        if let Some(Mark::Yes) = self.header.none.map(mark).transpose()? {
            contradiction(true, &classes)?;
            return Ok((Vec::new(), true));
        }
        if classes.is_empty() && zeros > 0 && empty > 0 {
            return Err("no class has a 1 and some have no 0 either".to_owned());
        }
        let no_class = classes.is_empty() && zeros > 0;
        Ok((classes, no_class))
    }
}

fn contradiction(no_class: bool, classes: &[String]) -> Result<(), String> {
    match classes {
        [first, ..] if no_class => Err(format!("it says both no_class and {}", shortened(first))),
        _ => Ok(()),
    }
}

/// What a first look at all rows finds out.
struct Seen {
    /// Whether any row names a file in this way, of [`NAMINGS`].
    fits: [bool; NAMINGS.len()],
    separators: SeparatorsSeen,
    marks: Vec<(Column, Marks)>,
}

#[derive(Default)]
struct Marks {
    given: u64,
    other: u64,
}

impl Marks {
    /// Slips of the hand are named by their row; to leave a class out for them would say that images do not show it.
    fn are_most(&self) -> bool {
        self.given > self.other
    }
}

impl Seen {
    fn look(header: &Header, text: &Text, folder: &[String], files: &Files) -> Self {
        let marks = header.others.iter().map(|column| (column.clone(), Marks::default())).collect();
        let mut seen = Self { fits: [false; NAMINGS.len()], separators: SeparatorsSeen::default(), marks };
        for record in text.records().skip(1).flatten() {
            let cell = |at: usize| record.get(at).and_then(|cell| std::str::from_utf8(cell).ok()).unwrap_or_default();
            for (fits, naming) in seen.fits.iter_mut().zip(NAMINGS) {
                if *fits || files.find(cell(header.file), folder, naming).is_ok() {
                    *fits = true;
                    // The ways behind it are not asked for.
                    break;
                }
            }
            if let Some(at) = header.classes {
                seen.separators.look(cell(at));
            }
            for (column, marks) in &mut seen.marks {
                match cells::mark(cell(column.at)) {
                    Some(Mark::Empty) => {}
                    Some(_) => marks.given += 1,
                    None => marks.other += 1,
                }
            }
        }
        seen
    }
}
