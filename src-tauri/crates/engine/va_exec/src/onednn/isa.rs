//! The instructions that oneDNN uses on this processor.

use std::ffi::c_int;

use super::ffi;

/// Sets of instructions, the widest first; a set's bits contain those of every set it builds on.
const SETS: [(c_int, &str); 9] = [
    (0x201ff, "avx10_2"),
    (0x1fef, "avx512_core_amx_fp16"),
    (0xfef, "avx512_core_amx"),
    (0x1ef, "avx512_core_fp16"),
    (AVX512_BF16, "avx512_core_bf16"),
    (0x67, "avx512_core_vnni"),
    (0x27, "avx512_core"),
    (0x7, "avx2"),
    (0x1, "sse41"),
];
const AVX512_BF16: c_int = 0xe7;

#[allow(unsafe_code)]
fn effective() -> c_int {
    // SAFETY: takes nothing and reads what the library found out about the processor.
    unsafe { ffi::dnnl_get_effective_cpu_isa() }
}

fn contains(isa: c_int, set: c_int) -> bool {
    isa & set == set
}

/// The library's name of the widest set in use.
pub(crate) fn instruction_set() -> Option<&'static str> {
    let isa = effective();
    SETS.iter().find(|(set, _)| contains(isa, *set)).map(|(_, name)| *name)
}

/// Whether products of bf16 numbers have instructions of their own.
pub(crate) fn multiplies_bf16() -> bool {
    contains(effective(), AVX512_BF16)
}
