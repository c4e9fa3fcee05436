//! The weights of a network once more, as the products of a GPU read them: made at the start of every forward pass, or once
//! where they are frozen. Without it every layer would cast and turn its own at every use, forward and backward.

use std::collections::HashMap;
use std::sync::Arc;

use candle_core::{Device, Tensor};
use va_error::Result;
use va_graph::{Graph, NodeId, Op};

use crate::backend::Precision;
use crate::error::CandleContext;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::lay_out::{LaidOut, LayOut, Piece};
use crate::kernels::op::apply1;
use crate::layout::FlatLayout;

/// Where the parameters of each convolution and linear layer go that is computed as a product.
#[derive(Default)]
struct Places {
    lay_out: LayOut,
    /// Weight, bias.
    layers: HashMap<NodeId, (Piece, Option<Piece>)>,
}

impl Places {
    fn of(graph: &Graph, layout: &FlatLayout) -> Self {
        let mut places = Self::default();
        for (id, node) in graph.nodes().iter().enumerate() {
            let (bias, by_output) = match &node.op {
                Op::Conv2d(conv) => {
                    let geo = ConvGeometry::new(conv, 1, &graph.node(node.inputs[0]).shape, &node.shape);
                    if geo.is_depthwise() {
                        continue;
                    }
                    (conv.bias, (!geo.is_matrix()).then(|| [geo.window(), geo.out_channels]))
                }
                Op::Linear { bias, .. } => (*bias, None),
                _ => continue,
            };
            let entry = |suffix: &str| {
                layout.param(&node.param_name(suffix)).expect("BUG: every node's parameters are in the layout")
            };
            let weight = entry("weight");
            let weight = places.lay_out.add(weight.offset, by_output.unwrap_or([1, weight.len]));
            let bias = bias.then(|| entry("bias")).map(|bias| places.lay_out.add(bias.offset, [1, bias.len]));
            places.layers.insert(id, (weight, bias));
        }
        places
    }
}

pub(crate) struct Weights {
    lay_out: Arc<LayOut>,
    layers: HashMap<NodeId, (Piece, Option<Piece>)>,
    flat: Tensor,
}

impl Weights {
    /// Room for them; [`Weights::step`] fills it.
    ///
    /// # Errors
    /// When there is no memory for it.
    pub fn new(graph: &Graph, layout: &FlatLayout, precision: Precision, device: &Device) -> Result<Self> {
        let Places { lay_out, layers } = Places::of(graph, layout);
        let flat = Tensor::zeros(lay_out.len(), precision.activations(), device).engine("allocating weights")?;
        Ok(Self { lay_out: Arc::new(lay_out), layers, flat })
    }

    /// Bytes that [`Weights::new`] takes.
    pub fn bytes(graph: &Graph, layout: &FlatLayout, precision: Precision) -> usize {
        Places::of(graph, layout).lay_out.len() * precision.activations().size_in_bytes()
    }

    /// Lays out what is in `params`, `[P]`, then.
    pub fn step(&self, params: &Tensor) -> impl Fn() -> candle_core::Result<()> + Send + Sync + 'static {
        let (lay_out, flat, params) = (Arc::clone(&self.lay_out), self.flat.clone(), params.clone());
        move || if lay_out.len() == 0 { Ok(()) } else { apply1(&*lay_out, &flat, &params) }
    }

    /// Those of a layer; none where it reads the flat parameters.
    pub fn of(&self, node: NodeId) -> candle_core::Result<Option<LaidOut>> {
        self.layers.get(&node).map(|&(weight, bias)| LaidOut::of(&self.flat, weight, bias)).transpose()
    }
}
