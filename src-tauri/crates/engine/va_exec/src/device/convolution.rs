//! Convolutions: depthwise ones by kernels of our own, pointwise ones as matrix products, others by the library that is
//! made for them where it has the shape, and by windows and matrix products where it has not.

use std::ops::Range;

use candle_core::Result;

use super::channels::{self, finish};
use super::depthwise::{depthwise, depthwise_input_grad, depthwise_weight_grad};
use super::weights::Weights;
use super::{Buffer, Call, ConvPass, DeviceKernel, Finish, Gpu, MatMul, Matrix, Number};
use crate::kernels::activation::Activation;
use crate::kernels::conv_ops::{Conv2dForward, Conv2dInputGrad, Conv2dWeightGrad, Epilogue};
use crate::kernels::geometry::ConvGeometry;

pub(super) const FILE: &str = "convolution";

/// Numbers of windows made at a time.
const COLUMNS: usize = 1 << 26;

/// The geometry as `Conv` of `gpu/convolution.cu`.
pub(super) fn shape(geo: &ConvGeometry) -> [usize; 16] {
    let ([h, w], [ho, wo], [kh, kw]) = (geo.size, geo.out_size, geo.kernel);
    let ([sh, sw], [ph, pw], [dh, dw]) = (geo.stride, geo.padding, geo.dilation);
    [geo.batch, h, w, geo.channels, ho, wo, geo.out_channels, kh, kw, sh, sw, ph, pw, dh, dw, geo.groups]
}

fn check(geo: &ConvGeometry, x: Buffer, w: Buffer, y: Buffer) -> Result<()> {
    x.expect("conv2d", "input", geo.input_len())?;
    w.expect("conv2d", "weight", geo.weight_len())?;
    y.expect("conv2d", "output", geo.output_len())
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
        let weights = Weights::of(&self.epilogue, params, geo.out_channels, self.laid_out.as_ref())?;
        check(geo, x, weights.weight, y)?;
        if geo.is_matrix() {
            let (out, window) = (geo.out_channels, geo.window());
            let (a, b) = (Matrix::rows(x, window), Matrix::rows(weights.matrix(gpu, x.number)?, out));
            let product = MatMul::new([geo.rows(), out, window], Matrix::rows(y, out), a, b);
            return channels::product(gpu, &self.epilogue, product, &weights);
        }
        if geo.is_depthwise() {
            depthwise(gpu, geo, keep, [y, x, weights.weight])?;
        } else {
            let operands = [y, x, weights.filter(gpu, geo, x.number)?];
            if finished_by_library(gpu, geo, &self.epilogue, operands, &weights)? {
                return Ok(());
            }
            if !gpu.convolve(ConvPass::Forward { keep }, geo, operands)? {
                forward_by_products(gpu, geo, keep, operands)?;
            }
        }
        finish(gpu, &self.epilogue, y, weights.bias, geo.out_channels)
    }
}

/// With everything that follows in the same kernel, where there is such a one.
fn finished_by_library(
    gpu: &dyn Gpu,
    geo: &ConvGeometry,
    epilogue: &Epilogue,
    operands: [Buffer; 3],
    weights: &Weights<'_>,
) -> Result<bool> {
    let (None | Some(Activation::Relu)) = epilogue.activation else { return Ok(false) };
    let Some(bias) = weights.bias_values(gpu, operands[0].number)? else { return Ok(false) };
    let finish = Finish { bias, keep: epilogue.sum, relu: epilogue.activation.is_some() };
    gpu.convolve_finished(geo, operands, finish)
}

/// With w by output channel, `[K, window]`.
fn forward_by_products(gpu: &dyn Gpu, geo: &ConvGeometry, keep: bool, [y, x, w]: [Buffer; 3]) -> Result<()> {
    let (out, window) = (geo.out_channels, geo.window());
    let columns = gpu.scratch(x.number, columns_len(geo))?;
    let per_group = out / geo.groups;
    for_windows(geo, |images, group| {
        let part = Part::of(geo, &images);
        windows(gpu, geo, x, columns, &part, group)?;
        let at = group * per_group;
        let dst = Matrix::rows(tail(range(y, part.output)?, at)?, out);
        let (a, b) = (Matrix::rows(columns, window), Matrix::transposed(tail(w, at * window)?, window));
        MatMul::new([part.rows, per_group, window], dst, a, b).accumulate(keep).run(gpu)
    })
}

impl DeviceKernel<2> for Conv2dInputGrad {
    fn run_on(&self, gpu: &dyn Gpu, dx: Buffer, [dy, w]: [Buffer; 2]) -> Result<()> {
        let (geo, weights) = (&self.geometry, Weights::without_bias(w, self.laid_out.as_ref()));
        check(geo, dx, w, dy)?;
        if geo.is_depthwise() {
            return depthwise_input_grad(gpu, geo, [dx, dy, w]);
        }
        if geo.is_matrix() {
            let (out, window) = (geo.out_channels, geo.window());
            let (a, b) = (Matrix::rows(dy, out), Matrix::transposed(weights.matrix(gpu, dy.number)?, out));
            return MatMul::new([geo.rows(), window, out], Matrix::rows(dx, window), a, b).run(gpu);
        }
        let operands = [dx, dy, weights.filter(gpu, geo, dy.number)?];
        if gpu.convolve(ConvPass::InputGrad, geo, operands)? {
            return Ok(());
        }
        input_grad_by_products(gpu, geo, operands)
    }
}

/// With w by output channel, `[K, window]`.
fn input_grad_by_products(gpu: &dyn Gpu, geo: &ConvGeometry, [dx, dy, w]: [Buffer; 3]) -> Result<()> {
    let (out, window) = (geo.out_channels, geo.window());
    // In f32, because several of them add up to one number.
    let columns = gpu.scratch(Number::F32, columns_len(geo))?;
    let per_group = out / geo.groups;
    for_windows(geo, |images, group| {
        let part = Part::of(geo, &images);
        let at = group * per_group;
        let a = Matrix::rows(tail(range(dy, part.output)?, at)?, out);
        let b = Matrix::rows(tail(w, at * window)?, window);
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
        if geo.is_depthwise() {
            return depthwise_weight_grad(gpu, geo, [dw, x, dy]);
        }
        if !geo.is_matrix() && weight_grad_by_library(gpu, geo, [dw, x, dy])? {
            return Ok(());
        }
        weight_grad_by_products(gpu, geo, [dw, x, dy])
    }
}

/// Into scratch memory by output channel, then added.
fn weight_grad_by_library(gpu: &dyn Gpu, geo: &ConvGeometry, [dw, x, dy]: [Buffer; 3]) -> Result<bool> {
    let found = gpu.scratch(x.number, dw.len)?;
    if !gpu.convolve(ConvPass::WeightGrad, geo, [found, x, dy])? {
        return Ok(false);
    }
    let (rows, columns) = (geo.window(), geo.out_channels);
    let call = Call::by_squares(FILE, "add_transposed", x.number, [rows, columns]).real(dw).value(found);
    call.count(rows).count(columns).run(gpu)?;
    Ok(true)
}

fn weight_grad_by_products(gpu: &dyn Gpu, geo: &ConvGeometry, [dw, x, dy]: [Buffer; 3]) -> Result<()> {
    let (out, window) = (geo.out_channels, geo.window());
    if geo.is_matrix() {
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
