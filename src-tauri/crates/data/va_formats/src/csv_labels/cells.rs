//! What single cells say.

use va_domain::{ClassSeparator, Split};

use crate::component::{class_name, split_of_component};

/// Names of classes are not longer, in characters.
const MAX_CLASS_CHARS: usize = 200;

/// A cell in the column of a class.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Yes,
    No,
    Empty,
}

/// None for a cell that is neither.
pub(super) fn mark(cell: &str) -> Option<Mark> {
    let cell = cell.trim();
    let is_any = |words: [&str; 4]| words.iter().any(|word| cell.eq_ignore_ascii_case(word));
    match cell {
        "" => Some(Mark::Empty),
        _ if is_any(["1", "1.0", "true", "yes"]) => Some(Mark::Yes),
        _ if is_any(["0", "0.0", "false", "no"]) => Some(Mark::No),
        _ => None,
    }
}

/// The classes that a cell names, each once, in order.
///
/// # Errors
/// In words for a person, for a name that no class can have.
pub(super) fn classes(cell: &str, separator: Option<char>) -> Result<Vec<String>, String> {
    let parts: Vec<&str> = match separator {
        None => vec![cell],
        Some(separator) => cell.split(separator).collect(),
    };
    let mut found: Vec<String> = Vec::new();
    for part in parts {
        if part.trim().chars().count() > MAX_CLASS_CHARS {
            return Err(format!("the name of a class is longer than {MAX_CLASS_CHARS} characters"));
        }
        let Some(class) = class_name(part.trim()) else { continue };
        if !found.iter().any(|before| before.to_lowercase() == class.to_lowercase()) {
            found.push(class);
        }
    }
    Ok(found)
}

/// # Errors
/// In words for a person, for a word that names no split.
pub(super) fn split(cell: &str) -> Result<Option<Split>, String> {
    let word = cell.trim();
    if word.is_empty() || ["none", "unassigned"].contains(&word.to_lowercase().as_str()) {
        return Ok(None);
    }
    match split_of_component(word) {
        Some(split) => Ok(Some(split)),
        None => Err(format!("the split “{}” is none of train, val and test", super::header::shortened(word))),
    }
}

/// What stands between classes, found by looking at every cell: a comma may be part of a name, a bar hardly.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct SeparatorsSeen {
    bar: bool,
    semicolon: bool,
    comma: bool,
}

impl SeparatorsSeen {
    pub fn look(&mut self, cell: &str) {
        self.bar |= cell.contains('|');
        self.semicolon |= cell.contains(';');
        self.comma |= cell.contains(',');
    }

    pub fn most_likely(self) -> ClassSeparator {
        match self {
            Self { bar: true, .. } => ClassSeparator::Bar,
            Self { semicolon: true, .. } => ClassSeparator::Semicolon,
            Self { comma: true, .. } => ClassSeparator::Comma,
            _ => ClassSeparator::None,
        }
    }
}

/// None where a cell is one class.
pub(super) fn separator_char(separator: ClassSeparator) -> Option<char> {
    match separator {
        ClassSeparator::Auto | ClassSeparator::None => None,
        ClassSeparator::Semicolon => Some(';'),
        ClassSeparator::Bar => Some('|'),
        ClassSeparator::Comma => Some(','),
        ClassSeparator::Space => Some(' '),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_one_zero_or_nothing() {
        for (cell, expected) in
            [(" 1 ", Some(Mark::Yes)), ("TRUE", Some(Mark::Yes)), ("0.0", Some(Mark::No)), ("", Some(Mark::Empty))]
        {
            assert_eq!(mark(cell), expected, "{cell}");
        }
        for cell in ["-1", "2", "0.5", "maybe", "nan"] {
            assert_eq!(mark(cell), None, "{cell}");
        }
    }

    #[test]
    fn a_cell_is_one_class_or_several() {
        assert_eq!(classes(" a ;b;; A ;c d", Some(';')).unwrap(), ["a", "b", "c d"]);
        assert_eq!(classes("screw, long", None).unwrap(), ["screw, long"]);
        assert_eq!(classes(" ; ", Some(';')).unwrap(), Vec::<String>::new());
        assert!(classes(&"x".repeat(201), None).is_err() && classes(&"x".repeat(200), None).is_ok());
    }

    #[test]
    fn the_rarest_separator_in_names_is_the_likeliest() {
        let seen = |cells: &[&str]| {
            let mut seen = SeparatorsSeen::default();
            cells.iter().for_each(|cell| seen.look(cell));
            seen.most_likely()
        };
        assert_eq!(seen(&["a,b", "c"]), ClassSeparator::Comma);
        assert_eq!(seen(&["screw, long;nut", "c"]), ClassSeparator::Semicolon);
        assert_eq!(seen(&["a;b", "c|d"]), ClassSeparator::Bar);
        assert_eq!(seen(&["a b"]), ClassSeparator::None);
    }

    #[test]
    fn splits_are_words_or_nothing() {
        assert_eq!(split("VALIDATION"), Ok(Some(Split::Val)));
        assert_eq!((split(""), split("Unassigned")), (Ok(None), Ok(None)));
        assert!(split("fold 3").unwrap_err().contains("fold 3"));
    }
}
