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

pub(crate) struct WorkspaceBuilder;

impl WorkspaceBuilder {
    pub fn new() -> Self {
        Self
    }

    pub fn finish(self) -> usize {
        0
    }
}

macro_rules! absent {
    ($($name:ident: new($($given:ty),*), run($($arg:ty),*);)*) => { $(
        pub(crate) enum $name {}

        impl $name {
            pub fn new($(_: $given),*) -> Result<Self> {
                bail!("this program was built without oneDNN")
            }

            pub fn run<T: Plain, P: Plain>(&self, $(_: $arg),*) -> Result<()> {
                match *self {}
            }
        }
    )* };
}

absent! {
    ConvForward: new(&ConvGeometry, Number, Epilogue, bool, bool, &mut WorkspaceBuilder),
        run(&mut [T], &[T], &[P], Option<&[P]>);
    ConvInputGrad: new(&ConvGeometry, Number, &mut WorkspaceBuilder), run(&mut [T], &[T], &[P]);
    ConvWeightGrad: new(&ConvGeometry, Number, &mut WorkspaceBuilder), run(&mut [P], &[T], &[T]);
    LinearForward: new(LinearGeometry, Number, bool, bool, &mut WorkspaceBuilder),
        run(&mut [T], &[T], &[P], Option<&[P]>);
    LinearInputGrad: new(LinearGeometry, Number, &mut WorkspaceBuilder), run(&mut [T], &[T], &[P]);
    LinearWeightGrad: new(LinearGeometry, Number, &mut WorkspaceBuilder), run(&mut [P], &[T], &[T]);
}
