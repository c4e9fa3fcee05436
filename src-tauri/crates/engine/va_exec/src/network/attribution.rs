//! The gradient of a result by a value in the middle of the network.

use candle_core::Tensor;
use va_error::{Error, Result};
use va_graph::NodeId;

use super::{Mode, Network};
use crate::error::CandleContext;

/// What [`Network::attribute`] gives.
#[derive(Debug, Clone)]
pub struct Attribution {
    /// The result of the network, `[N, …output shape]`.
    pub output: Tensor,
    /// The value of the node, `[N, …its shape]`.
    pub value: Tensor,
    /// The gradient by that value, same shape.
    pub gradient: Tensor,
}

impl Network {
    /// Runs a batch in evaluation and differentiates the result by the value of a node in the middle: the gradient of
    /// `Σ weigh(result) · result`. Statistics, parameters and their gradients stay as they are.
    ///
    /// # Errors
    /// As [`Network::forward`]; `InvalidInput` when there is no such node or the result does not depend on it; what
    /// `weigh` says.
    pub fn attribute(
        &mut self,
        x: &Tensor,
        node: NodeId,
        weigh: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<Attribution> {
        let batch = self.check_input(x)?;
        if node >= self.graph.nodes().len() {
            return Err(Error::invalid(format!("the network has no node {node}")));
        }
        let plan = self.plan(batch, Mode::Eval, Some(node))?;
        let plan = &self.plans[plan];
        let Some([value, gradient]) = &plan.layer_views else {
            let name = &self.graph.node(node).name;
            return Err(Error::invalid(format!("the result of the network does not depend on `{name}`")));
        };
        let output = self.run_forward(plan, x)?;
        self.run_backward(plan, &weigh(&output)?)?;
        let read = |view: &Tensor| self.read(plan, view, node).engine("reading a gradient");
        Ok(Attribution { value: read(value)?, gradient: read(gradient)?, output })
    }
}
