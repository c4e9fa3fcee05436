use va_domain::{Optimiser, TrainSettings};
use va_error::Result;
use va_exec::{AdamW, Network, Rule, Sgd, Update, UpdateAt};
use va_graph::{Graph, NodeId};

/// The optimiser of a run with its state and parameter groups.
pub(crate) struct RunOptimiser {
    kind: Optimiser,
    momentum: f64,
    weight_decay: f64,
    backbone_rate_factor: f64,
    clip_norm: Option<f64>,
    head: Option<NodeId>,
    pub update: Update,
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
        let (kind, momentum, weight_decay) = (settings.optimiser, settings.momentum, settings.weight_decay);
        Ok(Self {
            kind,
            momentum,
            weight_decay,
            backbone_rate_factor: settings.backbone_rate_factor,
            clip_norm: (settings.clip_norm > 0.0).then_some(settings.clip_norm),
            head: head(net.graph()),
            update: Update::new(net, rule(kind, settings.learning_rate, momentum, weight_decay))?,
        })
    }

    /// What the update of this step follows.
    pub fn at(&self, net: &Network, at: Moment, average_decay: f64) -> UpdateAt {
        let backbone = if at.freeze { (0.0, 0) } else { (self.backbone_rate_factor, at.frozen_steps) };
        let groups = net.layout().groups_since(|entry| if Some(entry.node) == self.head { (1.0, 0) } else { backbone });
        let rule = rule(self.kind, at.rate, self.momentum, self.weight_decay);
        UpdateAt { rule, step: at.step, groups, clip_norm: self.clip_norm, average_decay }
    }
}

fn rule(kind: Optimiser, lr: f64, momentum: f64, weight_decay: f64) -> Rule {
    match kind {
        Optimiser::AdamW => Rule::AdamW(AdamW { lr, weight_decay, ..AdamW::default() }),
        Optimiser::Sgd => Rule::Sgd(Sgd { lr, momentum, nesterov: momentum > 0.0, weight_decay }),
    }
}

/// The last layer with parameters: what depends on the classes. Everything before it is the backbone.
pub(crate) fn head(graph: &Graph) -> Option<NodeId> {
    (0..graph.nodes().len()).rev().find(|&node| !graph.node_params(node).is_empty())
}
