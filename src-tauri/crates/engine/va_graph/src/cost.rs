//! What a graph costs to run: exact counts for one sample, before anything runs.

use crate::graph::{Graph, NodeId};
use crate::op::Op;

/// Cost of one node for one sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct NodeCost {
    /// Multiply-adds of convolutions, linear layers and attention; other operators count their element-wise work as `0`, as the
    /// tables of papers do.
    pub multiply_adds: u64,
    /// Trainable numbers.
    pub params: u64,
    /// Numbers of its value.
    pub activations: u64,
}

/// Cost of a graph for one sample, f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Cost {
    pub multiply_adds: u64,
    pub param_bytes: u64,
    /// Sum over all values of the graph: what training without recomputation or reuse would keep.
    pub activation_bytes: u64,
}

impl Graph {
    /// Cost of one node for one sample.
    pub fn node_cost(&self, id: NodeId) -> NodeCost {
        let node = self.node(id);
        let count = |shape: &[usize]| shape.iter().map(|&d| d as u64).product::<u64>();
        let multiply_adds = match &node.op {
            Op::Conv2d(conv) => {
                let in_channels = self.node(node.inputs[0]).shape[2] / conv.groups;
                let window = (in_channels * conv.kernel[0] * conv.kernel[1]) as u64;
                count(&node.shape).saturating_mul(window)
            }
            Op::Linear { .. } => {
                let inputs = self.node(node.inputs[0]).shape.last().copied().unwrap_or(1);
                count(&node.shape).saturating_mul(inputs as u64)
            }
            // Scores and their weighted sum: each T × T × C.
            Op::Attention { .. } => count(&node.shape).saturating_mul(2 * node.shape[0] as u64),
            Op::Input { .. }
            | Op::BatchNorm(_)
            | Op::Relu
            | Op::Gelu
            | Op::Silu
            | Op::HardSwish
            | Op::Sigmoid
            | Op::Add
            | Op::Mul
            | Op::LayerNorm { .. }
            | Op::ChannelScale { .. }
            | Op::MaxPool(_)
            | Op::AvgPool { .. }
            | Op::GlobalAvgPool
            | Op::Flatten
            | Op::Concat
            | Op::Tokens
            | Op::SelectToken { .. }
            | Op::Dropout { .. }
            | Op::StochasticDepth { .. } => 0,
        };
        NodeCost { multiply_adds, params: self.node_param_elements(id) as u64, activations: count(&node.shape) }
    }

    /// The largest sum of values that are needed at one time while one sample runs forward, f32: a value comes into being
    /// with its node and goes with its last reader; no operator works in place.
    pub fn peak_activation_bytes(&self) -> u64 {
        let mut readers = self.reader_counts();
        let bytes = |id: NodeId| 4 * self.node_cost(id).activations;
        let (mut alive, mut peak) = (0u64, 0u64);
        for (id, node) in self.nodes().iter().enumerate() {
            alive = alive.saturating_add(bytes(id));
            peak = peak.max(alive);
            for &input in &node.inputs {
                readers[input] -= 1;
                if readers[input] == 0 {
                    alive = alive.saturating_sub(bytes(input));
                }
            }
            if readers[id] == 0 {
                alive = alive.saturating_sub(bytes(id));
            }
        }
        peak
    }

    /// Cost of the whole graph for one sample.
    pub fn cost(&self) -> Cost {
        (0..self.nodes().len()).map(|id| self.node_cost(id)).fold(Cost::default(), |sum, node| Cost {
            multiply_adds: sum.multiply_adds.saturating_add(node.multiply_adds),
            param_bytes: sum.param_bytes.saturating_add(4 * node.params),
            activation_bytes: sum.activation_bytes.saturating_add(4 * node.activations),
        })
    }
}
