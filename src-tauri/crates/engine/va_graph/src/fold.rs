//! Folding batch normalisation into the convolution before it, for inference.
//!
//! With running statistics, `bn(conv(x)) = conv'(x)` where `w' = w · s` and `b' = (b - mean) · s + beta` with
//! `s = gamma / sqrt(var + eps)` per output channel. This pass changes the graph; `va_exec::fold_state` computes the
//! numbers.

use va_error::Result;

use crate::graph::{Graph, Node, NodeId};
use crate::op::Op;

/// One convolution that took in its batch norm.
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedConv {
    /// Name of the convolution: it keeps `<conv>.weight` and now has `<conv>.bias`.
    pub conv: String,
    /// Whether it had a bias before.
    pub had_bias: bool,
    /// Name of the batch norm that is gone.
    pub batch_norm: String,
    pub eps: f64,
}

/// The result of [`fold_batch_norm`].
#[derive(Debug, Clone, PartialEq)]
pub struct FoldedGraph {
    pub graph: Graph,
    pub folded: Vec<FoldedConv>,
}

/// Folds every batch norm whose input is a convolution that nothing else reads, and leaves out dropout and
/// stochastic depth. Names and order of the other nodes stay.
///
/// # Errors
/// Only if the input graph breaks its own rules.
pub fn fold_batch_norm(graph: &Graph) -> Result<FoldedGraph> {
    let readers = graph.reader_counts();
    let mut nodes: Vec<Node> = Vec::with_capacity(graph.nodes().len());
    let mut folded = Vec::new();
    let mut new_id: Vec<NodeId> = Vec::with_capacity(graph.nodes().len());
    for node in graph.nodes() {
        let source = node.inputs.first().copied();
        match (&node.op, source) {
            (Op::BatchNorm(norm), Some(id)) if readers[id] == 1 && matches!(graph.node(id).op, Op::Conv2d(_)) => {
                let target = new_id[id];
                if let Op::Conv2d(conv) = &mut nodes[target].op {
                    let had_bias = std::mem::replace(&mut conv.bias, true);
                    let conv = nodes[target].name.clone();
                    folded.push(FoldedConv { conv, had_bias, batch_norm: node.name.clone(), eps: norm.eps });
                    new_id.push(target);
                    continue;
                }
            }
            (Op::Dropout { .. } | Op::StochasticDepth { .. }, Some(id)) => {
                new_id.push(new_id[id]);
                continue;
            }
            _ => {}
        }
        let inputs = node.inputs.iter().map(|&id| new_id[id]).collect();
        nodes.push(Node { inputs, ..node.clone() });
        new_id.push(nodes.len() - 1);
    }
    let graph = Graph::from_parts(graph.name().to_owned(), nodes, new_id[graph.output()])?;
    Ok(FoldedGraph { graph, folded })
}
