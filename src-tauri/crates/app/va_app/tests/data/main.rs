//! Use cases of projects, datasets, classes, samples, splits, history and versions.

#![allow(clippy::unwrap_used)] // a panic is how a test fails, also in its scene

mod scene;

mod datasets;
mod diagnostics;
mod labels;
mod projects;
mod purge;
mod samples;
mod settings;
mod split;
mod staging;
