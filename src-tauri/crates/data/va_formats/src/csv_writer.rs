//! The labels of a data set as CSV (RFC 4180), UTF-8, fields quoted where they must be: `file,class,split,media_hash`, or
//! where images may have several classes `file,split,media_hash` and a column a class: 1, 0, or empty where nobody said
//! what the image shows.

use std::io::Write;

use va_domain::{MediaHash, Split};
use va_error::{Code, Error, Result};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRow {
    pub file: String,
    /// Empty for an image that shows none of the classes; None where nobody said what it shows.
    pub classes: Option<Vec<String>>,
    pub split: Option<Split>,
    pub media_hash: MediaHash,
}

/// Writes line by line; [`CsvWriter::finish`] says whether everything arrived.
pub struct CsvWriter<W: Write> {
    csv: csv::Writer<W>,
    /// A column each; without them the first class of a row is written.
    columns: Option<Vec<String>>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// `Io` or `DiskFull` from the target.
    pub fn new(target: W) -> Result<Self> {
        let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(target);
        csv.write_record(["file", "class", "split", "media_hash"]).map_err(failed)?;
        Ok(Self { csv, columns: None })
    }

    /// Writes the header with a column for each of these classes.
    ///
    /// # Errors
    /// As [`CsvWriter::new`].
    pub fn with_classes(target: W, classes: &[String]) -> Result<Self> {
        let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(target);
        let header = ["file", "split", "media_hash"].into_iter().chain(classes.iter().map(String::as_str));
        csv.write_record(header).map_err(failed)?;
        Ok(Self { csv, columns: Some(classes.to_vec()) })
    }

    /// # Errors
    /// As [`CsvWriter::new`].
    pub fn write(&mut self, row: &SampleRow) -> Result<()> {
        let (split, hash) = (split_word(row.split), row.media_hash.as_str());
        let Some(columns) = &self.columns else {
            let class = row.classes.iter().flatten().next().map_or("", String::as_str);
            return self.csv.write_record([&row.file, class, split, hash]).map_err(failed);
        };
        let cell = |column: &String| match &row.classes {
            None => "",
            Some(classes) if classes.contains(column) => "1",
            Some(_) => "0",
        };
        self.csv
            .write_record([row.file.as_str(), split, hash].into_iter().chain(columns.iter().map(cell)))
            .map_err(failed)
    }

    /// Flushes and gives the target back.
    ///
    /// # Errors
    /// As [`CsvWriter::new`].
    pub fn finish(self) -> Result<W> {
        self.csv.into_inner().map_err(|error| Error::from(std::io::Error::from(error.error().kind())))
    }
}

pub(crate) fn split_word(split: Option<Split>) -> &'static str {
    match split {
        Some(Split::Train) => "train",
        Some(Split::Val) => "val",
        Some(Split::Test) => "test",
        None => "",
    }
}

fn failed(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Error::new(Code::Internal, format!("cannot write CSV: {other:?}")),
    }
}
