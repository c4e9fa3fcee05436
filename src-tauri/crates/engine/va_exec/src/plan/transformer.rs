//! Planning tokens and attention, forward and backward.

use std::rc::Rc;

use candle_core::Result;
use va_graph::{Node, NodeId};

use super::Lowering;
use super::arena::Slot;
use super::backward::Grads;
use crate::kernels::attention::{AttentionForward, AttentionGeometry, AttentionGrad};
use crate::kernels::op::{apply1, apply2};
use crate::kernels::tokens::{
    AddPositions, ClassTokenGrad, PlaceTokens, PositionGrad, SelectToken, SelectTokenGrad, TokenGeometry,
    TokensInputGrad,
};

impl Lowering<'_> {
    fn token_geometry(&self, shape: &[usize]) -> TokenGeometry {
        TokenGeometry { batch: self.batch, tokens: shape[0], channels: shape[1] }
    }

    fn attention_geometry(&self, node: &Node, heads: usize) -> AttentionGeometry {
        AttentionGeometry { batch: self.batch, tokens: node.shape[0], channels: node.shape[1], heads }
    }

    pub(super) fn plan_tokens(&mut self, id: NodeId, node: &Node) -> Result<Rc<Slot>> {
        let (class, positions) = (self.weight(id, "cls_token")?, self.weight(id, "pos_embed")?);
        let kernel = PlaceTokens(self.token_geometry(&node.shape));
        self.map(id, node, move |y, x| {
            apply2(&kernel, y, x, &class)?;
            apply1(AddPositions, y, &positions)
        })
    }

    pub(super) fn plan_tokens_grad(&mut self, id: NodeId, node: &Node, dy: &Rc<Slot>, grads: &mut Grads) -> Result<()> {
        let geometry = self.token_geometry(&node.shape);
        if self.learns(id) {
            let (dclass, dpositions) = (self.gradient(id, "cls_token")?, self.gradient(id, "pos_embed")?);
            let g = dy.view()?;
            self.emit_back(id, move || {
                apply1(ClassTokenGrad(geometry), &dclass, &g)?;
                apply1(PositionGrad, &dpositions, &g)
            });
        }
        self.pull(id, node, dy, grads, move |dx, dy, accumulate| {
            apply1(TokensInputGrad { geometry, accumulate }, dx, dy)
        })
    }

    pub(super) fn plan_select_token(&mut self, id: NodeId, node: &Node, index: usize) -> Result<Rc<Slot>> {
        let geometry = self.token_geometry(self.shape(node.inputs[0]));
        self.map(id, node, move |y, x| apply1(SelectToken { geometry, index }, y, x))
    }

    pub(super) fn plan_select_token_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        index: usize,
        dy: &Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let geometry = self.token_geometry(self.shape(node.inputs[0]));
        self.pull(id, node, dy, grads, move |dx, dy, accumulate| {
            apply1(SelectTokenGrad { geometry, index, accumulate }, dx, dy)
        })
    }

    pub(super) fn plan_attention(&mut self, id: NodeId, node: &Node, heads: usize) -> Result<Rc<Slot>> {
        let geometry = self.attention_geometry(node, heads);
        self.map(id, node, move |y, qkv| apply1(AttentionForward(geometry), y, qkv))
    }

    pub(super) fn plan_attention_grad(
        &mut self,
        id: NodeId,
        node: &Node,
        heads: usize,
        dy: &Rc<Slot>,
        grads: &mut Grads,
    ) -> Result<()> {
        let geometry = self.attention_geometry(node, heads);
        let qkv = self.saved_view(node.inputs[0])?;
        self.pull(id, node, dy, grads, move |dqkv, dy, accumulate| {
            apply2(AttentionGrad { geometry, accumulate }, dqkv, &qkv, dy)
        })?;
        self.release_saved(node.inputs[0]);
        Ok(())
    }
}
