//! Matrix products cut into tiles by shape alone, so that the thread count changes no bit.

use super::raw::{Shared, View, gemm_tile};
use super::real::Real;
use crate::par;

/// A matrix to read with its strides; see [`matmul`].
#[derive(Clone, Copy)]
pub struct Matrix<'a, T> {
    pub data: &'a [T],
    pub row_stride: usize,
    pub col_stride: usize,
}

impl<'a, T> Matrix<'a, T> {
    /// Row-major with this many numbers from one row to the next.
    pub fn rows(data: &'a [T], row_stride: usize) -> Self {
        Self { data, row_stride, col_stride: 1 }
    }

    /// The transpose of a row-major matrix.
    pub fn transposed(data: &'a [T], row_stride: usize) -> Self {
        Self { data, row_stride: 1, col_stride: row_stride }
    }
}

/// `dst[m × n] (+)= a[m × k] · b[k × n]`; `dst` rows are `dst_stride` apart. Without `accumulate` the tile is
/// overwritten.
///
/// # Panics
/// When a slice is too short for its dimensions.
pub fn matmul<T: Real>(
    [m, n, k]: [usize; 3],
    dst: &mut [T],
    dst_stride: usize,
    accumulate: bool,
    a: Matrix<'_, T>,
    b: Matrix<'_, T>,
) {
    if m == 0 || n == 0 {
        return;
    }
    let (tile_m, tile_n) = tile_size(m, n);
    let (across, down) = (n.div_ceil(tile_n), m.div_ceil(tile_m));
    let out = Shared::new(dst);
    let tile = |index: usize| {
        let (row, col) = (index / across * tile_m, index % across * tile_n);
        let size = [tile_m.min(m - row), tile_n.min(n - col), k];
        let left = View { data: &a.data[row * a.row_stride..], row_stride: a.row_stride, col_stride: a.col_stride };
        let right = View { data: &b.data[col * b.col_stride..], row_stride: b.row_stride, col_stride: b.col_stride };
        gemm_tile(size, out, row * dst_stride + col, dst_stride, accumulate, left, right);
    };
    if across * down == 1 || m * n * k < 1 << 15 {
        (0..across * down).for_each(tile);
    } else {
        par::each(across * down, tile);
    }
}

/// About eight tiles, cut along the longer side so that the operand that must be packed again stays small.
fn tile_size(m: usize, n: usize) -> (usize, usize) {
    if m >= n {
        (m.div_ceil(8).next_multiple_of(16).max(32), n)
    } else {
        (m, n.div_ceil(8).next_multiple_of(32).max(64))
    }
}
