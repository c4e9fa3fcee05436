//! Owned handles of oneDNN objects. A status other than success becomes a Candle error that names the call.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr::{null, null_mut};
use std::sync::OnceLock;

use candle_core::{Result, bail};
use parking_lot::Mutex;

use super::ffi;
use crate::kernels::activation::Activation;
use crate::kernels::raw::Plain;

fn check(status: c_int, call: &str) -> Result<()> {
    match status {
        ffi::SUCCESS => Ok(()),
        ffi::UNIMPLEMENTED => bail!("oneDNN has no {call} for this shape and precision"),
        other => bail!("oneDNN: {call} failed with status {other}"),
    }
}

/// Engine and stream of this process: CPU streams run a primitive on the calling thread and its OpenMP team.
struct Cpu {
    engine: *mut ffi::dnnl_engine,
    stream: *mut ffi::dnnl_stream,
}

// SAFETY: oneDNN engines are thread-safe, and a CPU stream has no state that an execution changes.
unsafe impl Send for Cpu {}
// SAFETY: as above.
unsafe impl Sync for Cpu {}

fn cpu() -> Result<&'static Cpu> {
    static CPU: OnceLock<std::result::Result<Cpu, c_int>> = OnceLock::new();
    let made = CPU.get_or_init(|| {
        let (mut engine, mut stream) = (null_mut(), null_mut());
        // SAFETY: both calls write one pointer; the stream is made from an engine that exists.
        let status = unsafe {
            match ffi::dnnl_engine_create(&raw mut engine, ffi::CPU, 0) {
                ffi::SUCCESS => ffi::dnnl_stream_create(&raw mut stream, engine, ffi::IN_ORDER),
                other => other,
            }
        };
        if status == ffi::SUCCESS { Ok(Cpu { engine, stream }) } else { Err(status) }
    });
    match made {
        Ok(cpu) => Ok(cpu),
        Err(status) => bail!("oneDNN did not start: status {status}"),
    }
}

/// Number type of a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    F32,
    Bf16,
}

impl Number {
    fn code(self) -> c_int {
        match self {
            Number::F32 => ffi::F32,
            Number::Bf16 => ffi::BF16,
        }
    }
}

/// Shape, number type and order of a memory.
pub(super) struct Desc(*mut ffi::dnnl_memory_desc);

// SAFETY: descriptors are never changed after they are made.
unsafe impl Send for Desc {}
// SAFETY: as above.
unsafe impl Sync for Desc {}

impl Desc {
    /// A plain memory with these strides, in elements.
    pub fn strided(number: Number, dims: &[usize], strides: &[usize]) -> Result<Self> {
        let mut md = null_mut();
        let (dims, strides, rank) = (wide(dims), wide(strides), dims.len() as c_int);
        // SAFETY: both arrays hold `MAX_NDIMS` numbers, of which `rank` are read.
        let status = unsafe {
            ffi::dnnl_memory_desc_create_with_strides(&raw mut md, rank, dims.as_ptr(), number.code(), strides.as_ptr())
        };
        check(status, "memory description")?;
        Ok(Self(md))
    }

    /// A memory whose order the primitive chooses.
    pub fn any(number: Number, dims: &[usize]) -> Result<Self> {
        let mut md = null_mut();
        let (dims, rank) = (wide(dims), dims.len() as c_int);
        // SAFETY: as in `strided`.
        let status = unsafe {
            ffi::dnnl_memory_desc_create_with_tag(&raw mut md, rank, dims.as_ptr(), number.code(), ffi::FORMAT_ANY)
        };
        check(status, "memory description")?;
        Ok(Self(md))
    }

    pub fn bytes(&self) -> usize {
        // SAFETY: the handle is live.
        unsafe { ffi::dnnl_memory_desc_get_size(self.0) }
    }

    pub fn same(&self, other: &Self) -> bool {
        // SAFETY: both handles are live.
        unsafe { ffi::dnnl_memory_desc_equal(self.0, other.0) != 0 }
    }
}

impl Drop for Desc {
    fn drop(&mut self) {
        // SAFETY: made by oneDNN, given back once.
        unsafe { ffi::dnnl_memory_desc_destroy(self.0) };
    }
}

