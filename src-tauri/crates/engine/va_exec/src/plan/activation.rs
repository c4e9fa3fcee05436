//! Planning activations and products, forward and backward.

use std::rc::Rc;

use candle_core::Result;
use va_graph::{Node, NodeId};

use super::Lowering;
use super::arena::Slot;
use super::backward::Grads;
use crate::kernels::activation::{Activation, ActivationGrad, MulAssign, Product};
use crate::kernels::op::{apply0, apply1, apply2};

fn activation(node: &Node) -> Activation {
    Activation::of(&node.op).expect("BUG: planned as an activation")
}

impl Lowering<'_> {
    /// In place where nobody needs the input any more.
    pub(super) fn plan_activation(&mut self, id: NodeId, node: &Node) -> Result<Rc<Slot>> {
        let kernel = activation(node);
        if !self.may_overwrite(node.inputs[0]) {
            return self.map(id, node, move |y, x| apply1(kernel, y, x));
        }
        let slot = self.overwritable(id, node.inputs[0])?;
        let y = slot.view()?;
        self.emit(id, move || apply0(kernel, &y));
        Ok(slot)
    }

    pub(super) fn plan_activation_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        dy: Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let kernel = activation(node);
        let kept = self.take_saved(if kernel.keeps_result() { id } else { node.inputs[0] })?;
        let g = dy.view()?;
        self.emit_back(id, move || apply1(ActivationGrad(kernel), &g, &kept));
        self.deliver(id, node.inputs[0], dy, grads)
    }

    pub(super) fn plan_mul(&mut self, id: NodeId, node: &Node) -> Result<Rc<Slot>> {
        let (mut onto, mut other) = (node.inputs[0], node.inputs[1]);
        if !self.may_overwrite(onto) && self.may_overwrite(other) {
            std::mem::swap(&mut onto, &mut other);
        }
        let factor = self.value(other)?;
        if !self.may_overwrite(onto) {
            let (slot, first) = (self.arena.take(self.elements(id))?, self.value(onto)?);
            let y = slot.view()?;
            self.emit(id, move || apply2(Product { accumulate: false }, &y, &first, &factor));
            return Ok(slot);
        }
        let slot = self.overwritable(id, onto)?;
        let y = slot.view()?;
        self.emit(id, move || apply1(MulAssign, &y, &factor));
        Ok(slot)
    }

    /// `db (+)= dy · a` first, because `da = dy · b` is then made in place of dy.
    pub(super) fn plan_mul_grad(&mut self, id: NodeId, node: &Node, dy: Rc<Slot>, grads: &mut Grads) -> Result<()> {
        let [first, second] = [node.inputs[0], node.inputs[1]];
        if self.needs_grad[second] {
            let a = self.saved_view(first)?;
            let (db, accumulate) = self.target(second, grads)?;
            let g = dy.view()?;
            self.emit_back(id, move || apply2(Product { accumulate }, &db, &g, &a));
            self.release_saved(first);
        }
        if self.needs_grad[first] {
            let (g, b) = (dy.view()?, self.take_saved(second)?);
            self.emit_back(id, move || apply1(MulAssign, &g, &b));
            self.deliver(id, first, dy, grads)?;
        }
        Ok(())
    }
}
