//! CPU kernels on slices (the reference for every other back end) and their Candle wrappers.

pub mod activation;
pub mod attention;
pub mod batch_norm;
pub mod channel_scale;
pub mod conv;
pub mod conv_ops;
pub mod elementwise;
pub mod flat;
pub mod geometry;
pub mod host;
pub mod joined;
pub(crate) mod lanes;
pub mod lay_out;
pub mod layer_norm;
pub mod linear;
pub mod loss;
pub(crate) mod math;
pub mod matmul;
pub mod op;
pub mod pool;
pub(crate) mod raw;
pub mod real;
pub mod tokens;
