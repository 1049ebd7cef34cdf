//! Failures of the store as public errors.

use super::error::{Code, Error};
use crate::store::StoreError;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Deadline | StoreError::OverBudget => {
                Self::unavailable("The query took longer than 10 seconds and was stopped; narrow the filter or add an index").because(error)
            }
            StoreError::Full => Self::unavailable("The disk is full; nothing was written").because(error),
            StoreError::Busy => Self::unavailable("The database is busy; try again").because(error),
            StoreError::Held => {
                Self::new(Code::ENVIRONMENT_BUSY, "A restore, reset or clone is running in this environment; reads go on, try the change again when it is done")
            }
            StoreError::Closed => Self::unavailable("The environment is closing; try again").because(error),
            // Operations that expect a unique violation translate it themselves and name the field.
            StoreError::Unique(_) => Self::new(Code::DUPLICATE_VALUE, "A unique value is taken already").because(error),
            other => Self::internal(other),
        }
    }
}
