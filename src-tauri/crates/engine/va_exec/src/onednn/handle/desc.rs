//! What lies in a memory, and how.

use std::ffi::c_int;
use std::ptr::null_mut;

use candle_core::Result;

use super::super::ffi;
use super::check;

/// Number type of a memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    F32,
    Bf16,
}

impl Number {
    pub(super) fn code(self) -> c_int {
        match self {
            Number::F32 => ffi::F32,
            Number::Bf16 => ffi::BF16,
        }
    }
}

/// Shape, number type and order of a memory.
pub(in crate::onednn) struct Desc(pub(super) *mut ffi::dnnl_memory_desc);

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
pub(in crate::onednn) fn wide(numbers: &[usize]) -> ffi::Dims {
    let mut out = [0; ffi::MAX_NDIMS];
    for (to, &from) in out.iter_mut().zip(numbers) {
        *to = from as i64;
    }
    out
}