/// The first numbers of an array of the library's fixed length.
pub(super) fn wide(numbers: &[usize]) -> ffi::Dims {
    let mut out = [0; ffi::MAX_NDIMS];
    for (to, &from) in out.iter_mut().zip(numbers) {
        *to = from as i64;
    }
    out
}

/// What is done to a result before it is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct PostOps {
    /// Adds what is in the destination.
    pub sum: bool,
    /// Then this.
    pub activation: Option<Activation>,
}

/// The library's word for an activation, and its two constants.
fn eltwise(activation: Activation) -> (c_int, f32, f32) {
    match activation {
        Activation::Relu => (ffi::ELTWISE_RELU, 0.0, 0.0),
        Activation::Gelu => (ffi::ELTWISE_GELU_ERF, 0.0, 0.0),
        Activation::Silu => (ffi::ELTWISE_SWISH, 1.0, 0.0),
        Activation::HardSwish => (ffi::ELTWISE_HARDSWISH, 1.0 / 6.0, 0.5),
        Activation::Sigmoid => (ffi::ELTWISE_LOGISTIC, 0.0, 0.0),
    }
}

struct Attr(*mut ffi::dnnl_primitive_attr);

impl Attr {
    /// The caller brings the scratch memory; the same inputs give the same bits.
    fn new(post: PostOps) -> Result<Self> {
        let mut attr = Self(null_mut());
        // SAFETY: every handle is made just before its use; the post-ops are copied by the attribute.
        unsafe {
            check(ffi::dnnl_primitive_attr_create(&raw mut attr.0), "attribute")?;
            check(ffi::dnnl_primitive_attr_set_scratchpad_mode(attr.0, ffi::SCRATCHPAD_USER), "scratchpad mode")?;
            check(ffi::dnnl_primitive_attr_set_deterministic(attr.0, 1), "deterministic mode")?;
            if post == PostOps::default() {
                return Ok(attr);
            }
            let mut ops = null_mut();
            check(ffi::dnnl_post_ops_create(&raw mut ops), "post-operations")?;
            let mut status = ffi::SUCCESS;
            if post.sum {
                status |= ffi::dnnl_post_ops_append_sum(ops, 1.0, 0, 0);
            }
            if let Some(activation) = post.activation {
                let (algorithm, alpha, beta) = eltwise(activation);
                status |= ffi::dnnl_post_ops_append_eltwise(ops, algorithm, alpha, beta);
            }
            status |= ffi::dnnl_primitive_attr_set_post_ops(attr.0, ops);
            ffi::dnnl_post_ops_destroy(ops);
            check(status, "post-operations")?;
        }
        Ok(attr)
    }
}

impl Drop for Attr {
    fn drop(&mut self) {
        if !self.0.is_null() {
            // SAFETY: made by oneDNN, given back once.
            unsafe { ffi::dnnl_primitive_attr_destroy(self.0) };
        }
    }
}

/// A primitive that was chosen but not yet made ready to run.
pub(super) struct PrimitiveDesc(*mut ffi::dnnl_primitive_desc);

impl Drop for PrimitiveDesc {
    fn drop(&mut self) {
        // SAFETY: made by oneDNN, given back once.
        unsafe { ffi::dnnl_primitive_desc_destroy(self.0) };
    }
}

/// Strides, dilations (0 is dense) and padding of a convolution, as oneDNN takes them.
pub(super) struct Window {
    pub strides: ffi::Dims,
    pub dilates: ffi::Dims,
    /// On each side.
    pub padding: ffi::Dims,
}

