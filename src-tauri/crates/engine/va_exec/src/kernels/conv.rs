//! Convolution as im2col and matrix products, a few megabytes of columns at a time; pointwise convolutions skip im2col.

use super::geometry::ConvGeometry;
use super::matmul::{Matrix, matmul};
use super::real::Real;
use crate::par;

/// Numbers of columns built at a time: 4 MiB of f32, about what the second-level caches of two cores hold.
const COLUMN_BUDGET: usize = 1 << 20;

/// Output pixels handled at a time; a function of the shape alone.
fn block_rows(geo: &ConvGeometry) -> usize {
    (COLUMN_BUDGET / geo.window()).max(256).next_multiple_of(16)
}

/// `y[rows × K] (+)= im2col(x) · w`, group by group.
pub fn conv2d_forward<T: Real>(geo: &ConvGeometry, x: &[T], w: &[T], y: &mut [T], accumulate: bool) {
    let (out, rows) = (geo.out_channels, geo.rows());
    if geo.is_pointwise() && geo.groups == 1 {
        let c = geo.channels;
        return matmul([rows, out, c], y, out, accumulate, Matrix::rows(x, c), Matrix::rows(w, out));
    }
    let (window, per_group, block) = (geo.window(), out / geo.groups, block_rows(geo));
    T::with_workspace(block.min(rows) * window, |columns| {
        for first in (0..rows).step_by(block) {
            let count = block.min(rows - first);
            for group in 0..geo.groups {
                im2col(geo, group, x, first, &mut columns[..count * window]);
                let at = group * per_group;
                let size = [count, per_group, window];
                let (a, b) = (Matrix::rows(&*columns, window), Matrix::rows(&w[at..], out));
                matmul(size, &mut y[first * out + at..], out, accumulate, a, b);
            }
        }
    });
}

/// `dw[window × K] += im2col(x)ᵀ · dy`.
pub fn conv2d_weight_grad<T: Real>(geo: &ConvGeometry, x: &[T], dy: &[T], dw: &mut [T]) {
    let (out, rows, window) = (geo.out_channels, geo.rows(), geo.window());
    if geo.is_pointwise() && geo.groups == 1 {
        let (a, b) = (Matrix::transposed(x, geo.channels), Matrix::rows(dy, out));
        return matmul([window, out, rows], dw, out, true, a, b);
    }
    let (per_group, block) = (out / geo.groups, block_rows(geo));
    T::with_workspace(block.min(rows) * window, |columns| {
        for first in (0..rows).step_by(block) {
            let count = block.min(rows - first);
            for group in 0..geo.groups {
                im2col(geo, group, x, first, &mut columns[..count * window]);
                let at = group * per_group;
                let size = [window, per_group, count];
                let (a, b) = (Matrix::transposed(&*columns, window), Matrix::rows(&dy[first * out + at..], out));
                matmul(size, &mut dw[at..], out, true, a, b);
            }
        }
    });
}

/// `dx = col2im(dy · wᵀ)`.
pub fn conv2d_input_grad<T: Real>(geo: &ConvGeometry, dy: &[T], w: &[T], dx: &mut [T]) {
    let (out, window) = (geo.out_channels, geo.window());
    if geo.is_pointwise() && geo.groups == 1 {
        let (a, b) = (Matrix::rows(dy, out), Matrix::transposed(w, out));
        return matmul([geo.rows(), geo.channels, out], dx, geo.channels, false, a, b);
    }
    let per_group = out / geo.groups;
    let image_rows = geo.out_size[0] * geo.out_size[1];
    let image_len = geo.size[0] * geo.size[1] * geo.channels;
    // Whole images, so that no two tasks add into one pixel.
    let images = (block_rows(geo) / image_rows).clamp(1, geo.batch);
    T::with_workspace(images * image_rows * window, |columns| {
        for (index, dx_block) in dx.chunks_mut(images * image_len).enumerate() {
            let count = dx_block.len() / image_len * image_rows;
            let first = index * images * image_rows;
            par::chunks_mut(dx_block, image_len, |_, image| image.fill(T::ZERO));
            for group in 0..geo.groups {
                let at = group * per_group;
                let size = [count, window, per_group];
                let (a, b) = (Matrix::rows(&dy[first * out + at..], out), Matrix::transposed(&w[at..], out));
                matmul(size, columns, window, false, a, b);
                let columns = &*columns;
                par::chunks_mut(dx_block, image_len, |i, image| {
                    col2im(geo, group, &columns[i * image_rows * window..][..image_rows * window], image);
                });
            }
        }
    });
}

