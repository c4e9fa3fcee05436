//! The unsafe code of the reference kernels: tiles of one matrix written by several threads, the call into `gemm`, and
//! numbers seen as bytes.
#![allow(unsafe_code)]

use super::real::Real;

/// A mutable slice that several tasks write in disjoint places.
#[derive(Clone, Copy)]
pub(crate) struct Shared<T> {
    data: *mut T,
    len: usize,
}

// SAFETY: tasks receive disjoint parts; `Shared` is only made from an exclusive borrow that outlives the parallel call.
unsafe impl<T: Send> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send> Sync for Shared<T> {}

impl<T: Real> Shared<T> {
    pub(crate) fn new(slice: &mut [T]) -> Self {
        Self { data: slice.as_mut_ptr(), len: slice.len() }
    }
}

/// A matrix to read: `rows × cols`, element `(i, j)` at `i · row_stride + j · col_stride`.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, T> {
    pub data: &'a [T],
    pub row_stride: usize,
    pub col_stride: usize,
}

fn reach(rows: usize, cols: usize, row_stride: usize, col_stride: usize) -> usize {
    if rows == 0 || cols == 0 { 0 } else { (rows - 1) * row_stride + (cols - 1) * col_stride + 1 }
}

/// `dst[m × n] (+)= a[m × k] · b[k × n]`, on this thread. `dst` is the tile that starts at `at` and has unit column
/// stride and row stride `dst_stride`. Tiles given to concurrent calls must be disjoint (every caller cuts them from
/// one partition of the output).
pub(crate) fn gemm_tile<T: Real>(
    [m, n, k]: [usize; 3],
    dst: Shared<T>,
    at: usize,
    dst_stride: usize,
    accumulate: bool,
    a: View<'_, T>,
    b: View<'_, T>,
) {
    assert!(at + reach(m, n, dst_stride, 1) <= dst.len, "BUG: tile beyond its matrix");
    assert!(n <= dst_stride || m <= 1, "BUG: rows of a tile overlap");
    assert!(reach(m, k, a.row_stride, a.col_stride) <= a.data.len(), "BUG: left operand too short");
    assert!(reach(k, n, b.row_stride, b.col_stride) <= b.data.len(), "BUG: right operand too short");
    // SAFETY: the asserts above keep every access inside the three buffers; `dst` tiles are disjoint between tasks
    // and never overlap the shared-borrowed operands, because `Shared` comes from an exclusive borrow.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            dst.data.add(at),
            1,
            dst_stride as isize,
            accumulate,
            a.data.as_ptr(),
            a.col_stride as isize,
            a.row_stride as isize,
            b.data.as_ptr(),
            b.col_stride as isize,
            b.row_stride as isize,
            T::of(1.0),
            T::of(1.0),
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

/// Numbers that may be read and written as bytes.
///
/// # Safety
/// No padding, and every bit pattern is a value.
pub unsafe trait Plain: Sized {
    fn bytes(data: &[Self]) -> &[u8] {
        // SAFETY: the bytes of numbers without gaps, for as long as they are borrowed.
        unsafe { std::slice::from_raw_parts(data.as_ptr().cast(), size_of_val(data)) }
    }

    fn bytes_mut(data: &mut [Self]) -> &mut [u8] {
        // SAFETY: as above, and any bytes written are numbers.
        unsafe { std::slice::from_raw_parts_mut(data.as_mut_ptr().cast(), size_of_val(data)) }
    }
}

// SAFETY: IEEE numbers have no gaps, and every pattern is one.
unsafe impl Plain for f32 {}
// SAFETY: as above.
unsafe impl Plain for f64 {}
// SAFETY: as above.
unsafe impl Plain for half::bf16 {}
