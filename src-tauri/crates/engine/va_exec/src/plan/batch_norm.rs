//! Planning batch norms, forward and backward, with the sum that follows where that joins them.

use std::rc::Rc;

use candle_core::{Result, Tensor};
use va_graph::{BatchNorm, Node, NodeId, Op};

use super::Lowering;
use super::arena::Slot;
use super::backward::Grads;
use crate::kernels::activation::{Activation, ActivationGrad};
use crate::kernels::batch_norm::{BnAffine, BnApply, BnFromRunning, BnInputGrad, BnReduceGrad};
use crate::kernels::joined;
use crate::kernels::op::{apply1, apply2};

impl Lowering<'_> {
    /// A sum joins the batch norm before it when all that happens to that norm's value is that it is added to an earlier one:
    /// so do residual blocks end.
    pub(super) fn fuse_sums(&mut self) {
        for (id, node) in self.graph.nodes().iter().enumerate() {
            let (Op::Add, &[a, b]) = (&node.op, node.inputs.as_slice()) else { continue };
            let norm = a.max(b);
            let joins = matches!(self.graph.node(norm).op, Op::BatchNorm(_)) && self.readers[norm] == 1;
            if joins && self.layer != Some(norm) {
                self.fused_add[norm] = Some(id);
                self.is_fused[id] = true;
            }
        }
    }

    /// The batch norm that a sum is part of, where that has a backward.
    pub(super) fn norm_of_sum(&self, sum: NodeId, node: &Node) -> Option<NodeId> {
        node.inputs.iter().copied().find(|&input| self.fused_add[input] == Some(sum) && self.needs_grad[input])
    }

    /// What a sum adds to the value of the batch norm that it is part of.
    fn other_operand(&self, norm: NodeId, sum: NodeId) -> NodeId {
        let inputs = &self.graph.node(sum).inputs;
        if inputs[0] == norm { inputs[1] } else { inputs[0] }
    }

    pub(super) fn plan_batch_norm(&mut self, id: NodeId, node: &Node, norm: &BatchNorm) -> Result<Rc<Slot>> {
        let packed = self.norm_scratch(id)?;
        // When a value is computed again, the statistics of its forward are there still, and count once.
        if !self.recomputing {
            self.plan_statistics(id, node, norm, packed.clone())?;
        }
        let sum = self.fused_add[id];
        let addend = sum.map(|sum| self.value(self.other_operand(id, sum))).transpose()?;
        let relu = self.fused_activation[sum.unwrap_or(id)].is_some();
        self.map(id, node, move |y, x| match &addend {
            Some(addend) => joined::apply_add([y, x, &packed, addend], relu),
            None => apply2(BnApply { relu }, y, x, &packed),
        })
    }

    /// Scale and shift, by the batch in training, else by the running statistics.
    fn plan_statistics(&mut self, id: NodeId, node: &Node, norm: &BatchNorm, packed: Tensor) -> Result<()> {
        let (mean, var) = (self.buffer_view(id, "running_mean")?, self.buffer_view(id, "running_var")?);
        let (gamma, beta) = (self.weight(id, "weight")?, self.weight(id, "bias")?);
        let (eps, momentum) = (norm.eps, norm.momentum);
        if self.train {
            let x = self.value(node.inputs[0])?;
            self.emit(id, move || joined::prepare([&packed, &x, &mean, &var, &gamma, &beta], eps, momentum));
        } else {
            self.emit(id, move || {
                apply2(BnFromRunning { eps }, &packed, &mean, &var)?;
                apply2(BnAffine, &packed, &gamma, &beta)
            });
        }
        Ok(())
    }

    pub(super) fn plan_batch_norm_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        dy: Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let relu = self.fused_activation[id].is_some();
        self.plan_norm_sums(id, node, &dy, relu, None)?;
        self.plan_norm_input_grad(id, node, &dy, relu)?;
        self.release_saved(node.inputs[0]);
        self.deliver(id, node.inputs[0], dy, grads)
    }

    /// The gradient of the sum is that of its other operand as it is, without a copy: the batch norm makes its own beside it.
    pub(super) fn plan_norm_and_sum_grad(
        &mut self,
        sum: NodeId,
        norm: NodeId,
        dy: Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let node = self.graph.node(norm);
        let (input, other) = (node.inputs[0], self.other_operand(norm, sum));
        let result = self.fused_activation[sum].map(|relu| self.take_saved(relu)).transpose()?;
        self.plan_norm_sums(norm, node, &dy, false, result)?;
        if !self.needs_grad[other] {
            self.plan_norm_input_grad(norm, node, &dy, false)?;
            self.release_saved(input);
            return self.deliver(norm, input, dy, grads);
        }
        if self.needs_grad[input] {
            let (x, packed) = (self.saved_view(input)?, self.norm_scratch(norm)?);
            let slot = self.arena.take(self.elements(norm))?;
            let (dx, g) = (slot.view()?, dy.view()?);
            self.emit_back(norm, move || joined::input_grad([&dx, &g, &x, &packed]));
            self.deliver(norm, input, slot, grads)?;
        }
        self.release_saved(input);
        self.deliver(sum, other, dy, grads)
    }

    /// What the batch norm's gradients need of all rows, and those of its own parameters. With `relu` its own one is between, with
    /// the `result` of a sum the one after that, which the gradient then has passed.
    fn plan_norm_sums(
        &mut self,
        id: NodeId,
        node: &Node,
        dy: &Rc<Slot>,
        relu: bool,
        result: Option<Tensor>,
    ) -> Result<()> {
        let (packed, x, g) = (self.norm_scratch(id)?, self.saved_view(node.inputs[0])?, dy.view()?);
        let (dgamma, dbeta) = (self.gradient(id, "weight")?, self.gradient(id, "bias")?);
        let (train, learns) = (self.train, self.learns(id));
        if !train && result.is_none() {
            // Running statistics do not depend on the batch: the sums stay zero, and what is left is the scale.
            return Ok(());
        }
        self.emit_back(id, move || {
            if learns {
                return match &result {
                    Some(y) => joined::learn_masked([&packed, &x, &g, y, &dgamma, &dbeta]),
                    None => joined::learn([&packed, &x, &g, &dgamma, &dbeta], relu),
                };
            }
            if let Some(y) = &result {
                apply1(ActivationGrad(Activation::Relu), &g, y)?;
            }
            if train { apply2(BnReduceGrad { relu }, &packed, &x, &g) } else { Ok(()) }
        });
        Ok(())
    }

    /// In place of `dy`, if the input needs a gradient.
    fn plan_norm_input_grad(&mut self, id: NodeId, node: &Node, dy: &Rc<Slot>, relu: bool) -> Result<()> {
        if self.needs_grad[node.inputs[0]] {
            let (packed, x, g) = (self.norm_scratch(id)?, self.saved_view(node.inputs[0])?, dy.view()?);
            self.emit_back(id, move || apply2(BnInputGrad { relu }, &g, &x, &packed));
        }
        Ok(())
    }
}
