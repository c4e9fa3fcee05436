//! Reading weight files of either kind.

use std::path::Path;

use safetensors::{Dtype, SafeTensors};
use sha2::{Digest, Sha256};
use va_error::{Code, Context, Error, Result};

use super::array::{Arrays, Number, Strided};
use super::torch_file;

/// Larger files are not networks that this program trains.
const MAX_FILE_BYTES: u64 = 4 << 30;

/// The arrays of a weight file: safetensors, or PyTorch's own (a ZIP archive), told by its content and not its name.
/// Integers, half and double precision become f32. Nothing in the file is executed.
///
/// # Errors
/// `NotFound` or `Io` when it cannot be read, `TooLarge` beyond 4 GiB, `InvalidInput` when it is neither kind, damaged,
/// or holds more than numbers.
pub fn read_weights(path: &Path) -> Result<Arrays> {
    read_checked(path, None)
}

/// As [`read_weights`], of the file with this SHA-256 (lower-case hex) and no other.
///
/// # Errors
/// As [`read_weights`]; `Conflict` when the file was changed.
pub fn read_weights_of(path: &Path, sha256: &str) -> Result<Arrays> {
    read_checked(path, Some(sha256))
}

fn read_checked(path: &Path, sha256: Option<&str>) -> Result<Arrays> {
    let read = || {
        let size = std::fs::metadata(path)?.len();
        if size > MAX_FILE_BYTES {
            return Err(Error::new(Code::TooLarge, format!("the weight file has {size} bytes")));
        }
        let bytes = std::fs::read(path)?;
        if let Some(wanted) = sha256 {
            let found: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            if found != wanted {
                let message = format!("the file was changed: its SHA-256 is {found}, it was {wanted}");
                return Err(Error::conflict(message));
            }
        }
        parse_weights(&bytes)
    };
    read().with_context(|| format!("the weights in {} cannot be used", path.display()))
}

/// As [`read_weights`], from the bytes of the file.
///
/// # Errors
/// `InvalidInput` as [`read_weights`].
pub fn parse_weights(bytes: &[u8]) -> Result<Arrays> {
    match bytes {
        [b'P', b'K', 3 | 5, 4 | 6, ..] => torch_file::read(bytes),
        // A bare pickle: what PyTorch wrote before version 1.6.
        [0x80, 2..=5, ..] => Err(Error::invalid(
            "the weight file is of an old PyTorch; save it again with a current one, or as safetensors",
        )),
        _ => read_safetensors(bytes),
    }
}

fn read_safetensors(bytes: &[u8]) -> Result<Arrays> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| Error::invalid("the file is damaged, or neither safetensors nor PyTorch").with_source(e))?;
    let mut arrays = Arrays::new();
    for (name, view) in file.tensors() {
        let number = number_of(view.dtype())
            .ok_or_else(|| Error::invalid(format!("`{name}` is of type {:?}, which is not read", view.dtype())))?;
        arrays.insert(name, Strided::dense(number, view.shape()).read(view.data())?);
    }
    Ok(arrays)
}

fn number_of(dtype: Dtype) -> Option<Number> {
    Some(match dtype {
        Dtype::F64 => Number::F64,
        Dtype::F32 => Number::F32,
        Dtype::F16 => Number::F16,
        Dtype::BF16 => Number::Bf16,
        Dtype::I64 => Number::I64,
        Dtype::I32 => Number::I32,
        Dtype::I16 => Number::I16,
        Dtype::I8 => Number::I8,
        Dtype::U8 | Dtype::BOOL => Number::U8,
        _ => return None,
    })
}