/// Rows of the columns filled by one task.
const ROWS_PER_TASK: usize = 64;

/// Fills `columns` (`count × window`) with the windows of the output pixels from `first` on; padding is zero.
fn im2col<T: Real>(geo: &ConvGeometry, group: usize, x: &[T], first: usize, columns: &mut [T]) {
    let window = geo.window();
    par::chunks_mut(columns, ROWS_PER_TASK * window, |task, part| {
        for (i, column) in part.chunks_exact_mut(window).enumerate() {
            gather(geo, group, x, first + task * ROWS_PER_TASK + i, column);
        }
    });
}

/// Image, output row and output column of an output pixel.
fn pixel(geo: &ConvGeometry, row: usize) -> [usize; 3] {
    let [ho, wo] = geo.out_size;
    [row / (ho * wo), row / wo % ho, row % wo]
}

/// Input coordinate under kernel position `k` of output `o`, or `None` in the padding.
fn source(geo: &ConvGeometry, axis: usize, o: usize, k: usize) -> Option<usize> {
    (o * geo.stride[axis] + k * geo.dilation[axis]).checked_sub(geo.padding[axis]).filter(|&i| i < geo.size[axis])
}

fn gather<T: Real>(geo: &ConvGeometry, group: usize, x: &[T], row: usize, column: &mut [T]) {
    let [n, oy, ox] = pixel(geo, row);
    let ([h, w], [_, kw]) = (geo.size, geo.kernel);
    let per_group = geo.channels / geo.groups;
    let run = kw * per_group;
    for (ky, line) in column.chunks_exact_mut(run).enumerate() {
        let Some(iy) = source(geo, 0, oy, ky) else {
            line.fill(T::ZERO);
            continue;
        };
        let base = ((n * h + iy) * w) * geo.channels + group * per_group;
        let ends = (source(geo, 1, ox, 0), source(geo, 1, ox, kw - 1));
        if let ((Some(ix), Some(_)), 1, 1) = (ends, geo.groups, geo.dilation[1]) {
            // The whole kernel row lies inside and side by side in memory.
            line.copy_from_slice(&x[base + ix * geo.channels..][..run]);
            continue;
        }
        for (kx, cell) in line.chunks_exact_mut(per_group).enumerate() {
            match source(geo, 1, ox, kx) {
                Some(ix) => cell.copy_from_slice(&x[base + ix * geo.channels..][..per_group]),
                None => cell.fill(T::ZERO),
            }
        }
    }
}

/// Adds the windows of one image back to the pixels they came from.
fn col2im<T: Real>(geo: &ConvGeometry, group: usize, columns: &[T], image: &mut [T]) {
    let ([_, w], [kh, kw]) = (geo.size, geo.kernel);
    let per_group = geo.channels / geo.groups;
    let window = geo.window();
    for (row, column) in columns.chunks_exact(window).enumerate() {
        let [_, oy, ox] = pixel(geo, row);
        for ky in 0..kh {
            let Some(iy) = source(geo, 0, oy, ky) else { continue };
            for kx in 0..kw {
                let Some(ix) = source(geo, 1, ox, kx) else { continue };
                let to = &mut image[(iy * w + ix) * geo.channels + group * per_group..][..per_group];
                let from = &column[(ky * kw + kx) * per_group..][..per_group];
                to.iter_mut().zip(from).for_each(|(to, &from)| *to += from);
            }
        }
    }
}
