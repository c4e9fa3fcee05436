//! The card that this program computes on, for callers that describe it, plan its memory or test it.

use std::path::Path;

use candle_core::Device;
use va_error::Result;

use crate::backend::Precision;
use crate::device::{cases, cuda};
use crate::error::CandleContext;
use crate::plan::Recordings;

/// As `NVIDIA H100 80GB HBM3 (compute capability 9.0)`.
///
/// # Errors
/// When there is no card that can be used.
pub fn name() -> Result<String> {
    let card = cuda::card().engine("opening the GPU")?;
    let [major, minor] = card.capability().engine("asking the GPU what it is")?;
    Ok(format!("{} (compute capability {major}.{minor})", card.name().engine("asking the GPU for its name")?))
}

/// As the driver's tools write it, `GPU-8932f937-d72c-4106-c12f-20bd9faed9f6`: tells this card from others of its name.
///
/// # Errors
/// When there is no card that can be used.
pub fn uuid() -> Result<String> {
    cuda::card().and_then(|card| card.uuid()).engine("asking the GPU which it is")
}

/// Bytes that can still be used.
///
/// # Errors
/// When there is no card that can be used.
pub fn free_bytes() -> Result<u64> {
    cuda::card().and_then(|card| card.free_bytes()).engine("asking the GPU for its memory")
}

/// From now on the fastest algorithm of each convolution is measured on this card, once, and kept in `folder` for every
/// later run; without this the library's own ranking decides.
///
/// # Errors
/// When there is no card that can be used.
pub fn measure_algorithms(folder: &Path) -> Result<()> {
    cuda::card().and_then(|card| card.measure_algorithms(folder)).engine("asking the GPU what it is")
}

/// What this process has recorded so far, of all its networks; of the reasons why something was refused the first ones.
pub fn recordings() -> Recordings {
    cuda::recordings()
}

/// Where its tensors are.
///
/// # Errors
/// When there is no card that can be used.
pub fn device() -> Result<Device> {
    cuda::device().engine("opening the GPU")
}

/// One line of the operator table.
#[derive(Debug, Clone, PartialEq)]
pub struct OperatorError {
    pub name: String,
    pub precision: Precision,
    /// Against the reference kernels in f64, as a share of the result; or why there is none.
    pub error: std::result::Result<f64, String>,
}

/// Every kernel of a plan on small problems, on the card.
///
/// # Errors
/// When there is no card that can be used.
pub fn operator_table() -> Result<Vec<OperatorError>> {
    let device = device()?;
    let mut lines = Vec::new();
    for case in cases::all() {
        for precision in [Precision::F32, Precision::Bf16] {
            let error = case.error(&device, precision).map_err(|error| error.to_string());
            lines.push(OperatorError { name: case.name.clone(), precision, error });
        }
    }
    Ok(lines)
}
