//! A large file copied by a job: it tells how far it is, and stops when it is asked to.

use std::fs::File;
use std::io::{Read, Write};
use std::path::Path;

use va_error::{Code, Context, Error, Result};

use super::JobContext;

const BLOCK_BYTES: usize = 1 << 20;

/// Bytes copied. What was at `to` is written over; nothing is synced.
///
/// # Errors
/// `TooLarge` when the file grows beyond `max_bytes` while it is read; `Cancelled`, `Io`, `DiskFull`.
pub(crate) fn copy_file(context: &JobContext, from: &Path, to: &Path, max_bytes: u64) -> Result<u64> {
    let cannot = || format!("cannot copy {}", from.display());
    let mut source = File::open(from).with_context(cannot)?;
    let total = source.metadata().with_context(cannot)?.len();
    let mut target = File::create(to).with_context(cannot)?;
    let (mut done, mut block) = (0, vec![0; BLOCK_BYTES]);
    loop {
        context.check_cancel()?;
        let read = source.read(&mut block).with_context(cannot)?;
        if read == 0 {
            return Ok(done);
        }
        target.write_all(&block[..read]).with_context(cannot)?;
        done += read as u64;
        if done > max_bytes {
            let message = format!("{} grew beyond {max_bytes} bytes while it was read", from.display());
            return Err(Error::new(Code::TooLarge, message));
        }
        context.progress(done, total, "bytes", "copying");
    }
}
