//! Jobs, training, evaluation, export and prediction through the application, on real files.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on may panic, and a child reports on standard output"
)]

mod altered;
mod fixture;
mod gpu;
mod gpu_pack;
mod gpu_pack_download;
mod gpu_pack_in_use;
mod gpu_pack_kill;
mod gpu_pack_scene;
mod kill;
#[cfg(target_os = "linux")]
mod nvml;
mod queue;
mod road;
#[path = "../../../../data/va_fetch/tests/server/mod.rs"]
mod server;
mod weights;
mod weights_download;
