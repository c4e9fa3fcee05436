//! Runs a [`va_graph::Graph`] forward and backward on Candle tensors.
//!
//! Tensors are Candle's, NHWC; every kernel is a Candle in-place operation on slices of one flat storage. Parameters,
//! gradients and buffers are one flat tensor each, ordered by name, so that an optimiser step, clipping and a
//! checkpoint are one pass each. Convolutions and matrix products run on oneDNN where the program has it, on the reference
//! kernels otherwise. Same inputs and same flat tensors give the same bits: on the reference whatever the thread count
//! (work is cut by shape alone, every reduction has a fixed order), on oneDNN for one thread count and processor.

#[cfg(test)]
extern crate self as va_exec;

mod backend;
mod bce;
#[cfg(any(test, feature = "cuda"))]
mod device;
#[cfg(not(any(test, feature = "cuda")))]
#[path = "device_absent.rs"]
mod device;
mod error;
mod flat;
mod fold;
#[cfg(feature = "cuda")]
pub mod gpu;
mod groups;
pub mod images;
mod init;
mod kernels;
mod layout;
mod learn;
mod loss;
mod machine;
mod network;
#[cfg(onednn)]
mod onednn;
#[cfg(not(onednn))]
#[path = "onednn_absent.rs"]
mod onednn;
mod optim;
mod par;
mod plan;
mod profile;
mod rng;

mod state;
mod update;
mod wanted;
mod weights;

pub use backend::{Backend, Precision};
pub use bce::{BinaryCrossEntropy, sigmoid_probabilities};
pub use candle_core::DType;
pub use flat::{copy_into, own_copy};
pub use fold::fold_state;
pub use groups::ParamGroup;
pub use kernels::geometry::{ConvGeometry, PoolGeometry};
pub use layout::{BufferEntry, FlatLayout, ParamEntry};
pub use learn::Learned;
pub use loss::{CrossEntropy, LossAndGrad, SoftTarget, softmax};
pub use machine::{bf16_is_native, computed_by, device_name, instruction_set, thread_count};
pub use network::{Attribution, Mode, Network};
pub use optim::{AdamW, Sgd, clip_grad_norm, update_average};
pub use par::on_one_thread;
pub use plan::Recordings;
pub use rng::CounterRng;
pub use state::{LoadReport, NamedTensors};
pub use update::{Rule, Update, UpdateAt, UpdateReport};
pub use wanted::Wanted;

/// The kernels as plain Candle in-place operations, for tests and for callers that build their own graphs.
pub mod ops {
    pub use crate::kernels::activation::*;
    pub use crate::kernels::attention::*;
    pub use crate::kernels::batch_norm::*;
    pub use crate::kernels::channel_scale::*;
    pub use crate::kernels::conv_ops::*;
    pub use crate::kernels::elementwise::*;
    pub use crate::kernels::layer_norm::*;
    pub use crate::kernels::linear::*;
    pub use crate::kernels::loss::{
        BinaryCrossEntropyGrad, BinaryCrossEntropyRows, CrossEntropyGrad, CrossEntropyRows,
    };
    pub use crate::kernels::op::{In, Inplace, Out, SliceKernel};
    pub use crate::kernels::pool::*;
    pub use crate::kernels::real::{Element, Real};
    pub use crate::kernels::tokens::*;
}
