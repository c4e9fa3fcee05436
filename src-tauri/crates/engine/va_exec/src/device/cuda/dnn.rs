//! Convolutions by cuDNN: NHWC, sums in f32, f32 without TF32. For each shape an algorithm is chosen once; a shape that
//! cuDNN has none for is left to the windows and products of `device::convolution`.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::sync::Arc;

use candle_core::{Error, Result};
use cudarc::cudnn::{result, sys};
use cudarc::driver::CudaStream;

use super::errors::CudaResult;
use super::operation::Operation;
use crate::device::{Buffer, Call, ConvPass, Gpu, Number};
use crate::kernels::geometry::ConvGeometry;

/// Scratch memory that an algorithm may ask for.
const WORKSPACE_BYTES: usize = 1 << 30;
/// How many algorithms cuDNN is asked to rank.
const RANKED: usize = 8;

/// A product of one shape. `keep` does not change which algorithm serves it.
type Key = (ConvPass, ConvGeometry, Number);

pub(super) struct Dnn {
    handle: sys::cudnnHandle_t,
    /// None: cuDNN has no algorithm.
    plans: HashMap<Key, Option<Plan>>,
}

// SAFETY: the handle is used under a lock, by one thread at a time, on one stream.
unsafe impl Send for Dnn {}

/// Descriptors and algorithm of one shape; they live as long as the process.
struct Plan {
    x: sys::cudnnTensorDescriptor_t,
    y: sys::cudnnTensorDescriptor_t,
    w: sys::cudnnFilterDescriptor_t,
    conv: sys::cudnnConvolutionDescriptor_t,
    algorithm: Algorithm,
    workspace: usize,
}

#[derive(Clone, Copy)]
enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    InputGrad(sys::cudnnConvolutionBwdDataAlgo_t),
    WeightGrad(sys::cudnnConvolutionBwdFilterAlgo_t),
}

impl Dnn {
    pub fn new(stream: &Arc<CudaStream>) -> Result<Self> {
        let handle = result::create_handle().cuda()?;
        // SAFETY: a handle made just before; the two stream types are one.
        unsafe { result::set_stream(handle, stream.cu_stream().cast()) }.cuda()?;
        Ok(Self { handle, plans: HashMap::new() })
    }

    /// False where cuDNN has no algorithm for the shape.
    pub fn run(
        &mut self,
        operation: &Operation<'_>,
        pass: ConvPass,
        geometry: &ConvGeometry,
        operands: [Buffer; 3],
    ) -> Result<bool> {
        let number = Number::of_values(&operands);
        let plain = match pass {
            ConvPass::Forward { .. } => ConvPass::Forward { keep: false },
            other => other,
        };
        let handle = self.handle;
        let key = (plain, geometry.clone(), number);
        let plan = self.plans.entry(key).or_insert_with(|| Plan::make(handle, pass, geometry, number).ok());
        let Some(plan) = plan else { return Ok(false) };
        match pass {
            ConvPass::Forward { keep } => plan.forward(handle, operation, geometry, keep, operands)?,
            ConvPass::InputGrad => plan.input_grad(handle, operation, geometry, operands)?,
            ConvPass::WeightGrad => plan.weight_grad(handle, operation, geometry, operands)?,
        }
        Ok(true)
    }
}

impl Plan {
    /// # Errors
    /// When cuDNN has no algorithm for the shape.
    fn make(handle: sys::cudnnHandle_t, pass: ConvPass, geo: &ConvGeometry, number: Number) -> Result<Self> {
        let (x, y) = (result::create_tensor_descriptor().cuda()?, result::create_tensor_descriptor().cuda()?);
        let w = result::create_filter_descriptor().cuda()?;
        let conv = result::create_convolution_descriptor().cuda()?;
        let mut plan = Self {
            x,
            y,
            w,
            conv,
            algorithm: Algorithm::Forward(sys::cudnnConvolutionFwdAlgo_t::CUDNN_CONVOLUTION_FWD_ALGO_IMPLICIT_GEMM),
            workspace: 0,
        };
        // SAFETY: descriptors made just before, filled before they are used.
        unsafe {
            plan.describe(geo, number)?;
            (plan.algorithm, plan.workspace) = plan.choose(handle, pass, number)?;
        }
        Ok(plan)
    }

