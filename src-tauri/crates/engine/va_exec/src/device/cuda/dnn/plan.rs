//! Descriptors and algorithm of one shape.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use candle_core::{Error, Result};
use cudarc::cudnn::{result, sys};

use super::algorithm::Algorithm;
use super::choose::Candidate;
use crate::device::cuda::errors::CudaResult;
use crate::device::cuda::operation::Operation;
use crate::device::{Buffer, ConvPass, Gpu, Number};
use crate::kernels::geometry::ConvGeometry;

/// Descriptors live as long as the process.
pub(super) struct Plan {
    pub x: sys::cudnnTensorDescriptor_t,
    pub y: sys::cudnnTensorDescriptor_t,
    pub w: sys::cudnnFilterDescriptor_t,
    pub conv: sys::cudnnConvolutionDescriptor_t,
    algorithm: Option<Algorithm>,
    workspace_bytes: usize,
}

// SAFETY: descriptors are only read once they are made, under the lock of the plans.
unsafe impl Send for Plan {}

impl Plan {
    /// Without an algorithm.
    ///
    /// # Errors
    /// When cuDNN refuses the shape.
    pub fn new(geo: &ConvGeometry, number: Number) -> Result<Self> {
        let (nhwc, kind) = (sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC, kind(number));
        let ([h, w], [ho, wo], [kh, kw]) = (geo.size, geo.out_size, geo.kernel);
        let plan = Self {
            x: result::create_tensor_descriptor().cuda()?,
            y: result::create_tensor_descriptor().cuda()?,
            w: result::create_filter_descriptor().cuda()?,
            conv: result::create_convolution_descriptor().cuda()?,
            algorithm: None,
            workspace_bytes: 0,
        };
        // SAFETY: descriptors made just before.
        unsafe {
            result::set_tensor4d_descriptor(plan.x, nhwc, kind, ints([geo.batch, geo.channels, h, w])?).cuda()?;
            result::set_tensor4d_descriptor(plan.y, nhwc, kind, ints([geo.batch, geo.out_channels, ho, wo])?).cuda()?;
            let filter = ints([geo.out_channels, geo.channels / geo.groups, kh, kw])?;
            result::set_filter4d_descriptor(plan.w, kind, nhwc, filter).cuda()?;
            plan.describe_windows(geo, number)?;
        }
        Ok(plan)
    }

    unsafe fn describe_windows(&self, geo: &ConvGeometry, number: Number) -> Result<()> {
        let ([sh, sw], [ph, pw], [dh, dw]) = (geo.stride, geo.padding, geo.dilation);
        let [ph, pw, sh, sw] = ints([ph, pw, sh, sw])?;
        let [dh, dw, groups] = ints([dh, dw, geo.groups])?;
        let mode = sys::cudnnConvolutionMode_t::CUDNN_CROSS_CORRELATION;
        let sums = sys::cudnnDataType_t::CUDNN_DATA_FLOAT;
        // SAFETY: as the caller promises.
        unsafe {
            result::set_convolution2d_descriptor(self.conv, ph, pw, sh, sw, dh, dw, mode, sums).cuda()?;
            result::set_convolution_group_count(self.conv, groups).cuda()?;
            result::set_convolution_math_type(self.conv, math(number)).cuda()
        }
    }

    /// The same with this algorithm, in the way of computing and with the memory that cuDNN names for it.
    ///
    /// # Errors
    /// When cuDNN has none of that number.
    pub fn with(&self, pass: ConvPass, chosen: &Candidate) -> Result<Self> {
        let Some(algorithm) = Algorithm::numbered(pass, chosen.choice.algorithm) else { return mixed_up() };
        // SAFETY: the descriptor is the plan's own.
        unsafe { result::set_convolution_math_type(self.conv, chosen.math) }.cuda()?;
        let &Self { x, y, w, conv, .. } = self;
        Ok(Self { x, y, w, conv, algorithm: Some(algorithm), workspace_bytes: chosen.workspace_bytes })
    }

    fn workspace(&self, operation: &Operation<'_>) -> Result<*mut c_void> {
        operation.scratch(Number::F32, self.workspace_bytes.div_ceil(4)).map(|room| pointer(room).cast_mut())
    }

    pub fn forward(&self, operation: &Operation<'_>, keep: bool, [y, x, w]: [Buffer; 3]) -> Result<()> {
        let Some(Algorithm::Forward(algorithm)) = self.algorithm else { return mixed_up() };
        let room = self.workspace(operation)?;
        let (one, base) = (1.0f32, if keep { 1.0f32 } else { 0.0 });
        // SAFETY: buffers of the sizes that the descriptors say (checked by the caller), on the handle's stream.
        unsafe {
            result::convolution_forward(
                operation.lane().dnn(),
                (&raw const one).cast(),
                self.x,
                pointer(x),
                self.w,
                pointer(w),
                self.conv,
                algorithm,
                room,
                self.workspace_bytes,
                (&raw const base).cast(),
                self.y,
                pointer(y).cast_mut(),
            )
        }
        .cuda()
    }

    pub fn input_grad(&self, operation: &Operation<'_>, [dx, dy, w]: [Buffer; 3]) -> Result<()> {
        let Some(Algorithm::InputGrad(algorithm)) = self.algorithm else { return mixed_up() };
        let room = self.workspace(operation)?;
        let (one, base) = (1.0f32, 0.0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_data(
                operation.lane().dnn(),
                (&raw const one).cast(),
                self.w,
                pointer(w),
                self.y,
                pointer(dy),
                self.conv,
                algorithm,
                room,
                self.workspace_bytes,
                (&raw const base).cast(),
                self.x,
                pointer(dx).cast_mut(),
            )
        }
        .cuda()
    }

    pub fn weight_grad(&self, operation: &Operation<'_>, [dw, x, dy]: [Buffer; 3]) -> Result<()> {
        let Some(Algorithm::WeightGrad(algorithm)) = self.algorithm else { return mixed_up() };
        let room = self.workspace(operation)?;
        let (one, base) = (1.0f32, 0.0f32);
        // SAFETY: as in `forward`.
        unsafe {
            result::convolution_backward_filter(
                operation.lane().dnn(),
                (&raw const one).cast(),
                self.x,
                pointer(x),
                self.y,
                pointer(dy),
                self.conv,
                algorithm,
                room,
                self.workspace_bytes,
                (&raw const base).cast(),
                self.w,
                pointer(dw).cast_mut(),
            )
        }
        .cuda()
    }
}

pub(super) fn pointer(buffer: Buffer) -> *const c_void {
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
pub(super) fn math(number: Number) -> sys::cudnnMathType_t {
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
    Err(Error::Msg("a convolution's algorithm is not one of cuDNN's for this pass".to_owned()))
}
