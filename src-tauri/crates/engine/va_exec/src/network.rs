//! A graph with its numbers: flat parameters, gradients and buffers, and the plans that run it.

mod attribution;
mod passes;
mod plans;

use candle_core::{DType, Device, Tensor};
use va_error::{Error, Result};
use va_graph::{Graph, NodeId};

use crate::backend::{Backend, Precision};
use crate::error::CandleContext;
use crate::flat;
use crate::layout::FlatLayout;
use crate::plan::{Plan, Recordings};
use crate::weights::Weights;
pub use attribution::Attribution;

/// Whether a forward pass is part of training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mode {
    /// Batch statistics, dropout, running statistics move; keeps what the backward needs.
    Train,
    /// Running statistics, no dropout, no tape.
    Eval,
}

/// A network that can be run and trained, on the CPU or, by its back end, on a GPU.
///
/// Parameters, gradients and buffers are one flat tensor each, in [`FlatLayout`] order. Not for use from several
/// threads at once; several networks may run side by side.
pub struct Network {
    graph: Graph,
    layout: FlatLayout,
    precision: Precision,
    backend: Backend,
    device: Device,
    frozen: bool,
    recomputes: bool,
    replays: bool,
    /// Nodes whose parameters have gradients; None: all.
    trained: Option<Vec<NodeId>>,
    pub(crate) params: Tensor,
    pub(crate) grads: Tensor,
    pub(crate) buffers: Tensor,
    /// On a GPU, once there is a plan.
    pub(crate) weights: Option<Weights>,
    pub(crate) plans: Vec<Plan>,
    /// Batch of the training forward whose backward has not run yet.
    pub(crate) pending: Option<usize>,
    pub(crate) step_key: u64,
}

impl Network {
    /// A network in f32 or f64 on the fastest back end. All numbers start as [`Network::init`] with seed 0 would leave
    /// buffers, with parameters zero.
    ///
    /// # Errors
    /// `InvalidInput` for a number type other than f32 and f64.
    pub fn new(graph: Graph, dtype: DType) -> Result<Self> {
        let precision = match dtype {
            DType::F32 => Precision::F32,
            DType::F64 => Precision::F64,
            other => return Err(Error::invalid(format!("networks keep parameters in f32 or f64, not {other:?}"))),
        };
        Self::with(graph, precision, Backend::default())
    }

    /// A network of this precision on this back end.
    ///
    /// # Errors
    /// `InvalidInput` for a back end that this program does not have.
    pub fn with(graph: Graph, precision: Precision, backend: Backend) -> Result<Self> {
        if !Backend::ALL.contains(&backend) {
            return Err(Error::invalid(format!("this program was built without {backend:?}")));
        }
        backend.ensure_computes(precision)?;
        let device = backend.device()?;
        let layout = FlatLayout::of(&graph);
        let zeros = |len: usize| flat::zeros(len, precision.params(), &device).engine("allocating parameters");
        let (params, grads) = (zeros(layout.param_len())?, zeros(layout.param_len())?);
        let buffers = zeros(layout.buffer_len())?;
        let network = Self {
            graph,
            layout,
            precision,
            backend,
            device,
            frozen: false,
            recomputes: false,
            replays: true,
            trained: None,
            params,
            grads,
            buffers,
            weights: None,
            plans: Vec::new(),
            pending: None,
            step_key: 0,
        };
        network.init_buffers()?;
        Ok(network)
    }

    /// Another network over the very same parameters, gradients and buffers that computes in another precision: what one
    /// of them changes, the other has. It is not frozen.
    ///
    /// # Errors
    /// `InvalidInput` when that precision keeps parameters in another number type.
    pub fn sharing(&self, precision: Precision) -> Result<Self> {
        if precision.params() != self.dtype() {
            return Err(Error::invalid(format!(
                "{precision:?} keeps parameters in {:?}, this network has them in {:?}",
                precision.params(),
                self.dtype()
            )));
        }
        Ok(Self {
            graph: self.graph.clone(),
            layout: self.layout.clone(),
            precision,
            backend: self.backend,
            device: self.device.clone(),
            frozen: false,
            recomputes: false,
            replays: true,
            trained: None,
            params: self.params.clone(),
            grads: self.grads.clone(),
            buffers: self.buffers.clone(),
            weights: None,
            plans: Vec::new(),
            pending: None,
            step_key: self.step_key,
        })
    }

    pub fn precision(&self) -> Precision {
        self.precision
    }

    pub fn backend(&self) -> Backend {
        self.backend
    }