    unsafe fn describe(&self, geo: &ConvGeometry, number: Number) -> Result<()> {
        let (nhwc, kind) = (sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC, kind(number));
        let ([h, w], [ho, wo], [kh, kw]) = (geo.size, geo.out_size, geo.kernel);
        let ([sh, sw], [ph, pw], [dh, dw]) = (geo.stride, geo.padding, geo.dilation);
        // SAFETY: as the caller promises.
        unsafe {
            result::set_tensor4d_descriptor(self.x, nhwc, kind, ints([geo.batch, geo.channels, h, w])?).cuda()?;
            result::set_tensor4d_descriptor(self.y, nhwc, kind, ints([geo.batch, geo.out_channels, ho, wo])?).cuda()?;
            let filter = ints([geo.out_channels, geo.channels / geo.groups, kh, kw])?;
            result::set_filter4d_descriptor(self.w, kind, nhwc, filter).cuda()?;
            let [ph, pw, sh, sw] = ints([ph, pw, sh, sw])?;
            let [dh, dw, groups] = ints([dh, dw, geo.groups])?;
            let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
            let sums = sys::cudnnDataType_t::CUDNN_DATA_FLOAT;
            result::set_convolution2d_descriptor(self.conv, ph, pw, sh, sw, dh, dw, mode, sums).cuda()?;
            result::set_convolution_group_count(self.conv, groups).cuda()?;
            result::set_convolution_math_type(self.conv, math(number)).cuda()
        }
    }

    /// The best ranked algorithm that gives the same bits every time.
    unsafe fn choose(&self, handle: sys::cudnnHandle_t, pass: ConvPass, number: Number) -> Result<(Algorithm, usize)> {
        macro_rules! ranked {
            ($kind:ty, $ask:path, [$one:expr, $two:expr, $three:expr], $make:expr) => {{
                let mut found = 0;
                let mut results = [const { MaybeUninit::<$kind>::uninit() }; RANKED];
                let room = results.as_mut_ptr().cast();
                // SAFETY: room for as many as are asked for; cuDNN fills the first `found`.
                unsafe { $ask(handle, $one, $two, self.conv, $three, RANKED as c_int, &raw mut found, room) }.cuda()?;
                let filled = usize::try_from(found).unwrap_or(0);
                // SAFETY: those that cuDNN filled.
                let mut results = results.iter().take(filled).map(|result| unsafe { result.assume_init() });
                let fits = |r: &$kind| {
                    r.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS
                        && r.determinism == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC
                        && r.memory <= WORKSPACE_BYTES
                        && (number == Number::Bf16 || r.mathType == math(number))
                };
                results.find(fits).map(|r| ($make(r.algo), r.memory))
            }};
        }
        let (x, y, w) = (self.x, self.y, self.w);
        let chosen = match pass {
            ConvPass::Forward { .. } => ranked!(
                sys::cudnnConvolutionFwdAlgoPerf_t,
                result::get_convolution_forward_algorithm,
                [x, w, y],
                Algorithm::Forward
            ),
            ConvPass::InputGrad => ranked!(
                sys::cudnnConvolutionBwdDataAlgoPerf_t,
                result::get_convolution_backward_data_algorithm,
                [w, y, x],
                Algorithm::InputGrad
            ),
            ConvPass::WeightGrad => ranked!(
                sys::cudnnConvolutionBwdFilterAlgoPerf_t,
                result::get_convolution_backward_filter_algorithm,
                [x, y, w],
                Algorithm::WeightGrad
            ),
        };
        chosen.ok_or_else(|| Error::Msg("cuDNN has no algorithm for this convolution".to_owned()))
    }

    fn forward(
        &self,
        handle: sys::cudnnHandle_t,
        operation: &Operation<'_>,
        geo: &ConvGeometry,
        keep: bool,
        [y, x, w]: [Buffer; 3],
    ) -> Result<()> {
        let Algorithm::Forward(algorithm) = self.algorithm else { return mixed_up() };
        let w = filter(operation, geo, w, x.number)?;
        let workspace = operation.scratch(Number::F32, self.workspace.div_ceil(4))?;
        let (one, base) = (1.0f32, if keep { 1.0f32 } else { 0.0 });
        // SAFETY: buffers of the sizes that the descriptors say (checked by the caller), on the handle's stream.
        unsafe {
            result::convolution_forward(
                handle,
                (&raw const one).cast(),
                self.x,
                pointer(x),
                self.w,
                pointer(w),
                self.conv,
                algorithm,
                pointer(workspace).cast_mut(),
                self.workspace,
                (&raw const base).cast(),
                self.y,
                pointer(y).cast_mut(),
            )
        }
        .cuda()
    }

