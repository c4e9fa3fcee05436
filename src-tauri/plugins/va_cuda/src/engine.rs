use std::sync::OnceLock;

use va_domain::{DeviceInfo, DeviceKind, GpuReason};
use va_engine::LocalEngine;
use va_exec::gpu;

const VERSION: &str = concat!("va_engine ", env!("CARGO_PKG_VERSION"), " cuda");

/// The engine on the first card that the driver lists. Without one it describes itself, says why, and trains nothing.
pub fn engine() -> &'static LocalEngine {
    static ENGINE: OnceLock<LocalEngine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        let device = match gpu::name() {
            Ok(name) => {
                measure_algorithms();
                DeviceInfo::ready(DeviceKind::Cuda, name, gpu::uuid().ok())
            }
            Err(error) => {
                let reason = GpuReason::CardUnusable { detail: error.chain() };
                DeviceInfo::lacking(DeviceKind::Cuda, "NVIDIA GPU".to_owned(), reason)
            }
        };
        LocalEngine { version: VERSION, devices: vec![device], free_bytes: || gpu::free_bytes().ok() }
    })
}

/// The fastest algorithms of this card are kept with the user's data. Without such a folder nothing is measured: choices that
/// are forgotten could be others the next time, and a run that goes on would not be bit-exact.
fn measure_algorithms() {
    if let Some(folder) = va_engine::gpu::user_data() {
        // The card was opened just before; should it answer no more, the ranking of cuDNN decides.
        let _ = gpu::measure_algorithms(&folder.join("gpu-algorithms"));
    }
}
