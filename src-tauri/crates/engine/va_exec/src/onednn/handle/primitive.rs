//! Primitives that run.

use std::ffi::{c_int, c_void};
use std::ptr::null_mut;

use candle_core::Result;
use parking_lot::Mutex;

use super::super::ffi;
use super::chosen::PrimitiveDesc;
use super::desc::Desc;
use super::{check, cpu};
use crate::kernels::raw::Plain;

/// A primitive ready to run, with the scratch memory it needs.
pub(in crate::onednn) struct Primitive {
    handle: *mut ffi::dnnl_primitive,
    scratchpad: Desc,
    /// The library's objects for the arguments, made at the first run: every run gives them other memory.
    memories: Mutex<Memories>,
}

// SAFETY: with a scratchpad brought by the caller, oneDNN primitives may run on any thread; the memory objects are locked.
unsafe impl Send for Primitive {}
// SAFETY: as above.
unsafe impl Sync for Primitive {}

/// The memory of an argument.
pub(in crate::onednn) enum Memory<'a> {
    Read(&'a [u8]),
    Write(&'a mut [u8]),
}

impl<'a> Memory<'a> {
    pub fn read<T: Plain>(data: &'a [T]) -> Self {
        Self::Read(T::bytes(data))
    }

    pub fn write<T: Plain>(data: &'a mut [T]) -> Self {
        Self::Write(T::bytes_mut(data))
    }

    fn parts(&mut self) -> (*mut c_void, usize) {
        match self {
            Self::Read(bytes) => (bytes.as_ptr().cast_mut().cast(), bytes.len()),
            Self::Write(bytes) => (bytes.as_mut_ptr().cast(), bytes.len()),
        }
    }
}

/// An argument of a run: which one, whether the primitive writes it, its description, its memory.
pub(in crate::onednn) struct Arg<'a> {
    pub index: c_int,
    pub desc: &'a Desc,
    pub memory: Memory<'a>,
}

impl<'a> Arg<'a> {
    pub fn new(index: c_int, desc: &'a Desc, memory: Memory<'a>) -> Self {
        Self { index, desc, memory }
    }

    fn writes(&self) -> bool {
        matches!(self.index, ffi::ARG_DST | ffi::ARG_DIFF_SRC | ffi::ARG_DIFF_WEIGHTS | ffi::ARG_SCRATCHPAD)
    }
}

impl Primitive {
    pub fn new(pd: &PrimitiveDesc) -> Result<Self> {
        let scratchpad = pd.query(ffi::QUERY_SCRATCHPAD_MD)?;
        let mut handle = null_mut();
        // SAFETY: the description is live.
        check(unsafe { ffi::dnnl_primitive_create(&raw mut handle, pd.0) }, "primitive")?;
        Ok(Self { handle, scratchpad, memories: Mutex::new(Memories(Vec::new())) })
    }

    pub fn scratch_bytes(&self) -> usize {
        self.scratchpad.bytes()
    }

    /// Runs on this thread and its OpenMP team; `scratch` holds at least [`Primitive::scratch_bytes`]. The arguments of
    /// every run are the same but for their memory.
    pub fn run<const N: usize>(&self, args: [Arg<'_>; N], scratch: &mut [u8]) -> Result<()> {
        let scratch = Arg::new(ffi::ARG_SCRATCHPAD, &self.scratchpad, Memory::Write(scratch));
        let mut memories = self.memories.lock();
        for (at, mut arg) in args.into_iter().chain([scratch]).enumerate() {
            let writable = matches!(arg.memory, Memory::Write(_));
            let (data, bytes) = arg.memory.parts();
            assert!(bytes >= arg.desc.bytes(), "BUG: argument {} has {bytes} bytes, too few", arg.index);
            assert!(writable || !arg.writes(), "BUG: argument {} is written but borrowed to read", arg.index);
            memories.put(at, &arg, data)?;
        }
        let exec = &memories.0;
        // SAFETY: every memory is as large as its description says and borrowed for the whole run; what is written was
        // borrowed exclusively (checked above), so nothing overlaps it; CPU primitives have run when the call returns.
        let status =
            unsafe { ffi::dnnl_primitive_execute(self.handle, cpu()?.stream, exec.len() as c_int, exec.as_ptr()) };
        check(status, "execution")
    }
}

impl Drop for Primitive {
    fn drop(&mut self) {
        // SAFETY: made by oneDNN, given back once.
        unsafe { ffi::dnnl_primitive_destroy(self.handle) };
    }
}

struct Memories(Vec<ffi::ExecArg>);

impl Memories {
    /// Makes `data` the memory of argument number `at`.
    fn put(&mut self, at: usize, arg: &Arg<'_>, data: *mut c_void) -> Result<()> {
        if let Some(known) = self.0.get(at) {
            assert!(known.arg == arg.index, "BUG: a primitive got other arguments than before");
            // SAFETY: the object is live and described as this argument always is.
            return check(unsafe { ffi::dnnl_memory_set_data_handle(known.memory, data) }, "memory");
        }
        let mut memory = null_mut();
        // SAFETY: the description is live; the memory belongs to the caller and is used during the run alone.
        check(unsafe { ffi::dnnl_memory_create(&raw mut memory, arg.desc.0, cpu()?.engine, data) }, "memory")?;
        self.0.push(ffi::ExecArg { arg: arg.index, memory });
        Ok(())
    }
}

impl Drop for Memories {
    fn drop(&mut self) {
        for known in &self.0 {
            // SAFETY: made by oneDNN, given back once; the data is not its own.
            unsafe { ffi::dnnl_memory_destroy(known.memory) };
        }
    }
}
