//! A plan: every step of a forward (and backward) pass of one batch size, with its buffers fixed beforehand.
//!
//! Making a plan walks the graph once and follows the lifetime of each value: a buffer goes back to the arena when its
//! last reader is planned, element-wise operators write over their input when nobody else needs it, and a gradient
//! buffer is handed on instead of copied where an operator's backward works in place. Running a plan allocates no
//! activations.

mod activation;
mod arena;
mod backward;
mod batch_norm;
mod draws;
mod forward;
mod learning;
mod normalise;
mod pass;
mod products;
mod recompute;
mod transformer;

use std::rc::Rc;

use candle_core::Tensor;
use va_error::Result;
use va_graph::{Graph, Node, NodeId, Op};

use crate::error::CandleContext;
use crate::kernels::activation::Activation;
use crate::kernels::batch_norm::BN_ROWS;
use crate::network::{Mode, Network};
use crate::onednn::WorkspaceBuilder;
use arena::{Arena, Sharing, Slot};
use draws::Draws;
use learning::Learning;
pub use pass::Recordings;
pub(crate) use pass::{Pass, Step};
use recompute::Segment;

pub(crate) struct Plan {
    pub batch: usize,
    pub mode: Mode,
    /// In evaluation, the node whose value has its gradient computed.
    pub layer: Option<NodeId>,
    /// Flat views of that node's value after a forward, and of its gradient after a backward.
    pub layer_views: Option<[Tensor; 2]>,
    /// Flat view that the batch is copied into.
    pub input: Tensor,
    /// Flat view of the result after a forward.
    pub output: Tensor,
    /// Flat view that the gradient of the result is copied into; only where there is a backward.
    pub output_grad: Option<Tensor>,
    pub forward: Pass,
    pub backward: Pass,
    /// Written before a training forward.
    pub draws: Draws,
    /// Both with the gradient of a loss between them, once that was asked for.
    learning: Option<Learning>,
    /// Bytes of all buffers.
    pub bytes: usize,
    /// Layers that the network's back end has no kernel for, and why: they run on the reference kernels.
    pub fallbacks: Vec<String>,
}

impl Plan {
    /// With a backward in training, and in evaluation for a `layer`: from the result to that node's value.
    pub fn new(network: &Network, batch: usize, mode: Mode, layer: Option<NodeId>) -> Result<Self> {
        let dtype = network.precision().activations();
        // Once to learn when every value lives, once more with buffers shared accordingly.
        let (sharing, _) = Self::recorded(network, batch, mode, layer)?;
        let arena = Arena::shared(dtype, sharing, network.device()).engine("reserving memory for a batch")?;
        let mut lowering = Lowering::new(network, batch, mode, layer, arena)?;
        let Views { input, output, output_grad, layer_views } = lowering.plan()?;
        let Lowering { forward, backward, draws, fallbacks, workspace, arena, scratch_bytes, .. } = lowering;
        let bytes = arena.bytes() + scratch_bytes + workspace.finish();
        let pass = |name, steps| Pass::new(name, steps, network.device(), network.replays());
        let (forward, backward) = (pass("forward", forward), pass("backward", backward));
        let learning = None;
        Ok(Self {
            batch,
            mode,
            layer,
            layer_views,
            input,
            output,
            output_grad,
            forward,
            backward,
            draws,
            learning,
            bytes,
            fallbacks,
        })
    }

    /// Which buffers the values share, and bytes of everything beside them.
    fn recorded(network: &Network, batch: usize, mode: Mode, layer: Option<NodeId>) -> Result<(Sharing, usize)> {
        let blank = Arena::recording(network.precision().activations()).engine("planning")?;
        let mut recording = Lowering::new(network, batch, mode, layer, blank)?;
        let lives = recording.arena.lives();
        recording.plan()?;
        let scratch_bytes = recording.scratch_bytes;
        drop(recording);
        let sharing = lives.borrow().share();
        Ok((sharing, scratch_bytes))
    }

    /// What has been recorded on the device.
    pub fn recordings(&self) -> Recordings {
        let mut recordings = Recordings::default();
        [&self.forward, &self.backward].iter().for_each(|pass| pass.tell(&mut recordings));
        self.learning.iter().for_each(|learning| learning.tell(&mut recordings));
        recordings
    }

    /// Bytes that [`Plan::new`] would reserve, without reserving them; libraries' workspaces are not counted.
    ///
    /// # Errors
    /// As [`Plan::new`].
    pub fn bytes(network: &Network, batch: usize, mode: Mode) -> Result<usize> {
        let (sharing, scratch_bytes) = Self::recorded(network, batch, mode, None)?;
        Ok(sharing.bytes(network.precision().activations()) + scratch_bytes)
    }
}

/// What a plan is fed through and read from; see [`Plan`].
struct Views {
    input: Tensor,
    output: Tensor,
    output_grad: Option<Tensor>,
    layer_views: Option<[Tensor; 2]>,
}

