//! CPU kernels on slices (the reference for every other back end) and their Candle wrappers.

pub mod batch_norm;
pub mod conv;
pub mod conv_ops;
pub mod elementwise;
pub mod flat;
pub mod geometry;
pub(crate) mod lanes;
pub mod linear;
pub mod matmul;
pub mod op;
pub mod pool;
pub(crate) mod raw;
pub mod real;
