//! Media are named by the BLAKE3 hash of their original bytes.

use std::fs::File;
use std::path::Path;

use va_domain::MediaHash;
use va_error::{Context, Result};

/// The name of these bytes.
pub fn hash(bytes: &[u8]) -> MediaHash {
    MediaHash::of(bytes)
}

/// The name of a file's bytes, read as a stream: memory does not grow with the file.
///
/// # Errors
/// `NotFound` or `Io` when the file cannot be read.
pub fn hash_file(path: &Path) -> Result<MediaHash> {
    let file = File::open(path).with_context(|| format!("cannot open {}", path.display()))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).with_context(|| format!("cannot read {}", path.display()))?;
    Ok(MediaHash(hasher.finalize().to_hex().to_string()))
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_file_and_its_bytes_have_one_name() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"abc").unwrap();
        let name = super::hash_file(file.path()).unwrap();
        assert_eq!(name, super::hash(b"abc"));
        // Test vector of the BLAKE3 paper's reference implementation.
        assert_eq!(name.as_str(), "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85");
    }
}
