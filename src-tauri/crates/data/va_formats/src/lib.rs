//! Layouts of data sets on disk, read and written. Knows names, folders and tables of labels; whether a file is an image its
//! content says, and that is the caller's to find out (`va_media`).
//!
//! Reading has two steps, so that a preview and an import see the same: [`Tree::walk`] lists what is there, [`Layout::of`]
//! decides what the folders mean, reads the CSV files with labels among them, and yields the images one by one.

mod component;
mod csv_labels;
mod csv_writer;
mod detect;
mod folder_writer;
mod layout;
mod names;
mod tree;

pub use component::{UNLABELLED_FOLDER, class_of_component, split_of_component};
pub use csv_labels::looks_like_csv;
pub use csv_writer::{CsvWriter, SampleRow};
pub use folder_writer::FolderWriter;
pub use layout::{FoundImage, Layout};
pub use names::{display_name, safe_component};
pub use tree::{Directory, Tree};
