//! Which algorithm is the fastest for a product on this card: measured once, kept in a file from then on, so that a run that
//! goes on tomorrow computes with the same ones and gives the same bits.
//!
//! The file is text: a first line that names the form, then a line a product, `key <tab> algorithm <tab> tensor cores <tab>
//! workspace bytes`. It may be deleted at any time; lines that cannot be read are measured anew.

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;

const HEADER: &str = "visaion convolution algorithms 1";
/// A file of all shapes of many networks has some hundred kilobytes.
const MAX_BYTES: u64 = 16 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Choice {
    /// As the library numbers them.
    pub algorithm: u32,
    pub tensor_cores: bool,
    pub workspace_bytes: usize,
}

#[derive(Debug)]
pub(crate) struct KeptChoices {
    path: PathBuf,
    choices: BTreeMap<String, Choice>,
}

impl KeptChoices {
    /// What the file holds; nothing where there is none or it is no such file.
    pub fn open(path: PathBuf) -> Self {
        let small = std::fs::metadata(&path).is_ok_and(|file| file.len() <= MAX_BYTES);
        let text = if small { std::fs::read_to_string(&path).unwrap_or_default() } else { String::new() };
        let mut lines = text.lines();
        let choices = match lines.next() {
            Some(HEADER) => lines.filter_map(read).collect(),
            _ => BTreeMap::new(),
        };
        Self { path, choices }
    }

    pub fn get(&self, key: &str) -> Option<Choice> {
        self.choices.get(key).copied()
    }

    /// Takes it in and writes the file anew.
    ///
    /// # Errors
    /// When it cannot be written; the choice is kept in memory all the same.
    pub fn keep(&mut self, key: String, choice: Choice) -> io::Result<()> {
        self.choices.insert(key, choice);
        let mut text = format!("{HEADER}\n");
        for (key, Choice { algorithm, tensor_cores, workspace_bytes }) in &self.choices {
            text += &format!("{key}\t{algorithm}\t{tensor_cores}\t{workspace_bytes}\n");
        }
        if let Some(folder) = self.path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        // Under a name of this process first, so that another one never reads half a file.
        let unfinished = self.path.with_extension(format!("{}.part", std::process::id()));
        std::fs::write(&unfinished, text).and_then(|()| std::fs::rename(&unfinished, &self.path))
    }
}

fn read(line: &str) -> Option<(String, Choice)> {
    let mut parts = line.split('\t');
    let (key, algorithm) = (parts.next()?, parts.next()?.parse().ok()?);
    let (tensor_cores, workspace_bytes) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let choice = Choice { algorithm, tensor_cores, workspace_bytes };
    (parts.next().is_none() && !key.is_empty()).then(|| (key.to_owned(), choice))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Choice = Choice { algorithm: 1, tensor_cores: true, workspace_bytes: 4096 };
    const SECOND: Choice = Choice { algorithm: 6, tensor_cores: false, workspace_bytes: 0 };

    #[test]
    fn what_was_measured_is_there_the_next_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new/folder/card.txt");
        let mut kept = KeptChoices::open(path.clone());
        assert_eq!(kept.get("a"), None);
        kept.keep("a".to_owned(), FIRST).unwrap();
        kept.keep("b".to_owned(), SECOND).unwrap();
        let again = KeptChoices::open(path);
        assert_eq!((again.get("a"), again.get("b"), again.get("c")), (Some(FIRST), Some(SECOND), None));
    }

    #[test]
    fn what_cannot_be_read_is_measured_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card.txt");
        let broken = ["b\t1", "b\t-1\ttrue\t0", "b\t1\ttrue\t0\tmore", "\t1\ttrue\t0", "b\t1\tmaybe\t0", "\u{1f600}"];
        std::fs::write(&path, format!("{HEADER}\n{}\na\t1\ttrue\t4096\n", broken.join("\n"))).unwrap();
        let kept = KeptChoices::open(path.clone());
        assert_eq!((kept.get("a"), kept.get("b"), kept.choices.len()), (Some(FIRST), None, 1));
        for other in [&b"something else\na\t1\ttrue\t4096\n"[..], b"\xff\xfe", b""] {
            std::fs::write(&path, other).unwrap();
            assert_eq!(KeptChoices::open(path.clone()).get("a"), None);
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_costs_nothing_but_the_file() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("file"), "").unwrap();
        let mut kept = KeptChoices::open(dir.path().join("file/card.txt"));
        assert!(kept.keep("a".to_owned(), FIRST).is_err());
        assert_eq!(kept.get("a"), Some(FIRST));
    }
}
