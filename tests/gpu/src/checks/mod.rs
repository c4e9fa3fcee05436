//! What is checked, a file each. All of it goes through the engine's interface but what only the inside can say.

mod inside;
mod loader;
mod memory;
mod resume;
mod sessions;
mod soak;

use std::path::Path;

use serde_json::Value;
use va_error::Result;

use crate::sizes::Sizes;
use crate::subject::Subject;

/// Lines, each of which says whether it passed; the folder is empty and the check's own.
pub type Check = fn(&Subject<'_>, &Sizes, &Path) -> Result<Vec<Value>>;

/// In the order in which a failure is cheapest to find.
pub const ALL: [(&str, Check); 10] = [
    ("operators", inside::operators),
    ("images", inside::images),
    ("networks", inside::networks),
    ("replay", inside::replay),
    ("resume", resume::run),
    ("sessions", sessions::run),
    ("memory", memory::run),
    ("speed", inside::speed),
    ("loader", loader::run),
    ("soak", soak::run),
];

/// What only a card has.
pub const OF_A_CARD: [&str; 3] = ["operators", "images", "memory"];
