use candle_core::Tensor;
use va_domain::{Optimiser, TrainSettings};
use va_error::Result;
use va_exec::{AdamW, Network, Sgd};
use va_graph::{Graph, NodeId};

/// The optimiser of a run with its state and parameter groups.
pub(crate) struct RunOptimiser {
    kind: Optimiser,
    momentum: f64,
    weight_decay: f64,
    backbone_rate_factor: f64,
    head: Option<NodeId>,
    /// AdamW: first and second moments `[2, P]`; SGD: velocity `[P]`.
    pub state: Tensor,
}

/// When an optimiser step is taken, and how far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// From 1.
    pub step: u64,
    pub rate: f64,
    /// Only the last layer moves.
    pub freeze: bool,
    /// Steps so far in which only the last layer moved: for the rest, the optimiser begins after them.
    pub frozen_steps: u64,
}

impl RunOptimiser {
    pub fn new(net: &Network, settings: &TrainSettings) -> Result<Self> {
        let state = match settings.optimiser {
            Optimiser::AdamW => AdamW::new_state(net)?,
            Optimiser::Sgd => Sgd::new_state(net)?,
        };
        Ok(Self {
            kind: settings.optimiser,
            momentum: settings.momentum,
            weight_decay: settings.weight_decay,
            backbone_rate_factor: settings.backbone_rate_factor,
            head: head(net.graph()),
            state,
        })
    }

    /// One step from the network's gradients.
    pub fn step(&mut self, net: &Network, at: Moment) -> Result<()> {
        let backbone = if at.freeze { (0.0, 0) } else { (self.backbone_rate_factor, at.frozen_steps) };
        let groups = net.layout().groups_since(|entry| if Some(entry.node) == self.head { (1.0, 0) } else { backbone });
        let (lr, weight_decay) = (at.rate, self.weight_decay);
        match self.kind {
            Optimiser::AdamW => {
                AdamW { lr, weight_decay, ..AdamW::default() }.step_groups(net, &mut self.state, at.step, groups)
            }
            Optimiser::Sgd => {
                let sgd = Sgd { lr, momentum: self.momentum, nesterov: self.momentum > 0.0, weight_decay };
                sgd.step_groups(net, &mut self.state, groups)
            }
        }
    }
}

/// The last layer with parameters: what depends on the classes. Everything before it is the backbone.
pub(crate) fn head(graph: &Graph) -> Option<NodeId> {
    (0..graph.nodes().len()).rev().find(|&node| !graph.node_params(node).is_empty())
}
