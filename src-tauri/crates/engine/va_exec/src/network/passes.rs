//! Forward and backward of a batch.

use candle_core::Tensor;
use va_error::{Error, Result};
use va_graph::NodeId;

use super::{Mode, Network};
use crate::error::CandleContext;
use crate::kernels::elementwise::{Cast, Fill};
use crate::kernels::op::{apply0, apply1};
use crate::plan::Plan;

impl Network {
    /// Sets the key of the randomness of the next training forward and its backward (dropout). Derive it from run seed and
    /// step.
    pub fn set_step_key(&mut self, key: u64) {
        self.step_key = key;
    }

    /// Sets all gradients to zero.
    pub fn zero_grad(&mut self) -> Result<()> {
        apply0(Fill(0.0), &self.grads).engine("zeroing gradients")
    }

    /// Runs a batch: `x` is `[N, H, W, C]` (or `[N, K]`), on whatever device; the result `[N, …output shape]`, a tensor of
    /// its own on the network's.
    ///
    /// # Errors
    /// `InvalidInput` when shape or number type of `x` do not fit the network.
    pub fn forward(&mut self, x: &Tensor, mode: Mode) -> Result<Tensor> {
        let batch = self.check_input(x)?;
        let plan = self.plan(batch, mode, None)?;
        if mode == Mode::Train {
            self.plans[plan].draws.begin(self.step_key).engine("writing the keys of a step")?;
        }
        let output = self.run_forward(&self.plans[plan], x)?;
        if mode == Mode::Train {
            self.pending = Some(batch);
        }
        Ok(output)
    }

    /// Adds the gradients of the last training forward into [`Network::grads`]; `grad` has the shape of its result.
    ///
    /// # Errors
    /// `Conflict` without a preceding training forward, `InvalidInput` when `grad` does not fit.
    pub fn backward(&mut self, grad: &Tensor) -> Result<()> {
        self.ensure_thawed()?;
        let Some(batch) = self.pending.take() else {
            return Err(Error::conflict("backward needs a training forward just before it"));
        };
        let plan = self.plan(batch, Mode::Train, None)?;
        self.run_backward(&self.plans[plan], grad)
    }

    pub(super) fn run_forward(&self, plan: &Plan, x: &Tensor) -> Result<Tensor> {
        self.read_input(plan, x)?;
        plan.forward.run(&self.device)?;
        self.read(plan, &plan.output, self.graph.output()).engine("reading the output")
    }

    pub(super) fn run_backward(&self, plan: &Plan, grad: &Tensor) -> Result<()> {
        let Some(output_grad) = &plan.output_grad else {
            return Ok(());
        };
        let grad = self.here(grad).engine("reading the gradient")?;
        if grad.elem_count() != output_grad.elem_count() || grad.dtype() != self.params.dtype() {
            return Err(Error::invalid("the gradient has not the shape and number type of the network's result"));
        }
        apply1(Cast, output_grad, &grad).engine("reading the gradient")?;
        plan.backward.run(&self.device)
    }

    pub(crate) fn read_input(&self, plan: &Plan, x: &Tensor) -> Result<()> {
        let x = self.here(x).engine("reading the input")?;
        apply1(Cast, &plan.input, &x).engine("reading the input")
    }

    /// The same numbers, flat, on the network's device.
    fn here(&self, tensor: &Tensor) -> candle_core::Result<Tensor> {
        tensor.to_device(&self.device)?.contiguous()?.flatten_all()
    }

    /// A copy of a flat view that holds the value of `node`, or its gradient, with batch and shape.
    pub(crate) fn read(&self, plan: &Plan, view: &Tensor, node: NodeId) -> candle_core::Result<Tensor> {
        let shape = [&[plan.batch], self.graph.node(node).shape.as_slice()].concat();
        view.to_dtype(self.dtype())?.force_contiguous()?.reshape(shape)
    }

    pub(crate) fn check_input(&self, x: &Tensor) -> Result<usize> {
        let want = self.graph.input_shape();
        match x.dims().split_first() {
            Some((&batch, rest)) if batch > 0 && rest == want && x.dtype() == self.params.dtype() => Ok(batch),
            _ => Err(Error::invalid(format!(
                "the network takes [N, {}] in {:?}, got {:?} in {:?}",
                want.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
                self.params.dtype(),
                x.dims(),
                x.dtype()
            ))),
        }
    }
}
