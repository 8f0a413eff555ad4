//! What a redriven or replayed record asks of whoever reads it.

use uuid::Uuid;

use super::codec::{id, number};
use super::{DLQ_ID, EDIT_OF, REDRIVE_COUNT, REDRIVE_ID, REPLAY_FORCE, REPLAY_ID, TARGET_GROUP};
use crate::domain::record::{Headers, header_text};

/// What a redriven or replayed record asks of whoever reads it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directions {
    /// Only this group acts on it; the others skip it before they decode it.
    pub target_group: Option<String>,
    pub letter: Option<Uuid>,
    pub redrive: Option<Uuid>,
    pub redrives: u32,
    pub replay: Option<Uuid>,
    /// Handle it even if it was handled before: effects double.
    pub force: bool,
}

/// Reads the directions; a header that makes no sense counts as absent.
#[must_use]
pub fn directions(headers: &Headers) -> Directions {
    Directions {
        target_group: header_text(headers, TARGET_GROUP).map(str::to_owned),
        letter: id(headers, DLQ_ID),
        redrive: id(headers, REDRIVE_ID),
        redrives: number(headers, REDRIVE_COUNT).unwrap_or(0),
        replay: id(headers, REPLAY_ID),
        force: header_text(headers, REPLAY_FORCE) == Some("true"),
    }
}

/// Adds what a replayed record asks for: which operation it belongs to, who acts on it, and whether
/// idempotency is bypassed.
pub fn add_replay(headers: &mut Headers, operation: Uuid, group: Option<&str>, force: bool) {
    let mut add = |name: &str, value: &[u8]| headers.push((name.to_owned(), Some(value.to_vec())));
    add(REPLAY_ID, operation.to_string().as_bytes());
    if let Some(group) = group {
        add(TARGET_GROUP, group.as_bytes());
    }
    if force {
        add(REPLAY_FORCE, b"true");
    }
}

/// What a letter keeps of our own headers: that it is an edited one, and what made a replay forced, or its
/// redrive would be taken for a duplicate.
pub(super) fn forced(headers: &Headers) -> Headers {
    let asked = directions(headers);
    let keep =
        |name: &str| name == EDIT_OF || asked.force && (name == REPLAY_ID || name == REPLAY_FORCE);
    headers
        .iter()
        .filter(|(name, _)| keep(name))
        .cloned()
        .collect()
}
