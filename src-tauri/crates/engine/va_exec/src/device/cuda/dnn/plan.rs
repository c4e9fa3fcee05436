//! Descriptors and algorithm of one shape.
#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};

use candle_core::{Error, Result};
use cudarc::cudnn::{result, sys};

use super::Asked;
use super::algorithm::{Algorithm, Form};
use super::choose::Candidate;
use crate::device::cuda::errors::CudaResult;
use crate::device::cuda::operation::Operation;
use crate::device::{Buffer, Gpu, Number};
use crate::kernels::geometry::ConvGeometry;

/// Of one call; they live as long as the process.
#[derive(Clone, Copy)]
pub(super) struct Descriptors {
    pub x: sys::cudnnTensorDescriptor_t,
    pub y: sys::cudnnTensorDescriptor_t,
    pub w: sys::cudnnFilterDescriptor_t,
    pub conv: sys::cudnnConvolutionDescriptor_t,
    /// Of a form that has one.
    finish: Option<Finish>,
}

#[derive(Clone, Copy)]
struct Finish {
    bias: sys::cudnnTensorDescriptor_t,
    activation: sys::cudnnActivationDescriptor_t,
}

impl Descriptors {
    /// # Errors
    /// When cuDNN refuses the shape.
    pub fn new(asked: &Asked<'_>) -> Result<Self> {
        let (geo, number) = (asked.geometry, asked.number());
        let (nhwc, kind) = (sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC, kind(number));
        let ([h, w], [ho, wo], [kh, kw]) = (geo.size, geo.out_size, geo.kernel);
        let finish = match asked.form {
            Form::Finished { relu } => Some(Finish::new(geo, number, relu)?),
            Form::Forward | Form::InputGrad | Form::WeightGrad => None,
        };
        let made = Self {
            x: result::create_tensor_descriptor().cuda()?,
            y: result::create_tensor_descriptor().cuda()?,
            w: result::create_filter_descriptor().cuda()?,
            conv: result::create_convolution_descriptor().cuda()?,
            finish,
        };
        // SAFETY: descriptors made just before.
        unsafe {
            result::set_tensor4d_descriptor(made.x, nhwc, kind, ints([geo.batch, geo.channels, h, w])?).cuda()?;
            result::set_tensor4d_descriptor(made.y, nhwc, kind, ints([geo.batch, geo.out_channels, ho, wo])?).cuda()?;
            let filter = ints([geo.out_channels, geo.channels / geo.groups, kh, kw])?;
            result::set_filter4d_descriptor(made.w, kind, nhwc, filter).cuda()?;
            made.describe_windows(geo, number)?;
        }
        Ok(made)
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
}

impl Finish {
    /// As cuDNN's documentation of the call wants it: a bias in the number type of the result, and no promise about numbers
    /// that are none.
    fn new(geo: &ConvGeometry, number: Number, relu: bool) -> Result<Self> {
        let mode = if relu {
            sys::cudnnActivationMode_t::CUDNN_ACTIVATION_RELU
        } else {
            sys::cudnnActivationMode_t::CUDNN_ACTIVATION_IDENTITY
        };
        let nhwc = sys::cudnnTensorFormat_t::CUDNN_TENSOR_NHWC;
        let made = Self {
            bias: result::create_tensor_descriptor().cuda()?,
            activation: result::create_activation_descriptor().cuda()?,
        };
        // SAFETY: descriptors made just before.
        unsafe {
            result::set_tensor4d_descriptor(made.bias, nhwc, kind(number), ints([1, geo.out_channels, 1, 1])?)
                .cuda()?;
            let nan = sys::cudnnNanPropagation_t::CUDNN_NOT_PROPAGATE_NAN;
            result::set_activation_descriptor(made.activation, mode, nan, 0.0).cuda()?;
        }
        Ok(made)
    }
}

pub(super) struct Plan {
    descriptors: Descriptors,
    algorithm: Algorithm,
    workspace_bytes: usize,
}

// SAFETY: descriptors are only read once they are made, under the lock of the plans.
unsafe impl Send for Plan {}

impl Plan {
    /// With this algorithm, in the way of computing and with the memory that cuDNN names for it.
    ///
    /// # Errors
    /// When cuDNN has none of that number.
    pub fn new(descriptors: Descriptors, form: Form, chosen: &Candidate) -> Result<Self> {
        let Some(algorithm) = Algorithm::numbered(form, chosen.choice.algorithm) else { return mixed_up() };
        // SAFETY: a descriptor of this call alone.
        unsafe { result::set_convolution_math_type(descriptors.conv, chosen.math) }.cuda()?;
        Ok(Self { descriptors, algorithm, workspace_bytes: chosen.workspace_bytes })
    }

    /// # Errors
    /// When cuDNN refuses.
    pub fn run(&self, operation: &Operation<'_>, asked: &Asked<'_>) -> Result<()> {
        let (handle, bytes) = (operation.lane().dnn(), self.workspace_bytes);
        let room = pointer(operation.scratch(Number::F32, bytes.div_ceil(4))?).cast_mut();
        let Descriptors { x, y, w, conv, finish } = self.descriptors;
        let ([to, a, b], written) = (asked.operands.map(pointer), pointer(asked.operands[0]).cast_mut());
        let (one, base) = (1.0f32, if asked.keep { 1.0f32 } else { 0.0 });
        let (one, base) = ((&raw const one).cast(), (&raw const base).cast());
        // SAFETY: buffers of the sizes that the descriptors say (checked by the caller), on the handle's stream.
        unsafe {
            match (self.algorithm, finish.zip(asked.bias)) {
                (Algorithm::Forward(algorithm), None) => {
                    result::convolution_forward(handle, one, x, a, w, b, conv, algorithm, room, bytes, base, y, written)
                }
                // What is added lies where the result goes.
                (Algorithm::Forward(algorithm), Some((Finish { bias, activation }, values))) => {
                    result::convolution_bias_activation_forward(
                        handle,
                        one,
                        x,
                        a,
                        w,
                        b,
                        conv,
                        algorithm,
                        room,
                        bytes,
                        base,
                        y,
                        to,
                        bias,
                        pointer(values),
                        activation,
                        y,
                        written,
                    )
                }
                (Algorithm::InputGrad(algorithm), _) => result::convolution_backward_data(
                    handle, one, w, b, y, a, conv, algorithm, room, bytes, base, x, written,
                ),
                (Algorithm::WeightGrad(algorithm), _) => result::convolution_backward_filter(
                    handle, one, x, a, y, b, conv, algorithm, room, bytes, base, w, written,
                ),
            }
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
