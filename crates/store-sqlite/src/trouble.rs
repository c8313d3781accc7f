//! What SQLite's failures mean, and what to do about them.

use rusqlite::{Error, ErrorCode};
use scrip_engine::store::StoreError;

/// A failure while reading, or while writing before the commit: nothing was written.
pub(crate) fn refused(error: &Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => {
            StoreError::Refused("the disk is full: nothing was written; free some space and try again".to_owned())
        }
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::Refused(format!(
            "the data folder cannot be written ({error}): make it writable for this user and try again"
        )),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            StoreError::Refused(format!("another program keeps the database locked ({error}): close it and try again"))
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged(format!(
            "the database is damaged ({error}): run `scrip verify`, and restore a backup where it fails"
        )),
        _ => match error {
            Error::InvalidColumnType(..) | Error::FromSqlConversionFailure(..) | Error::IntegralValueOutOfRange(..) => {
                StoreError::Damaged(format!("the database holds a value that scrip never writes ({error})"))
            }
            _ => {
                StoreError::Refused(format!("the data folder could not be read or written ({error}): look at the disk"))
            }
        },
    }
}

/// Whether a failed commit is known to have written nothing: the record that makes it count is the last that is
/// written, so a disk that was full before it, or a lock that was not given, left no commit behind.
pub(crate) fn commit_known_void(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// A stored value cannot be what scrip wrote.
pub(crate) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged(what.into())
}
