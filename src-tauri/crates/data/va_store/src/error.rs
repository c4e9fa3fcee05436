//! SQLite's errors as ours: what was being done, what is safe, what to do.

use rusqlite::ErrorCode;
use va_error::{Code, Error, Result};

/// Says what was being done when SQLite failed.
pub(crate) trait SqlContext<T> {
    fn sql(self, doing: &str) -> Result<T>;
}

impl<T> SqlContext<T> for rusqlite::Result<T> {
    fn sql(self, doing: &str) -> Result<T> {
        self.map_err(|error| from_sqlite(error, doing))
    }
}

pub(crate) fn from_sqlite(error: rusqlite::Error, doing: &str) -> Error {
    let (code, message) = describe(&error, doing);
    Error::new(code, message).with_source(error)
}

fn describe(error: &rusqlite::Error, doing: &str) -> (Code, String) {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => (
            Code::DiskFull,
            format!("the disk is full: {doing} failed and nothing was changed; free some space and try again"),
        ),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => (
            Code::Internal,
            format!(
                "library.sqlite is damaged ({doing} failed); the images in media/ are not affected. \
                 Close the application, keep a copy of the folder, and restore library.sqlite from a backup"
            ),
        ),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            (Code::LibraryLocked, format!("another program holds the library; {doing} was not done"))
        }
        Some(ErrorCode::ConstraintViolation) => (Code::Conflict, format!("{doing} contradicts what is stored")),
        Some(
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::ReadOnly | ErrorCode::PermissionDenied,
        ) => (Code::Io, format!("{doing} failed: the library's folder cannot be read or written")),
        _ if matches!(error, rusqlite::Error::QueryReturnedNoRows) => {
            (Code::NotFound, format!("{doing}: it does not exist"))
        }
        _ => (Code::Internal, format!("{doing} failed")),
    }
}

/// A stored value that our own code never writes.
pub(crate) fn damaged(what: &str) -> Error {
    Error::internal(format!("the library holds {what} that this program did not write; restore a backup"))
}
