//! Matrix products by cuBLAS: f32 in f32 (never TF32), bf16 with f32 sums. With a bias and ReLU in the same kernel by
//! cuBLASLt.
#![allow(unsafe_code)]

mod finished;

use std::ffi::c_int;

use candle_core::{Error, Result};
use cudarc::cublas::{result, sys};

use super::errors::CudaResult;
use super::lane::Lane;
use crate::device::{MatMul, Matrix, Number};

pub(super) use finished::Finished;

/// cuBLAS has columns where we have rows, so it is asked for the transpose of the result: `Cᵀ = Bᵀ · Aᵀ`, where the
/// transpose of a row-major matrix is that matrix itself.
pub(super) fn run(lane: &Lane, product: &MatMul) -> Result<()> {
    let MatMul { size, batch, dst, a, b, accumulate } = product;
    let [m, n, k] = size.map(int);
    let (one, base) = (1.0f32, if *accumulate { 1.0f32 } else { 0.0 });
    // SAFETY: `MatMul::run` has checked that every matrix lies inside its buffer.
    unsafe {
        result::gemm_strided_batched_ex(
            lane.blas(),
            operation(b),
            operation(a),
            n?,
            m?,
            k?,
            (&raw const one).cast(),
            b.data.address as *const _,
            kind(b.data.number),
            int(b.stride)?,
            b.step as i64,
            a.data.address as *const _,
            kind(a.data.number),
            int(a.stride)?,
            a.step as i64,
            (&raw const base).cast(),
            dst.data.address as *mut _,
            kind(dst.data.number),
            int(dst.stride)?,
            dst.step as i64,
            int(*batch)?,
            sys::cublasComputeType_t::CUBLAS_COMPUTE_32F,
            sys::cublasGemmAlgo_t::CUBLAS_GEMM_DEFAULT,
        )
    }
    .cuda()
}

fn operation(matrix: &Matrix) -> sys::cublasOperation_t {
    if matrix.transposed { sys::cublasOperation_t::CUBLAS_OP_T } else { sys::cublasOperation_t::CUBLAS_OP_N }
}

fn kind(number: Number) -> sys::cudaDataType {
    match number {
        Number::F32 => sys::cudaDataType_t::CUDA_R_32F,
        Number::Bf16 => sys::cudaDataType_t::CUDA_R_16BF,
        Number::F64 => sys::cudaDataType_t::CUDA_R_64F,
        Number::Word => sys::cudaDataType_t::CUDA_R_32U,
    }
}

fn int(value: usize) -> Result<c_int> {
    c_int::try_from(value)
        .map_err(|_| Error::Msg(format!("a matrix of {value} rows or columns is too large for cuBLAS")))
}
