//! Which activations of a network lie over the image, and which of them explains best.

use va_error::{Error, Result};
use va_graph::{Graph, NodeId, Op};

/// An activation whose positions lie over the image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    pub name: String,
    pub node: NodeId,
    /// Positions over the image, `[rows, columns]`, in row order.
    pub grid: [usize; 2],
    /// Entries before the first position: 1 where a class token leads.
    pub leading: usize,
}

/// The activations that [`crate::Explainer::explain`] can weigh, in the order of the network: images and token sequences
/// with more than one position, each of which reaches the result. (Behind the last attention of a vision transformer
/// only the class token does: there is no gradient anywhere else.)
pub fn explainable_layers(graph: &Graph) -> Vec<Layer> {
    let reaches = all_positions_reach(graph);
    let mut layers = Vec::new();
    let mut tokens = None;
    for (at, node) in graph.nodes().iter().enumerate() {
        if node.op == Op::Tokens
            && let &[rows, columns, _] = graph.node(node.inputs[0]).shape.as_slice()
        {
            tokens = Some([rows, columns]);
        }
        let (grid, leading) = match (node.shape.as_slice(), tokens) {
            (&[rows, columns, _], _) => ([rows, columns], 0),
            (&[count, _], Some([rows, columns])) if count == 1 + rows * columns => ([rows, columns], 1),
            _ => continue,
        };
        if at > 0 && grid[0] * grid[1] > 1 && reaches[at] {
            layers.push(Layer { name: node.name.clone(), node: at, grid, leading });
        }
    }
    layers
}

/// Whether every position of a value, and not one token alone, has a way to the result.
fn all_positions_reach(graph: &Graph) -> Vec<bool> {
    let count = graph.nodes().len();
    let (mut needed, mut reaches) = (vec![false; count], vec![false; count]);
    needed[graph.output()] = true;
    for (id, node) in graph.nodes().iter().enumerate().rev() {
        let all = match reading(&node.op) {
            Reading::Everywhere => needed[id],
            Reading::InPlace => reaches[id],
            Reading::OneToken => false,
        };
        for &input in &node.inputs {
            needed[input] |= needed[id];
            reaches[input] |= all;
        }
    }
    reaches
}

/// Which positions of its input a position of the value depends on.
enum Reading {
    /// All of them.
    Everywhere,
    /// Its own and neighbours.
    InPlace,
    /// One that is always the same.
    OneToken,
}

fn reading(op: &Op) -> Reading {
    match op {
        Op::Attention { .. } | Op::GlobalAvgPool | Op::Flatten => Reading::Everywhere,
        Op::SelectToken { .. } => Reading::OneToken,
        Op::Input { .. }
        | Op::Conv2d(_)
        | Op::Linear { .. }
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
        | Op::Concat
        | Op::Tokens
        | Op::Dropout { .. }
        | Op::StochasticDepth { .. } => Reading::InPlace,
    }
}

/// The layer that is asked without a name: the last one, but not the packed queries, keys and values of an attention,
/// which are no features of their positions.
pub fn default_layer<'l>(graph: &Graph, layers: &'l [Layer]) -> Option<&'l Layer> {
    let feeds_attention =
        |id: NodeId| graph.nodes().iter().any(|node| matches!(node.op, Op::Attention { .. }) && node.inputs == [id]);
    layers.iter().rev().find(|layer| !feeds_attention(layer.node))
}

/// The layer of that name, or the default.
///
/// # Errors
/// `NotFound` with the names that would be right; `InvalidInput` for a network without any such layer.
pub(super) fn choose<'l>(graph: &Graph, layers: &'l [Layer], name: Option<&str>) -> Result<&'l Layer> {
    let default = default_layer(graph, layers).ok_or_else(|| {
        Error::invalid(format!("the network {} has no layer whose positions lie over the image", graph.name()))
    })?;
    let Some(name) = name else { return Ok(default) };
    if let Some(found) = layers.iter().find(|layer| layer.name == name) {
        return Ok(found);
    }
    let what = match graph.find(name) {
        Some(_) => "has no positions over the image that all reach the result",
        None => "is no layer of this network",
    };
    let names: Vec<&str> = layers.iter().map(|layer| layer.name.as_str()).collect();
    Err(Error::not_found(format!(
        "`{name}` {what}; without a layer it is `{}`, and others are {}",
        default.name,
        names.join(", ")
    )))
}
