//! Convolutions by cuDNN: NHWC, sums in f32, f32 without TF32. For each shape an algorithm is chosen once; a shape that
//! cuDNN has none for is left to the windows and products of `device::convolution`.

mod algorithm;
mod choose;
mod plan;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use candle_core::Result;

use super::operation::Operation;
use crate::device::kept::KeptChoices;
use crate::device::{Buffer, ConvPass, Finish, Number};
use crate::kernels::geometry::ConvGeometry;
use algorithm::Form;
use plan::Plan;

/// What is asked of cuDNN.
#[derive(Clone, Copy)]
pub(super) struct Asked<'a> {
    form: Form,
    geometry: &'a ConvGeometry,
    /// Result and sources, all of one number type.
    operands: [Buffer; 3],
    /// Of a form that has one.
    bias: Option<Buffer>,
    /// Adds to what is in the result.
    keep: bool,
}

impl<'a> Asked<'a> {
    pub fn product(pass: ConvPass, geometry: &'a ConvGeometry, operands: [Buffer; 3]) -> Self {
        let (form, keep) = match pass {
            ConvPass::Forward { keep } => (Form::Forward, keep),
            ConvPass::InputGrad => (Form::InputGrad, false),
            ConvPass::WeightGrad => (Form::WeightGrad, false),
        };
        Self { form, geometry, operands, bias: None, keep }
    }

    pub fn finished(geometry: &'a ConvGeometry, operands: [Buffer; 3], finish: Finish) -> Self {
        let Finish { bias, keep, relu } = finish;
        Self { form: Form::Finished { relu }, geometry, operands, bias: Some(bias), keep }
    }

    fn number(&self) -> Number {
        self.operands[0].number
    }
}

/// What decides which algorithm serves: `keep` does not.
type Key = (Form, ConvGeometry, Number);

/// The plans of a card, for all its streams.
#[derive(Default)]
pub(super) struct Dnn(Mutex<Plans>);

#[derive(Default)]
struct Plans {
    /// None: cuDNN has no algorithm.
    plans: HashMap<Key, Option<Plan>>,
    /// None: nothing is measured, cuDNN's own ranking decides, which is the same every time.
    kept: Option<KeptChoices>,
}

impl Dnn {
    /// From now on algorithms are measured, and kept there.
    pub fn keep(&self, choices: KeptChoices) {
        self.plans().kept = Some(choices);
    }

    fn plans(&self) -> std::sync::MutexGuard<'_, Plans> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// False where cuDNN has no algorithm for it. One thread at a time: a handle is used by one.
    pub fn run(&self, operation: &Operation<'_>, asked: &Asked<'_>) -> Result<bool> {
        let Plans { plans, kept } = &mut *self.plans();
        let key = (asked.form, asked.geometry.clone(), asked.number());
        let plan = plans.entry(key).or_insert_with(|| choose::plan(operation, asked, kept.as_mut()).ok());
        match plan {
            Some(plan) => plan.run(operation, asked).map(|()| true),
            None => Ok(false),
        }
    }
}
