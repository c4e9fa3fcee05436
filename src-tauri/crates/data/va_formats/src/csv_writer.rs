//! The labels of a data set as CSV (RFC 4180): `file,class,split,media_hash`, UTF-8, fields quoted where they must be.

use std::io::Write;

use va_domain::{MediaHash, Split};
use va_error::{Code, Error, Result};

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleRow {
    pub file: String,
    pub class: Option<String>,
    pub split: Option<Split>,
    pub media_hash: MediaHash,
}

/// Writes line by line; [`CsvWriter::finish`] says whether everything arrived.
pub struct CsvWriter<W: Write> {
    csv: csv::Writer<W>,
}

impl<W: Write> CsvWriter<W> {
    /// Writes the header.
    ///
    /// # Errors
    /// `Io` or `DiskFull` from the target.
    pub fn new(target: W) -> Result<Self> {
        let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(target);
        csv.write_record(["file", "class", "split", "media_hash"]).map_err(failed)?;
        Ok(Self { csv })
    }

    /// # Errors
    /// As [`CsvWriter::new`].
    pub fn write(&mut self, row: &SampleRow) -> Result<()> {
        let class = row.class.as_deref().unwrap_or_default();
        self.csv.write_record([&row.file, class, split_word(row.split), row.media_hash.as_str()]).map_err(failed)
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
