//! Whole updates: what each of them leaves in parameters, state and averages.

use candle_core::{Error, Result, Tensor};

use super::{Case, Operand, joined, positive, real};
use crate::device::DeviceUpdate;
use crate::groups::ParamGroup;
use crate::optim::{AdamW, Sgd};
use crate::update::{Moved, Rule, UpdateAt};

/// Parameters, and running statistics.
const LEN: usize = 1000;
const BUFFERS: usize = 37;

pub(super) fn cases() -> Vec<Case> {
    let adam = Rule::AdamW(AdamW { lr: 0.1, weight_decay: 0.05, ..AdamW::default() });
    let sgd = |nesterov| Rule::Sgd(Sgd { lr: 0.1, momentum: 0.9, nesterov, weight_decay: 0.05 });
    let mut cases = Vec::new();
    for (name, rule, state) in
        [("AdamW", adam, positive(2 * LEN)), ("SGD", sgd(false), real(LEN)), ("SGD, Nesterov", sgd(true), real(LEN))]
    {
        // As long as they are drawn, and made shorter.
        for clip_norm in [None, Some(3.0)] {
            let at = UpdateAt { rule, step: 7, groups: groups(), clip_norm, average_decay: 0.7 };
            let clipped = if clip_norm.is_some() { ", clipped" } else { "" };
            cases.extend(Left::ALL.map(|left| left.case(&format!("{name}{clipped}: {left:?}"), at.clone(), state)));
        }
    }
    cases
}

/// With decay, at rest, begun late, without decay.
fn groups() -> Vec<ParamGroup> {
    let group = |range, decay, rate, idle_steps| ParamGroup { range, decay, rate, idle_steps };
    vec![
        group(0..10, true, 1.0, 0),
        group(10..300, false, 0.0, 0),
        group(300..301, true, 0.1, 4),
        group(301..LEN, false, 1.0, 0),
    ]
}

/// Which result of an update is compared.
#[derive(Debug, Clone, Copy)]
enum Left {
    Parameters,
    State,
    Average,
    AveragedStatistics,
}

impl Left {
    const ALL: [Self; 4] = [Self::Parameters, Self::State, Self::Average, Self::AveragedStatistics];

    fn case(self, name: &str, at: UpdateAt, state: Operand) -> Case {
        // In the order of `moved`.
        let mut operands = vec![real(LEN), state, real(LEN), real(BUFFERS), real(LEN), real(BUFFERS)];
        let dst = operands.remove(self.place());
        joined(name, dst, operands, move |dst, srcs| update(&self.moved(dst, srcs), &at))
    }

    fn place(self) -> usize {
        match self {
            Self::Parameters => 0,
            Self::State => 1,
            Self::Average => 2,
            Self::AveragedStatistics => 3,
        }
    }

    fn moved(self, dst: &Tensor, srcs: &[Tensor]) -> Moved {
        let mut tensors = srcs.to_vec();
        tensors.insert(self.place(), dst.clone());
        let [params, state, average, averaged, grads, buffers] =
            <[Tensor; 6]>::try_from(tensors).expect("BUG: six operands");
        Moved { params, grads, buffers, state, average: Some([average, averaged]) }
    }
}

fn update(moved: &Moved, at: &UpdateAt) -> Result<()> {
    match DeviceUpdate::of(moved, at.groups.len())? {
        Some(update) => update.run(at),
        None => moved.on_host(at).map(drop).map_err(|error| Error::Msg(error.chain())),
    }
}
