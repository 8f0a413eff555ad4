//! One partition's queue inside a consumer. A lane works on one batch at a time; while its head event
//! waits to be tried again the partition is paused, and the other lanes go on.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use tokio::task::AbortHandle;

use super::batch::{Attempts, Report, Stop};
use crate::domain::record::Record;
use crate::snapshot::HeldPartition;

/// A partition's records, fetched and not yet done.
pub struct Lane {
    /// Tells this assignment, and this reading of it, from earlier ones of the same partition: a late
    /// batch of those is ignored.
    pub epoch: Epoch,
    /// The last offset that was handed in.
    last: Option<i64>,
    queue: VecDeque<Record>,
    busy: Option<AbortHandle>,
    attempts: Attempts,
    wait: Option<Wait>,
    /// Whether fetching is paused.
    pub paused: bool,
}

/// Which assignment of this member, and which reading within it.
pub type Epoch = (u64, u32);

/// Why a lane does not go on at once.
struct Wait {
    due: Instant,
    due_at: DateTime<Utc>,
    since: DateTime<Utc>,
    reason: String,
    dependency: bool,
    /// Waits in a row for the same dependency.
    times: u32,
}

impl Lane {
    #[must_use]
    pub fn new(assignment: u64) -> Self {
        Self {
            epoch: (assignment, 0),
            last: None,
            queue: VecDeque::new(),
            busy: None,
            attempts: Attempts::default(),
            wait: None,
            paused: false,
        }
    }

    /// Hands a record in. One that lies behind what came before means that the partition is read again
    /// from there: what was ahead comes again too, so it is let go, lest its offset be stored first.
    pub fn push(&mut self, record: Record) {
        if self.last.is_some_and(|last| record.offset <= last) {
            self.queue.retain(|r| r.offset < record.offset);
            if let Some(handle) = self.busy.take() {
                handle.abort();
                self.queue.clear();
            }
            self.attempts = Attempts::default();
            self.wait = None;
            self.epoch.1 += 1;
        }
        self.last = Some(record.offset);
        self.queue.push_back(record);
    }

    #[must_use]
    pub fn held_records(&self) -> usize {
        self.queue.len()
    }

    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.busy.is_some()
    }

    /// Its head waits to be tried again.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.wait.is_some()
    }

    /// When it may go on, while it waits.
    #[must_use]
    pub fn due(&self) -> Option<Instant> {
        self.wait.as_ref().map(|w| w.due)
    }

    /// Waits because something is down, not because of the event.
    #[must_use]
    pub fn waits_for_dependency(&self) -> Option<&str> {
        self.wait
            .as_ref()
            .filter(|w| w.dependency)
            .map(|w| w.reason.as_str())
    }

    /// The next batch, if the lane is free and not waiting at `now`.
    pub fn take(&mut self, most: usize, now: Instant) -> Option<(Vec<Record>, Attempts)> {
        if self.busy.is_some() || self.queue.is_empty() {
            return None;
        }
        if self.wait.as_ref().is_some_and(|w| w.due > now) {
            return None;
        }
        let count = most.min(self.queue.len());
        Some((self.queue.drain(..count).collect(), self.attempts))
    }

    pub fn started(&mut self, handle: AbortHandle) {
        self.busy = Some(handle);
    }

    /// Takes a batch's report in. `delay` is the time until a retry after so many attempts.
    pub fn finished(
        &mut self,
        report: Report,
        now: (Instant, DateTime<Utc>),
        delay: impl Fn(u32) -> Duration,
    ) {
        self.busy = None;
        for record in report.rest.into_iter().rev() {
            self.queue.push_front(record);
        }
        let (reason, attempts, dependency) = match report.stop {
            Stop::Done => {
                self.attempts = Attempts::default();
                self.wait = None;
                return;
            }
            Stop::Retry { fault, attempts } => (fault.to_string(), attempts, false),
            Stop::Hold { reason, attempts } => (reason, attempts, true),
        };
        let before = self
            .wait
            .take()
            .filter(|w| w.dependency == dependency && report.next.is_none());
        let times = before.as_ref().map_or(0, |w| w.times) + 1;
        let pause = if dependency {
            Duration::from_millis(250 * u64::from(times.min(8)))
        } else {
            delay(attempts.made)
        };
        self.attempts = attempts;
        self.wait = Some(Wait {
            due: now.0 + pause,
            due_at: now.1 + pause,
            since: before.map_or(now.1, |w| w.since),
            reason,
            dependency,
            times,
        });
    }

    /// Gives the partition up: a batch at work is stopped, its transaction rolled back.
    pub fn abandon(self) {
        if let Some(handle) = self.busy {
            handle.abort();
        }
    }

    /// How a waiting lane looks to a person.
    #[must_use]
    pub fn held(&self, topic: &str, partition: i32) -> Option<HeldPartition> {
        let wait = self.wait.as_ref()?;
        Some(HeldPartition {
            topic: topic.to_owned(),
            partition,
            offset: self.queue.front().map_or(-1, |r| r.offset),
            attempts: self.attempts.made,
            since: wait.since,
            due: Some(wait.due_at),
            reason: wait.reason.clone(),
            waiting: self.queue.len().saturating_sub(1),
        })
    }
}
