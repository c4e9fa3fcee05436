//! The store through its public door. `table/` mirrors `src/table/`.

#![allow(clippy::unwrap_used)] // a panic is how a test fails, also in its scene

mod geometry;
mod history;
mod kill;
mod lists;
mod migrate;
mod open;
mod purge;
mod scene;
mod table;
mod transact;
