//! Which algorithm is the fastest for a product on this card: measured once, kept in a file from then on, so that a run that
//! goes on tomorrow computes with the same ones and gives the same bits.
//!
//! The file is text: a first line that names the form, then a line a product, `key <tab> algorithm <tab> way of computing`,
//! both as the library numbers them ([`Choice::NONE`] where it has none). It may be deleted at any time; lines that cannot be read are measured anew, and who uses
//! one asks the library whether it has such an algorithm.

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
    /// Its way of computing (with tensor cores or without), as the library numbers them.
    pub math: u32,
}

impl Choice {
    /// The library has none that is worth it.
    pub const NONE: Self = Self { algorithm: u32::MAX, math: 0 };
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

    /// Takes it in, and writes the file anew with what others have put there meanwhile: what is in the file stays.
    ///
    /// # Errors
    /// When it cannot be written; the choice is kept in memory all the same.
    pub fn keep(&mut self, key: String, choice: Choice) -> io::Result<()> {
        self.choices.insert(key, choice);
        let mut all = self.choices.clone();
        all.extend(Self::open(self.path.clone()).choices);
        let mut text = format!("{HEADER}\n");
        for (key, Choice { algorithm, math }) in &all {
            text += &format!("{key}\t{algorithm}\t{math}\n");
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
    let (key, algorithm, math) = (parts.next()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (parts.next().is_none() && !key.is_empty()).then(|| (key.to_owned(), Choice { algorithm, math }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIRST: Choice = Choice { algorithm: 1, math: 3 };
    const SECOND: Choice = Choice { algorithm: 6, math: 0 };

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
    fn what_another_program_has_kept_meanwhile_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card.txt");
        let (mut ours, mut theirs) = (KeptChoices::open(path.clone()), KeptChoices::open(path.clone()));
        theirs.keep("a".to_owned(), FIRST).unwrap();
        theirs.keep("b".to_owned(), FIRST).unwrap();
        ours.keep("b".to_owned(), SECOND).unwrap();
        ours.keep("c".to_owned(), SECOND).unwrap();
        let found = KeptChoices::open(path);
        assert_eq!((found.get("a"), found.get("b"), found.get("c")), (Some(FIRST), Some(FIRST), Some(SECOND)));
        assert_eq!(ours.get("b"), Some(SECOND), "this program goes on as it began");
    }

    #[test]
    fn what_cannot_be_read_is_measured_anew() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("card.txt");
        let broken = ["b\t1", "b\t-1\t0", "b\t1\t0\tmore", "\t1\t0", "b\t1\tmaybe", "\u{1f600}"];
        std::fs::write(&path, format!("{HEADER}\n{}\na\t1\t3\n", broken.join("\n"))).unwrap();
        let kept = KeptChoices::open(path.clone());
        assert_eq!((kept.get("a"), kept.get("b"), kept.choices.len()), (Some(FIRST), None, 1));
        for other in [&b"something else\na\t1\t3\n"[..], b"\xff\xfe", b""] {
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