    /// Where parameters, gradients and activations are.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// Promises that the parameters will not change any more: evaluation then keeps them in the order its kernels like.
    pub fn freeze(&mut self) {
        self.frozen = true;
        self.weights = None;
        self.plans.clear();
    }

    pub(crate) fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Refuses to change a frozen network.
    pub(crate) fn ensure_thawed(&self) -> Result<()> {
        if self.frozen { Err(Error::conflict("the parameters of this network are frozen")) } else { Ok(()) }
    }

    /// Trades time for memory in training: activations inside stretches of the graph are dropped after the forward and
    /// computed again for the backward. Results are the same to the last bit.
    pub fn recompute_activations(&mut self, on: bool) {
        if self.recomputes != on {
            self.recomputes = on;
            self.forget_training();
        }
    }

    /// Gives back the memory of all plans; they are made anew when they are needed.
    pub fn forget_plans(&mut self) {
        self.plans.clear();
        self.weights = None;
        self.pending = None;
        #[cfg(feature = "cuda")]
        if self.device.is_cuda() {
            // A card that answers no more is told by whoever uses it next.
            let _ = crate::device::cuda::card().and_then(|card| card.trim());
        }
    }

    /// Gives gradients to the parameters of these nodes alone, or with None to all: no backward runs below the first of
    /// them, and nothing is kept for it. Batch norms everywhere go on to use the statistics of the batch and to move their
    /// running ones.
    pub fn train_only(&mut self, nodes: Option<Vec<NodeId>>) {
        if self.trained != nodes {
            self.trained = nodes;
            self.forget_training();
        }
    }

    /// The plans of training are made anew at its next forward.
    fn forget_training(&mut self) {
        self.plans.retain(|plan| plan.mode == Mode::Eval);
        self.pending = None;
    }

    pub(crate) fn trains(&self, node: NodeId) -> bool {
        self.trained.as_ref().is_none_or(|nodes| nodes.contains(&node))
    }

    /// Whether a GPU records the passes of a plan and replays them from then on (the default); the results are the same to
    /// the last bit. On the CPU there is nothing to record.
    pub fn replay_passes(&mut self, on: bool) {
        if self.replays != on {
            self.replays = on;
            self.forget_plans();
        }
    }

    pub(crate) fn replays(&self) -> bool {
        self.replays
    }

    /// What was recorded of the plan used last.
    pub fn recordings(&self) -> Recordings {
        self.plans.last().map(Plan::recordings).unwrap_or_default()
    }

    pub(crate) fn recomputes(&self) -> bool {
        self.recomputes
    }

    /// Layers of the plan used last that the back end has no kernel for, and why: they ran on the reference kernels.
    pub fn fallbacks(&self) -> &[String] {
        self.plans.last().map_or(&[], |plan| &plan.fallbacks)
    }

    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Names, places and shapes in the flat tensors.
    pub fn layout(&self) -> &FlatLayout {
        &self.layout
    }

    pub fn dtype(&self) -> DType {
        self.params.dtype()
    }

    /// All parameters, `[P]`, internal layout. The tensor is the storage itself: in-place operations on it train.
    pub fn params(&self) -> &Tensor {
        &self.params
    }

    /// All gradients, `[P]`, same order as the parameters.
    pub fn grads(&self) -> &Tensor {
        &self.grads
    }

    /// All running statistics, `[B]`.
    pub fn buffers(&self) -> &Tensor {
        &self.buffers
    }

    /// Copies a flat parameter tensor `[P]` in, bit for bit.
    ///
    /// # Errors
    /// `InvalidInput` when length or number type differ, `Conflict` when the network is frozen.
    pub fn set_params(&mut self, flat: &Tensor) -> Result<()> {
        self.ensure_thawed()?;
        copy_flat(&self.params, flat, "parameters")
    }

    /// Copies a flat buffer tensor `[B]` in, bit for bit.
    ///
    /// # Errors
    /// `InvalidInput` when length or number type differ, `Conflict` when the network is frozen.
    pub fn set_buffers(&mut self, flat: &Tensor) -> Result<()> {
        self.ensure_thawed()?;
        copy_flat(&self.buffers, flat, "buffers")
    }
}

fn copy_flat(dst: &Tensor, src: &Tensor, what: &str) -> Result<()> {
    if src.dims() != dst.dims() || src.dtype() != dst.dtype() {
        return Err(Error::invalid(format!(
            "the saved {what} are {:?} {:?}, this network needs {:?} {:?}",
            src.dims(),
            src.dtype(),
            dst.dims(),
            dst.dtype()
        )));
    }
    flat::copy_into(dst, src).engine("copying a flat tensor")
}
