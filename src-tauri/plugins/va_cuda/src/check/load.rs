//! Work that keeps the network's stream busy for a known time.

use std::time::{Duration, Instant};

use candle_core::cuda_backend::CudaDevice;
use candle_core::cuda_backend::cudarc::driver::{CudaEvent, DriverError};
use candle_core::{DType, Device, Tensor};
use va_error::{Error, Result};
use va_exec::gpu;

/// Height and width of the matrix that is multiplied with itself.
const SIDE: usize = 4096;
const MEASURED: u32 = 4;

/// Products of matrices, as many as take that long on this card.
pub struct Load {
    device: CudaDevice,
    matrix: Tensor,
    products: u32,
}

/// A place in the stream's work.
pub struct Mark(CudaEvent);

impl Load {
    /// # Errors
    /// When the card fails.
    pub fn of(duration: Duration) -> Result<Self> {
        let device = gpu::device()?;
        let matrix = Tensor::zeros((SIDE, SIDE), DType::F32, &device).map_err(candle)?;
        let Device::Cuda(device) = device else { return Err(Error::internal("BUG: the GPU engine has no GPU")) };
        let mut load = Self { device, matrix, products: MEASURED };
        // Once to choose the kernel, once to measure it.
        load.multiply()?;
        load.wait()?;
        let began = Instant::now();
        load.multiply()?;
        load.wait()?;
        let each = began.elapsed().as_secs_f64() / f64::from(MEASURED);
        load.products = (duration.as_secs_f64() / each.max(1e-6)).ceil() as u32;
        Ok(load)
    }

    /// Asks for the work, and marks its end.
    ///
    /// # Errors
    /// When the card fails.
    pub fn begin(&self) -> Result<Mark> {
        self.multiply()?;
        self.device.cuda_stream().record_event(None).map(Mark).map_err(driver)
    }

    fn multiply(&self) -> Result<()> {
        (0..self.products).try_for_each(|_| self.matrix.matmul(&self.matrix).map(drop)).map_err(candle)
    }

    fn wait(&self) -> Result<()> {
        self.device.cuda_stream().synchronize().map_err(driver)
    }
}

impl Mark {
    /// # Errors
    /// When the card fails, at this or at what was asked of it before.
    pub fn is_over(&self) -> Result<bool> {
        self.0.try_is_complete().map_err(driver)
    }
}

fn candle(error: candle_core::Error) -> Error {
    Error::internal("the GPU cannot be kept busy").with_source(error)
}

fn driver(error: DriverError) -> Error {
    Error::internal("the GPU does not say what it has done").with_source(error)
}
