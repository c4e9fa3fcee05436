//! Parameters and buffers that follow from the nodes, in name order.

use va_error::{Error, Result};

use crate::graph::{Graph, NodeId};
use crate::init::Init;
use crate::op::Op;

/// One trainable parameter.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// PyTorch / timm name, for example `layer1.0.conv1.weight`.
    pub name: String,
    /// PyTorch shape: `[out, in / groups, kh, kw]` for convolutions, `[out, in]` for linear layers, `[1, T, C]` for
    /// tokens, `[C]` otherwise.
    pub shape: Vec<usize>,
    pub init: Init,
    /// Whether weight decay applies; never to one-dimensional parameters, class token and
    /// position embedding.
    pub decay: bool,
    pub node: NodeId,
}

/// State that is not trained but kept: running statistics.
#[derive(Debug, Clone, PartialEq)]
pub struct BufferSpec {
    /// PyTorch / timm name, for example `bn1.running_mean`.
    pub name: String,
    pub shape: Vec<usize>,
    pub init: Init,
    pub node: NodeId,
}

impl ParamSpec {
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl BufferSpec {
    pub fn elements(&self) -> usize {
        self.shape.iter().product()
    }
}

impl Graph {
    /// Trainable parameters in name order (byte order of the names): the order of the flat tensors.
    pub fn params(&self) -> Vec<ParamSpec> {
        let mut specs: Vec<ParamSpec> = (0..self.nodes().len()).flat_map(|id| self.node_params(id)).collect();
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
    }

    /// Buffers in name order.
    pub fn buffers(&self) -> Vec<BufferSpec> {
        let mut specs = Vec::new();
        for (id, node) in self.nodes().iter().enumerate() {
            if let Op::BatchNorm(_) = node.op {
                let c = *node.shape.last().expect("BUG: shapes have at least one dimension");
                for (suffix, init) in [("running_mean", Init::Zeros), ("running_var", Init::Ones)] {
                    specs.push(BufferSpec { name: node.param_name(suffix), shape: vec![c], init, node: id });
                }
            }
        }
        specs.sort_by(|a, b| a.name.cmp(&b.name));
        specs
    }

    /// Parameters of one node, unsorted: weight first.
    pub fn node_params(&self, id: NodeId) -> Vec<ParamSpec> {
        let node = self.node(id);
        let last = |shape: &[usize]| *shape.last().expect("BUG: shapes have at least one dimension");
        let spec = |suffix: &str, shape: Vec<usize>, init| ParamSpec {
            name: node.param_name(suffix),
            decay: shape.len() > 1,
            shape,
            init,
            node: id,
        };
        match &node.op {
            Op::Conv2d(conv) => {
                let in_channels = self.node(node.inputs[0]).shape[2] / conv.groups;
                let area = conv.kernel[0] * conv.kernel[1];
                let [fan_in, fan_out] = [in_channels * area, conv.out_channels * area / conv.groups];
                let (weight, bias) = node.weight_init.of_conv(fan_in, fan_out);
                let shape = vec![conv.out_channels, in_channels, conv.kernel[0], conv.kernel[1]];
                let mut specs = vec![spec("weight", shape, weight)];
                if conv.bias {
                    specs.push(spec("bias", vec![conv.out_channels], bias));
                }
                specs
            }
            Op::Linear { out_features, bias } => {
                let k = last(&self.node(node.inputs[0]).shape);
                let (weight, start) = node.weight_init.of_linear(k, *out_features);
                let mut specs = vec![spec("weight", vec![*out_features, k], weight)];
                if *bias {
                    specs.push(spec("bias", vec![*out_features], start));
                }
                specs
            }
            Op::BatchNorm(norm) => {
                let c = last(&node.shape);
                let scale = if norm.zero_init { Init::Zeros } else { Init::Ones };
                vec![spec("weight", vec![c], scale), spec("bias", vec![c], Init::Zeros)]
            }
            Op::LayerNorm { .. } => {
                let c = last(&node.shape);
                vec![spec("weight", vec![c], Init::Ones), spec("bias", vec![c], Init::Zeros)]
            }
            Op::ChannelScale { init } => vec![spec("gamma", vec![last(&node.shape)], Init::Constant { value: *init })],
            Op::Tokens => {
                let (tokens, c) = (node.shape[0], node.shape[1]);
                let undecayed = |spec: ParamSpec| ParamSpec { decay: false, ..spec };
                vec![
                    undecayed(spec("cls_token", vec![1, 1, c], Init::Normal { std: 1e-6 })),
                    undecayed(spec("pos_embed", vec![1, tokens, c], Init::Normal { std: 0.02 })),
                ]
            }
            Op::Input { .. }
            | Op::Relu
            | Op::Gelu
            | Op::Silu
            | Op::HardSwish
            | Op::Sigmoid
            | Op::Add
            | Op::Mul
            | Op::MaxPool(_)
            | Op::AvgPool { .. }
            | Op::GlobalAvgPool
            | Op::Flatten
            | Op::Concat
            | Op::SelectToken { .. }
            | Op::Attention { .. }
            | Op::Dropout { .. }
            | Op::StochasticDepth { .. } => Vec::new(),
        }
    }

    pub(crate) fn node_param_elements(&self, id: NodeId) -> usize {
        self.node_params(id).iter().map(|spec| spec.shape.iter().fold(1usize, |n, &d| n.saturating_mul(d))).sum()
    }

    /// Number of trainable numbers.
    pub fn param_count(&self) -> usize {
        (0..self.nodes().len()).map(|id| self.node_param_elements(id)).sum()
    }

    /// The parameter of that name.
    ///
    /// # Errors
    /// `NotFound` names what is missing.
    pub fn param(&self, name: &str) -> Result<ParamSpec> {
        self.params()
            .into_iter()
            .find(|spec| spec.name == name)
            .ok_or_else(|| Error::not_found(format!("the network has no parameter `{name}`")))
    }
}