/// The state of planning.
struct Lowering<'a> {
    network: &'a Network,
    graph: &'a Graph,
    batch: usize,
    train: bool,
    /// In evaluation, the node whose value has its gradient computed, and that gradient once it is planned.
    layer: Option<NodeId>,
    layer_grad: Option<Rc<Slot>>,
    arena: Arena,
    forward: Vec<Step>,
    backward: Vec<Step>,
    draws: Draws,
    /// Buffers of values that a later forward step reads.
    values: Vec<Option<Rc<Slot>>>,
    /// Forward readers of each value still to be planned.
    readers: Vec<usize>,
    /// Buffers of values that the backward reads.
    saved: Vec<Option<Rc<Slot>>>,
    /// Backward readers of each value still to be planned.
    saved_readers: Vec<usize>,
    /// The activation that a node does as part of its own step.
    fused_activation: Vec<Option<NodeId>>,
    /// The sum that a batch norm, a convolution or a linear layer does as part of its own step.
    fused_add: Vec<Option<NodeId>>,
    /// Whether a node is done by its producer.
    is_fused: Vec<bool>,
    /// Stretches whose inner values are computed again for the backward; the next one to be reached is last.
    segments: Vec<Segment>,
    /// Whether a value that the backward reads is not kept from the forward.
    dropped: Vec<bool>,
    /// Whether steps are planned a second time, as part of the backward.
    recomputing: bool,
    needs_grad: Vec<bool>,
    /// Packed statistics of each batch norm.
    norms: Vec<Option<Tensor>>,
    scratch_bytes: usize,
    workspace: WorkspaceBuilder,
    fallbacks: Vec<String>,
}

impl<'a> Lowering<'a> {
    fn new(network: &'a Network, batch: usize, mode: Mode, layer: Option<NodeId>, arena: Arena) -> Result<Self> {
        let graph = network.graph();
        let nodes = graph.nodes().len();
        let mut lowering = Self {
            network,
            graph,
            batch,
            train: mode == Mode::Train,
            layer,
            layer_grad: None,
            arena,
            forward: Vec::new(),
            backward: Vec::new(),
            draws: Draws::of(graph, network.device()).engine("planning")?,
            values: vec![None; nodes],
            readers: graph.reader_counts(),
            saved: vec![None; nodes],
            saved_readers: vec![0; nodes],
            fused_activation: vec![None; nodes],
            fused_add: vec![None; nodes],
            is_fused: vec![false; nodes],
            segments: Vec::new(),
            dropped: vec![false; nodes],
            recomputing: false,
            needs_grad: vec![false; nodes],
            norms: vec![None; nodes],
            scratch_bytes: network.laid_out_bytes(),
            workspace: WorkspaceBuilder::new(),
            fallbacks: Vec::new(),
        };
        lowering.fuse_activations();
        lowering.fuse_sums();
        lowering.mark_gradients();
        if lowering.train && network.recomputes() {
            lowering.choose_segments();
        }
        Ok(lowering)
    }

    /// Plans all passes.
    fn plan(&mut self) -> Result<Views> {
        let input = self.plan_forward().engine("planning the forward pass")?;
        let output = self.value(self.graph.output()).engine("planning the forward pass")?;
        let (mut output_grad, mut layer_views) = (None, None);
        if self.needs_grad[self.graph.output()] {
            output_grad = Some(self.plan_backward().engine("planning the backward pass")?);
            layer_views = self.layer_views().engine("planning the backward pass")?;
        }
        Ok(Views { input, output, output_grad, layer_views })
    }

    /// Whether a backward follows the forward.
    fn has_backward(&self) -> bool {
        self.train || self.layer.is_some()
    }

    /// Whether the backward gives gradients to the parameters of a node.
    fn learns(&self, id: NodeId) -> bool {
        self.train && self.network.trains(id) && !self.graph.node_params(id).is_empty()
    }

    /// An activation joins its producer when nothing else reads that value and the producer's kernels know how: batch
    /// norms and sums know ReLU, products know all, but where a backward follows most activations need what
    /// they act on.
    fn fuse_activations(&mut self) {
        for (id, node) in self.graph.nodes().iter().enumerate() {
            let Some(activation) = Activation::of(&node.op) else { continue };
            let producer = node.inputs[0];
            let knows = match &self.graph.node(producer).op {
                Op::BatchNorm(_) | Op::Add => activation == Activation::Relu,
                Op::Conv2d(_) | Op::Linear { .. } => !self.has_backward(),
                _ => false,
            };
            if knows && self.readers[producer] == 1 && self.layer != Some(producer) {
                self.fused_activation[producer] = Some(id);
                self.is_fused[id] = true;
            }
        }
    }

    /// The value that the backward of an activation reads; none where its producer does it.
    fn activation_reads(&self, id: NodeId, node: &Node) -> Option<NodeId> {
        let activation = Activation::of(&node.op).filter(|_| !self.is_fused[id])?;
        Some(if activation.keeps_result() { id } else { node.inputs[0] })
    }

