//! Planning layer norm, channel factors and stochastic depth, forward and backward.

use std::rc::Rc;

use candle_core::{Result, Tensor};
use va_graph::{Node, NodeId};

use super::Lowering;
use super::arena::Slot;
use super::backward::Grads;
use crate::kernels::channel_scale::{ChannelScaleForward, ChannelScaleParamGrad, ScaleChannels, StochasticDepth};
use crate::kernels::elementwise::AddAssign;
use crate::kernels::layer_norm::{LayerNormForward, LayerNormInputGrad, LayerNormReduce};
use crate::kernels::op::{apply1, apply2};

impl Lowering<'_> {
    /// Two rows of one number a channel, beside the arena: `[2, C]` and each row.
    fn channel_pair(&mut self, channels: usize) -> Result<[Tensor; 3]> {
        let pair = Tensor::zeros(2 * channels, self.network.dtype(), self.network.device())?;
        self.scratch_bytes += 2 * channels * self.network.dtype().size_in_bytes();
        let (first, second) = (pair.narrow(0, 0, channels)?, pair.narrow(0, channels, channels)?);
        Ok([pair, first, second])
    }

    pub(super) fn plan_layer_norm(&mut self, id: NodeId, node: &Node, eps: f64) -> Result<Rc<Slot>> {
        let affine = self.weight_after_bias(id)?;
        self.map(id, node, move |y, x| apply2(LayerNormForward { eps }, y, x, &affine))
    }

    pub(super) fn plan_layer_norm_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        eps: f64,
        dy: Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let gamma = self.weight(id, "weight")?;
        let (dgamma, dbeta) = (self.gradient(id, "weight")?, self.gradient(id, "bias")?);
        let [sums, scaled, plain] = self.channel_pair(gamma.elem_count())?;
        let (x, g) = (self.take_saved(node.inputs[0])?, dy.view()?);
        let (flows, learns) = (self.needs_grad[node.inputs[0]], self.learns(id));
        self.emit_back(id, move || {
            if learns {
                apply2(LayerNormReduce { eps }, &sums, &x, &g)?;
                apply1(AddAssign { relu: false }, &dgamma, &scaled)?;
                apply1(AddAssign { relu: false }, &dbeta, &plain)?;
            }
            if flows { apply2(LayerNormInputGrad { eps }, &g, &x, &gamma) } else { Ok(()) }
        });
        self.deliver(id, node.inputs[0], dy, grads)
    }

    pub(super) fn plan_channel_scale(&mut self, id: NodeId, node: &Node) -> Result<Rc<Slot>> {
        let gamma = self.weight(id, "gamma")?;
        if !self.may_overwrite(node.inputs[0]) {
            return self.map(id, node, move |y, x| apply2(ChannelScaleForward, y, x, &gamma));
        }
        let slot = self.overwritable(id, node.inputs[0])?;
        let y = slot.view()?;
        self.emit(id, move || apply1(ScaleChannels, &y, &gamma));
        Ok(slot)
    }

    pub(super) fn plan_channel_scale_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        dy: Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let (gamma, g) = (self.weight(id, "gamma")?, dy.view()?);
        if self.learns(id) {
            let (dgamma, x, g) = (self.gradient(id, "gamma")?, self.take_saved(node.inputs[0])?, g.clone());
            self.emit_back(id, move || apply2(ChannelScaleParamGrad, &dgamma, &x, &g));
        }
        if self.needs_grad[node.inputs[0]] {
            self.emit_back(id, move || apply1(ScaleChannels, &g, &gamma));
        }
        self.deliver(id, node.inputs[0], dy, grads)
    }

    /// Forward and backward leave out the same samples.
    fn stochastic_depth(&self, id: NodeId, p: f64) -> StochasticDepth {
        StochasticDepth { p, sample_len: self.elements(id) / self.batch }
    }

    pub(super) fn plan_stochastic_depth(&mut self, id: NodeId, node: &Node, p: f64) -> Result<Rc<Slot>> {
        let slot = self.overwritable(id, node.inputs[0])?;
        if self.train {
            let (y, key, kernel) = (slot.view()?, self.draws.key(id)?, self.stochastic_depth(id, p));
            self.emit(id, move || apply1(&kernel, &y, &key));
        }
        Ok(slot)
    }

    pub(super) fn plan_stochastic_depth_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        p: f64,
        dy: Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        if self.train {
            let (g, key, kernel) = (dy.view()?, self.draws.key(id)?, self.stochastic_depth(id, p));
            self.emit_back(id, move || apply1(&kernel, &g, &key));
        }
        self.deliver(id, node.inputs[0], dy, grads)
    }
}