impl PrimitiveDesc {
    pub fn conv_forward(
        [src, weights, dst]: [&Desc; 3],
        bias: Option<&Desc>,
        window: &Window,
        training: bool,
        post: PostOps,
    ) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(post)?);
        let kind = if training { ffi::FORWARD_TRAINING } else { ffi::FORWARD_INFERENCE };
        // SAFETY: all handles are live, the arrays have the library's length, a missing bias is null as documented.
        let status = unsafe {
            ffi::dnnl_convolution_forward_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                kind,
                ffi::CONVOLUTION_DIRECT,
                src.0,
                weights.0,
                bias.map_or(null(), |b| b.0.cast_const()),
                dst.0,
                window.strides.as_ptr(),
                window.dilates.as_ptr(),
                window.padding.as_ptr(),
                window.padding.as_ptr(),
                attr.0,
            )
        };
        check(status, "convolution")?;
        Ok(Self(pd))
    }

    pub fn conv_input_grad(
        [diff_src, weights, diff_dst]: [&Desc; 3],
        window: &Window,
        hint: &PrimitiveDesc,
    ) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(PostOps::default())?);
        // SAFETY: as in `conv_forward`.
        let status = unsafe {
            ffi::dnnl_convolution_backward_data_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                ffi::CONVOLUTION_DIRECT,
                diff_src.0,
                weights.0,
                diff_dst.0,
                window.strides.as_ptr(),
                window.dilates.as_ptr(),
                window.padding.as_ptr(),
                window.padding.as_ptr(),
                hint.0,
                attr.0,
            )
        };
        check(status, "convolution input gradient")?;
        Ok(Self(pd))
    }

    pub fn conv_weight_grad(
        [src, diff_weights, diff_dst]: [&Desc; 3],
        window: &Window,
        hint: &PrimitiveDesc,
    ) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(PostOps::default())?);
        // SAFETY: as in `conv_forward`; no bias gradient.
        let status = unsafe {
            ffi::dnnl_convolution_backward_weights_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                ffi::CONVOLUTION_DIRECT,
                src.0,
                diff_weights.0,
                null(),
                diff_dst.0,
                window.strides.as_ptr(),
                window.dilates.as_ptr(),
                window.padding.as_ptr(),
                window.padding.as_ptr(),
                hint.0,
                attr.0,
            )
        };
        check(status, "convolution weight gradient")?;
        Ok(Self(pd))
    }

    pub fn matmul([src, weights, dst]: [&Desc; 3], bias: Option<&Desc>, post: PostOps) -> Result<Self> {
        let (mut pd, attr) = (null_mut(), Attr::new(post)?);
        // SAFETY: all handles are live, a missing bias is null as documented.
        let status = unsafe {
            ffi::dnnl_matmul_primitive_desc_create(
                &raw mut pd,
                cpu()?.engine,
                src.0,
                weights.0,
                bias.map_or(null(), |b| b.0.cast_const()),
                dst.0,
                attr.0,
            )
        };
        check(status, "matrix product")?;
        Ok(Self(pd))
    }

    /// Copies `src` into the order and number type of `dst`, adding to it if `post.sum`.
    pub fn reorder(src: &Desc, dst: &Desc, post: PostOps) -> Result<Self> {
        let (mut pd, attr, engine) = (null_mut(), Attr::new(post)?, cpu()?.engine);
        // SAFETY: all handles are live.
        let status =
            unsafe { ffi::dnnl_reorder_primitive_desc_create(&raw mut pd, src.0, engine, dst.0, engine, attr.0) };
        check(status, "reorder")?;
        Ok(Self(pd))
    }

    fn query(&self, what: c_int) -> Result<Desc> {
        let mut md = null_mut();
        // SAFETY: the descriptor that is asked for belongs to the primitive; the clone is ours.
        let status = unsafe {
            let found = ffi::dnnl_primitive_desc_query_md(self.0, what, 0);
            if found.is_null() { ffi::UNIMPLEMENTED } else { ffi::dnnl_memory_desc_clone(&raw mut md, found) }
        };
        check(status, "memory description")?;
        Ok(Desc(md))
    }

    pub fn weights(&self) -> Result<Desc> {
        self.query(ffi::QUERY_WEIGHTS_MD)
    }

    pub fn diff_weights(&self) -> Result<Desc> {
        self.query(ffi::QUERY_DIFF_WEIGHTS_MD)
    }
}

/// A primitive ready to run, with the scratch memory it needs.
pub(super) struct Primitive {
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
pub(super) enum Memory<'a> {
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
pub(super) struct Arg<'a> {
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
