use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::GpuReason;

/// The machine now. Percentages are 0–100.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceSnapshot {
    pub at_ms: i64,
    pub cpu: CpuUsage,
    pub memory: MemoryUsage,
    pub gpus: Vec<GpuUsage>,
    pub storage: StorageUsage,
    /// Why no GPU, or not every GPU, is shown, for a person; None when all are.
    pub gpu_note: Option<String>,
    /// The same for a program, which may say it in another language.
    pub gpu_reason: Option<GpuReason>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CpuUsage {
    pub name: String,
    pub cores: u32,
    /// Whether it has bf16 instructions that the engine uses: without them bf16 is correct but slower than f32.
    pub bf16_is_native: bool,
    pub utilisation_percent: f32,
    /// This process alone, of all cores.
    pub process_percent: f32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryUsage {
    /// What this process may use: cgroup limits counted.
    pub total_bytes: u64,
    pub used_bytes: u64,
    /// This process alone.
    pub process_bytes: u64,
}

/// An NVIDIA GPU now. What it does not report is None, never 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GpuUsage {
    pub index: u32,
    /// `GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`: the same in [`crate::DeviceInfo`].
    pub uuid: Option<String>,
    pub name: String,
    pub driver: String,
    pub utilisation_percent: Option<f32>,
    pub memory_total_bytes: Option<u64>,
    pub memory_used_bytes: Option<u64>,
    pub temperature_celsius: Option<f32>,
    pub power_watts: Option<f32>,
    pub power_limit_watts: Option<f32>,
    pub sm_clock_mhz: Option<u32>,
    /// The highest that the card reaches.
    pub sm_clock_max_mhz: Option<u32>,
    /// Programs on the card beside this one, those that hold most memory first, at most 16. None where the driver does not
    /// tell, or where they share no memory with this program (a card divided by MIG).
    pub other_programs: Option<Vec<GpuProgram>>,
}

/// A program that uses a GPU.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuProgram {
    pub pid: u32,
    /// Its file name; None where it cannot be read.
    pub name: Option<String>,
    /// Of the card's memory; None where the driver does not tell (on Windows, most).
    pub memory_bytes: Option<u64>,
}

/// What training on an NVIDIA GPU needs, and where it was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CudaStatus {
    /// The newest CUDA that the driver supports, `13.0`; None without a driver that answers.
    pub driver_cuda_version: Option<String>,
    /// The one that the GPU engine was built with.
    pub required_cuda_version: String,
    /// In the order in which they are loaded.
    pub libraries: Vec<CudaLibrary>,
    /// Where there are libraries of other major versions of CUDA only: the engine cannot use them.
    pub other_versions: Vec<CudaPlace>,
    /// Where the GPU engine lies.
    pub plugin_path: Option<String>,
    /// Everything is there and was opened.
    pub ready: bool,
    /// What is missing and what to do, for a person; empty when it is ready.
    pub note: String,
    /// The same for a program, which may say it in another language; None when it is ready.
    pub reason: Option<GpuReason>,
}

impl CudaStatus {
    /// Not ready, for this reason.
    #[must_use]
    pub fn lacking(self, reason: GpuReason) -> Self {
        Self { ready: false, note: reason.to_string(), reason: Some(reason), ..self }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CudaLibrary {
    /// `libcudnn.so.9`.
    pub file: String,
    /// `convolutions`.
    pub purpose: String,
    /// None where it was not found.
    pub path: Option<String>,
}

/// A toolkit, a Python environment or a folder with CUDA libraries.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CudaPlace {
    pub folder: String,
    /// Of the CUDA libraries in it, `[12]`; ascending.
    pub major_versions: Vec<u32>,
}

/// The disk the library lies on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StorageUsage {
    pub path: String,
    pub total_bytes: u64,
    pub free_bytes: u64,
    /// `media/`, as counted by the store.
    pub library_bytes: u64,
}
