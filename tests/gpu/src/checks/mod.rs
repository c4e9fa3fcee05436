//! What is checked, a file each. All of it goes through the engine's interface but what only the inside can say.

mod inside;
mod loader;
mod memory;
mod resume;
mod sessions;
mod soak;

use std::path::Path;

use serde_json::Value;
use va_error::{Error, Result};

use crate::sizes::Sizes;
use crate::subject::Subject;

/// Hears each line as soon as it is known; a line says whether it passed.
pub type Found<'a> = dyn FnMut(Value) + 'a;

/// The folder is empty and the check's own.
type Check = fn(&Subject<'_>, &Sizes, &Path, &mut Found<'_>) -> Result<()>;

/// In the order in which a failure is cheapest to find.
const ALL: [(&str, Check); 11] = [
    ("card", inside::card),
    ("operators", inside::operators),
    ("images", inside::images),
    ("networks", inside::networks),
    ("replay", inside::replay),
    ("resume", resume::run),
    ("memory", memory::run),
    ("sessions", sessions::run),
    ("speed", inside::speed),
    ("loader", loader::run),
    ("soak", soak::run),
];

/// What only a card has.
pub const OF_A_CARD: [&str; 4] = ["card", "operators", "images", "memory"];

pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.iter().map(|(name, _)| *name)
}

/// # Errors
/// What keeps the check from being made, or from being made to its end.
pub fn make(name: &str, subject: &Subject<'_>, sizes: &Sizes, dir: &Path, found: &mut Found<'_>) -> Result<()> {
    let known = ALL.iter().find(|(known, _)| *known == name);
    let (_, check) = known.ok_or_else(|| Error::invalid(format!("there is no check `{name}`")))?;
    check(subject, sizes, dir, found)
}
