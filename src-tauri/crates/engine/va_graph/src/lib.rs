//! The network as data: a closed set of operators, the graph they form, the shapes, parameters and costs that follow
//! from it, passes over it, and its serialised form. No tensors here: `va_exec` runs what this crate describes.
//!
//! Activations are NHWC; shapes leave out the batch dimension: `[H, W, C]` for images, `[T, C]` for
//! tokens, `[K]` for vectors.

mod builder;
mod cost;
pub mod drawing;
mod fold;
mod graph;
mod init;
mod op;
mod param;
mod shape;

pub use builder::{GraphBuilder, Value};
pub use cost::{Cost, NodeCost};
pub use fold::{Folded, FoldedGraph, FoldedLayer, fold_for_inference};
pub use graph::{GRAPH_VERSION, Graph, MAX_DIM, MAX_ELEMENTS, MAX_NODES, Node, NodeId};
pub use init::{Init, WeightInit};
pub use op::{BatchNorm, Conv2d, Op, Pool2d};
pub use param::{BufferSpec, ParamSpec};
pub use shape::infer_shape;
