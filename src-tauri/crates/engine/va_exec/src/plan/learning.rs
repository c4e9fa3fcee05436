//! Forward, the gradient of a loss and backward as one pass; and a whole training step, from zeroed gradients to moved
//! weights, as one pass.

use candle_core::Tensor;
use va_error::Result;

use super::{Pass, Plan, Recordings, Step};
use crate::error::CandleContext;
use crate::kernels::elementwise::{Cast, Fill};
use crate::kernels::host::write_reals;
use crate::kernels::loss::{BinaryCrossEntropyGrad, BinaryCrossEntropyRows, CrossEntropyGrad, CrossEntropyRows};
use crate::kernels::op::{apply0, apply1, apply2};
use crate::wanted::{LossKind, Wanted};

pub(super) struct Learning {
    kind: LossKind,
    /// [`Wanted::numbers`].
    wanted: Tensor,
    /// A copy of the result of the forward, `[N · K]`, whose buffer is the gradient's next.
    logits: Tensor,
    /// Of each row, `[N]`.
    losses: Tensor,
    part: Pass,
    whole: Option<Whole>,
    /// Of the network, and whether its passes are recorded.
    grads: Tensor,
    records: bool,
}

struct Whole {
    /// Whose steps are at its end.
    update: u64,
    pass: Pass,
}

impl Learning {
    fn new(plan: &Plan, grads: &Tensor, records: bool, wanted: &Wanted) -> Result<Self> {
        let reals = |len: usize| Tensor::zeros(len, grads.dtype(), grads.device()).engine("planning a loss");
        let (numbers, logits) = (reals(wanted.numbers.len())?, reals(plan.output.elem_count())?);
        let losses = reals(wanted.rows)?;
        let mut steps = plan.forward.steps().to_vec();
        let (from, to) = (plan.output.clone(), logits.clone());
        steps.push(Step::beside(move || apply1(Cast, &to, &from)));
        steps.push(loss_step(wanted, losses.clone(), logits.clone(), numbers.clone()));
        if let Some(grad) = plan.output_grad.clone() {
            steps.push(grad_step(wanted, grad, logits.clone(), numbers.clone()));
            steps.extend_from_slice(plan.backward.steps());
        }
        let part = Pass::new("training", steps, grads.device(), records);
        let grads = grads.clone();
        Ok(Self { kind: wanted.kind, wanted: numbers, logits, losses, part, whole: None, grads, records })
    }

    pub fn tell(&self, recordings: &mut Recordings) {
        self.part.tell(recordings);
        self.whole.iter().for_each(|whole| whole.pass.tell(recordings));
    }
}

fn loss_step(wanted: &Wanted, losses: Tensor, logits: Tensor, numbers: Tensor) -> Step {
    let classes = wanted.classes;
    match wanted.kind {
        LossKind::CrossEntropy => {
            Step::beside(move || apply2(CrossEntropyRows { classes }, &losses, &logits, &numbers))
        }
        LossKind::BinaryCrossEntropy => {
            Step::beside(move || apply2(BinaryCrossEntropyRows { classes }, &losses, &logits, &numbers))
        }
    }
}

fn grad_step(wanted: &Wanted, grad: Tensor, logits: Tensor, numbers: Tensor) -> Step {
    match wanted.kind {
        LossKind::CrossEntropy => {
            let kernel = CrossEntropyGrad { classes: wanted.classes };
            Step::beside(move || apply2(&kernel, &grad, &logits, &numbers))
        }
        LossKind::BinaryCrossEntropy => Step::beside(move || apply2(BinaryCrossEntropyGrad, &grad, &logits, &numbers)),
    }
}

impl Plan {
    /// Gives the pass what the batch should say; `grads` are the network's.
    pub fn want(&mut self, grads: &Tensor, records: bool, wanted: &Wanted) -> Result<()> {
        let fits =
            |learning: &Learning| learning.kind == wanted.kind && learning.wanted.elem_count() == wanted.numbers.len();
        if !self.learning.as_ref().is_some_and(fits) {
            self.learning = Some(Learning::new(self, grads, records, wanted)?);
        }
        write_reals(&self.learning().wanted, &wanted.numbers).engine("writing what the batch should say")
    }

    fn learning(&self) -> &Learning {
        self.learning.as_ref().expect("BUG: the plan was not told what the batch should say")
    }

    /// The result of the last forward of [`Plan::learn`] or [`Plan::learn_and_update`], flat, and the loss of each row.
    pub fn learned(&self) -> [&Tensor; 2] {
        let learning = self.learning();
        [&learning.logits, &learning.losses]
    }

    /// Forward, gradient of the loss, backward.
    pub fn learn(&self) -> Result<()> {
        let learning = self.learning();
        learning.part.run(learning.grads.device())
    }

    /// The same from gradients of zero, and then the steps of an update.
    pub fn learn_and_update(&mut self, update: u64, steps: &[Step]) -> Result<()> {
        let learning = self.learning.as_mut().expect("BUG: the plan was not told what the batch should say");
        let whole = match learning.whole.take().filter(|whole| whole.update == update) {
            Some(whole) => whole,
            None => {
                let grads = learning.grads.clone();
                let zero = Step::beside(move || apply0(Fill(0.0), &grads));
                let all = [&[zero], learning.part.steps(), steps].concat();
                let pass = Pass::new("training step", all, learning.grads.device(), learning.records);
                Whole { update, pass }
            }
        };
        learning.whole.insert(whole).pass.run(learning.grads.device())
    }
}
