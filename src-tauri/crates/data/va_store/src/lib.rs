//! The library's store: SQLite behind one door for change.
//!
//! - [`Store::open`] takes the owner's lock, refuses what it must not touch, and migrates.
//! - [`Store::read`] gives a consistent view with a read handle for every table.
//! - [`Store::transact`] is the only way to change anything: it records undo, appends to the audit log, commits, and says
//!   what changed. Nothing else writes.
//! - [`Store::undo`] and [`Store::redo`] survive a restart.
//!
//! Knows no tensors, no pixels, no windows.

mod bytes;
mod capture;
mod changes;
mod check;
mod connection;
mod error;
mod filesystem;
pub mod geometry_blob;
mod history;
mod images;
mod library;
mod lock;
pub mod migrate;
mod op;
mod purge;
#[doc(hidden)]
pub mod query;
mod record;
mod store;
pub mod table;
mod tx;
mod value;
mod view;

pub use changes::Changes;
pub use library::Library;
pub use op::Op;
pub use purge::Purged;
pub use store::{OpOutput, Statistics, Store};
pub use tx::{Read, Tx};
