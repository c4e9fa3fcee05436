//! A stream with the libraries' handles that work on it.
#![allow(unsafe_code)]

use std::sync::Arc;

use candle_core::Result;
use cudarc::cublas::{self, CudaBlas};
use cudarc::cudnn;
use cudarc::driver::{CudaSlice, CudaStream, DevicePtr};

use super::errors::CudaResult;

/// Working memory of cuBLAS, as much as it takes by itself on the largest cards. Ours, and the same for every lane: with
/// another size it may choose other algorithms, and recording must not change a bit.
const BLAS_WORKSPACE_BYTES: usize = 32 << 20;

pub(super) struct Lane {
    stream: Arc<CudaStream>,
    blas: CudaBlas,
    _blas_workspace: CudaSlice<u8>,
    dnn: cudnn::sys::cudnnHandle_t,
}

// SAFETY: the handle of cuDNN is used under the lock of the plans (`Dnn`), by one thread at a time; handles live as long as
// the process.
unsafe impl Send for Lane {}
// SAFETY: as above.
unsafe impl Sync for Lane {}

impl Lane {
    pub fn new(stream: Arc<CudaStream>) -> Result<Self> {
        let blas = CudaBlas::new(Arc::clone(&stream)).cuda()?;
        // SAFETY: its content is cuBLAS's own affair.
        let workspace = unsafe { stream.alloc::<u8>(BLAS_WORKSPACE_BYTES) }.cuda()?;
        let dnn = cudnn::result::create_handle().cuda()?;
        // SAFETY: handles made just before, memory that lives as long as they; the libraries' stream types are one.
        unsafe {
            let address = workspace.device_ptr(&stream).0 as *mut _;
            cublas::sys::cublasSetWorkspace_v2(*blas.handle(), address, BLAS_WORKSPACE_BYTES).result().cuda()?;
            cudnn::result::set_stream(dnn, stream.cu_stream().cast()).cuda()?;
        }
        // What is recorded here runs on another stream, which must find the memory there.
        stream.synchronize().cuda()?;
        Ok(Self { stream, blas, _blas_workspace: workspace, dnn })
    }

    pub fn stream(&self) -> &Arc<CudaStream> {
        &self.stream
    }

    pub fn blas(&self) -> cublas::sys::cublasHandle_t {
        *self.blas.handle()
    }

    pub fn dnn(&self) -> cudnn::sys::cudnnHandle_t {
        self.dnn
    }
}