    /// Which values have a gradient, and which values the backward will read.
    fn mark_gradients(&mut self) {
        if !self.has_backward() {
            return;
        }
        for (id, node) in self.graph.nodes().iter().enumerate() {
            if self.layer == Some(id) {
                // Whoever asked reads its value after the backward; nothing before it has a gradient.
                self.needs_grad[id] = true;
                self.saved_readers[id] += 1;
                continue;
            }
            let flows = node.inputs.iter().any(|&input| self.needs_grad[input]);
            self.needs_grad[id] = flows || self.learns(id);
            if !self.needs_grad[id] {
                continue;
            }
            let reads = match &node.op {
                Op::Conv2d(_) | Op::Linear { .. } | Op::ChannelScale { .. } => {
                    self.learns(id).then_some(node.inputs[0])
                }
                Op::BatchNorm(_) | Op::LayerNorm { .. } | Op::MaxPool(_) | Op::Attention { .. } => Some(node.inputs[0]),
                Op::Relu | Op::Gelu | Op::Silu | Op::HardSwish | Op::Sigmoid => self.activation_reads(id, node),
                // Each factor is the slope of the other.
                Op::Mul => {
                    for (factor, other) in [(0, 1), (1, 0)] {
                        self.saved_readers[node.inputs[other]] += usize::from(self.needs_grad[node.inputs[factor]]);
                    }
                    None
                }
                // The fused sum masks by its result; a fused batch norm computes the mask again.
                Op::Add => self.fused_activation[id],
                Op::Input { .. }
                | Op::AvgPool { .. }
                | Op::GlobalAvgPool
                | Op::Flatten
                | Op::Concat
                | Op::Tokens
                | Op::SelectToken { .. }
                | Op::Dropout { .. }
                | Op::StochasticDepth { .. } => None,
            };
            if let Some(value) = reads {
                self.saved_readers[value] += 1;
            }
        }
    }

    fn elements(&self, id: NodeId) -> usize {
        self.batch * self.graph.node(id).shape.iter().product::<usize>()
    }

    /// Value and gradient of the asked layer, if the result depends on it.
    fn layer_views(&self) -> candle_core::Result<Option<[Tensor; 2]>> {
        let (Some(layer), Some(grad)) = (self.layer, &self.layer_grad) else { return Ok(None) };
        Ok(Some([self.saved_view(layer)?, grad.view()?]))
    }

    /// Flat view of a value that a forward step reads.
    fn value(&self, id: NodeId) -> candle_core::Result<Tensor> {
        self.values[id].as_ref().expect("BUG: a value is read before it is computed").view()
    }

    /// Flat view of a parameter, or of its gradient, in internal layout.
    fn param_view(&self, flat: &Tensor, node: NodeId, suffix: &str) -> candle_core::Result<Tensor> {
        let name = self.graph.node(node).param_name(suffix);
        let entry = self.network.layout().param(&name).expect("BUG: every node's parameters are in the layout");
        flat.narrow(0, entry.offset, entry.len)
    }

    fn weight(&self, node: NodeId, suffix: &str) -> candle_core::Result<Tensor> {
        self.param_view(&self.network.params, node, suffix)
    }

    /// The bias and, right after it, the weight of a layer: neighbours in the flat tensor, whose order is by name.
    fn weight_after_bias(&self, node: NodeId) -> candle_core::Result<Tensor> {
        let entry = |suffix: &str| {
            let name = format!("{}.{suffix}", self.graph.node(node).name);
            self.network.layout().param(&name).expect("BUG: every node's parameters are in the layout")
        };
        let (bias, weight) = (entry("bias"), entry("weight"));
        if bias.offset + bias.len != weight.offset {
            candle_core::bail!("BUG: something lies between {} and {}", bias.name, weight.name);
        }
        self.network.params.narrow(0, bias.offset, bias.len + weight.len)
    }

    fn gradient(&self, node: NodeId, suffix: &str) -> candle_core::Result<Tensor> {
        self.param_view(&self.network.grads, node, suffix)
    }

    fn buffer_view(&self, node: NodeId, suffix: &str) -> candle_core::Result<Tensor> {
        let name = self.graph.node(node).param_name(suffix);
        let entry = self.network.layout().buffer(&name).expect("BUG: every node's buffers are in the layout");
        self.network.buffers.narrow(0, entry.offset, entry.len)
    }

    /// The packed statistics of a batch norm, made on first use.
    fn norm_scratch(&mut self, node: NodeId) -> candle_core::Result<Tensor> {
        if let Some(packed) = &self.norms[node] {
            return Ok(packed.clone());
        }
        let channels = *self.graph.node(node).shape.last().expect("BUG: shapes have at least one dimension");
        let packed = Tensor::zeros(BN_ROWS * channels, self.network.dtype(), self.network.device())?;
        self.scratch_bytes += BN_ROWS * channels * self.network.dtype().size_in_bytes();
        self.norms[node] = Some(packed.clone());
        Ok(packed)
    }
}
