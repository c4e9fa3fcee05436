//! A file from an address, whole and checked, or an error and what is there so far.

use std::path::Path;
use std::time::{Duration, Instant};

use va_error::{Code, Context, Error, Result};

use crate::address::Address;
use crate::connection::{Asked, Connection};
use crate::failure::{Again, Failure};
use crate::head::Head;
use crate::part::{self, Part};
use crate::sha256::{Expected, sha256_of};

/// Space that must stay free beside the file.
const RESERVE_BYTES: u64 = 64 << 20;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What to fetch, and what it must be.
#[derive(Debug, Clone)]
pub struct Wanted<'a> {
    /// HTTPS; plain HTTP only where this machine asks itself.
    pub url: &'a str,
    /// Where the whole file goes. Until then it is `<to>.part` beside it.
    pub to: &'a Path,
    pub expected: Expected<'a>,
    /// A larger file is refused before its first byte, or, where the server does not say, at this byte.
    pub max_bytes: u64,
    pub patience: Patience,
}

/// How long is waited, and how often it is tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patience {
    /// To find and reach the server.
    pub connect: Duration,
    /// Without a byte.
    pub stall: Duration,
    /// Attempts after the first, counted anew whenever bytes came.
    pub retries: u32,
    /// Before another attempt; doubled each time.
    pub wait: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { connect: seconds(15), stall: seconds(45), retries: 4, wait: seconds(1) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done_bytes: u64,
    /// None where the server does not say.
    pub total_bytes: Option<u64>,
}

/// A file that is in its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Downloaded {
    pub size_bytes: u64,
    /// Lower-case hex.
    pub sha256: String,
    /// Bytes that were there before.
    pub resumed_from: u64,
}

/// Fetches the file, going on where an earlier call stopped, and puts it in its place when size and hash are right. `stop`
/// is looked at twenty times a second.
///
/// # Errors
/// `Cancelled` when stopped, and `Io` when the server cannot be reached or the connection broke too often: what came is
/// kept for the next call. `InvalidInput` when it is not the file that was expected or the address is not HTTPS, `NotFound`
/// when the server does not have it, `TooLarge`; `DiskFull` before the first byte where the size is known.
pub fn download(
    wanted: &Wanted<'_>,
    progress: &mut dyn FnMut(Progress),
    stop: &dyn Fn() -> bool,
) -> Result<Downloaded> {
    let address = Address::parse(wanted.url)?;
    if let Some(there) = already_there(wanted)? {
        return Ok(there);
    }
    let mut part = Part::open(wanted.to, wanted.url)?;
    let resumed_from = part.len();
    let mut failed = 0;
    while !part.is_whole() {
        let before = part.len();
        match attempt(&address, wanted, &mut part, progress, stop) {
            Ok(()) => break,
            Err(failure) => {
                part.sync()?;
                failed = if part.len() > before { 1 } else { failed + 1 };
                let worth_it = match failure.again {
                    Again::Never => false,
                    Again::AfterBytes => part.len() > resumed_from,
                    Again::Yes => true,
                };
                if !worth_it || failed > wanted.patience.retries {
                    return Err(given_up(failure.error, part));
                }
                pause(wanted.patience.wait * 2u32.saturating_pow(failed - 1), stop)?;
            }
        }
    }
    finish(wanted, part, resumed_from)
}

/// Bytes of an unfinished download to `to`, and of how many where known; None without one.
pub fn part_bytes(to: &Path) -> Option<(u64, Option<u64>)> {
    part::noted_bytes(to)
}

/// Removes an unfinished download to `to`, if there is one.
///
/// # Errors
/// When it cannot be removed.
pub fn forget_part(to: &Path) -> Result<()> {
    part::forget(to)
}

/// A whole file from an earlier call that did not get to say so.
fn already_there(wanted: &Wanted<'_>) -> Result<Option<Downloaded>> {
    if !wanted.to.is_file() {
        return Ok(None);
    }
    let (size_bytes, sha256) = sha256_of(wanted.to, |_| Ok(()))?;
    if wanted.expected.check(size_bytes, &sha256).is_ok() {
        return Ok(Some(Downloaded { size_bytes, sha256, resumed_from: size_bytes }));
    }
    part::remove(wanted.to)?;
    Ok(None)
}

fn attempt(
    address: &Address,
    wanted: &Wanted<'_>,
    part: &mut Part,
    progress: &mut dyn FnMut(Progress),
    stop: &dyn Fn() -> bool,
) -> Result<(), Failure> {
    let asked = asked(part, wanted);
    let (connection, head) = Connection::open(address, asked, &wanted.patience, stop)?;
    if !take_head(address, wanted, part, &head)? {
        return Ok(());
    }
    let mut tell = |part: &Part| progress(Progress { done_bytes: part.len(), total_bytes: part.total_bytes() });
    tell(part);
    while let Some(bytes) = connection.next()? {
        let limit = part.total_bytes().unwrap_or(wanted.max_bytes);
        if part.len() + bytes.len() as u64 > limit {
            let error = Error::new(Code::TooLarge, format!("{} sends more than {limit} bytes", address.host()));
            return Err(error.into());
        }
        part.append(&bytes)?;
        tell(part);
    }
    match part.total_bytes() {
        Some(total) if part.len() < total => Err(Failure::transient(format!(
            "the connection to {} was cut after {} of {total} bytes",
            address.host(),
            part.len()
        ))),
        _ => Ok(()),
    }
}

