//! A letter for tests.

use chrono::DateTime;
use uuid::Uuid;

use super::{Letter, LetterStatus};
use crate::domain::foreign::Family;

/// One of ours: what this group could not handle.
pub fn letter(group: &str) -> Letter {
    let at = DateTime::from_timestamp_millis(1_700_000_001_000).unwrap();
    Letter {
        id: Uuid::from_u128(7),
        status: LetterStatus::Unresolved,
        family: Family::Evtop,
        group: Some(group.to_owned()),
        topic: Some("order-events".to_owned()),
        partition: Some(0),
        offset: Some(4),
        key: Some(b"ORD-1".to_vec()),
        event_id: Some(Uuid::from_u128(1)),
        event_type: None,
        correlation_id: None,
        stage: None,
        code: "validation".to_owned(),
        message: String::new(),
        fingerprint: String::new(),
        attempts: Some(1),
        first_failed_at: at,
        last_failed_at: at,
        redrives: 0,
        outcome: None,
        blocked_by: None,
        dlq: None,
        note: None,
        reason: None,
    }
}
