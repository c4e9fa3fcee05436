//! Building a graph as one writes PyTorch code: scopes give the parameter names, shapes are inferred at every call.

use va_error::{Context, Error, Result};

use crate::graph::{Graph, Node, NodeId};
use crate::init::WeightInit;
use crate::op::{BatchNorm, Conv2d, Op, Pool2d};
use crate::shape::infer_shape;

/// A value of the graph under construction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Value(NodeId);

/// ```
/// # use va_graph::{GraphBuilder, Conv2d, BatchNorm};
/// # fn main() -> va_error::Result<()> {
/// let (mut b, x) = GraphBuilder::new("tiny", &[32, 32, 3])?;
/// let x = b.scope("stem", |b| {
///     let x = b.conv2d("conv", x, Conv2d::new(8, 3).stride(2).padding(1))?;
///     let x = b.batch_norm("bn", x, BatchNorm::default())?;
///     b.relu("act", x)
/// })?;
/// let x = b.global_avg_pool("pool", x)?;
/// let logits = b.linear("fc", x, 10, true)?;
/// let graph = b.finish(logits)?;
/// assert_eq!(graph.params()[2].name, "stem.bn.bias");
/// # Ok(()) }
/// ```
pub struct GraphBuilder {
    name: String,
    scopes: Vec<String>,
    nodes: Vec<Node>,
    weight_init: WeightInit,
}

impl GraphBuilder {
    /// A graph with one input of this shape (without batch).
    ///
    /// # Errors
    /// `InvalidInput` when the shape is empty, has a zero or is beyond the limits.
    pub fn new(name: &str, input_shape: &[usize]) -> Result<(Self, Value)> {
        let mut builder =
            Self { name: name.to_owned(), scopes: Vec::new(), nodes: Vec::new(), weight_init: WeightInit::Standard };
        let input = builder.push("input", Op::Input { shape: input_shape.to_vec() }, &[])?;
        Ok((builder, input))
    }

    /// Runs `body` with `name.` before every layer name.
    pub fn scope<T>(&mut self, name: &str, body: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.scopes.push(name.to_owned());
        let result = body(self);
        self.scopes.pop();
        result
    }

    /// Sets how the weights of the layers that follow start.
    pub fn weight_init(&mut self, rule: WeightInit) {
        self.weight_init = rule;
    }

    /// Shape of a value, without the batch dimension.
    pub fn shape(&self, value: Value) -> &[usize] {
        &self.nodes[value.0].shape
    }

    /// Number of channels (last dimension) of a value.
    pub fn channels(&self, value: Value) -> usize {
        *self.shape(value).last().expect("BUG: shapes have at least one dimension")
    }

    pub fn conv2d(&mut self, name: &str, x: Value, conv: Conv2d) -> Result<Value> {
        self.push(name, Op::Conv2d(conv), &[x])
    }

    pub fn linear(&mut self, name: &str, x: Value, out_features: usize, bias: bool) -> Result<Value> {
        self.push(name, Op::Linear { out_features, bias }, &[x])
    }

    pub fn batch_norm(&mut self, name: &str, x: Value, norm: BatchNorm) -> Result<Value> {
        self.push(name, Op::BatchNorm(norm), &[x])
    }

    pub fn relu(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::Relu, &[x])
    }

    pub fn gelu(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::Gelu, &[x])
    }

    pub fn silu(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::Silu, &[x])
    }

    pub fn hard_swish(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::HardSwish, &[x])
    }

    pub fn sigmoid(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::Sigmoid, &[x])
    }

    pub fn add(&mut self, name: &str, a: Value, b: Value) -> Result<Value> {
        self.push(name, Op::Add, &[a, b])
    }

    pub fn mul(&mut self, name: &str, a: Value, b: Value) -> Result<Value> {
        self.push(name, Op::Mul, &[a, b])
    }

    pub fn layer_norm(&mut self, name: &str, x: Value, eps: f64) -> Result<Value> {
        self.push(name, Op::LayerNorm { eps }, &[x])
    }

    /// The parameter is `gamma` of the scope, so a scope has at most one.
    pub fn channel_scale(&mut self, name: &str, x: Value, init: f64) -> Result<Value> {
        self.push(name, Op::ChannelScale { init }, &[x])
    }

    pub fn max_pool(&mut self, name: &str, x: Value, pool: Pool2d) -> Result<Value> {
        self.push(name, Op::MaxPool(pool), &[x])
    }

    pub fn avg_pool(&mut self, name: &str, x: Value, pool: Pool2d, count_include_pad: bool) -> Result<Value> {
        self.push(name, Op::AvgPool { pool, count_include_pad }, &[x])
    }

    pub fn global_avg_pool(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::GlobalAvgPool, &[x])
    }

    pub fn flatten(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::Flatten, &[x])
    }

    pub fn concat(&mut self, name: &str, values: &[Value]) -> Result<Value> {
        self.push(name, Op::Concat, values)
    }

    /// The parameters are `cls_token` and `pos_embed` of the scope.
    pub fn tokens(&mut self, name: &str, x: Value) -> Result<Value> {
        self.push(name, Op::Tokens, &[x])
    }

    pub fn select_token(&mut self, name: &str, x: Value, index: usize) -> Result<Value> {
        self.push(name, Op::SelectToken { index }, &[x])
    }

    /// Self-attention of packed queries, keys and values `[T, 3·C]`.
    pub fn attention(&mut self, name: &str, qkv: Value, heads: usize) -> Result<Value> {
        self.push(name, Op::Attention { heads }, &[qkv])
    }

    pub fn stochastic_depth(&mut self, name: &str, x: Value, p: f64) -> Result<Value> {
        self.push(name, Op::StochasticDepth { p }, &[x])
    }

    pub fn dropout(&mut self, name: &str, x: Value, p: f64) -> Result<Value> {
        self.push(name, Op::Dropout { p }, &[x])
    }

    /// The finished graph with `output` as its result.
    ///
    /// # Errors
    /// `InvalidInput` when two layers share a name or the whole is beyond the limits.
    pub fn finish(self, output: Value) -> Result<Graph> {
        Graph::from_parts(self.name, self.nodes, output.0)
    }

    fn push(&mut self, name: &str, op: Op, inputs: &[Value]) -> Result<Value> {
        let mut path = self.scopes.join(".");
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        let inputs: Vec<NodeId> = inputs.iter().map(|value| value.0).collect();
        if inputs.iter().any(|&id| id >= self.nodes.len()) {
            return Err(Error::invalid(format!("layer `{path}` reads a value of another builder")));
        }
        let shapes: Vec<&[usize]> = inputs.iter().map(|&id| self.nodes[id].shape.as_slice()).collect();
        let shape = infer_shape(&op, &shapes).with_context(|| format!("layer `{path}` ({})", op.kind()))?;
        self.nodes.push(Node { name: path, op, inputs, shape, weight_init: self.weight_init });
        Ok(Value(self.nodes.len() - 1))
    }
}
