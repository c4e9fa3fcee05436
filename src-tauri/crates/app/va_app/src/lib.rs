//! Use cases of VisAIon, by feature: free functions over an [`App`].
//!
//! Everything that changes takes an [`Actor`](va_domain::Actor), validates, goes through the store's one door, and tells
//! everyone who listens afterwards. All calls block: callers run them on a pool.
//!
//! Knows the store and the engine; the two know nothing of each other. Knows no window and no HTTP.

mod app;
mod event_bus;

pub mod annotations;
pub mod assets;
pub mod audit;
pub mod datasets;
pub mod diagnostics;
pub mod evaluations;
pub mod explain;
pub mod export;
pub mod gpu_pack;
pub mod history;
pub mod images;
pub mod import;
pub mod jobs;
pub mod labels;
pub mod models;
pub mod predict;
pub mod projects;
pub mod purge;
pub mod quickstart;
pub mod resources;
mod sample_project;
pub mod samples;
pub mod settings;
pub mod split;
pub mod staging;
pub mod train;
pub mod versions;
pub mod weights;

pub use app::{App, OpenOptions, WeakApp};
pub use event_bus::Subscription;
pub use va_domain::{Actor, Origin, Page, PageRequest};
