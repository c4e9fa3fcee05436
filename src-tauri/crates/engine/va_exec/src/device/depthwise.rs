//! Depthwise convolutions: one channel a group, by kernels of our own.

use candle_core::Result;

use super::channels::join_parts;
use super::convolution::{FILE, shape};
use super::spread::{Columns, readable, width};
use super::{Buffer, Call, Gpu, Number};
use crate::kernels::geometry::ConvGeometry;

/// Pixels beside each other of one thread, `PIXELS` of `gpu/convolution.cu`, where that leaves so many threads.
const PIXELS: usize = 4;
const THREADS_ENOUGH: usize = 1 << 16;

/// Channels and pixels that a thread takes at once, and how many threads that makes for images of this size.
fn spread(batch: usize, [height, image_width]: [usize; 2], channels: usize, operands: &[Buffer]) -> [usize; 3] {
    let width = width(operands, &[channels]);
    let threads = |pixels: usize| batch * height * image_width.div_ceil(pixels) * (channels / width);
    let pixels = if width > 1 && threads(PIXELS) >= THREADS_ENOUGH { PIXELS } else { 1 };
    [width, pixels, threads(pixels)]
}

/// `y = conv(x, w)`, or with `keep` plus what is in y.
pub(super) fn depthwise(gpu: &dyn Gpu, geo: &ConvGeometry, keep: bool, [y, x, w]: [Buffer; 3]) -> Result<()> {
    let w = readable(gpu, w, geo.channels)?;
    let [width, pixels, threads] = spread(geo.batch, geo.out_size, geo.channels, &[y, x, w]);
    let call = Call::over(FILE, "depthwise", x.number, threads).value(y).value(x).real(w).shape(&shape(geo));
    call.flag(keep).count(width).count(pixels).count(threads).run(gpu)
}

/// `dx = convᵀ(dy, w)`.
pub(super) fn depthwise_input_grad(gpu: &dyn Gpu, geo: &ConvGeometry, [dx, dy, w]: [Buffer; 3]) -> Result<()> {
    let w = readable(gpu, w, geo.channels)?;
    let [width, pixels, threads] = spread(geo.batch, geo.size, geo.channels, &[dx, dy, w]);
    let call = Call::over(FILE, "depthwise_input_grad", dy.number, threads).value(dx).value(dy).real(w);
    call.shape(&shape(geo)).count(width).count(pixels).count(threads).run(gpu)
}

/// `dw += x ⋆ dy`. A block sums 3 × 3 taps, or up to five of one row, for which dy is read once.
pub(super) fn depthwise_weight_grad(gpu: &dyn Gpu, geo: &ConvGeometry, [dw, x, dy]: [Buffer; 3]) -> Result<()> {
    let operands = [x, dy];
    let taps = match (width(&operands, &[geo.channels]), geo.kernel) {
        (1, _) => [1, 1],
        (_, [3, 3]) => [3, 3],
        _ => [1, 5],
    };
    let layers = geo.kernel[0].div_ceil(taps[0]) * geo.kernel[1].div_ceil(taps[1]);
    let columns = Columns::to_sum_in_layers(geo.rows(), geo.channels, &operands, layers);
    let parts = gpu.scratch(Number::F32, columns.parts() * dw.len)?;
    let call = Call::by_column_in_layers(FILE, "depthwise_weight_grad", x.number, &columns, layers);
    let call = call.real(parts).value(x).value(dy).shape(&shape(geo));
    call.count(taps[0]).count(taps[1]).run(gpu)?;
    join_parts(gpu, dw, parts, columns.parts(), true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_taken_together_where_threads_remain() {
        // MobileNetV4-conv-small: the first depthwise convolution and a late one, at batch 8.
        assert_eq!(spread(8, [112, 112], 32, &[]), [8, 4, 8 * 112 * 28 * 4]);
        assert_eq!(spread(8, [7, 7], 960, &[]), [8, 1, 8 * 49 * 120]);
        assert_eq!(spread(8, [7, 7], 12, &[]), [1, 1, 8 * 49 * 12]);
    }
}
