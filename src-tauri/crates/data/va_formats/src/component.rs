//! What the name of a folder means.

use unicode_normalization::UnicodeNormalization;
use va_domain::Split;

/// The folder of samples without a class, in exports; read back as "no class".
pub const UNLABELLED_FOLDER: &str = "_unlabelled";

const CLASS_CHARS: usize = 200;

/// `train`, `val`, `valid`, `validation`, `test` and their like, in any case.
pub fn split_of_component(name: &str) -> Option<Split> {
    match name.trim().to_lowercase().as_str() {
        "train" | "training" => Some(Split::Train),
        "val" | "valid" | "validation" => Some(Split::Val),
        "test" | "testing" => Some(Split::Test),
        _ => None,
    }
}

/// Folders that only hold the images (`MT_Break/Imgs/…`) and say nothing about them.
pub(crate) fn is_container(name: &str) -> bool {
    matches!(name.to_lowercase().as_str(), "imgs" | "img" | "images" | "image" | "jpegimages" | "photos" | "pictures")
}

/// The class a folder stands for: composed Unicode (macOS stores names decomposed), no control characters, at most 200
/// characters. None for [`UNLABELLED_FOLDER`] and for names of nothing but spaces.
pub fn class_of_component(name: &str) -> Option<String> {
    class_name(name).filter(|class| class != UNLABELLED_FOLDER)
}

/// As the store accepts it; None for a name of nothing but spaces.
pub(crate) fn class_name(name: &str) -> Option<String> {
    let composed: String = name.nfc().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(CLASS_CHARS).collect();
    let class = composed.trim();
    (!class.is_empty()).then(|| class.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn split_folders_have_many_spellings() {
        assert_eq!(split_of_component("Train"), Some(Split::Train));
        assert_eq!(split_of_component("valid"), Some(Split::Val));
        assert_eq!(split_of_component("VALIDATION"), Some(Split::Val));
        assert_eq!(split_of_component("test"), Some(Split::Test));
        assert_eq!(split_of_component("testimony"), None);
    }

    #[test]
    fn classes_are_names_the_store_accepts() {
        assert_eq!(class_of_component("Bru\u{308}cke").as_deref(), Some("Br\u{fc}cke"));
        assert_eq!(class_of_component("a\u{1}b").as_deref(), Some("a\u{fffd}b"));
        assert_eq!(class_of_component(UNLABELLED_FOLDER), None);
        for odd in ["x".repeat(255), format!("{}y", " ".repeat(199)), "\u{e9}".repeat(127)] {
            va_domain::check_name("class", &class_of_component(&odd).unwrap()).unwrap();
        }
    }
}
