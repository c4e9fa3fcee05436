//! Checkpoints: everything that a run needs to go on, and what computed it (engine, back end, threads, instructions), written so that a crash at any moment leaves a good one.
//!
//! `state-<steps>-<epochs>.safetensors` holds the flat tensors (parameters, moments, buffers) and the run's state in
//! its metadata; `last.json`, `best.json`, `recovery.json` and `previous.json` (the `last` before) are manifests that
//! name a state file and its BLAKE3. A state file is written under a temporary name, synced and renamed, the folder
//! synced, and only then the manifest, the same way; state files without a manifest are removed.

mod file;
mod folder;
mod machine;

pub(crate) use file::Snapshot;
pub(crate) use folder::{CheckpointFolder, Identity};
pub(crate) use machine::Machine;
