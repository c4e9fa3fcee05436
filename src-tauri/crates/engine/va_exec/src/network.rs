//! A graph with its numbers: flat parameters, gradients and buffers, and the plans that run it.

mod attribution;

use candle_core::{DType, Device, Tensor};
use va_error::{Error, Result};
use va_graph::{Graph, NodeId};

use crate::backend::{Backend, Precision};
use crate::device;
use crate::error::CandleContext;
use crate::flat;
use crate::kernels::elementwise::{Cast, Fill};
use crate::kernels::op::{apply0, apply1};
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

/// Plans kept at a time; each holds the activations of one batch size and mode.
const PLANS: usize = 4;

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

    /// Sets the key of the randomness of the next training forward and its backward (dropout). Derive it from run seed and
    /// step.
    pub fn set_step_key(&mut self, key: u64) {
        self.step_key = key;
    }

    /// Sets all gradients to zero.
    pub fn zero_grad(&mut self) -> Result<()> {
        apply0(Fill(0.0), &self.grads).engine("zeroing gradients")
    }

    /// Runs a batch: `x` is `[N, H, W, C]` (or `[N, K]`), on whatever device; the result `[N, …output shape]`, a tensor of
    /// its own on the network's.
    ///
    /// # Errors
    /// `InvalidInput` when shape or number type of `x` do not fit the network.
    pub fn forward(&mut self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let batch = self.check_input(x)?;
        let plan = self.plan(batch, mode, None)?;
        if mode == Mode::Train {
            self.plans[plan].draws.begin(self.step_key).engine("writing the keys of a step")?;
        }
        let output = self.run_forward(&self.plans[plan], x)?;
        if mode == Mode::Train {
            self.pending = Some(batch);
        }
        Ok(output)
    }

    /// Adds the gradients of the last training forward into [`Network::grads`]; `grad` has the shape of its result.
    ///
    /// # Errors
    /// `Conflict` without a preceding training forward, `InvalidInput` when `grad` does not fit.
    pub fn backward(&mut self, grad: &Tensor) -> Result<()> {
        self.ensure_thawed()?;
        let Some(batch) = self.pending.take() else {
            return Err(Error::conflict("backward needs a training forward just before it"));
        };
        let plan = self.plan(batch, Mode::Train, None)?;
        self.run_backward(&self.plans[plan], grad)
    }

    fn run_forward(&self, plan: &Plan, x: &Tensor) -> Result<Tensor> {
        self.read_input(plan, x)?;
        plan.forward.run(&self.device)?;
        self.read(plan, &plan.output, self.graph.output()).engine("reading the output")
    }

    fn run_backward(&self, plan: &Plan, grad: &Tensor) -> Result<()> {
        let Some(output_grad) = &plan.output_grad else {
            return Ok(());
        };
        let grad = self.here(grad).engine("reading the gradient")?;
        if grad.elem_count() != output_grad.elem_count() || grad.dtype() != self.params.dtype() {
            return Err(Error::invalid("the gradient has not the shape and number type of the network's result"));
        }
        apply1(Cast, output_grad, &grad).engine("reading the gradient")?;
        plan.backward.run(&self.device)
    }

    pub(crate) fn read_input(&self, plan: &Plan, x: &Tensor) -> Result<()> {
        let x = self.here(x).engine("reading the input")?;
        apply1(Cast, &plan.input, &x).engine("reading the input")
    }

    /// The same numbers, flat, on the network's device.
    fn here(&self, tensor: &Tensor) -> candle_core::Result<Tensor> {
        tensor.to_device(&self.device)?.contiguous()?.flatten_all()
    }

    /// A copy of a flat view that holds the value of `node`, or its gradient, with batch and shape.
    pub(crate) fn read(&self, plan: &Plan, view: &Tensor, node: NodeId) -> candle_core::Result<Tensor> {
        let shape = [&[plan.batch], self.graph.node(node).shape.as_slice()].concat();
        view.to_dtype(self.dtype())?.force_contiguous()?.reshape(shape)
    }

    /// Bytes of activations and gradients of activations that a batch of this size needs, on a GPU also of the weights as its
    /// products read them; makes the plan where that takes no memory.
    ///
    /// # Errors
    /// When the plan cannot be made.
    pub fn activation_bytes(&mut self, batch: usize, mode: Mode) -> Result<usize> {
        if !self.device.is_cpu() {
            // The system takes memory only where it is touched; a GPU takes it at once, so nothing is reserved to count.
            return Plan::bytes(self, batch, mode);
        }
        let plan = self.plan(batch, mode, None)?;
        Ok(self.plans[plan].bytes)
    }

    /// Kernel calls of a forward and of a backward of a batch of this size; makes the plan.
    ///
    /// # Errors
    /// When the plan cannot be made.
    pub fn step_counts(&mut self, batch: usize, mode: Mode) -> Result<[usize; 2]> {
        let plan = self.plan(batch, mode, None)?;
        let plan = &self.plans[plan];
        Ok([plan.forward.len(), plan.backward.len()])
    }

    /// The plan used last.
    pub(crate) fn last_plan(&self) -> &Plan {
        self.plans.last().expect("BUG: a pass has been run")
    }

    pub(crate) fn check_input(&self, x: &Tensor) -> Result<usize> {
        let want = self.graph.input_shape();
        match x.dims().split_first() {
            Some((&batch, rest)) if batch > 0 && rest == want && x.dtype() == self.params.dtype() => Ok(batch),
            _ => Err(Error::invalid(format!(
                "the network takes [N, {}] in {:?}, got {:?} in {:?}",
                want.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                self.params.dtype(),
                x.dims(),
                x.dtype()
            ))),
        }
    }

    /// Room for the weights as a GPU's products read them, and in a frozen network the weights themselves.
    fn make_weights(&mut self) -> Result<()> {
        if self.weights.is_none() && device::is_gpu(&self.device) {
            let weights = Weights::new(&self.graph, &self.layout, self.precision, &self.device)?;
            if self.frozen {
                weights.step(&self.params)().engine("laying out the weights")?;
            }
            self.weights = Some(weights);
        }
        Ok(())
    }

    /// What every forward pass begins with: the parameters may have changed.
    pub(crate) fn lay_out_each_time(&self) -> Option<impl Fn() -> candle_core::Result<()> + Send + Sync + 'static> {
        self.weights.as_ref().filter(|_| !self.frozen).map(|weights| weights.step(&self.params))
    }

    pub(crate) fn laid_out_bytes(&self) -> usize {
        if device::is_gpu(&self.device) { Weights::bytes(&self.graph, &self.layout, self.precision) } else { 0 }
    }

    /// Position of the plan for this batch, mode and layer, made if there is none; the most recently used is last.
    pub(crate) fn plan(&mut self, batch: usize, mode: Mode, layer: Option<NodeId>) -> Result<usize> {
        let fits = |plan: &Plan| (plan.batch, plan.mode, plan.layer) == (batch, mode, layer);
        if let Some(at) = self.plans.iter().position(fits) {
            let plan = self.plans.remove(at);
            self.plans.push(plan);
        } else {
            if self.plans.len() == PLANS {
                // The plan that a backward is waiting for holds its activations and stays.
                let idle = |plan: &Plan| plan.mode != Mode::Train || self.pending != Some(plan.batch);
                let oldest = self.plans.iter().position(idle).expect("BUG: only one plan can be pending");
                self.plans.remove(oldest);
            }
            self.make_weights()?;
            self.plans.push(Plan::new(self, batch, mode, layer)?);
        }
        Ok(self.plans.len() - 1)
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
