//! Planning the backward pass: nodes in reverse order, each turning the gradient of its value into those of its inputs.

use std::rc::Rc;

use candle_core::{Result, Tensor};
use va_graph::{Conv2d, Node, NodeId, Op};

use super::arena::Slot;
use super::{Lowering, Step};
use crate::kernels::activation::{Activation, ActivationGrad};
use crate::kernels::conv_ops::BiasGrad;
use crate::kernels::elementwise::{AddAssign, Copy, Dropout, SplitPart};
use crate::kernels::geometry::{ConvGeometry, PoolGeometry};
use crate::kernels::op::{apply1, apply2};
use crate::kernels::pool::{AvgPoolGrad, GlobalAvgPoolGrad, MaxPoolGrad};

/// Gradients of values known so far.
pub(super) type Grads = Vec<Option<Rc<Slot>>>;

impl Lowering<'_> {
    /// Plans all nodes; returns the view that the gradient of the result is copied into.
    pub(super) fn plan_backward(&mut self) -> Result<Tensor> {
        let output = self.graph.output();
        self.values.fill(None);
        let slot = self.arena.take(self.elements(output))?;
        let output_grad = slot.view()?;
        let mut grads: Grads = vec![None; self.graph.nodes().len()];
        grads[output] = Some(slot);
        for (id, node) in self.graph.nodes().iter().enumerate().rev() {
            if let Some(segment) = self.segments.pop_if(|segment| segment.to == id) {
                self.plan_recompute(segment)?;
            }
            let Some(dy) = grads[id].take() else { continue };
            if !self.needs_grad[id] {
                continue;
            }
            if self.layer == Some(id) {
                self.layer_grad = Some(dy);
            } else if self.is_fused[id] && Activation::of(&node.op).is_some() {
                // The producer applies the mask itself.
                grads[node.inputs[0]] = Some(dy);
            } else {
                self.plan_node_grad(id, node, dy, &mut grads)?;
            }
        }
        Ok(output_grad)
    }

    pub(super) fn emit_back(&mut self, node: NodeId, run: impl Fn() -> Result<()> + Send + Sync + 'static) {
        self.backward.push(Step::of(node, run));
    }

    fn plan_node_grad(&mut self, id: NodeId, node: &Node, dy: Rc<Slot>, grads: &mut Grads) -> Result<()> {
        let batch = self.batch;
        match &node.op {
            Op::Input { .. } => Ok(()),
            Op::Conv2d(conv) => self.plan_conv_grad(id, node, conv, &dy, grads),
            Op::Linear { out_features, bias } => self.plan_linear_grad(id, node, *out_features, *bias, &dy, grads),
            Op::BatchNorm(_) => self.plan_batch_norm_grad(id, node, dy, grads),
            Op::Relu | Op::Gelu | Op::Silu | Op::HardSwish | Op::Sigmoid => {
                self.plan_activation_grad(id, node, dy, grads)
            }
            Op::Add => self.plan_add_grad(id, node, dy, grads),
            Op::Mul => self.plan_mul_grad(id, node, dy, grads),
            Op::LayerNorm { eps } => self.plan_layer_norm_grad(id, node, *eps, dy, grads),
            Op::ChannelScale { .. } => self.plan_channel_scale_grad(id, node, dy, grads),
            Op::MaxPool(pool) => {
                let geometry = PoolGeometry::new(pool, batch, self.input_shape(node), &node.shape);
                let x = self.saved_view(node.inputs[0])?;
                self.pull(id, node, &dy, grads, move |dx, dy, accumulate| {
                    apply2(MaxPoolGrad { geometry: geometry.clone(), accumulate }, dx, &x, dy)
                })?;
                self.release_saved(node.inputs[0]);
                Ok(())
            }
            Op::AvgPool { pool, count_include_pad } => {
                let geometry = PoolGeometry::new(pool, batch, self.input_shape(node), &node.shape);
                let count_include_pad = *count_include_pad;
                self.pull(id, node, &dy, grads, move |dx, dy, accumulate| {
                    apply1(AvgPoolGrad { geometry: geometry.clone(), count_include_pad, accumulate }, dx, dy)
                })
            }
            Op::GlobalAvgPool => {
                let shape = self.input_shape(node);
                let (pixels, channels) = (shape[0] * shape[1], shape[2]);
                self.pull(id, node, &dy, grads, move |dx, dy, accumulate| {
                    apply1(GlobalAvgPoolGrad { pixels, channels, accumulate }, dx, dy)
                })
            }
            Op::Flatten => self.deliver(id, node.inputs[0], dy, grads),
            Op::Concat => self.plan_concat_grad(id, node, &dy, grads),
            Op::Tokens => self.plan_tokens_grad(id, node, &dy, grads),
            Op::SelectToken { index } => self.plan_select_token_grad(id, node, *index, &dy, grads),
            Op::Attention { heads } => self.plan_attention_grad(id, node, *heads, &dy, grads),
            Op::StochasticDepth { p } => self.plan_stochastic_depth_grad(id, node, *p, dy, grads),
            Op::Dropout { p } => {
                if self.train {
                    let (g, key, p) = (dy.view()?, self.draws.key(id)?, *p);
                    self.emit_back(id, move || apply1(Dropout { p }, &g, &key));
                }
                self.deliver(id, node.inputs[0], dy, grads)
            }
        }
    }

    fn input_shape(&self, node: &Node) -> &[usize] {
        &self.graph.node(node.inputs[0]).shape
    }

    /// View of a value kept for the backward.
    pub(super) fn saved_view(&self, id: NodeId) -> Result<Tensor> {
        self.saved[id].as_ref().expect("BUG: a value the backward reads was not kept").view()
    }

    /// Gives up one read of a kept value; after the last its buffer is free.
    pub(super) fn release_saved(&mut self, id: NodeId) {
        self.saved_readers[id] -= 1;
        if self.saved_readers[id] == 0 {
            self.saved[id] = None;
        }
    }

    /// View of a kept value for the next step alone: its buffer may serve the steps after that.
    pub(super) fn take_saved(&mut self, id: NodeId) -> Result<Tensor> {
        let view = self.saved_view(id);
        self.release_saved(id);
        view
    }

    /// Makes `slot` the gradient of `input`, or adds it to what is there.
    pub(super) fn deliver(&mut self, id: NodeId, input: NodeId, slot: Rc<Slot>, grads: &mut Grads) -> Result<()> {
        if !self.needs_grad[input] {
            return Ok(());
        }
        if let Some(sum) = &grads[input] {
            let (sum, g) = (sum.view()?, slot.view()?);
            self.emit_back(id, move || apply1(AddAssign { relu: false }, &sum, &g));
        } else {
            grads[input] = Some(slot);
        }
        Ok(())
    }

    /// The buffer for the gradient of `input` and whether something is in it already.
    pub(super) fn target(&mut self, input: NodeId, grads: &mut Grads) -> Result<(Tensor, bool)> {
        if let Some(slot) = &grads[input] {
            return Ok((slot.view()?, true));
        }
        let slot = self.arena.take(self.elements(input))?;
        let view = slot.view()?;
        grads[input] = Some(slot);
        Ok((view, false))
    }

    /// The gradient of the first input by `run(dx, dy, accumulate)`, if it needs one.
    pub(super) fn pull(
        &mut self,
        id: NodeId,
        node: &Node,
        dy: &Rc<Slot>,
        grads: &mut Grads,
        run: impl Fn(&Tensor, &Tensor, bool) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        let input = node.inputs[0];
        if !self.needs_grad[input] {
            return Ok(());
        }
        let (dx, accumulate) = self.target(input, grads)?;
        let dy = dy.view()?;
        self.emit_back(id, move || run(&dx, &dy, accumulate));
        Ok(())
    }

    /// As [`Self::pull`] for a kernel that overwrites: a gradient that is there already gets it added.
    fn pull_product(
        &mut self,
        id: NodeId,
        node: &Node,
        dy: &Rc<Slot>,
        grads: &mut Grads,
        run: impl Fn(&Tensor, &Tensor) -> Result<()> + Send + Sync + 'static,
    ) -> Result<()> {
        let slot = self.arena.take(self.elements(node.inputs[0]))?;
        let (dx, dy) = (slot.view()?, dy.view()?);
        self.emit_back(id, move || run(&dx, &dy));
        self.deliver(id, node.inputs[0], slot, grads)
    }

    fn plan_bias_grad(&mut self, id: NodeId, bias: bool, dy: &Rc<Slot>) -> Result<()> {
        if bias {
            let (db, g) = (self.gradient(id, "bias")?, dy.view()?);
            self.emit_back(id, move || apply1(BiasGrad, &db, &g));
        }
        Ok(())
    }

    fn plan_conv_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        conv: &Conv2d,
        dy: &Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let geometry = ConvGeometry::new(conv, self.batch, self.input_shape(node), &node.shape);
        if self.learns(id) {
            self.plan_bias_grad(id, conv.bias, dy)?;
            let dw = self.gradient(id, "weight")?;
            let (x, g) = (self.take_saved(node.inputs[0])?, dy.view()?);
            let kernel = self.conv_weight_grad(id, geometry.clone());
            self.emit_back(id, move || apply2(&kernel, &dw, &x, &g));
        }
        if !self.needs_grad[node.inputs[0]] {
            return Ok(());
        }
        let w = self.weight(id, "weight")?;
        let kernel = self.conv_input_grad(id, geometry)?;
        self.pull_product(id, node, dy, grads, move |dx, dy| apply2(&kernel, dx, dy, &w))
    }

    fn plan_linear_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        outputs: usize,
        bias: bool,
        dy: &Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let geometry = self.linear_geometry(node, outputs);
        if self.learns(id) {
            self.plan_bias_grad(id, bias, dy)?;
            let dw = self.gradient(id, "weight")?;
            let (x, g) = (self.take_saved(node.inputs[0])?, dy.view()?);
            let kernel = self.linear_weight_grad(id, geometry);
            self.emit_back(id, move || apply2(&kernel, &dw, &x, &g));
        }
        if !self.needs_grad[node.inputs[0]] {
            return Ok(());
        }
        let w = self.weight(id, "weight")?;
        let kernel = self.linear_input_grad(id, geometry)?;
        self.pull_product(id, node, dy, grads, move |dx, dy| apply2(&kernel, dx, dy, &w))
    }

    fn plan_add_grad(&mut self, id: NodeId, node: &Node, dy: Rc<Slot>, grads: &mut Grads) -> Result<()> {
        if let Some(norm) = self.norm_of_sum(id, node) {
            return self.plan_norm_and_sum_grad(id, norm, dy, grads);
        }
        if let Some(relu) = self.fused_activation[id] {
            let (g, y) = (dy.view()?, self.take_saved(relu)?);
            self.emit_back(id, move || apply1(ActivationGrad(Activation::Relu), &g, &y));
        }
        let [first, second] = [node.inputs[0], node.inputs[1]];
        if self.needs_grad[second] {
            let (dx, accumulate) = self.target(second, grads)?;
            let g = dy.view()?;
            self.emit_back(id, move || {
                if accumulate { apply1(AddAssign { relu: false }, &dx, &g) } else { apply1(Copy, &dx, &g) }
            });
        }
        self.deliver(id, first, dy, grads)
    }

    fn plan_concat_grad(&mut self, id: NodeId, node: &Node, dy: &Rc<Slot>, grads: &mut Grads) -> Result<()> {
        let src_channels = node.shape.last().copied().unwrap_or(1);
        let mut at = 0;
        for &input in &node.inputs {
            let channels = self.graph.node(input).shape.last().copied().unwrap_or(1);
            let (part, g) = (self.arena.take(self.elements(input))?, dy.view()?);
            let (dx, kernel) = (part.view()?, SplitPart { channels, src_channels, at });
            if self.needs_grad[input] {
                self.emit_back(id, move || apply1(&kernel, &dx, &g));
                self.deliver(id, input, part, grads)?;
            }
            at += channels;
        }
        Ok(())
    }
}
