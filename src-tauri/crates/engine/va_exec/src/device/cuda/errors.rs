//! What CUDA's libraries say, as Candle's errors.

use candle_core::{Error, Result};

pub(super) trait CudaResult<T> {
    fn cuda(self) -> Result<T>;
}

impl<T, E: std::error::Error + Send + Sync + 'static> CudaResult<T> for std::result::Result<T, E> {
    fn cuda(self) -> Result<T> {
        self.map_err(|error| Error::Cuda(Box::new(error)))
    }
}
