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
use crate::device::{Buffer, ConvPass, Number};
use crate::kernels::geometry::ConvGeometry;
use plan::Plan;

/// A product of one shape. `keep` does not change which algorithm serves it.
type Key = (ConvPass, ConvGeometry, Number);

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

    /// False where cuDNN has no algorithm for the shape. One thread at a time: a handle is used by one.
    pub fn run(
        &self,
        operation: &Operation<'_>,
        pass: ConvPass,
        geometry: &ConvGeometry,
        operands: [Buffer; 3],
    ) -> Result<bool> {
        let number = Number::of_values(&operands);
        let plain = match pass {
            ConvPass::Forward { .. } => ConvPass::Forward { keep: false },
            other => other,
        };
        let Plans { plans, kept } = &mut *self.plans();
        let key = (plain, geometry.clone(), number);
        let plan = plans.entry(key).or_insert_with(|| {
            let plan = Plan::new(geometry, number).ok()?;
            choose::algorithm(operation, &plan, plain, geometry, operands, kept.as_mut()).ok()
        });
        let Some(plan) = plan else { return Ok(false) };
        match pass {
            ConvPass::Forward { keep } => plan.forward(operation, keep, operands)?,
            ConvPass::InputGrad => plan.input_grad(operation, operands)?,
            ConvPass::WeightGrad => plan.weight_grad(operation, operands)?,
        }
        Ok(true)
    }
}
