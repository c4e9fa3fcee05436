//! Convolutions: depthwise ones by kernels of our own, pointwise ones as matrix products, others by the library that is
//! made for them where it has the shape, and by windows and matrix products where it has not.

use std::ops::Range;

use candle_core::Result;

use super::channels::{self, bias_and_weight, finish, join_parts};
use super::{Buffer, Call, ConvPass, DeviceKernel, Gpu, MatMul, Matrix, Number, as_values, rows_per_part};
use crate::kernels::conv_ops::{Conv2dForward, Conv2dInputGrad, Conv2dWeightGrad};
use crate::kernels::geometry::ConvGeometry;

const FILE: &str = "convolution";

/// Numbers of windows made at a time.
const COLUMNS: usize = 1 << 26;

/// The geometry as `Conv` of `gpu/convolution.cu`.
fn shape(geo: &ConvGeometry) -> [usize; 16] {
    let ([h, w], [ho, wo], [kh, kw]) = (geo.size, geo.out_size, geo.kernel);
    let ([sh, sw], [ph, pw], [dh, dw]) = (geo.stride, geo.padding, geo.dilation);
    [geo.batch, h, w, geo.channels, ho, wo, geo.out_channels, kh, kw, sh, sw, ph, pw, dh, dw, geo.groups]
}

fn check(geo: &ConvGeometry, x: Buffer, w: Buffer, y: Buffer) -> Result<()> {
    x.expect("conv2d", "input", geo.input_len())?;
    w.expect("conv2d", "weight", geo.weight_len())?;
    y.expect("conv2d", "output", geo.output_len())
}

fn is_depthwise(geo: &ConvGeometry) -> bool {
    geo.groups == geo.channels && geo.out_channels == geo.channels
}

fn is_matrix(geo: &ConvGeometry) -> bool {
    geo.is_pointwise() && geo.groups == 1
}

/// Whole images whose windows are made at a time, and for each group: `run(images, group, windows of the group)`.
fn for_windows(geo: &ConvGeometry, mut run: impl FnMut(Range<usize>, usize) -> Result<()>) -> Result<()> {
    let image_rows = geo.out_size[0] * geo.out_size[1];
    let at_once = (COLUMNS / (image_rows * geo.window())).clamp(1, geo.batch);
    for first in (0..geo.batch).step_by(at_once) {
        let images = first..(first + at_once).min(geo.batch);
        for group in 0..geo.groups {
            run(images.clone(), group)?;
        }
    }
    Ok(())
}

/// Sizes of some images of a convolution: rows of the output, and where they begin in input and output.
struct Part {
    rows: usize,
    input: Range<usize>,
    output: Range<usize>,
}

impl Part {
    fn of(geo: &ConvGeometry, images: &Range<usize>) -> Self {
        let image_rows = geo.out_size[0] * geo.out_size[1];
        let (image, out) = (geo.size[0] * geo.size[1] * geo.channels, image_rows * geo.out_channels);
        let scaled = |len: usize| images.start * len..images.end * len;
        Self { rows: images.len() * image_rows, input: scaled(image), output: scaled(out) }
    }
}

fn range(buffer: Buffer, range: Range<usize>) -> Result<Buffer> {
    buffer.part(range.start, range.len())
}

fn tail(buffer: Buffer, at: usize) -> Result<Buffer> {
    buffer.part(at, buffer.len - at)
}

/// The windows of a group of some images, as values.
fn windows(gpu: &dyn Gpu, geo: &ConvGeometry, x: Buffer, columns: Buffer, part: &Part, group: usize) -> Result<()> {
    let len = part.rows * geo.window();
    let call = Call::over(FILE, "image_to_columns", x.number, len).value(columns);
    call.value(range(x, part.input.clone())?).shape(&shape(geo)).count(group).count(len).run(gpu)
}

/// Numbers of the windows made at a time.
fn columns_len(geo: &ConvGeometry) -> usize {
    let image = geo.out_size[0] * geo.out_size[1] * geo.window();
    (COLUMNS / image).clamp(1, geo.batch) * image
}

impl DeviceKernel<2> for Conv2dForward {
    fn run_on(&self, gpu: &dyn Gpu, y: Buffer, [x, params]: [Buffer; 2]) -> Result<()> {
        let (geo, keep) = (&self.geometry, self.epilogue.sum);
        let (bias, w) = bias_and_weight(&self.epilogue, params, geo.out_channels)?;
        check(geo, x, w, y)?;
        if is_matrix(geo) {
            let (out, window, w) = (geo.out_channels, geo.window(), as_values(gpu, w, x.number)?);
            let (a, b) = (Matrix::rows(x, window), Matrix::rows(w, out));
            let product = MatMul::new([geo.rows(), out, window], Matrix::rows(y, out), a, b);
            return channels::product(gpu, &self.epilogue, product, bias);
        }
        if is_depthwise(geo) {
            let call = Call::over(FILE, "depthwise", x.number, y.len).value(y).value(x).real(w);
            call.shape(&shape(geo)).flag(keep).count(y.len).run(gpu)?;
        } else if !gpu.convolve(ConvPass::Forward { keep }, geo, [y, x, w])? {
            forward_by_products(gpu, geo, keep, [y, x, w])?;
        }
        finish(gpu, &self.epilogue, y, bias, geo.out_channels)
    }
}