/// Only of a file that can be told from a newer one, or whose hash will tell, the rest is asked for.
fn asked(part: &Part, wanted: &Wanted<'_>) -> Asked {
    let if_range = part.validator().as_condition().map(str::to_owned);
    let is_hash_known = wanted.expected.sha256.is_some_and(|hash| hash.len() == 64);
    let from = if if_range.is_some() || is_hash_known { part.len() } else { 0 };
    Asked { from, if_range }
}

/// Whether bytes of the file follow; false when all are there.
fn take_head(address: &Address, wanted: &Wanted<'_>, part: &mut Part, head: &Head) -> Result<bool, Failure> {
    match head.status {
        200 => {
            check_size(address, wanted, head.total_bytes, 0)?;
            part.begin(head.validator.clone(), head.total_bytes)?;
            Ok(true)
        }
        206 if part.len() > 0 && head.start == Some(part.len()) && is_same(part, head) => {
            check_size(address, wanted, head.total_bytes, part.len())?;
            Ok(true)
        }
        416 if head.total_bytes == Some(part.len()) => Ok(false),
        206 | 416 => {
            part.begin(Default::default(), None)?;
            Err(Failure::transient(format!("{} has another file now", address.host())))
        }
        404 | 410 => {
            let message = format!("{} has no file at {} any more", address.host(), address.uri().path());
            Err(Error::not_found(message).into())
        }
        status @ (408 | 425 | 429 | 500..=599) => {
            Err(Failure::transient(format!("{} is busy or out of order (status {status})", address.host())))
        }
        status => {
            Err(Error::new(Code::Io, format!("{} does not give the file (status {status})", address.host())).into())
        }
    }
}

fn is_same(part: &Part, head: &Head) -> bool {
    let same_etag = match (&part.validator().etag, &head.validator.etag) {
        (Some(ours), Some(theirs)) => ours == theirs,
        _ => true,
    };
    same_etag && (part.total_bytes().is_none() || part.total_bytes() == head.total_bytes)
}

fn check_size(address: &Address, wanted: &Wanted<'_>, total: Option<u64>, there: u64) -> Result<()> {
    let Some(total) = total else { return Ok(()) };
    if total > wanted.max_bytes {
        let message =
            format!("the file at {} has {total} bytes; at most {} are taken", address.host(), wanted.max_bytes);
        return Err(Error::new(Code::TooLarge, message));
    }
    if wanted.expected.size_bytes.is_some_and(|size| size != total) {
        let wanted = wanted.expected.size_bytes.unwrap_or_default();
        let message = format!("the file at {} has {total} bytes, expected are {wanted}", address.host());
        return Err(Error::invalid(message));
    }
    let folder = wanted.to.parent().unwrap_or(Path::new("."));
    let free = fs4::available_space(folder)
        .with_context(|| format!("cannot ask for the free space of {}", folder.display()))?;
    let needed = (total - there.min(total)).saturating_add(RESERVE_BYTES);
    if needed > free {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        return Err(Error::new(
            Code::DiskFull,
            format!(
                "the download needs {} MiB in {}, and {} MiB are free: free some space and start it again",
                mib(needed),
                folder.display(),
                mib(free)
            ),
        ));
    }
    Ok(())
}

fn finish(wanted: &Wanted<'_>, part: Part, resumed_from: u64) -> Result<Downloaded> {
    let (size_bytes, sha256) = (part.len(), part.sha256());
    if let Err(wrong) = wanted.expected.check(size_bytes, &sha256) {
        part.discard()?;
        return Err(wrong).with_context(|| {
            format!("the file from {} is damaged, or another one than expected; it was removed", wanted.url)
        });
    }
    part.finish(wanted.to)?;
    Ok(Downloaded { size_bytes, sha256, resumed_from })
}

/// Says what is safe; a part without a byte does not stay.
fn given_up(error: Error, part: Part) -> Error {
    if part.len() == 0 {
        // Best effort: the error that is reported is the first one.
        let _ = part.discard();
        return error;
    }
    if error.code() != Code::Io {
        return error;
    }
    let message = format!("the download stopped; {} bytes are kept, start it again to go on", part.len());
    Error::new(Code::Io, message).with_source(error)
}

fn pause(length: Duration, stop: &dyn Fn() -> bool) -> Result<()> {
    let until = Instant::now() + length;
    while Instant::now() < until {
        if stop() {
            return Err(Error::cancelled());
        }
        std::thread::sleep(LOOK_EVERY.min(until.saturating_duration_since(Instant::now())));
    }
    Ok(())
}
