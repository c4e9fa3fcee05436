//! Large files from the network: resumed where they stopped, hashed as they arrive, and in their place whole or not at
//! all. Nothing is fetched unless a caller asks, and callers ask only when a person agreed.
//!
//! Knows files, HTTPS and hashes; does not know what the files are for, nor the library.

mod address;
mod connection;
mod download;
mod failure;
mod head;
mod part;
mod sha256;

pub use download::{Downloaded, Patience, Progress, Wanted, download, forget_part, part_bytes};
pub use sha256::{Expected, sha256_of};
