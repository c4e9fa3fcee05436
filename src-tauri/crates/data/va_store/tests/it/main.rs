//! The store through its public door. `table/` mirrors `src/table/`.

mod geometry;
mod history;
mod kill;
mod lists;
mod migrate;
mod open;
mod scene;
mod table;
mod transact;
