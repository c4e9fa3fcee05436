//! What is wrong with the rows of one file.

use std::path::Path;

use va_error::WarningReport;

/// Of one file; of what is beyond, the number.
const NAMED: u64 = 1_000;

#[derive(Debug, Default)]
pub(super) struct Problems {
    count: u64,
    /// With the line.
    named: Vec<(u64, String)>,
}

impl Problems {
    /// `line` as an editor counts.
    pub fn push(&mut self, line: u64, reason: impl Into<String>) {
        self.count += 1;
        if self.count <= NAMED {
            self.named.push((line, reason.into()));
        }
    }

    pub fn first(&self) -> Option<&str> {
        self.named.first().map(|(_, reason)| reason.as_str())
    }

    /// By line, each as `/path/labels.csv:7`.
    pub fn finish(mut self, file: &Path) -> WarningReport {
        self.named.sort_by_key(|(line, _)| *line);
        let mut report = WarningReport::default();
        for (line, reason) in self.named {
            report.push(format!("{}:{line}", file.display()), reason);
        }
        if self.count > NAMED {
            report.push(file.display().to_string(), format!("{} more rows have problems", self.count - NAMED));
        }
        report
    }
}
