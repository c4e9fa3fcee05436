//! Operators that ONNX spells with several of its own: linear layers on any rank, layer norm, GELU, tokens, attention.

use va_error::{Error, Result};
use va_graph::{Conv2d, Node, NodeId};

use super::attribute::{conv, float, int, ints};
use super::writer::Writer;

impl Writer<'_> {
    /// A matrix product with bias on vectors, a product and a sum on tokens, a 1×1 convolution on images.
    pub(super) fn linear(
        &mut self,
        node: &Node,
        mut inputs: Vec<String>,
        output: &str,
        outputs: usize,
        bias: bool,
    ) -> Result<()> {
        match node.shape.len() {
            1 => {
                inputs.push(self.param(node, "weight")?);
                if bias {
                    inputs.push(self.param(node, "bias")?);
                }
                self.node(&node.name, "Gemm", inputs, output, vec![int("transB", 1)]);
            }
            2 => {
                inputs.push(self.param_transposed(node, "weight")?);
                if bias {
                    let product = self.step(node, "product", "MatMul", inputs, Vec::new());
                    let bias = self.param(node, "bias")?;
                    self.node(&node.name, "Add", vec![product, bias], output, Vec::new());
                } else {
                    self.node(&node.name, "MatMul", inputs, output, Vec::new());
                }
            }
            _ => {
                let channels = self.graph.node(node.inputs[0]).shape[2];
                inputs.push(self.param_as(node, "weight", &[outputs, channels, 1, 1])?);
                if bias {
                    inputs.push(self.param(node, "bias")?);
                }
                self.node(&node.name, "Conv", inputs, output, conv(&Conv2d::new(outputs, 1)));
            }
        }
        Ok(())
    }

    /// ONNX normalises the last axes, so an image is turned around it.
    pub(super) fn layer_norm(&mut self, id: NodeId, mut inputs: Vec<String>, output: &str, eps: f64) -> Result<()> {
        let node = self.graph.node(id);
        let is_image = node.shape.len() == 3;
        if is_image {
            let perm = vec![ints("perm", &[0, 2, 3, 1])];
            inputs = vec![self.step(node, "channels_last", "Transpose", inputs, perm)];
        }
        inputs.push(self.param(node, "weight")?);
        inputs.push(self.param(node, "bias")?);
        let attributes = vec![int("axis", -1), float("epsilon", eps as f32)];
        if is_image {
            let normed = self.step(node, "normed", "LayerNormalization", inputs, attributes);
            self.node(&node.name, "Transpose", vec![normed], output, vec![ints("perm", &[0, 3, 1, 2])]);
        } else {
            self.node(&node.name, "LayerNormalization", inputs, output, attributes);
        }
        Ok(())
    }

    pub(super) fn channel_scale(&mut self, node: &Node, mut inputs: Vec<String>, output: &str) -> Result<()> {
        let channels = node.shape[node.shape.len() - 1];
        let shape: &[usize] = if node.shape.len() == 3 { &[channels, 1, 1] } else { &[channels] };
        inputs.push(self.param_as(node, "gamma", shape)?);
        self.node(&node.name, "Mul", inputs, output, Vec::new());
        Ok(())
    }

    /// `0.5 · x · (1 + erf(x / √2))`: the operator `Gelu` came only with opset 20. In the order of operations that
    /// runtimes know and join again.
    pub(super) fn gelu(&mut self, node: &Node, x: &str, output: &str) -> Result<()> {
        let (root, one, half) = (self.scalar(std::f64::consts::SQRT_2)?, self.scalar(1.0)?, self.scalar(0.5)?);
        let scaled = self.step(node, "scaled", "Div", vec![x.to_owned(), root], Vec::new());
        let erf = self.step(node, "erf", "Erf", vec![scaled], Vec::new());
        let gate = self.step(node, "gate", "Add", vec![erf, one], Vec::new());
        let gated = self.step(node, "gated", "Mul", vec![x.to_owned(), gate], Vec::new());
        self.node(&node.name, "Mul", vec![gated, half], output, Vec::new());
        Ok(())
    }

    /// The positions in row order behind one row of zeros; the class token is added to that row with its position.
    pub(super) fn tokens(&mut self, node: &Node, input: &str, output: &str) -> Result<()> {
        let shape = self.integers(&[0, 0, -1], 1);
        let rows = self.step(node, "rows", "Reshape", vec![input.to_owned(), shape], Vec::new());
        let positions = self.step(node, "positions", "Transpose", vec![rows], vec![ints("perm", &[0, 2, 1])]);
        let pads = self.integers(&[0, 1, 0, 0, 0, 0], 1);
        let padded = self.step(node, "padded", "Pad", vec![positions, pads], Vec::new());
        let (class, embedding) = (self.tensor(node, "cls_token")?, self.tensor(node, "pos_embed")?);
        let together = class
            .pad_with_zeros(1, 0, node.shape[0] - 1)
            .and_then(|class| class + embedding)
            .map_err(|e| Error::internal("cannot join class token and position embedding").with_source(e))?;
        let embedding = self.write(format!("{}.embedding", node.name), &together)?;
        self.node(&node.name, "Add", vec![padded, embedding], output, Vec::new());
        Ok(())
    }

    pub(super) fn attention(&mut self, node: &Node, input: &str, output: &str, heads: usize) -> Result<()> {
        let &[_, channels] = node.shape.as_slice() else {
            return Err(Error::internal("attention gives tokens"));
        };
        let shape = self.integers(&[0, 0, 3, heads as i64, (channels / heads) as i64], 1);
        let split = self.step(node, "split", "Reshape", vec![input.to_owned(), shape], Vec::new());
        // [3, N, heads, T, channels of a head]
        let packed = self.step(node, "packed", "Transpose", vec![split], vec![ints("perm", &[2, 0, 3, 1, 4])]);
        let mut part = |step: &str, index: i64| {
            let index = self.integers(&[index], 0);
            self.step(node, step, "Gather", vec![packed.clone(), index], vec![int("axis", 0)])
        };
        let (q, k, v) = (part("q", 0), part("k", 1), part("v", 2));
        let keys = self.step(node, "keys", "Transpose", vec![k], vec![ints("perm", &[0, 1, 3, 2])]);
        let scores = self.step(node, "scores", "MatMul", vec![q, keys], Vec::new());
        let scale = self.scalar(((channels / heads) as f64).sqrt().recip())?;
        let scaled = self.step(node, "scaled", "Mul", vec![scores, scale], Vec::new());
        let weights = self.step(node, "weights", "Softmax", vec![scaled], vec![int("axis", -1)]);
        let sums = self.step(node, "sums", "MatMul", vec![weights, v], Vec::new());
        let joined = self.step(node, "joined", "Transpose", vec![sums], vec![ints("perm", &[0, 2, 1, 3])]);
        let shape = self.integers(&[0, 0, channels as i64], 1);
        self.node(&node.name, "Reshape", vec![joined, shape], output, Vec::new());
        Ok(())
    }
}
