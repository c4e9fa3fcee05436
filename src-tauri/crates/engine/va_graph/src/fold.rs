//! Folding what only scales and shifts channels into the layer before it, for inference.
//!
//! With running statistics, `bn(layer(x)) = layer'(x)` where `w' = w · s` and `b' = (b - mean) · s + beta` with
//! `s = gamma / sqrt(var + eps)` per output channel; a channel scale is the same with `s = gamma` and no shift. This
//! pass changes the graph; `va_exec::fold_state` computes the numbers.

use va_error::Result;

use crate::graph::{Graph, Node, NodeId};
use crate::op::Op;

/// What a layer took in.
#[derive(Debug, Clone, PartialEq)]
pub enum Folded {
    /// The batch norm of this name.
    BatchNorm { name: String, eps: f64 },
    /// The channel scale whose parameter has this name.
    ChannelScale { gamma: String },
}

/// One convolution or linear layer that took something in.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedLayer {
    /// Its name: it keeps `<layer>.weight`, and has `<layer>.bias` after a batch norm.
    pub layer: String,
    /// Whether it had a bias before.
    pub had_bias: bool,
    pub folded: Folded,
}

/// The result of [`fold_for_inference`].
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedGraph {
    pub graph: Graph,
    /// In the order of the layers; one that took in two things is named twice.
    pub folded: Vec<FoldedLayer>,
}

/// Folds every batch norm behind a convolution and every channel scale behind a convolution or linear layer, where
/// nothing else reads the value between, and leaves out dropout and stochastic depth. Names and order of the other
/// nodes stay.
///
/// # Errors
/// Only if the input graph breaks its own rules.
pub fn fold_for_inference(graph: &Graph) -> Result<FoldedGraph> {
    let readers = graph.reader_counts();
    let mut nodes: Vec<Node> = Vec::with_capacity(graph.nodes().len());
    let mut folded = Vec::new();
    let mut new_id: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    // Whether a value is that of a layer, with or without what it took in so far.
    let mut is_layer = vec![false; graph.nodes().len()];
    for (id, node) in graph.nodes().iter().enumerate() {
        let source = node.inputs.first().copied();
        if let (Op::Dropout { .. } | Op::StochasticDepth { .. }, Some(source)) = (&node.op, source) {
            new_id.push(new_id[source]);
            continue;
        }
        let target = source.filter(|&source| readers[source] == 1 && is_layer[source]).map(|source| new_id[source]);
        if let Some(layer) = target.and_then(|target| take_in(&mut nodes[target], node)) {
            folded.push(layer);
            new_id.push(new_id[node.inputs[0]]);
            is_layer[id] = true;
            continue;
        }
        is_layer[id] = matches!(node.op, Op::Conv2d(_) | Op::Linear { .. });
        let inputs = node.inputs.iter().map(|&id| new_id[id]).collect();
        nodes.push(Node { inputs, ..node.clone() });
        new_id.push(nodes.len() - 1);
    }
    let graph = Graph::from_parts(graph.name().to_owned(), nodes, new_id[graph.output()])?;
    Ok(FoldedGraph { graph, folded })
}

/// Makes `node` part of `layer`, if it can be.
fn take_in(layer: &mut Node, node: &Node) -> Option<FoldedLayer> {
    let name = layer.name.clone();
    let (had_bias, folded) = match (&mut layer.op, &node.op) {
        (Op::Conv2d(conv), Op::BatchNorm(norm)) => {
            let had_bias = std::mem::replace(&mut conv.bias, true);
            (had_bias, Folded::BatchNorm { name: node.name.clone(), eps: norm.eps })
        }
        (Op::Conv2d(crate::op::Conv2d { bias, .. }) | Op::Linear { bias, .. }, Op::ChannelScale { .. }) => {
            (*bias, Folded::ChannelScale { gamma: node.param_name("gamma") })
        }
        _ => return None,
    };
    Some(FoldedLayer { layer: name, had_bias, folded })
}
