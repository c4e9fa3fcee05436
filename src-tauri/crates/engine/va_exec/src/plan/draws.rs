//! The keys of a plan's random draws, in memory of its device: a pass that was recorded draws anew when they are written
//! anew.

use candle_core::{DType, Device, Result, Tensor};
use va_graph::{Graph, NodeId, Op};

use crate::kernels::host::write_words;
use crate::rng::CounterRng;

pub(crate) struct Draws {
    /// Nodes that draw, and their names.
    nodes: Vec<(NodeId, String)>,
    /// `[2 · nodes]` words.
    keys: Tensor,
}

impl Draws {
    pub fn of(graph: &Graph, device: &Device) -> Result<Self> {
        let draws = |op: &Op| matches!(op, Op::Dropout { .. } | Op::StochasticDepth { .. });
        let nodes = graph.nodes().iter().enumerate().filter(|(_, node)| draws(&node.op));
        let nodes: Vec<(NodeId, String)> = nodes.map(|(id, node)| (id, node.name.clone())).collect();
        let keys = Tensor::zeros(2 * nodes.len().max(1), DType::U32, device)?;
        Ok(Self { nodes, keys })
    }

    /// Where the key of a node that draws will be.
    pub fn key(&self, node: NodeId) -> Result<Tensor> {
        let place = self.nodes.iter().position(|(id, _)| *id == node);
        let Some(place) = place else { candle_core::bail!("BUG: node {node} draws nothing") };
        self.keys.narrow(0, 2 * place, 2)
    }

    /// From now on every node draws by this key and its name.
    pub fn begin(&self, step_key: u64) -> Result<()> {
        if self.nodes.is_empty() {
            return Ok(());
        }
        let words: Vec<u32> = self.nodes.iter().flat_map(|(_, name)| CounterRng::new(step_key, name).words()).collect();
        write_words(&self.keys, &words)
    }
}
