//! A product, a bias and ReLU in one kernel of cuBLASLt.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::c_void;
use std::sync::{Mutex, PoisonError};

use candle_core::Result;
use cudarc::cublaslt::{result, sys};

use crate::device::cuda::errors::CudaResult;
use crate::device::cuda::operation::Operation;
use crate::device::{Buffer, Gpu, MatMul, Matrix, Number};

type Attribute = sys::cublasLtMatmulDescAttributes_t;
type Preference = sys::cublasLtMatmulPreferenceAttributes_t;

/// Scratch memory that an algorithm may use.
const WORKSPACE_BYTES: usize = 32 << 20;

/// What decides which algorithm serves a product.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    size: [usize; 3],
    /// Of result, a and b: number type, stride, stored as its transpose.
    matrices: [(Number, usize, bool); 3],
    /// Of all addresses, in bytes: an algorithm that reads 16 bytes at once must not be given less.
    alignment: u32,
    accumulate: bool,
    relu: bool,
}

/// The algorithms of a card, for all its streams.
pub(in crate::device::cuda) struct Finished {
    handle: sys::cublasLtHandle_t,
    /// None: cuBLASLt has no such algorithm.
    found: Mutex<HashMap<Key, Option<sys::cublasLtMatmulHeuristicResult_t>>>,
}

// SAFETY: a handle of cuBLASLt may be used by several threads at once; what was found is under a lock.
unsafe impl Send for Finished {}
// SAFETY: as above.
unsafe impl Sync for Finished {}

impl Finished {
    pub fn new() -> Result<Self> {
        Ok(Self { handle: result::create_handle().cuda()?, found: Mutex::default() })
    }

    /// `dst (+)= a · b`, then the bias, then ReLU; one product, no batch. False where cuBLASLt has no kernel for it.
    pub fn run(&self, operation: &Operation<'_>, product: &MatMul, bias: Buffer, relu: bool) -> Result<bool> {
        let MatMul { size, dst, a, b, accumulate, .. } = *product;
        let alignment = [dst.data, a.data, b.data].iter().map(|data| data.address.trailing_zeros().min(8)).min();
        let matrices = [dst, a, b].map(|matrix| (matrix.data.number, matrix.stride, matrix.transposed));
        let alignment = 1 << alignment.unwrap_or(0);
        let key = Key { size, matrices, alignment, accumulate, relu };
        let described = Described::new(product, bias, relu)?;
        let mut found = self.found.lock().unwrap_or_else(PoisonError::into_inner);
        let choice = *found.entry(key).or_insert_with(|| described.heuristic(self.handle, alignment).ok());
        drop(found);
        match choice {
            Some(choice) => described.run(self.handle, operation, product, &choice).map(|()| true),
            None => Ok(false),
        }
    }
}

/// The product in cuBLASLt's words, which has columns where we have rows: `Dᵀ = Bᵀ · Aᵀ`, so that its rows, each of which
/// has one number of the bias, are our columns.
struct Described {
    product: sys::cublasLtMatmulDesc_t,
    /// Of `b`, `a` and the result.
    layouts: [sys::cublasLtMatrixLayout_t; 3],
}

impl Described {
    fn new(product: &MatMul, bias: Buffer, relu: bool) -> Result<Self> {
        let [m, n, k] = product.size;
        let sums = sys::cublasComputeType_t::CUBLAS_COMPUTE_32F;
        let mut described = Self {
            product: result::create_matmul_desc(sums, sys::cudaDataType_t::CUDA_R_32F).cuda()?,
            layouts: [std::ptr::null_mut(); 3],
        };
        let matrices = [(&product.b, k, n), (&product.a, m, k), (&product.dst, m, n)];
        for (layout, (matrix, rows, cols)) in described.layouts.iter_mut().zip(matrices) {
            let (rows, cols) = if matrix.transposed { (cols, rows) } else { (rows, cols) };
            let kind = kind(matrix.data.number);
            *layout = result::create_matrix_layout(kind, cols as u64, rows as u64, matrix.stride as i64).cuda()?;
        }
        let epilogue = if relu {
            sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_RELU_BIAS
        } else {
            sys::cublasLtEpilogue_t::CUBLASLT_EPILOGUE_BIAS
        };
        described.set(Attribute::CUBLASLT_MATMUL_DESC_TRANSA, &turned(&product.b))?;
        described.set(Attribute::CUBLASLT_MATMUL_DESC_TRANSB, &turned(&product.a))?;
        described.set(Attribute::CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue)?;
        described.set(Attribute::CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias.address)?;
        Ok(described)
    }

