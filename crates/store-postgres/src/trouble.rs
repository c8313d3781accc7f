//! The database's errors as the engine's: was anything written, may a retry help?

use scrip_engine::store::StoreError;
use tokio_postgres::Error;
use tokio_postgres::error::{Severity, SqlState};

/// What a failed statement means for its transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failed {
    /// It was rolled back, and may go through when it is tried again (a serialization failure, a deadlock).
    TryAgain,
    /// It was rolled back.
    RolledBack,
    /// The connection is of no more use: nobody knows what became of a commit.
    Lost,
}

/// Reads an error.
pub(crate) fn failed(error: &Error) -> Failed {
    let Some(db) = error.as_db_error() else { return Failed::Lost };
    let severe = match db.parsed_severity() {
        Some(severity) => matches!(severity, Severity::Fatal | Severity::Panic),
        // A pooler's own errors come without that field.
        None => matches!(db.severity(), "FATAL" | "PANIC"),
    };
    let code = db.code().code();
    // Of the connection; of a server that goes or comes.
    if severe || code.starts_with("08") || code.starts_with("57P0") {
        return Failed::Lost;
    }
    match *db.code() {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => Failed::TryAgain,
        _ => Failed::RolledBack,
    }
}

/// Reads an error of `COMMIT` itself: only what the database says of a commit that it did not make is known to be undone.
pub(crate) fn failed_commit(error: &Error) -> Failed {
    let undone = |code: &str| ["23", "40", "53"].iter().any(|class| code.starts_with(class));
    match failed(error) {
        Failed::RolledBack if !error.as_db_error().is_some_and(|db| undone(db.code().code())) => Failed::Lost,
        read => read,
    }
}

/// Whether the database takes no writes: another of its servers may.
pub(crate) fn is_read_only(error: &Error) -> bool {
    error.as_db_error().is_some_and(|db| *db.code() == SqlState::READ_ONLY_SQL_TRANSACTION)
}

/// Nothing was written, or it was only a reading.
pub(crate) fn refused(error: &Error) -> StoreError {
    StoreError::Refused(said(error))
}

/// Something may have been written.
pub(crate) fn unknown(error: &Error) -> StoreError {
    StoreError::Unknown(said(error))
}

/// The database did not say in time what became of a write.
pub(crate) fn unanswered() -> StoreError {
    StoreError::Unknown("the database did not answer in time".to_owned())
}

/// The same, before anything was asked to last.
pub(crate) fn silent() -> StoreError {
    StoreError::Refused("the database did not answer in time; nothing was committed".to_owned())
}

/// A commit that is here, but may be lost with this server of the database.
pub(crate) fn unwaited() -> StoreError {
    StoreError::Unknown("its standby was not waited for".to_owned())
}

pub(crate) fn damaged(what: impl Into<String>) -> StoreError {
    StoreError::Damaged(what.into())
}

/// What the database said, without the values that stand in its details.
fn said(error: &Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("the database says: {} ({})", db.message(), db.code().code()),
        None => {
            let source = std::error::Error::source(error).map(|source| format!(": {source}")).unwrap_or_default();
            format!("the database does not answer: {error}{source}")
        }
    }
}
