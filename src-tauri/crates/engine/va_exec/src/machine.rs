//! What decides the last bits and the speed of a result beside the numbers that go in.

use crate::backend::Backend;
use crate::onednn;
use crate::par;

/// Threads that a step is shared among.
pub fn thread_count() -> usize {
    par::thread_count()
}

/// The widest vector instructions that the kernels use here, as `x86_64 avx512_core_amx`: they decide in which order sums are
/// made. oneDNN's name for them where it is in the program (`ONEDNN_MAX_CPU_ISA` limits it).
pub fn instruction_set() -> String {
    let widest = onednn::instruction_set().unwrap_or_else(widest_vectors);
    format!("{} {widest}", std::env::consts::ARCH).trim_end().to_owned()
}

/// What computes for a back end, as a person knows it: `cpu`, or the name of the card.
pub fn device_name(backend: Backend) -> String {
    match backend {
        Backend::Reference | Backend::OneDnn => "cpu".to_owned(),
        #[cfg(feature = "cuda")]
        Backend::Cuda => crate::gpu::name().unwrap_or_else(|_| "NVIDIA GPU".to_owned()),
        #[cfg(not(feature = "cuda"))]
        Backend::Cuda => "NVIDIA GPU".to_owned(),
    }
}

/// What decides the last bits of a back end's results: threads (0 where they do not matter) and instructions, of a GPU
/// the card.
pub fn computed_by(backend: Backend) -> (usize, String) {
    match backend {
        Backend::Reference | Backend::OneDnn => (thread_count(), instruction_set()),
        Backend::Cuda => (0, device_name(backend)),
    }
}

/// Whether products of bf16 numbers run on instructions for them. Without, a bf16 network computes the same way, but
/// slower than one in f32.
pub fn bf16_is_native() -> bool {
    cfg!(feature = "cuda") || onednn::multiplies_bf16()
}

/// What the kernels of our own choose by.
fn widest_vectors() -> &'static str {
    #[cfg(target_arch = "x86_64")]
    {
        if std::arch::is_x86_feature_detected!("avx512f") {
            return "avx512";
        }
        if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
            return "avx2";
        }
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_name_and_threads() {
        assert!(thread_count() >= 1);
        assert!(instruction_set().starts_with(std::env::consts::ARCH));
    }

    /// Every processor with oneDNN's bf16 instructions has AVX-512.
    #[test]
    fn bf16_is_native_only_where_the_instructions_are() {
        if bf16_is_native() {
            assert!(instruction_set().contains("avx"), "{}", instruction_set());
        }
    }
}
