//! The back end on platforms without oneDNN: kernels that nothing can make, so that no other file asks where it runs.

use candle_core::{Result, bail};

use crate::kernels::conv_ops::Epilogue;
use crate::kernels::geometry::ConvGeometry;
use crate::kernels::linear::LinearGeometry;
use crate::kernels::raw::Plain;

/// Number type of a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    F32,
    Bf16,
}

pub(crate) fn instruction_set() -> Option<&'static str> {
    None
}

pub(crate) fn multiplies_bf16() -> bool {
    false
}

pub(crate) struct WorkspaceBuilder;

impl WorkspaceBuilder {
    pub fn new() -> Self {
        Self
    }

    pub fn finish(self) -> usize {
        0
    }
}

/// A convolution or linear layer, or its input gradient.
pub(crate) enum Product {}

impl Product {
    pub fn conv_forward(
        _: &ConvGeometry,
        _: Number,
        _: Epilogue,
        _: bool,
        _: bool,
        _: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        absent()
    }

    pub fn conv_input_grad(_: &ConvGeometry, _: Number, _: &mut WorkspaceBuilder) -> Result<Self> {
        absent()
    }

    pub fn linear_forward(
        _: LinearGeometry,
        _: Number,
        _: Epilogue,
        _: bool,
        _: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        absent()
    }

    pub fn linear_input_grad(_: LinearGeometry, _: Number, _: &mut WorkspaceBuilder) -> Result<Self> {
        absent()
    }

    pub fn run<T: Plain, P: Plain>(&self, _: &mut [T], _: &[T], _: &[P], _: Option<&[P]>) -> Result<()> {
        match *self {}
    }
}

/// The gradient of a layer's weights.
pub(crate) enum WeightGrad {}

impl WeightGrad {
    pub fn conv(_: &ConvGeometry, _: Number, _: &mut WorkspaceBuilder) -> Result<Self> {
        absent()
    }

    pub fn linear(_: LinearGeometry, _: Number, _: &mut WorkspaceBuilder) -> Result<Self> {
        absent()
    }

    pub fn run<T: Plain, P: Plain>(&self, _: &mut [P], _: &[T], _: &[T]) -> Result<()> {
        match *self {}
    }
}

fn absent<K>() -> Result<K> {
    bail!("this program was built without oneDNN")
}
