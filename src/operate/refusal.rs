//! Refusals: why nothing was done, in one sentence with the remedy.

use crate::command::{Refusal, RefusalKind};
use crate::store::StoreError;

/// A refusal of this kind, with its sentence.
pub fn refuse(kind: RefusalKind, sentence: impl Into<String>) -> Refusal {
    Refusal {
        kind,
        sentence: sentence.into(),
    }
}

/// There is no service of this name.
pub fn no_service(name: &str) -> Refusal {
    refuse(
        RefusalKind::NotFound,
        format!("there is no service `{name}`: see the Consumers screen"),
    )
}

/// What the store would not do, as a refusal.
pub fn from_store(error: &StoreError) -> Refusal {
    match error {
        StoreError::Unavailable(why) => refuse(
            RefusalKind::Unavailable,
            format!("the store does not answer: {why}"),
        ),
        StoreError::Busy(why) => refuse(RefusalKind::Conflict, why.clone()),
        other => refuse(RefusalKind::Conflict, other.to_string()),
    }
}
