//! Candle's errors as ours.

use va_error::{Code, Error, Result};

/// How CUDA's driver, cuBLAS and cuDNN say that an allocation failed. On the CPU nothing says so.
const OUT_OF_MEMORY: [&str; 3] =
    ["CUDA_ERROR_OUT_OF_MEMORY", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED"];

/// Candle failures inside the engine are defects, or `TooLarge` where a GPU's memory is exhausted, never a person's input.
pub(crate) trait CandleContext<T> {
    fn engine(self, what: &str) -> Result<T>;
}

impl<T> CandleContext<T> for candle_core::Result<T> {
    fn engine(self, what: &str) -> Result<T> {
        self.map_err(|error| {
            let message = error.to_string();
            if OUT_OF_MEMORY.iter().any(|words| message.contains(words)) {
                return Error::new(Code::TooLarge, format!("the memory of the GPU is full ({what})"));
            }
            Error::internal(format!("engine: {what}: {message}"))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_gpu_is_told_from_a_defect() {
        let code = |text: &str| candle_core::Result::<()>::Err(candle_core::Error::Msg(text.to_owned())).engine("x");
        let full = code("DriverError(CUDA_ERROR_OUT_OF_MEMORY, \"out of memory\")").unwrap_err();
        assert_eq!(full.code(), Code::TooLarge);
        assert_eq!(code("shape mismatch").unwrap_err().code(), Code::Internal);
    }
}
