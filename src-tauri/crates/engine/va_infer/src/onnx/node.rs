use va_error::Result;
use va_graph::{BatchNorm, NodeId, Op};

use super::attribute::{conv, float, int, ints, pool};
use super::writer::Writer;

impl Writer<'_> {
    /// Writes one node of the graph. Images are channels first, `[N, C, H, W]`; tokens are `[N, T, C]`, vectors
    /// `[N, K]`.
    pub fn graph_node(&mut self, id: NodeId) -> Result<()> {
        let graph = self.graph;
        let node = graph.node(id);
        let (inputs, output) = (self.inputs(id), self.value_name(id));
        match &node.op {
            Op::Input { .. } => {}
            Op::Conv2d(layer) => {
                let mut inputs = inputs;
                inputs.push(self.param(node, "weight")?);
                if layer.bias {
                    inputs.push(self.param(node, "bias")?);
                }
                self.node(&node.name, "Conv", inputs, &output, conv(layer));
            }
            Op::Linear { out_features, bias } => self.linear(node, inputs, &output, *out_features, *bias)?,
            Op::BatchNorm(BatchNorm { eps, .. }) => self.batch_norm(id, inputs, &output, *eps)?,
            Op::LayerNorm { eps } => self.layer_norm(id, inputs, &output, *eps)?,
            Op::ChannelScale { .. } => self.channel_scale(node, inputs, &output)?,
            Op::Relu => self.node(&node.name, "Relu", inputs, &output, Vec::new()),
            Op::Sigmoid => self.node(&node.name, "Sigmoid", inputs, &output, Vec::new()),
            Op::HardSwish => self.node(&node.name, "HardSwish", inputs, &output, Vec::new()),
            Op::Silu => {
                let gate = self.step(node, "gate", "Sigmoid", inputs.clone(), Vec::new());
                self.node(&node.name, "Mul", vec![inputs[0].clone(), gate], &output, Vec::new());
            }
            Op::Gelu => self.gelu(node, &inputs[0], &output)?,
            Op::Add => self.node(&node.name, "Add", inputs, &output, Vec::new()),
            Op::Mul => self.node(&node.name, "Mul", inputs, &output, Vec::new()),
            Op::MaxPool(window) => self.node(&node.name, "MaxPool", inputs, &output, pool(window)),
            Op::AvgPool { pool: window, count_include_pad } => {
                let mut attributes = pool(window);
                attributes.push(int("count_include_pad", i64::from(*count_include_pad)));
                self.node(&node.name, "AveragePool", inputs, &output, attributes);
            }
            Op::GlobalAvgPool => {
                let pooled = self.step(node, "pool", "GlobalAveragePool", inputs, Vec::new());
                self.node(&node.name, "Flatten", vec![pooled], &output, vec![int("axis", 1)]);
            }
            Op::Flatten => {
                let inputs = match self.graph.node(node.inputs[0]).shape.len() {
                    // The graph flattens channels last.
                    3 => vec![self.step(node, "transpose", "Transpose", inputs, vec![ints("perm", &[0, 2, 3, 1])])],
                    _ => inputs,
                };
                self.node(&node.name, "Flatten", inputs, &output, vec![int("axis", 1)]);
            }
            Op::Concat => {
                let axis = if node.shape.len() == 2 { 2 } else { 1 };
                self.node(&node.name, "Concat", inputs, &output, vec![int("axis", axis)]);
            }
            Op::Tokens => self.tokens(node, &inputs[0], &output)?,
            Op::SelectToken { index } => {
                let index = self.integers(&[*index as i64], 0);
                let inputs = vec![inputs[0].clone(), index];
                self.node(&node.name, "Gather", inputs, &output, vec![int("axis", 1)]);
            }
            Op::Attention { heads } => self.attention(node, &inputs[0], &output, *heads)?,
            // In evaluation these do nothing.
            Op::Dropout { .. } | Op::StochasticDepth { .. } => {
                self.node(&node.name, "Identity", inputs, &output, Vec::new());
            }
        }
        Ok(())
    }

    /// ONNX normalises axis 1, which is the channels of images and vectors, but not of tokens.
    fn batch_norm(&mut self, id: NodeId, mut inputs: Vec<String>, output: &str, eps: f64) -> Result<()> {
        let node = self.graph.node(id);
        let is_tokens = node.shape.len() == 2;
        let swap = || vec![ints("perm", &[0, 2, 1])];
        if is_tokens {
            inputs = vec![self.step(node, "channels_first", "Transpose", inputs, swap())];
        }
        for suffix in ["weight", "bias", "running_mean", "running_var"] {
            inputs.push(self.param(node, suffix)?);
        }
        let attributes = vec![float("epsilon", eps as f32)];
        if is_tokens {
            let normed = self.step(node, "normed", "BatchNormalization", inputs, attributes);
            self.node(&node.name, "Transpose", vec![normed], output, swap());
        } else {
            self.node(&node.name, "BatchNormalization", inputs, output, attributes);
        }
        Ok(())
    }
}
