//! Scratch memory of a plan: one piece, as large as its neediest step, made once.
#![allow(unsafe_code)]

use std::sync::{Arc, OnceLock};

use parking_lot::{Mutex, MutexGuard};

/// One cache line, so that a piece starts where vector loads like it.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

const LINE: usize = 64;

/// Aligned bytes.
pub(super) struct Bytes(Box<[Line]>);

impl Bytes {
    pub fn new(len: usize) -> Self {
        Self(vec![Line([0; 64]); len.div_ceil(LINE)].into_boxed_slice())
    }

    pub fn get(&self) -> &[u8] {
        // SAFETY: lines are bytes without gaps.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr().cast(), self.0.len() * LINE) }
    }

    pub fn get_mut(&mut self) -> &mut [u8] {
        // SAFETY: lines are bytes without gaps.
        unsafe { std::slice::from_raw_parts_mut(self.0.as_mut_ptr().cast(), self.0.len() * LINE) }
    }
}

/// Bytes up to the next line.
pub(super) fn whole_lines(bytes: usize) -> usize {
    bytes.next_multiple_of(LINE)
}

/// The scratch memory of one plan; steps lock it while they run.
pub(crate) struct Workspace(OnceLock<Mutex<Bytes>>);

impl Workspace {
    pub(super) fn lock(&self) -> MutexGuard<'_, Bytes> {
        self.0.get().expect("BUG: a step runs before its plan is complete").lock()
    }
}

/// Learns how much scratch memory a plan needs while it is made.
pub(crate) struct WorkspaceBuilder {
    workspace: Arc<Workspace>,
    bytes: usize,
}

impl WorkspaceBuilder {
    pub fn new() -> Self {
        Self { workspace: Arc::new(Workspace(OnceLock::new())), bytes: 0 }
    }

    /// The workspace that will have at least this many bytes.
    pub fn reserve(&mut self, bytes: usize) -> Arc<Workspace> {
        self.bytes = self.bytes.max(bytes);
        self.workspace.clone()
    }

    /// Makes the memory; returns its size in bytes.
    pub fn finish(self) -> usize {
        self.workspace.0.get_or_init(|| Mutex::new(Bytes::new(self.bytes)));
        self.bytes
    }
}
