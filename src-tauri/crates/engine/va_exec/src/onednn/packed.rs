//! A primitive whose weights are put into the order it likes before it runs.

use std::sync::{Arc, OnceLock};

use candle_core::Result;

use super::ffi::{ARG_DST, ARG_SRC};
use super::handle::{Arg, Desc, Memory, PostOps, Primitive, PrimitiveDesc};
use super::workspace::{Bytes, Workspace, WorkspaceBuilder, whole_lines};
use crate::kernels::raw::Plain;

/// Weights as they lie in the flat tensor (f32), as a primitive wants them, and the way from one to the other.
pub(super) struct Pack {
    flat: Desc,
    packed: Desc,
    /// `None` where the primitive takes them as they are.
    reorder: Option<Primitive>,
    /// The packed weights, once and for all, where they never change.
    frozen: Option<OnceLock<Bytes>>,
    workspace: Arc<Workspace>,
}

impl Pack {
    /// For weights that lie like `flat` and that `primitive` wants like `packed`. With `frozen` they are packed at the
    /// first run and never again.
    pub fn new(
        flat: Desc,
        packed: Desc,
        primitive: &Primitive,
        frozen: bool,
        workspace: &mut WorkspaceBuilder,
    ) -> Result<Self> {
        let reorder = if flat.same(&packed) {
            None
        } else {
            Some(Primitive::new(&PrimitiveDesc::reorder(&flat, &packed, PostOps::default())?)?)
        };
        let scratch = reorder.as_ref().map_or(0, Primitive::scratch_bytes).max(primitive.scratch_bytes());
        let workspace = workspace.reserve(whole_lines(packed.bytes()) + scratch);
        Ok(Self { flat, packed, reorder, frozen: frozen.then(OnceLock::new), workspace })
    }

    pub fn desc(&self) -> &Desc {
        &self.packed
    }

    /// Calls `run` with the packed form of `weights` and scratch memory.
    pub fn with<T: Plain>(&self, weights: &[T], run: impl FnOnce(Memory<'_>, &mut [u8]) -> Result<()>) -> Result<()> {
        let mut workspace = self.workspace.lock();
        let Some(reorder) = &self.reorder else { return run(Memory::read(weights), workspace.get_mut()) };
        let (own, scratch) = workspace.get_mut().split_at_mut(whole_lines(self.packed.bytes()));
        let fill = |packed: &mut [u8], scratch: &mut [u8]| {
            let from = Arg::new(ARG_SRC, &self.flat, Memory::read(weights));
            reorder.run([from, Arg::new(ARG_DST, &self.packed, Memory::Write(packed))], scratch)
        };
        let Some(frozen) = &self.frozen else {
            fill(own, scratch)?;
            return run(Memory::Read(own), scratch);
        };
        if frozen.get().is_none() {
            let mut bytes = Bytes::new(self.packed.bytes());
            fill(bytes.get_mut(), scratch)?;
            let _ = frozen.set(bytes);
        }
        run(Memory::Read(frozen.get().expect("BUG: set just before").get()), scratch)
    }
}

/// The way back: a weight gradient as a primitive writes it, added to the flat gradient (f32).
pub(super) struct Unpack {
    packed: Desc,
    flat: Desc,
    add: Primitive,
    workspace: Arc<Workspace>,
}

impl Unpack {
    pub fn new(packed: Desc, flat: Desc, primitive: &Primitive, workspace: &mut WorkspaceBuilder) -> Result<Self> {
        let add = PrimitiveDesc::reorder(&packed, &flat, PostOps { sum: true, activation: None })?;
        let add = Primitive::new(&add)?;
        let scratch = add.scratch_bytes().max(primitive.scratch_bytes());
        let workspace = workspace.reserve(whole_lines(packed.bytes()) + scratch);
        Ok(Self { packed, flat, add, workspace })
    }

    pub fn desc(&self) -> &Desc {
        &self.packed
    }

    /// Calls `run` with room for the packed gradient and scratch memory, then adds the result to `grad`.
    pub fn with<T: Plain>(&self, grad: &mut [T], run: impl FnOnce(Memory<'_>, &mut [u8]) -> Result<()>) -> Result<()> {
        let mut workspace = self.workspace.lock();
        let (own, scratch) = workspace.get_mut().split_at_mut(whole_lines(self.packed.bytes()));
        run(Memory::Write(own), scratch)?;
        let from = Arg::new(ARG_SRC, &self.packed, Memory::Read(own));
        self.add.run([from, Arg::new(ARG_DST, &self.flat, Memory::write(grad))], scratch)
    }
}
