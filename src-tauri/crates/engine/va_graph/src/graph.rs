//! The graph: nodes in an order in which every input comes before its consumer, and its versioned JSON form.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use va_error::{Code, Context, Error, Result};

use crate::init::WeightInit;
use crate::op::Op;
use crate::shape::infer_shape;

/// Version of the serialised form. A newer one is refused, never guessed at.
///
/// 1: the operators of residual networks. 2: transformers, more activations, [`Node::weight_init`].
pub const GRAPH_VERSION: u32 = 2;
/// Largest size of one dimension.
pub const MAX_DIM: usize = 1 << 24;
/// Largest number of elements of one activation (of one sample) or parameter.
pub const MAX_ELEMENTS: usize = 1 << 34;
/// Largest number of nodes.
pub const MAX_NODES: usize = 100_000;

/// Position of a node in [`Graph::nodes`].
pub type NodeId = usize;

/// One operator applied to earlier values; it produces exactly one value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Dotted path, unique in the graph; parameters are called as [`Node::param_name`] says.
    pub name: String,
    pub op: Op,
    /// Earlier nodes whose values it consumes.
    pub inputs: Vec<NodeId>,
    /// Shape of its value without the batch dimension.
    pub shape: Vec<usize>,
    /// How its weights start.
    #[serde(default, skip_serializing_if = "WeightInit::is_standard")]
    pub weight_init: WeightInit,
}

impl Node {
    /// Name of its parameter or buffer `suffix`, as in timm: `<name>.weight` and so on; what a timm module holds itself
    /// instead of in a layer (`gamma`, `cls_token`, `pos_embed`) belongs to the scope.
    pub fn param_name(&self, suffix: &str) -> String {
        let owner = match self.op {
            Op::ChannelScale { .. } | Op::Tokens => self.name.rsplit_once('.').map(|(scope, _)| scope),
            _ => Some(self.name.as_str()),
        };
        owner.map_or_else(|| suffix.to_owned(), |owner| format!("{owner}.{suffix}"))
    }
}

/// A network: one input (node 0), nodes in topological order, one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Graph {
    version: u32,
    name: String,
    nodes: Vec<Node>,
    output: NodeId,
}

#[derive(Deserialize)]
struct VersionOnly {
    version: u32,
}

impl Graph {
    pub(crate) fn from_parts(name: String, nodes: Vec<Node>, output: NodeId) -> Result<Self> {
        let graph = Self { version: GRAPH_VERSION, name, nodes, output };
        graph.validate()?;
        Ok(graph)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Nodes, every input before its consumer.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub fn find(&self, name: &str) -> Option<NodeId> {
        self.nodes.iter().position(|node| node.name == name)
    }

    /// The node whose value is the result of the network.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// Shape of one input sample: `[H, W, C]` or `[K]`.
    pub fn input_shape(&self) -> &[usize] {
        &self.nodes[0].shape
    }

    /// Shape of one result.
    pub fn output_shape(&self) -> &[usize] {
        &self.nodes[self.output].shape
    }

    /// How many nodes read each value; the output counts as one more reader of its node.
    pub fn reader_counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.nodes.len()];
        for &input in self.nodes.iter().flat_map(|node| &node.inputs) {
            counts[input] += 1;
        }
        counts[self.output] += 1;
        counts
    }

    /// Its JSON form, the same text for the same graph.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("BUG: a graph holds only plain data with string keys")
    }

    /// Reads and checks a graph from outside.
    ///
    /// # Errors
    /// `TooNew` for a later version; `InvalidInput` for anything that is not a well-formed graph: the message names
    /// the node.
    pub fn from_json(text: &str) -> Result<Self> {
        let header: VersionOnly = serde_json::from_str(text).context("the network description cannot be read")?;
        if header.version > GRAPH_VERSION {
            return Err(Error::new(
                Code::TooNew,
                format!(
                    "the network was written by a newer version of VisAIon (format {}, this one reads up to {GRAPH_VERSION}); update VisAIon to open it",
                    header.version
                ),
            ));
        }
        let graph: Graph = serde_json::from_str(text).context("the network description cannot be read")?;
        graph.validate()?;
        Ok(graph)
    }

    /// Checks order, names and shapes of all nodes against the rules.
    fn validate(&self) -> Result<()> {
        if self.version == 0 || self.nodes.is_empty() || self.nodes.len() > MAX_NODES {
            return Err(Error::invalid(format!("a network has a version and 1 to {MAX_NODES} nodes")));
        }
        if self.output >= self.nodes.len() {
            return Err(Error::invalid("the network's output names a node that does not exist"));
        }
        let mut names = HashSet::new();
        let mut param_names = HashSet::new();
        let mut params = 0usize;
        for (id, node) in self.nodes.iter().enumerate() {
            self.check_node(id, node).with_context(|| format!("layer `{}` ({})", node.name, node.op.kind()))?;
            if !names.insert(node.name.as_str()) {
                return Err(Error::invalid(format!("two layers are called `{}`", node.name)));
            }
            params = params.saturating_add(self.node_param_elements(id));
            for spec in self.node_params(id) {
                if !param_names.insert(spec.name.clone()) {
                    return Err(Error::invalid(format!("two parameters are called `{}`", spec.name)));
                }
            }
        }
        if params > MAX_ELEMENTS {
            return Err(Error::invalid(format!("the network has more than {MAX_ELEMENTS} parameters")));
        }
        Ok(())
    }

    fn check_node(&self, id: NodeId, node: &Node) -> Result<()> {
        if node.name.is_empty() || node.name.len() > 256 || node.name.chars().any(char::is_control) {
            return Err(Error::invalid("a layer name has 1 to 256 printable bytes"));
        }
        if matches!(node.op, Op::Input { .. }) != (id == 0) {
            return Err(Error::invalid("a network has exactly one input, its first node"));
        }
        if let Some(&input) = node.inputs.iter().find(|&&input| input >= id) {
            return Err(Error::invalid(format!(
                "node {id} reads node {input}, which does not come before it: cycles and forward references are refused"
            )));
        }
        node.weight_init.check()?;
        let shapes: Vec<&[usize]> = node.inputs.iter().map(|&input| self.nodes[input].shape.as_slice()).collect();
        let shape = infer_shape(&node.op, &shapes)?;
        if shape != node.shape {
            return Err(Error::invalid(format!("declared shape {:?}, but the rule gives {shape:?}", node.shape)));
        }
        Ok(())
    }
}
