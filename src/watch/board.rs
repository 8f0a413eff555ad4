//! Where sources put what they last heard. Each writes its own slot and fails alone; whoever takes a
//! snapshot reads them all.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

use crate::domain::operation::{AuditRow, Operation};
use crate::lock::lock;
use crate::snapshot::{
    Consumer, Dependency, EventDetail, GroupLag, LetterDetail, Letters, Messages, Outbox, Reading,
    StoreTotals, Timeline, Topic,
};

/// One source's last word.
pub struct Slot<T>(Mutex<Reading<T>>);

impl<T> Default for Slot<T> {
    fn default() -> Self {
        Self(Mutex::new(Reading::default()))
    }
}

impl<T: Clone> Slot<T> {
    /// Takes an answer in: a value replaces all, an error stands beside the last value.
    pub fn take_in(&self, answer: Result<T, String>, now: DateTime<Utc>) {
        let mut reading = lock(&self.0);
        match answer {
            Ok(value) => *reading = Reading::new(value, now),
            Err(error) => reading.error = Some(error),
        }
    }

    /// Nobody looks any more.
    pub fn clear(&self) {
        *lock(&self.0) = Reading::default();
    }

    /// Looks at it in its place.
    pub fn with<R>(&self, look: impl FnOnce(&Reading<T>) -> R) -> R {
        look(&lock(&self.0))
    }

    #[must_use]
    pub fn read(&self) -> Reading<T> {
        lock(&self.0).clone()
    }
}

/// Every source's slot.
#[derive(Default)]
pub struct Board {
    pub topics: Slot<Vec<Topic>>,
    pub lag: Slot<Arc<Vec<GroupLag>>>,
    pub outbox: Slot<Outbox>,
    pub totals: Slot<StoreTotals>,
    pub letters: Slot<Letters>,
    pub letter: Slot<Option<LetterDetail>>,
    pub blocked_keys: Slot<Vec<(String, u64)>>,
    /// Workers of other processes, where this one runs none.
    pub workers: Slot<Vec<Consumer>>,
    pub timeline: Slot<Timeline>,
    pub event: Slot<Option<EventDetail>>,
    pub messages: Slot<Arc<Messages>>,
    pub operations: Slot<Vec<Operation>>,
    pub audit: Slot<Vec<AuditRow>>,
    pub health: Mutex<Vec<Dependency>>,
    /// Something that somebody waits for has changed: take a snapshot now.
    pub fresh: Notify,
}

impl Board {
    #[must_use]
    pub fn health(&self) -> Vec<Dependency> {
        lock(&self.health).clone()
    }
}

/// Waits for an answer, but not for longer than `limit`.
pub async fn within<T, E: ToString>(
    limit: Duration,
    ask: impl Future<Output = Result<T, E>>,
) -> Result<T, String> {
    match tokio::time::timeout(limit, ask).await {
        Ok(answer) => answer.map_err(|e| e.to_string()),
        Err(_) => Err(format!("no answer in {} s", limit.as_secs_f64())),
    }
}
