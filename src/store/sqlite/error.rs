//! What SQLite's errors mean to a caller.

use rusqlite::ErrorCode;

use crate::store::StoreError;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        let sentence = match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                "another process keeps the database file locked; is a backup or a second tool using it?"
            }
            Some(ErrorCode::DiskFull) => "the disk is full; make room where the database file is",
            Some(ErrorCode::ReadOnly) => "the database file, or its folder, is read-only for this user",
            Some(ErrorCode::PermissionDenied | ErrorCode::AuthorizationForStatementDenied) => {
                "this user may not use the database file; look at its owner and mode"
            }
            Some(ErrorCode::CannotOpen) => "the database file cannot be opened; is its folder still there?",
            Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed) => {
                "reading or writing the database file failed; is the disk all right?"
            }
            Some(ErrorCode::OutOfMemory) => "there is not enough memory",
            _ => return Self::Damaged { what: "the database file".to_owned(), why: error.to_string() },
        };
        Self::Unavailable(format!("{sentence} ({error})"))
    }
}
