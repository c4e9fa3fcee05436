//! A convolution or linear layer as oneDNN runs it, forward or backward, whatever its shape: [`Product`] where the
//! weights are an operand, [`WeightGrad`] where their gradient is the result.

use std::ffi::c_int;
use std::sync::Arc;

use candle_core::Result;

use super::ffi::{ARG_BIAS, ARG_DIFF_DST, ARG_DIFF_SRC, ARG_DIFF_WEIGHTS, ARG_DST, ARG_SRC, ARG_WEIGHTS};
use super::handle::{Arg, Desc, Memory, PostOps, Primitive, PrimitiveDesc};
use super::packed::{Pack, Unpack};
use super::workspace::{Workspace, WorkspaceBuilder};
use crate::kernels::conv_ops::Epilogue;
use crate::kernels::raw::Plain;

impl From<Epilogue> for PostOps {
    /// The bias is an operand of its own.
    fn from(epilogue: Epilogue) -> Self {
        Self { sum: epilogue.sum, activation: epilogue.activation }
    }
}

/// Which of a layer's two values is an operand.
#[derive(Clone, Copy)]
pub(super) enum Direction {
    Forward,
    Backward,
}

impl Direction {
    /// The arguments that the source and the result of a convolution are.
    fn arguments(self) -> [c_int; 2] {
        match self {
            Self::Forward => [ARG_SRC, ARG_DST],
            Self::Backward => [ARG_DIFF_DST, ARG_DIFF_SRC],
        }
    }
}

/// `to = from · weights (+ bias)` and what the primitive's description adds.
pub(crate) struct Product {
    primitive: Primitive,
    weights: Pack,
    arguments: [c_int; 2],
    from: Desc,
    to: Desc,
    bias: Option<Desc>,
}

impl Product {
    /// `flat` is how the weights lie in the flat tensor; with `frozen` they are packed once.
    pub(super) fn new(
        pd: &PrimitiveDesc,
        direction: Direction,
        [from, flat, to]: [Desc; 3],
        bias: Option<Desc>,
        frozen: bool,
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let primitive = Primitive::new(pd)?;
        let weights = Pack::new(flat, pd.weights()?, &primitive, frozen, workspace)?;
        Ok(Self { primitive, weights, arguments: direction.arguments(), from, to, bias })
    }

    /// # Errors
    /// When oneDNN fails.
    pub fn run<T: Plain, P: Plain>(&self, to: &mut [T], from: &[T], w: &[P], bias: Option<&[P]>) -> Result<()> {
        self.weights.with(w, |weights, scratch| {
            let from = Arg::new(self.arguments[0], &self.from, Memory::read(from));
            let weights = Arg::new(ARG_WEIGHTS, self.weights.desc(), weights);
            let to = Arg::new(self.arguments[1], &self.to, Memory::write(to));
            match (&self.bias, bias) {
                (Some(desc), Some(bias)) => {
                    let bias = Arg::new(ARG_BIAS, desc, Memory::read(bias));
                    self.primitive.run([from, weights, bias, to], scratch)
                }
                _ => self.primitive.run([from, weights, to], scratch),
            }
        })
    }
}

/// Who adds a weight gradient to what is in the flat gradient.
enum Addition {
    /// The primitive writes its own order; putting it back adds.
    Unpack(Unpack),
    /// The primitive itself, in place.
    Primitive { flat: Desc, workspace: Arc<Workspace> },
}

/// `dw += xᵀ · dy`, in f32.
pub(crate) struct WeightGrad {
    primitive: Primitive,
    addition: Addition,
    x: Desc,
    dy: Desc,
}

impl WeightGrad {
    /// A convolution's.
    pub(super) fn unpacked(
        pd: &PrimitiveDesc,
        [x, flat, dy]: [Desc; 3],
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let primitive = Primitive::new(pd)?;
        let addition = Addition::Unpack(Unpack::new(pd.diff_weights()?, flat, &primitive, workspace)?);
        Ok(Self { primitive, addition, x, dy })
    }

    /// A matrix product `dyᵀ · x` that adds to its destination.
    pub(super) fn in_place(
        pd: &PrimitiveDesc,
        [x, flat, dy]: [Desc; 3],
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let primitive = Primitive::new(pd)?;
        let workspace = workspace.reserve(primitive.scratch_bytes());
        Ok(Self { primitive, addition: Addition::Primitive { flat, workspace }, x, dy })
    }

    /// # Errors
    /// When oneDNN fails.
    pub fn run<T: Plain, P: Plain>(&self, dw: &mut [P], x: &[T], dy: &[T]) -> Result<()> {
        let (x, dy) = (Memory::read(x), Memory::read(dy));
        match &self.addition {
            Addition::Unpack(unpack) => unpack.with(dw, |packed, scratch| {
                let dw = Arg::new(ARG_DIFF_WEIGHTS, unpack.desc(), packed);
                let (x, dy) = (Arg::new(ARG_SRC, &self.x, x), Arg::new(ARG_DIFF_DST, &self.dy, dy));
                self.primitive.run([x, dy, dw], scratch)
            }),
            Addition::Primitive { flat, workspace } => {
                let dw = Arg::new(ARG_DST, flat, Memory::write(dw));
                let (x, dy) = (Arg::new(ARG_WEIGHTS, &self.x, x), Arg::new(ARG_SRC, &self.dy, dy));
                self.primitive.run([dy, x, dw], workspace.lock().get_mut())
            }
        }
    }
}
