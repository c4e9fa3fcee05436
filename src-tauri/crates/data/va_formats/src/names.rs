//! File names: as shown, and as written.

use std::ffi::OsStr;

/// The name to show, and the raw bytes where the name itself cannot be shown exactly (not UTF-8, control characters).
pub fn display_name(name: &OsStr) -> (String, Option<Vec<u8>>) {
    match name.to_str() {
        Some(text) if !text.chars().any(char::is_control) => (text.to_owned(), None),
        _ => {
            let shown = name.to_string_lossy().chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
            (shown, Some(name.as_encoded_bytes().to_vec()))
        }
    }
}

/// Bytes of a name that every common file system takes, with room left for ` (123)`.
const MAX_BYTES: usize = 240;

/// One path component that is safe on every system: no separators, no reserved characters or device names, not hidden,
/// not `.` or `..`, at most 240 bytes (a file keeps its extension).
pub fn safe_component(name: &str) -> String {
    let mut safe: String =
        name.chars()
            .map(|c| {
                if c.is_control() || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|') {
                    '_'
                } else {
                    c
                }
            })
            .collect();
    if safe.starts_with('.') {
        safe.replace_range(..1, "_");
    }
    let kept = safe.trim_end_matches([' ', '.']).len();
    safe.truncate(kept);
    let stem = safe.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL")
        || (stem.len() == 4
            && (stem.starts_with("COM") || stem.starts_with("LPT"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    if safe.trim().is_empty() || device {
        safe.insert(0, '_');
    }
    shortened(&safe)
}

fn shortened(name: &str) -> String {
    if name.len() <= MAX_BYTES {
        return name.to_owned();
    }
    let (stem, extension) = split_extension(name);
    let mut end = MAX_BYTES - extension.len();
    while !stem.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{extension}", &stem[..end])
}

/// Stem and extension with its dot; extensions are at most 12 bytes, more is part of the name.
pub(crate) fn split_extension(name: &str) -> (&str, &str) {
    match name.rfind('.') {
        Some(dot) if dot > 0 && name.len() - dot <= 12 => name.split_at(dot),
        _ => (name, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn dangerous_names_become_plain_ones() {
        assert_eq!(safe_component("../../etc/passwd"), "_._.._etc_passwd");
        assert_eq!(safe_component(".."), "_");
        assert_eq!(safe_component("a/b:c"), "a_b_c");
        assert_eq!(safe_component("nul.jpg"), "_nul.jpg");
        assert_eq!(safe_component("COM1"), "_COM1");
        assert_eq!(safe_component("dot. "), "dot");
        assert_eq!(safe_component(""), "_");
    }

    #[cfg(unix)]
    #[test]
    fn names_that_are_not_utf8_keep_their_bytes() {
        use std::os::unix::ffi::OsStrExt;
        let (shown, raw) = display_name(OsStr::from_bytes(b"caf\xe9.jpg"));
        assert_eq!((shown.as_str(), raw.as_deref()), ("caf\u{fffd}.jpg", Some(&b"caf\xe9.jpg"[..])));
        assert_eq!(display_name(OsStr::new("caf\u{e9}.jpg")), ("caf\u{e9}.jpg".to_owned(), None));
    }

    proptest! {
        #[test]
        fn any_name_becomes_one_component(name in "\\PC{0,300}") {
            let safe = safe_component(&name);
            prop_assert!(!safe.is_empty() && safe.len() <= 241);
            let path = std::path::Path::new(&safe);
            prop_assert_eq!(path.components().count(), 1);
            prop_assert!(matches!(path.components().next(), Some(std::path::Component::Normal(_))));
        }
    }
}
