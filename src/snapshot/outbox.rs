//! The outbox as it may be shown: what waits, what was sent, and who sends it.

use chrono::{DateTime, Utc};

use super::{Percentiles, Series};
use crate::domain::stored::{BlockedKey, OutboxRow, SentRow};

/// The outbox, and what was published from it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outbox {
    pub pending: u64,
    pub oldest: Option<DateTime<Utc>>,
    /// Since this process's relay started; unknown where it runs none.
    pub published: Option<u64>,
    pub publish_per_s: Option<f64>,
    /// Written → acknowledged by the broker, over the last minute.
    pub delay: Option<Percentiles>,
    pub blocked: Vec<BlockedKey>,
    /// The oldest waiting rows.
    pub head: Vec<OutboxRow>,
    /// The newest sent rows, newest first.
    pub sent: Vec<SentRow>,
    pub relays: Vec<Relay>,
    pub pending_history: Series,
    pub rate_history: Series,
}

/// Who sends one part of the outbox.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Relay {
    pub shard: String,
    /// `None`: nobody sends this shard.
    pub owner: Option<String>,
    /// "idle", "publishing", "held: kafka down", "slowed: …"; unknown of another process.
    pub state: Option<String>,
    /// When a relay of another process last said that it is alive.
    pub heard: Option<DateTime<Utc>>,
    pub last_error: Option<(DateTime<Utc>, String)>,
}
