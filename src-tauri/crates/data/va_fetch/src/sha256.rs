//! SHA-256 of files, and what a file is expected to be.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};
use va_error::{Context, Error, Result};

/// What is known of a file before it is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Expected<'a> {
    /// Lower-case hex, the whole hash or its first digits; None accepts any.
    pub sha256: Option<&'a str>,
    pub size_bytes: Option<u64>,
}

impl Expected<'_> {
    /// # Errors
    /// `InvalidInput` that gives the hash and size which the file has instead.
    pub fn check(&self, size_bytes: u64, sha256: &str) -> Result<()> {
        let is_other_size = self.size_bytes.is_some_and(|size| size != size_bytes);
        if !is_other_size && self.sha256.is_none_or(|wanted| sha256.starts_with(wanted)) {
            return Ok(());
        }
        let wanted = match (self.size_bytes, self.sha256) {
            (Some(size), Some(hash)) => format!("{size} bytes and SHA-256 {hash}…"),
            (Some(size), None) => format!("{size} bytes"),
            (None, hash) => format!("SHA-256 {}…", hash.unwrap_or_default()),
        };
        Err(Error::invalid(format!("it has {size_bytes} bytes and SHA-256 {sha256}, expected are {wanted}")))
    }
}

/// Size and lower-case SHA-256 of a file; `each` hears the bytes read so far and may end it.
///
/// # Errors
/// When it cannot be read, and what `each` says.
pub fn sha256_of(path: &Path, mut each: impl FnMut(u64) -> Result<()>) -> Result<(u64, String)> {
    let cannot = || format!("cannot read {}", path.display());
    let mut file = File::open(path).with_context(cannot)?;
    let mut hash = Sha256::new();
    let (mut size, mut buffer) = (0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer).with_context(cannot)?;
        if read == 0 {
            return Ok((size, hex(hash)));
        }
        hash.update(&buffer[..read]);
        size += read as u64;
        each(size)?;
    }
}

pub(crate) fn hex(hash: Sha256) -> String {
    hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

    #[test]
    fn the_hash_of_a_file_is_that_of_sha256sum() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        std::fs::write(&path, b"abc").unwrap();
        assert_eq!(sha256_of(&path, |_| Ok(())).unwrap(), (3, ABC.to_owned()));
        assert!(sha256_of(&path, |_| Err(Error::cancelled())).is_err());
    }

    #[test]
    fn a_part_of_the_hash_is_compared_as_far_as_it_goes() {
        let expected = |sha256, size_bytes| Expected { sha256, size_bytes };
        for good in [expected(None, None), expected(Some(&ABC[..8]), Some(3)), expected(Some(ABC), None)] {
            good.check(3, ABC).unwrap();
        }
        let wrong = expected(Some("ba78ffff"), None).check(3, ABC).unwrap_err();
        assert!(wrong.message().contains(ABC) && wrong.message().contains("ba78ffff"), "{wrong}");
        assert!(expected(Some(ABC), Some(4)).check(3, ABC).is_err());
    }
}
