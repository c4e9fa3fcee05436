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
            let message = words(&error);
            if OUT_OF_MEMORY.iter().any(|words| message.contains(words)) {
                return Error::new(Code::TooLarge, format!("the memory of the GPU is full ({what})"));
            }
            Error::internal(format!("engine: {what}: {message}"))
        })
    }
}

/// What an error says, without where in the program it arose: Candle adds pages of that where `RUST_BACKTRACE` is set.
pub(crate) fn words(error: &candle_core::Error) -> String {
    match error {
        candle_core::Error::WithBacktrace { inner, .. } => words(inner),
        other => other.to_string(),
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

    #[test]
    fn people_are_told_what_happened_not_where_in_the_program() {
        let backtrace = Box::new(std::backtrace::Backtrace::force_capture());
        let inner = Box::new(candle_core::Error::Msg("shape mismatch".to_owned()));
        let error = candle_core::Result::<()>::Err(candle_core::Error::WithBacktrace { inner, backtrace });
        assert_eq!(error.engine("adding").unwrap_err().message(), "engine: adding: shape mismatch");
    }
}
