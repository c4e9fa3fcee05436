//! Planning the forward pass.

use std::rc::Rc;

use candle_core::{Result, Tensor};
use va_graph::{Conv2d, Node, NodeId, Op};

use super::arena::Slot;
use super::{Lowering, Step};
use crate::kernels::activation::Activation;
use crate::kernels::conv_ops::Epilogue;
use crate::kernels::elementwise::{AddAssign, ConcatPart, Copy, Dropout};
use crate::kernels::geometry::{ConvGeometry, PoolGeometry};
use crate::kernels::linear::LinearGeometry;
use crate::kernels::op::{apply1, apply2};
use crate::kernels::pool::{AvgPoolForward, GlobalAvgPoolForward, MaxPoolForward};

impl Lowering<'_> {
    /// Plans all nodes; returns the view that the batch is copied into.
    pub(super) fn plan_forward(&mut self) -> Result<Tensor> {
        let slot = self.arena.take(self.elements(0))?;
        let input = slot.view()?;
        self.define(0, slot);
        if let Some(lay_out) = self.network.lay_out_each_time() {
            self.emit(0, lay_out);
        }
        for id in 1..self.graph.nodes().len() {
            self.plan_value(id)?;
        }
        Ok(input)
    }

    /// Plans the steps of one node, and lets go of what it was the last to read.
    pub(super) fn plan_value(&mut self, id: NodeId) -> Result<()> {
        let graph = self.graph;
        // The producer of a fused node defined its value already.
        if !self.is_fused[id] {
            let value = self.plan_node(id, graph.node(id))?;
            let sum = self.fused_add[id].unwrap_or(id);
            self.define(self.fused_activation[sum].unwrap_or(sum), value);
        }
        for &read in &graph.node(id).inputs {
            self.readers[read] -= 1;
            if self.readers[read] == 0 {
                self.values[read] = None;
            }
        }
        Ok(())
    }

    fn define(&mut self, id: NodeId, slot: Rc<Slot>) {
        if self.saved_readers[id] > 0 && (self.recomputing || !self.dropped[id]) {
            self.saved[id] = Some(slot.clone());
        }
        if self.readers[id] > 0 {
            self.values[id] = Some(slot);
        }
    }

    pub(super) fn emit(&mut self, node: NodeId, run: impl Fn() -> Result<()> + Send + Sync + 'static) {
        let steps = if self.recomputing { &mut self.backward } else { &mut self.forward };
        steps.push(Step::of(node, run));
    }

    fn plan_node(&mut self, id: NodeId, node: &Node) -> Result<Rc<Slot>> {
        match &node.op {
            Op::Input { .. } => candle_core::bail!("BUG: the input is node 0 alone"),
            Op::Conv2d(conv) => self.plan_conv(id, node, conv),
            Op::Linear { out_features, bias } => self.plan_linear(id, node, *out_features, *bias),
            Op::BatchNorm(norm) => self.plan_batch_norm(id, node, norm),
            Op::Relu | Op::Gelu | Op::Silu | Op::HardSwish | Op::Sigmoid => self.plan_activation(id, node),
            Op::Add => self.plan_add(id, node),
            Op::Mul => self.plan_mul(id, node),
            Op::LayerNorm { eps } => self.plan_layer_norm(id, node, *eps),
            Op::ChannelScale { .. } => self.plan_channel_scale(id, node),
            Op::MaxPool(pool) => {
                let geo = PoolGeometry::new(pool, self.batch, self.shape(node.inputs[0]), &node.shape);
                self.map(id, node, move |y, x| apply1(MaxPoolForward(geo.clone()), y, x))
            }
            Op::AvgPool { pool, count_include_pad } => {
                let geometry = PoolGeometry::new(pool, self.batch, self.shape(node.inputs[0]), &node.shape);
                let kernel = AvgPoolForward { geometry, count_include_pad: *count_include_pad };
                self.map(id, node, move |y, x| apply1(&kernel, y, x))
            }
            Op::GlobalAvgPool => {
                let shape = self.shape(node.inputs[0]);
                let kernel = GlobalAvgPoolForward { pixels: shape[0] * shape[1], channels: shape[2] };
                self.map(id, node, move |y, x| apply1(&kernel, y, x))
            }
            Op::Flatten => Ok(self.values[node.inputs[0]].clone().expect("BUG: a value is read before it is computed")),
            Op::Concat => self.plan_concat(id, node),
            Op::Tokens => self.plan_tokens(id, node),
            Op::SelectToken { index } => self.plan_select_token(id, node, *index),
            Op::Attention { heads } => self.plan_attention(id, node, *heads),
            Op::Dropout { p } => self.plan_dropout(id, node, *p),
            Op::StochasticDepth { p } => self.plan_stochastic_depth(id, node, *p),
        }
    }

    pub(super) fn shape(&self, id: NodeId) -> &[usize] {
        &self.graph.node(id).shape
    }

    /// A new buffer for the value of `id`, filled by `run(y, x)` from its first input.
    pub(super) fn map(
        &mut self,
        id: NodeId,
        node: &Node,
        run: impl Fn(&Tensor, &Tensor) -> Result<()> + Send + Sync + 'static,
    ) -> Result<Rc<Slot>> {
        let slot = self.arena.take(self.elements(id))?;
        let (y, x) = (slot.view()?, self.value(node.inputs[0])?);
        self.emit(id, move || run(&y, &x));
        Ok(slot)
    }

    /// Whether node `id` may write over the buffer of `input`: it is the last reader and no backward needs it.
    pub(super) fn may_overwrite(&self, input: NodeId) -> bool {
        self.readers[input] == 1 && self.values[input].as_ref().is_some_and(|slot| Rc::strong_count(slot) == 1)
    }

    /// The buffer of `input` itself, or a copy of it where others still need it.
    pub(super) fn overwritable(&mut self, id: NodeId, input: NodeId) -> Result<Rc<Slot>> {
        if self.may_overwrite(input) {
            return Ok(self.values[input].take().expect("BUG: checked just before"));
        }
        let slot = self.arena.take(self.elements(input))?;
        let (y, x) = (slot.view()?, self.value(input)?);
        self.emit(id, move || apply1(Copy, &y, &x));
        Ok(slot)
    }

    fn plan_conv(&mut self, id: NodeId, node: &Node, conv: &Conv2d) -> Result<Rc<Slot>> {
        let geo = ConvGeometry::new(conv, self.batch, self.shape(node.inputs[0]), &node.shape);
        let w = if conv.bias { self.weight_after_bias(id)? } else { self.weight(id, "weight")? };
        let (slot, epilogue) = self.fuse_epilogue(id, node, conv.bias)?;
        let kernel = self.conv_forward(id, geo, epilogue)?;
        let (y, x) = (slot.view()?, self.value(node.inputs[0])?);
        self.emit(id, move || apply2(&kernel, &y, &x, &w));
        Ok(slot)
    }

    /// What a convolution or linear layer does after its product, and the buffer that it writes.
    fn fuse_epilogue(&mut self, id: NodeId, node: &Node, bias: bool) -> Result<(Rc<Slot>, Epilogue)> {
        let addend = self.fuse_add(id, node.inputs[0]);
        let activation = self.fused_activation[self.fused_add[id].unwrap_or(id)]
            .and_then(|at| Activation::of(&self.graph.node(at).op));
        let epilogue = Epilogue { bias, sum: addend.is_some(), activation };
        let slot = match addend {
            Some(slot) => slot,
            None => self.arena.take(self.elements(id))?,
        };
        Ok((slot, epilogue))
    }

    /// If all that happens to this layer's value is that it is added to an earlier one that nobody needs after,
    /// joins the sum to it: returns the buffer of that earlier value, onto which it adds.
    fn fuse_add(&mut self, id: NodeId, input: NodeId) -> Option<Rc<Slot>> {
        if self.has_backward() || self.readers[id] != 1 {
            return None;
        }
        let reads = |&at: &NodeId| self.graph.node(at).inputs.contains(&id);
        let add = (id + 1..self.graph.nodes().len()).find(reads)?;
        let node = self.graph.node(add);
        let (Op::Add, [a, b]) = (&node.op, node.inputs.as_slice()) else { return None };
        let other = if *a == id { *b } else { *a };
        if other == id || other == input || !self.may_overwrite(other) {
            return None;
        }
        self.fused_add[id] = Some(add);
        self.is_fused[add] = true;
        self.values[other].take()
    }

    fn plan_linear(&mut self, id: NodeId, node: &Node, outputs: usize, bias: bool) -> Result<Rc<Slot>> {
        let geo = self.linear_geometry(node, outputs);
        let w = if bias { self.weight_after_bias(id)? } else { self.weight(id, "weight")? };
        let (slot, epilogue) = self.fuse_epilogue(id, node, bias)?;
        let kernel = self.linear_forward(id, geo, epilogue)?;
        let (y, x) = (slot.view()?, self.value(node.inputs[0])?);
        self.emit(id, move || apply2(&kernel, &y, &x, &w));
        Ok(slot)
    }

    /// Sizes of a linear layer: everything before the last dimension is rows.
    pub(super) fn linear_geometry(&self, node: &Node, outputs: usize) -> LinearGeometry {
        let inputs = self.shape(node.inputs[0]).last().copied().unwrap_or(1);
        LinearGeometry { rows: self.elements(node.inputs[0]) / inputs, inputs, outputs }
    }

    fn plan_add(&mut self, id: NodeId, node: &Node) -> Result<Rc<Slot>> {
        let (mut onto, mut other) = (node.inputs[0], node.inputs[1]);
        if !self.may_overwrite(onto) && self.may_overwrite(other) {
            std::mem::swap(&mut onto, &mut other);
        }
        let source = self.value(other)?;
        let slot = self.overwritable(id, onto)?;
        let (y, relu) = (slot.view()?, self.fused_activation[id].is_some());
        self.emit(id, move || apply1(AddAssign { relu }, &y, &source));
        Ok(slot)
    }

    fn plan_concat(&mut self, id: NodeId, node: &Node) -> Result<Rc<Slot>> {
        let slot = self.arena.take(self.elements(id))?;
        let dst_channels = node.shape.last().copied().unwrap_or(1);
        let mut at = 0;
        for &input in &node.inputs {
            let channels = self.shape(input).last().copied().unwrap_or(1);
            let (y, x, kernel) = (slot.view()?, self.value(input)?, ConcatPart { channels, dst_channels, at });
            self.emit(id, move || apply1(&kernel, &y, &x));
            at += channels;
        }
        Ok(slot)
    }

    fn plan_dropout(&mut self, id: NodeId, node: &Node, p: f64) -> Result<Rc<Slot>> {
        let slot = self.overwritable(id, node.inputs[0])?;
        if self.train {
            let (y, key) = (slot.view()?, self.draws.key(id)?);
            self.emit(id, move || apply1(Dropout { p }, &y, &key));
        }
        Ok(slot)
    }
}
