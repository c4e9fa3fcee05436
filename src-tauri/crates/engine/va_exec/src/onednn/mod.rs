//! oneDNN (Apache-2.0, the library PyTorch's CPU kernels use) as a back end for f32 and bf16: convolution and matrix
//! products. Activations stay plain NHWC; weights are put into the order a primitive likes just before it runs, or once
//! when they are frozen. Everything unsafe about the library is in [`handle`] and [`ffi`].

mod conv;
mod ffi;
mod handle;
mod isa;
mod linear;
mod packed;
mod product;
mod workspace;

pub(crate) use handle::Number;
pub(crate) use isa::{instruction_set, multiplies_bf16};
pub(crate) use product::{Product, WeightGrad};
pub(crate) use workspace::WorkspaceBuilder;
