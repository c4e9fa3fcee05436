//! Linear layers `[M, K] -> [M, N]` with weights `[N, K]` in f32.

use std::sync::Arc;

use candle_core::Result;

use super::ffi::{ARG_BIAS, ARG_DST, ARG_SRC, ARG_WEIGHTS};
use super::handle::{Arg, Desc, Memory, Number, PostOps, Primitive, PrimitiveDesc};
use super::packed::Pack;
use super::workspace::{Workspace, WorkspaceBuilder};
use crate::kernels::linear::LinearGeometry;
use crate::kernels::raw::Plain;

fn rows(number: Number, rows: usize, cols: usize) -> Result<Desc> {
    Desc::strided(number, &[rows, cols], &[cols, 1])
}

fn transposed(number: Number, rows: usize, cols: usize) -> Result<Desc> {
    Desc::strided(number, &[rows, cols], &[1, rows])
}

/// `y = x Wᵀ (+ b)`.
pub(crate) struct LinearForward {
    primitive: Primitive,
    weights: Pack,
    src: Desc,
    dst: Desc,
    bias: Option<Desc>,
}

impl LinearForward {
    /// # Errors
    /// When oneDNN has no such product.
    pub fn new(
        geo: LinearGeometry,
        number: Number,
        bias: bool,
        frozen: bool,
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let LinearGeometry { rows: count, inputs, outputs } = geo;
        let (src, dst) = (rows(number, count, inputs)?, rows(number, count, outputs)?);
        let bias = bias.then(|| rows(Number::F32, 1, outputs)).transpose()?;
        let weights = Desc::any(number, &[inputs, outputs])?;
        let pd = PrimitiveDesc::matmul([&src, &weights, &dst], bias.as_ref(), PostOps::default())?;
        let primitive = Primitive::new(&pd)?;
        let flat = transposed(Number::F32, inputs, outputs)?;
        let weights = Pack::new(flat, pd.weights()?, &primitive, frozen, workspace)?;
        Ok(Self { primitive, weights, src, dst, bias })
    }

    pub fn run<T: Plain, P: Plain>(&self, y: &mut [T], x: &[T], w: &[P], bias: Option<&[P]>) -> Result<()> {
        self.weights.with(w, |weights, scratch| {
            let src = Arg::new(ARG_SRC, &self.src, Memory::read(x));
            let weights = Arg::new(ARG_WEIGHTS, self.weights.desc(), weights);
            let dst = Arg::new(ARG_DST, &self.dst, Memory::write(y));
            match (&self.bias, bias) {
                (Some(desc), Some(bias)) => {
                    let bias = Arg::new(ARG_BIAS, desc, Memory::read(bias));
                    self.primitive.run([src, weights, bias, dst], scratch)
                }
                _ => self.primitive.run([src, weights, dst], scratch),
            }
        })
    }
}

/// `dx = dy W`.
pub(crate) struct LinearInputGrad {
    primitive: Primitive,
    weights: Pack,
    src: Desc,
    dst: Desc,
}

impl LinearInputGrad {
    /// # Errors
    /// When oneDNN has no such product.
    pub fn new(geo: LinearGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let LinearGeometry { rows: count, inputs, outputs } = geo;
        let (src, dst) = (rows(number, count, outputs)?, rows(number, count, inputs)?);
        let weights = Desc::any(number, &[outputs, inputs])?;
        let pd = PrimitiveDesc::matmul([&src, &weights, &dst], None, PostOps::default())?;
        let primitive = Primitive::new(&pd)?;
        let weights = Pack::new(rows(Number::F32, outputs, inputs)?, pd.weights()?, &primitive, false, workspace)?;
        Ok(Self { primitive, weights, src, dst })
    }

    pub fn run<T: Plain, P: Plain>(&self, dx: &mut [T], dy: &[T], w: &[P]) -> Result<()> {
        self.weights.with(w, |weights, scratch| {
            let src = Arg::new(ARG_SRC, &self.src, Memory::read(dy));
            let weights = Arg::new(ARG_WEIGHTS, self.weights.desc(), weights);
            self.primitive.run([src, weights, Arg::new(ARG_DST, &self.dst, Memory::write(dx))], scratch)
        })
    }
}

/// `dW += dyᵀ x`, in f32.
pub(crate) struct LinearWeightGrad {
    primitive: Primitive,
    dy: Desc,
    x: Desc,
    grad: Desc,
    workspace: Arc<Workspace>,
}

impl LinearWeightGrad {
    /// # Errors
    /// When oneDNN has no such product.
    pub fn new(geo: LinearGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let LinearGeometry { rows: count, inputs, outputs } = geo;
        let (dy, x) = (transposed(number, outputs, count)?, rows(number, count, inputs)?);
        let grad = rows(Number::F32, outputs, inputs)?;
        let pd = PrimitiveDesc::matmul([&dy, &x, &grad], None, PostOps { sum: true, relu: false })?;
        let primitive = Primitive::new(&pd)?;
        let workspace = workspace.reserve(primitive.scratch_bytes());
        Ok(Self { primitive, dy, x, grad, workspace })
    }

    pub fn run<T: Plain, P: Plain>(&self, dw: &mut [P], x: &[T], dy: &[T]) -> Result<()> {
        let src = Arg::new(ARG_SRC, &self.dy, Memory::read(dy));
        let weights = Arg::new(ARG_WEIGHTS, &self.x, Memory::read(x));
        let dst = Arg::new(ARG_DST, &self.grad, Memory::write(dw));
        self.primitive.run([src, weights, dst], self.workspace.lock().get_mut())
    }
}
