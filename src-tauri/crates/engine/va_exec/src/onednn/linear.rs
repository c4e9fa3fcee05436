//! Linear layers `[rows, K] -> [rows, N]` with weights `[N, K]` in f32, as matrix products.

use candle_core::Result;

use super::handle::{Desc, Number, PostOps, PrimitiveDesc};
use super::product::{Direction, Product, WeightGrad};
use super::workspace::WorkspaceBuilder;
use crate::kernels::conv_ops::Epilogue;
use crate::kernels::linear::LinearGeometry;

fn rows(number: Number, rows: usize, cols: usize) -> Result<Desc> {
    Desc::strided(number, &[rows, cols], &[cols, 1])
}

fn transposed(number: Number, rows: usize, cols: usize) -> Result<Desc> {
    Desc::strided(number, &[rows, cols], &[1, rows])
}

impl Product {
    /// `y = x Wᵀ` with an epilogue.
    ///
    /// # Errors
    /// When oneDNN has no such product.
    pub fn linear_forward(
        geo: LinearGeometry,
        number: Number,
        epilogue: Epilogue,
        frozen: bool,
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let LinearGeometry { rows: count, inputs, outputs } = geo;
        let (x, y) = (rows(number, count, inputs)?, rows(number, count, outputs)?);
        let bias = epilogue.bias.then(|| rows(Number::F32, 1, outputs)).transpose()?;
        let weights = Desc::any(number, &[inputs, outputs])?;
        let pd = PrimitiveDesc::matmul([&x, &weights, &y], bias.as_ref(), epilogue.into())?;
        let flat = transposed(Number::F32, inputs, outputs)?;
        Self::new(&pd, Direction::Forward, [x, flat, y], bias, frozen, workspace)
    }

    /// `dx = dy W`.
    ///
    /// # Errors
    /// When oneDNN has no such product.
    pub fn linear_input_grad(geo: LinearGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let LinearGeometry { rows: count, inputs, outputs } = geo;
        let (dy, dx) = (rows(number, count, outputs)?, rows(number, count, inputs)?);
        let weights = Desc::any(number, &[outputs, inputs])?;
        let pd = PrimitiveDesc::matmul([&dy, &weights, &dx], None, PostOps::default())?;
        // To the library this is one more product.
        Self::new(&pd, Direction::Forward, [dy, rows(Number::F32, outputs, inputs)?, dx], None, false, workspace)
    }
}

impl WeightGrad {
    /// `dW += dyᵀ x`.
    ///
    /// # Errors
    /// When oneDNN has no such product.
    pub fn linear(geo: LinearGeometry, number: Number, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let LinearGeometry { rows: count, inputs, outputs } = geo;
        let (dy, x) = (transposed(number, outputs, count)?, rows(number, count, inputs)?);
        let flat = rows(Number::F32, outputs, inputs)?;
        let pd = PrimitiveDesc::matmul([&dy, &x, &flat], None, PostOps { sum: true, activation: None })?;
        Self::in_place(&pd, [x, flat, dy], workspace)
    }
}