    fn input_grad(
        &self,
        handle: sys::cudnnHandle_t,
        operation: &Operation<'_>,
        geo: &ConvGeometry,
        [dx, dy, w]: [Buffer; 3],
    ) -> Result<()> {
        let Algorithm::InputGrad(algorithm) = self.algorithm else { return mixed_up() };
        let w = filter(operation, geo, w, dy.number)?;
        let workspace = operation.scratch(Number::F32, self.workspace.div_ceil(4))?;
        let (one, base) = (1.0f32, 0.0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_data(
                handle,
                (&raw const one).cast(),
                self.w,
                pointer(w),
                self.y,
                pointer(dy),
                self.conv,
                algorithm,
                pointer(workspace).cast_mut(),
                self.workspace,
                (&raw const base).cast(),
                self.x,
                pointer(dx).cast_mut(),
            )
        }
        .cuda()
    }

    /// Into scratch memory as cuDNN lays it out, then added.
    fn weight_grad(
        &self,
        handle: sys::cudnnHandle_t,
        operation: &Operation<'_>,
        geo: &ConvGeometry,
        [dw, x, dy]: [Buffer; 3],
    ) -> Result<()> {
        let Algorithm::WeightGrad(algorithm) = self.algorithm else { return mixed_up() };
        let found = operation.scratch(x.number, dw.len)?;
        let workspace = operation.scratch(Number::F32, self.workspace.div_ceil(4))?;
        let (one, base) = (1.0f32, 0.0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_filter(
                handle,
                (&raw const one).cast(),
                self.x,
                pointer(x),
                self.y,
                pointer(dy),
                self.conv,
                algorithm,
                pointer(workspace).cast_mut(),
                self.workspace,
                (&raw const base).cast(),
                self.w,
                pointer(found).cast_mut(),
            )
        }
        .cuda()?;
        let call = Call::over("convolution", "add_transposed", x.number, dw.len).real(dw).value(found);
        call.count(geo.window()).count(geo.out_channels).count(dw.len).run(operation)
    }
}

/// `[kh, kw, C / groups, K]` in f32 as cuDNN's `[K, kh, kw, C / groups]` in values.
fn filter(operation: &Operation<'_>, geo: &ConvGeometry, w: Buffer, number: Number) -> Result<Buffer> {
    let values = operation.scratch(number, w.len)?;
    let call = Call::over("convolution", "transpose_narrow", number, w.len).value(values).real(w);
    call.count(geo.window()).count(geo.out_channels).count(w.len).run(operation)?;
    Ok(values)
}

fn pointer(buffer: Buffer) -> *const c_void {
    buffer.address as *const c_void
}

fn kind(number: Number) -> sys::cudnnDataType_t {
    if number == Number::Bf16 {
        sys::cudnnDataType_t::CUDNN_DATA_BFLOAT16
    } else {
        sys::cudnnDataType_t::CUDNN_DATA_FLOAT
    }
}

/// Tensor cores for bf16; for f32 none, because they would round to TF32.
fn math(number: Number) -> sys::cudnnMathType_t {
    if number == Number::Bf16 {
        sys::cudnnMathType_t::CUDNN_TENSOR_OP_MATH
    } else {
        sys::cudnnMathType_t::CUDNN_FMA_MATH
    }
}

fn ints<const N: usize>(values: [usize; N]) -> Result<[c_int; N]> {
    let mut ints = [0; N];
    for (int, value) in ints.iter_mut().zip(values) {
        *int = c_int::try_from(value).map_err(|_| Error::Msg(format!("{value} is too large for cuDNN")))?;
    }
    Ok(ints)
}

fn mixed_up<T>() -> Result<T> {
    Err(Error::Msg("BUG: a convolution's plan is of another pass".to_owned()))
}