fn forward_by_products(gpu: &dyn Gpu, geo: &ConvGeometry, keep: bool, [y, x, w]: [Buffer; 3]) -> Result<()> {
    let (out, window, w) = (geo.out_channels, geo.window(), as_values(gpu, w, x.number)?);
    let columns = gpu.scratch(x.number, columns_len(geo))?;
    let per_group = out / geo.groups;
    for_windows(geo, |images, group| {
        let part = Part::of(geo, &images);
        windows(gpu, geo, x, columns, &part, group)?;
        let at = group * per_group;
        let dst = Matrix::rows(tail(range(y, part.output)?, at)?, out);
        let (a, b) = (Matrix::rows(columns, window), Matrix::rows(tail(w, at)?, out));
        MatMul::new([part.rows, per_group, window], dst, a, b).accumulate(keep).run(gpu)
    })
}

impl DeviceKernel<2> for Conv2dInputGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy, w]: [Buffer; 2]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, dx, w, dy)?;
        if is_depthwise(geo) {
            let call = Call::over(FILE, "depthwise_input_grad", dy.number, dx.len).value(dx).value(dy).real(w);
            return call.shape(&shape(geo)).count(dx.len).run(gpu);
        }
        if !is_matrix(geo) && gpu.convolve(ConvPass::InputGrad, geo, [dx, dy, w])? {
            return Ok(());
        }
        input_grad_by_products(gpu, geo, [dx, dy, w])
    }
}

fn input_grad_by_products(gpu: &dyn Gpu, geo: &ConvGeometry, [dx, dy, w]: [Buffer; 3]) -> Result<()> {
    let (out, window, w) = (geo.out_channels, geo.window(), as_values(gpu, w, dy.number)?);
    if is_matrix(geo) {
        let (a, b) = (Matrix::rows(dy, out), Matrix::transposed(w, out));
        return MatMul::new([geo.rows(), window, out], Matrix::rows(dx, window), a, b).run(gpu);
    }
    // In f32, because several of them add up to one number.
    let columns = gpu.scratch(Number::F32, columns_len(geo))?;
    let per_group = out / geo.groups;
    for_windows(geo, |images, group| {
        let part = Part::of(geo, &images);
        let at = group * per_group;
        let a = Matrix::rows(tail(range(dy, part.output)?, at)?, out);
        let b = Matrix::transposed(tail(w, at)?, out);
        MatMul::new([part.rows, window, per_group], Matrix::rows(columns, window), a, b).run(gpu)?;
        let len = part.input.len() / geo.groups;
        let call = Call::over(FILE, "columns_to_image", dx.number, len).value(range(dx, part.input)?);
        call.real(columns).shape(&shape(geo)).count(group).count(len).run(gpu)
    })
}

impl DeviceKernel<2> for Conv2dWeightGrad {
    fn run_on(&self, gpu: &dyn Gpu, dw: Buffer, [x, dy]: [Buffer; 2]) -> Result<()> {
        let geo = &self.geometry;
        check(geo, x, dw, dy)?;
        if is_depthwise(geo) {
            return depthwise_weight_grad(gpu, geo, [dw, x, dy]);
        }
        if !is_matrix(geo) && gpu.convolve(ConvPass::WeightGrad, geo, [dw, x, dy])? {
            return Ok(());
        }
        weight_grad_by_products(gpu, geo, [dw, x, dy])
    }
}

fn depthwise_weight_grad(gpu: &dyn Gpu, geo: &ConvGeometry, [dw, x, dy]: [Buffer; 3]) -> Result<()> {
    let (rows, taps) = (geo.rows(), geo.kernel[0] * geo.kernel[1]);
    let per_part = rows_per_part(rows);
    let count = rows.div_ceil(per_part);
    let parts = gpu.scratch(Number::F32, count * dw.len)?;
    let grid = [geo.channels, count, taps];
    let call = Call::by_column(FILE, "depthwise_weight_grad", x.number, grid).real(parts).value(x).value(dy);
    call.shape(&shape(geo)).count(rows).count(per_part).run(gpu)?;
    join_parts(gpu, dw, parts, count, true)
}

fn weight_grad_by_products(gpu: &dyn Gpu, geo: &ConvGeometry, [dw, x, dy]: [Buffer; 3]) -> Result<()> {
    let (out, window) = (geo.out_channels, geo.window());
    if is_matrix(geo) {
        let (a, b) = (Matrix::transposed(x, window), Matrix::rows(dy, out));
        return MatMul::new([window, out, geo.rows()], Matrix::rows(dw, out), a, b).accumulate(true).run(gpu);
    }
    let columns = gpu.scratch(x.number, columns_len(geo))?;
    let per_group = out / geo.groups;
    for_windows(geo, |images, group| {
        let part = Part::of(geo, &images);
        windows(gpu, geo, x, columns, &part, group)?;
        let at = group * per_group;
        let (a, b) = (Matrix::transposed(columns, window), Matrix::rows(tail(range(dy, part.output)?, at)?, out));
        let dst = Matrix::rows(tail(dw, at)?, out);
        MatMul::new([window, per_group, part.rows], dst, a, b).accumulate(true).run(gpu)
    })
}
