//! The report of work that partly failed: 10,000 images, 3 corrupt, 9,997 imported, 3 named.

use crate::Error;

/// What is wrong with a file or folder, for a screen that says it in a language of its own. What has no word here is said
/// by the reason beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileFault {
    /// Of 0 bytes.
    Empty,
    NotAnImage,
    /// An image, of a format or sort that is not read.
    UnsupportedImage,
    Damaged,
    /// Above a limit of bytes or pixels.
    TooLarge,
    /// A hidden file: passed over.
    Hidden,
    /// A mask whose image was left out.
    ImageLeftOut,
    /// A folder without a single image.
    NoImages,
}

/// One thing that was left out or changed on the way, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Warning {
    /// What it is about: a file name, a line, a class.
    pub subject: String,
    /// Why, in words for a person.
    pub reason: String,
    /// The same as a word, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<FileFault>,
}

/// Warnings in order of appearance. Nothing is dropped: long reports are cut only when shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct WarningReport {
    pub warnings: Vec<Warning>,
}

impl WarningReport {
    pub fn push(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        self.push_fault(subject, reason, None);
    }

    pub fn push_fault(&mut self, subject: impl Into<String>, reason: impl Into<String>, fault: Option<FileFault>) {
        self.warnings.push(Warning { subject: subject.into(), reason: reason.into(), fault });
    }

    /// What an error says of a file, with its causes.
    pub fn push_error(&mut self, subject: impl Into<String>, error: &Error) {
        self.push_fault(subject, error.chain(), error.fault());
    }

    pub fn is_empty(&self) -> bool {
        self.warnings.is_empty()
    }

    pub fn len(&self) -> usize {
        self.warnings.len()
    }

    pub fn extend(&mut self, other: WarningReport) {
        self.warnings.extend(other.warnings);
    }
}