    fn set<T>(&self, attribute: Attribute, value: &T) -> Result<()> {
        // SAFETY: each attribute is given in the type that cuBLASLt has for it.
        unsafe {
            result::set_matmul_desc_attribute(
                self.product,
                attribute,
                std::ptr::from_ref(value).cast::<c_void>(),
                size_of::<T>(),
            )
        }
        .cuda()
    }

    fn heuristic(&self, handle: sys::cublasLtHandle_t, alignment: u32) -> Result<sys::cublasLtMatmulHeuristicResult_t> {
        let preference = result::create_matmul_pref().cuda()?;
        let [b, a, d] = self.layouts;
        // SAFETY: descriptors that are whole; each attribute in its type.
        unsafe {
            let set = |attribute: Preference, value: *const c_void, bytes: usize| {
                result::set_matmul_pref_attribute(preference, attribute, value, bytes).cuda()
            };
            let workspace = WORKSPACE_BYTES as u64;
            let mut done = set(
                Preference::CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES,
                (&raw const workspace).cast(),
                size_of::<u64>(),
            );
            for attribute in [
                Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES,
                Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES,
                Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES,
                Preference::CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES,
            ] {
                done = done.and_then(|()| set(attribute, (&raw const alignment).cast(), size_of::<u32>()));
            }
            let found = done
                .and_then(|()| result::get_matmul_algo_heuristic(handle, self.product, b, a, d, d, preference).cuda());
            result::destroy_matmul_pref(preference).cuda()?;
            found
        }
    }

    fn run(
        &self,
        handle: sys::cublasLtHandle_t,
        operation: &Operation<'_>,
        product: &MatMul,
        choice: &sys::cublasLtMatmulHeuristicResult_t,
    ) -> Result<()> {
        let room = operation.scratch(Number::F32, choice.workspaceSize.div_ceil(4))?;
        let (one, base) = (1.0f32, if product.accumulate { 1.0f32 } else { 0.0 });
        let ([b, a, d], to) = (self.layouts, product.dst.data.address as *mut c_void);
        // SAFETY: `MatMul::finished` has checked that every matrix lies inside its buffer, and the length of the bias.
        unsafe {
            result::matmul(
                handle,
                self.product,
                (&raw const one).cast(),
                (&raw const base).cast(),
                product.b.data.address as *const _,
                b,
                product.a.data.address as *const _,
                a,
                to,
                d,
                to,
                d,
                &raw const choice.algo,
                room.address as *mut _,
                choice.workspaceSize,
                operation.lane().stream().cu_stream().cast(),
            )
        }
        .cuda()
    }
}

impl Drop for Described {
    fn drop(&mut self) {
        // SAFETY: made by `new`, given back once; cuBLASLt has read them when its call has returned.
        unsafe {
            let _ = result::destroy_matmul_desc(self.product);
            for layout in self.layouts.into_iter().filter(|layout| !layout.is_null()) {
                let _ = result::destroy_matrix_layout(layout);
            }
        }
    }
}

/// As cuBLAS numbers its operations.
fn turned(matrix: &Matrix) -> i32 {
    i32::from(matrix.transposed)
}

fn kind(number: Number) -> sys::cudaDataType {
    if number == Number::Bf16 { sys::cudaDataType_t::CUDA_R_16BF } else { sys::cudaDataType_t::CUDA_R_32F }
}
