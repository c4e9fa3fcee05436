//! What a person or a program sees: results on stdout, everything else on stderr.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;
use va_api::ApiError;
use va_error::{Error, Result, WarningReport};

/// Warnings shown in full on the terminal; a longer report names how many more there are.
const SHOWN_WARNINGS: usize = 20;

/// Prints a line of text, or a JSON document.
///
/// # Errors
/// `Io` when stdout is closed; [`is_broken_pipe`] tells that nobody reads any more.
pub fn line(text: impl AsRef<str>) -> Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{}", text.as_ref())?;
    out.flush()?;
    Ok(())
}

/// Prints a value as JSON.
///
/// # Errors
/// As [`line`].
pub fn json(value: &impl Serialize) -> Result<()> {
    line(serde_json::to_string_pretty(value)?)
}

/// Prints rows under a heading, columns aligned; nothing but `empty` when there are none.
///
/// # Errors
/// As [`line`].
pub fn table<const N: usize>(head: [&str; N], rows: &[[String; N]], empty: &str) -> Result<()> {
    if rows.is_empty() {
        return line(empty);
    }
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or(0).max(head[column].chars().count())
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = format_row(&head.map(str::to_uppercase), widths);
    for row in rows {
        text.push('\n');
        text.push_str(&format_row(row, widths));
    }
    line(text)
}

fn format_row<const N: usize>(cells: &[String; N], widths: [usize; N]) -> String {
    let mut text = String::new();
    for (cell, width) in cells.iter().zip(widths) {
        let _ = write!(text, "{cell:<width$}  ");
    }
    text.truncate(text.trim_end().len());
    text
}

/// A line beside the result: what is happening, what was left out.
pub fn note(text: impl AsRef<str>) {
    // Without a reader there is nobody to tell, and the work goes on.
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// Every file that was left out, and why.
pub fn warnings(report: &WarningReport) {
    named("left out: ", report);
}

/// Rows of a file, which may have been used in part.
pub fn rows(report: &WarningReport) {
    named("", report);
}

fn named(what: &str, report: &WarningReport) {
    for warning in report.warnings.iter().take(SHOWN_WARNINGS) {
        note(format!("  {what}{}: {}", warning.subject, warning.reason));
    }
    if report.len() > SHOWN_WARNINGS {
        note(format!("  … and {} more; --json names all", report.len() - SHOWN_WARNINGS));
    }
}

/// The one message of a failed command.
pub fn failure(error: &Error, json: bool) {
    if json {
        let document = serde_json::to_string_pretty(&ApiError::from(error));
        note(document.unwrap_or_else(|_| error.chain()));
    } else {
        note(format!("error: {}", error.chain()));
    }
}

/// The reader of our output went away (`visaion job list | head`).
pub fn is_broken_pipe(error: &Error) -> bool {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(at) = cause {
        if at.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == std::io::ErrorKind::BrokenPipe) {
            return true;
        }
        cause = at.source();
    }
    false
}

pub fn stderr_is_terminal() -> bool {
    std::io::stderr().is_terminal()
}

/// `1.4 GB`.
pub fn bytes(value: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let mut scaled = value as f64;
    let mut unit = 0;
    while scaled >= 1000.0 && unit + 1 < UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    if unit == 0 { format!("{value} B") } else { format!("{scaled:.1} {}", UNITS[unit]) }
}

/// `1 h 02 min`, `3 min 05 s`, `12 s`.
pub fn duration(ms: u64) -> String {
    let seconds = ms / 1000;
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s:02} s"),
        (h, m, _) => format!("{h} h {m:02} min"),
    }
}

/// `97.3 %`.
pub fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_read_well() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_400_000_000), "1.4 GB");
        assert_eq!(duration(3_725_000), "1 h 02 min");
        assert_eq!(duration(185_000), "3 min 05 s");
        assert_eq!(format_row(&["a".into(), "b".into()], [3, 1]), "a    b");
    }
}
