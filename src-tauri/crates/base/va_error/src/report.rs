//! The report of work that partly failed: 10,000 images, 3 corrupt, 9,997 imported, 3 named.

/// One thing that was left out or changed on the way, and why.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct Warning {
    /// What it is about: a file name, a line, a class.
    pub subject: String,
    /// Why, in words for a person.
    pub reason: String,
}

/// Warnings in order of appearance. Nothing is dropped: long reports are cut only when shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
pub struct WarningReport {
    pub warnings: Vec<Warning>,
}

impl WarningReport {
    pub fn push(&mut self, subject: impl Into<String>, reason: impl Into<String>) {
        self.warnings.push(Warning { subject: subject.into(), reason: reason.into() });
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
