use candle_core::Tensor;
use va_domain::{Optimiser, TrainSettings};
use va_error::Result;
use va_exec::{AdamW, Network, ParamGroup, Sgd};
use va_graph::{Graph, NodeId};

/// The optimiser of a run with its state and parameter groups.
pub(crate) struct RunOptimiser {
    kind: Optimiser,
    momentum: f64,
    weight_decay: f64,
    /// AdamW: first and second moments `[2, P]`; SGD: velocity `[P]`.
    pub state: Tensor,
    all: Vec<ParamGroup>,
    /// The last layer alone; the rest keeps its numbers, though its moments go on, so that it begins smoothly.
    head_only: Vec<ParamGroup>,
}

impl RunOptimiser {
    pub fn new(net: &Network, settings: &TrainSettings) -> Result<Self> {
        let head = head(net.graph());
        let groups = |backbone: f64| net.layout().groups(|entry| if Some(entry.node) == head { 1.0 } else { backbone });
        let state = match settings.optimiser {
            Optimiser::AdamW => AdamW::new_state(net)?,
            Optimiser::Sgd => Sgd::new_state(net)?,
        };
        Ok(Self {
            kind: settings.optimiser,
            momentum: settings.momentum,
            weight_decay: settings.weight_decay,
            state,
            all: groups(settings.backbone_rate_factor),
            head_only: groups(0.0),
        })
    }

    /// One step from the network's gradients; `step` counts from 1. `freeze` trains the last layer alone.
    pub fn step(&mut self, net: &Network, step: u64, lr: f64, freeze: bool) -> Result<()> {
        let groups = if freeze { self.head_only.clone() } else { self.all.clone() };
        let weight_decay = self.weight_decay;
        match self.kind {
            Optimiser::AdamW => {
                AdamW { lr, weight_decay, ..AdamW::default() }.step_groups(net, &mut self.state, step, groups)
            }
            Optimiser::Sgd => {
                let sgd = Sgd { lr, momentum: self.momentum, nesterov: self.momentum > 0.0, weight_decay };
                sgd.step_groups(net, &mut self.state, groups)
            }
        }
    }
}

/// The last layer with parameters: what depends on the classes. Everything before it is the backbone.
fn head(graph: &Graph) -> Option<NodeId> {
    (0..graph.nodes().len()).rev().find(|&node| !graph.node_params(node).is_empty())
}
