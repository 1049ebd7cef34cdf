//! What can go wrong below the domain.

/// A failure of the store. Faces never see it: the domain turns it into a public error.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The step budget of an inline read is used up; the read has to run elsewhere.
    #[error("over the step budget of an inline read")]
    OverBudget,
    /// The statement ran into its deadline and was interrupted.
    #[error("interrupted at the deadline")]
    Deadline,
    /// A unique index refused a row; the index's SQLite name.
    #[error("unique index {0} refused the row")]
    Unique(String),
    #[error("no space left on the device")]
    Full,
    #[error("the database is busy")]
    Busy,
    /// The content of the database is being replaced; writes have to wait.
    #[error("the database is held")]
    Held,
    /// The writer has stopped: the server is shutting down, or the environment was deleted.
    #[error("the database is closed")]
    Closed,
    #[error("a write panicked and was rolled back")]
    Panicked,
    /// The database is of a newer version than this program.
    #[error("format {found} is newer than {supported}")]
    Newer { found: u32, supported: u32 },
    #[error("{0}")]
    Sqlite(rusqlite::Error),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Other(String),
}

pub type StoreResult<T> = Result<T, StoreError>;

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        let rusqlite::Error::SqliteFailure(inner, message) = &error else {
            return Self::Sqlite(error);
        };
        match inner.code {
            ErrorCode::OperationInterrupted => Self::OverBudget,
            ErrorCode::DiskFull => Self::Full,
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Busy,
            ErrorCode::ConstraintViolation if matches!(inner.extended_code, 1555 | 2067 | 2579) => Self::Unique(message.clone().unwrap_or_default()),
            _ => Self::Sqlite(error),
        }
    }
}

impl From<serde_json::Error> for StoreError {
    fn from(error: serde_json::Error) -> Self {
        Self::Other(format!("stored JSON: {error}"))
    }
}
