//! Candle's errors as ours.

use va_error::{Error, Result};

/// Candle failures inside the engine are defects or exhausted memory, never a person's input.
pub(crate) trait CandleContext<T> {
    fn engine(self, what: &str) -> Result<T>;
}

impl<T> CandleContext<T> for candle_core::Result<T> {
    fn engine(self, what: &str) -> Result<T> {
        self.map_err(|error| Error::internal(format!("engine: {what}: {error}")))
    }
}
