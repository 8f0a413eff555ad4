//! How the store fails, in the kinds that a caller acts on.

use uuid::Uuid;

/// Why the store did not do it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, is locked, full or fails to read and write: hold and try again.
    #[error("the store does not answer: {0}")]
    Unavailable(String),
    /// The stream is not where the writer believed it to be; 0 is no stream.
    #[error("stream {stream} is at version {actual}, not {expected}")]
    Conflict {
        stream: String,
        expected: i64,
        actual: i64,
    },
    /// An event of this id is stored already.
    #[error("event {0} is stored already")]
    DuplicateEvent(Uuid),
    /// Another process drives the operation by now, or it is over: nothing was written.
    #[error("another process drives this operation, or it is over")]
    Lost,
    /// Another operation holds what this one needs.
    #[error("{0}")]
    Busy(String),
    /// Trying again will not help.
    #[error("the store failed: {0}")]
    Other(String),
}

impl StoreError {
    /// Whether waiting may help: nothing is wrong with the request itself.
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}
