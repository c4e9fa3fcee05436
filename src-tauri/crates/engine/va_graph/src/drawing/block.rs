//! What one box of the drawing stands for.

use std::ops::Range;

use crate::graph::{Graph, NodeId};

/// Some neighbouring nodes, perhaps several times.
#[derive(Debug, Clone)]
pub(super) struct Block {
    /// `layer1.0`, or `layer1.0–2` for several.
    pub title: String,
    /// How many blocks of the same build follow each other here.
    pub times: usize,
    /// Nodes of the first of them.
    pub first: Range<NodeId>,
    /// Nodes of all of them.
    pub all: Range<NodeId>,
    /// The scope that it is drawn in a frame with.
    pub stage: Option<String>,
    /// Earlier blocks that it reads, in order, each once.
    pub inputs: Vec<usize>,
    /// Whether a value goes around a part of it, to a sum.
    pub has_skip: bool,
}

impl Block {
    /// Parameters and multiply-adds of one sample, all repetitions together.
    pub fn cost(&self, graph: &Graph) -> (u64, u64) {
        self.all.clone().map(|id| graph.node_cost(id)).fold((0, 0), |(params, adds), cost| {
            (params.saturating_add(cost.params), adds.saturating_add(cost.multiply_adds))
        })
    }

    /// Shape of what it gives.
    pub fn shape<'g>(&self, graph: &'g Graph) -> &'g [usize] {
        &graph.node(self.all.end - 1).shape
    }
}
