//! The text of a CSV file: how much of it, in which encoding, with which character between cells.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// A million rows of a hundred classes; more is not labels.
const MAX_BYTES: u64 = 256 << 20;

pub(super) const NOT_UTF8: &str = "it is not UTF-8 text: save it as “CSV UTF-8”";

pub(super) struct Text {
    bytes: Vec<u8>,
    /// Where the first line of the table begins.
    start: usize,
    delimiter: u8,
}

impl Text {
    /// # Errors
    /// In words for a person.
    pub fn read(path: &Path) -> Result<Self, String> {
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(|error| format!("it cannot be opened: {error}"))?;
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| format!("it cannot be read: {error}"))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(format!("it is larger than {} MiB", MAX_BYTES >> 20));
        }
        Self::of(bytes)
    }

    /// # Errors
    /// UTF-16, which spreadsheets write as “Unicode text”.
    pub fn of(bytes: Vec<u8>) -> Result<Self, String> {
        if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
            return Err(NOT_UTF8.to_owned());
        }
        let mut start = if bytes.starts_with(&[0xef, 0xbb, 0xbf]) { 3 } else { 0 };
        let line = line_at(&bytes, start);
        // Excel says so when it should read other characters than the system's.
        let said = line.strip_prefix(b"sep=").filter(|rest| rest.len() == 1).map(|rest| rest[0]);
        if said.is_some() {
            let rest = &bytes[start + line.len()..];
            start += line.len() + rest.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        }
        let delimiter = said.unwrap_or_else(|| most_frequent(line));
        Ok(Self { bytes, start, delimiter })
    }

    /// From the first line on, headers included.
    pub fn records(&self) -> csv::ByteRecordsIntoIter<&[u8]> {
        let mut reader = csv::ReaderBuilder::new();
        reader.has_headers(false).flexible(true).delimiter(self.delimiter);
        reader.from_reader(&self.bytes[self.start..]).into_byte_records()
    }

    /// The number that an editor shows for this record of [`Text::records`].
    pub fn line_of(&self, record: &csv::ByteRecord) -> u64 {
        let before = self.bytes[..self.start].iter().filter(|byte| **byte == b'\n').count() as u64;
        before + record.position().map_or(0, csv::Position::line)
    }
}

fn line_at(bytes: &[u8], start: usize) -> &[u8] {
    let rest = &bytes[start..];
    let end = rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).unwrap_or(rest.len());
    &rest[..end]
}

/// Of comma, semicolon (where the comma stands in numbers) and tabulator, outside quotes.
fn most_frequent(line: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0)];
    let mut is_quoted = false;
    for byte in line {
        is_quoted ^= *byte == b'"';
        if let Some((_, count)) = counts.iter_mut().find(|(delimiter, _)| !is_quoted && delimiter == byte) {
            *count += 1;
        }
    }
    // Of equally many the first.
    counts.iter().rev().max_by_key(|(_, count)| *count).map_or(b',', |(delimiter, _)| *delimiter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(bytes: &[u8]) -> Vec<Vec<String>> {
        let text = Text::of(bytes.to_vec()).unwrap();
        let cells = |record: csv::ByteRecord| record.iter().map(|c| String::from_utf8_lossy(c).into_owned()).collect();
        text.records().map(|record| cells(record.unwrap())).collect()
    }

    #[test]
    fn delimiter_and_byte_order_mark_are_recognised() {
        assert_eq!(rows(b"\xef\xbb\xbffile,class\r\na,b\r\n"), [["file", "class"], ["a", "b"]]);
        assert_eq!(rows(b"file;class\na;b,c\n"), [["file", "class"], ["a", "b,c"]]);
        assert_eq!(rows(b"file\tclass\na\tb\n"), [["file", "class"], ["a", "b"]]);
        assert_eq!(rows(b"\"file;;;\",class\na,b\n"), [["file;;;", "class"], ["a", "b"]]);
        assert_eq!(rows(b"sep=|\r\nfile|class\r\na|b"), [["file", "class"], ["a", "b"]]);
        assert!(rows(b"").is_empty() && rows(b"sep=;").is_empty());
        assert!(Text::of(b"\xff\xfef\0".to_vec()).is_err());
    }

    #[test]
    fn lines_are_numbered_as_editors_do() {
        let text = Text::of(b"sep=;\nfile;class\n\"a\nb\";c\nd;e\n".to_vec()).unwrap();
        let lines: Vec<u64> = text.records().map(|record| text.line_of(&record.unwrap())).collect();
        assert_eq!(lines, [2, 3, 5]);
    }
}
