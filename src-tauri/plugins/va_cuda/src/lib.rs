//! `libva_cuda.so`: the engine on an NVIDIA GPU behind the C boundary of `va_engine::plugin`. It names no CUDA library: the
//! application loads those first, then this one (`va_engine::gpu`).

mod check;
mod engine;
mod exports;
