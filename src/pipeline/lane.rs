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
    /// The first offset and the number of records of the batch at work.
    at_work: (i64, usize),
    /// From here on the partition is read again, though a batch was at work across it.
    again: Option<i64>,
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
    /// Of the record it waits with.
    offset: i64,
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
            at_work: (0, 0),
            again: None,
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
            if self.busy.is_some() && self.at_work.0 < record.offset {
                // What the batch has before this record does not come again: let it end.
                self.again = Some(self.again.map_or(record.offset, |at| at.min(record.offset)));
            } else {
                if let Some(handle) = self.busy.take() {
                    handle.abort();
                }
                self.epoch.1 += 1;
                self.again = None;
                if self.queue.is_empty() {
                    self.attempts = Attempts::default();
                    self.wait = None;
                }
            }
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
        let records: Vec<Record> = self.queue.drain(..count).collect();
        self.at_work = (records[0].offset, count);
        Some((records, self.attempts))
    }

    pub fn started(&mut self, handle: AbortHandle) {
        self.busy = Some(handle);
    }

    /// Takes a batch's report in; returns the offset to go on from, if the batch moved it. `delay` is
    /// the time until a retry after so many attempts.
    pub fn finished(
        &mut self,
        mut report: Report,
        now: (Instant, DateTime<Utc>),
        delay: impl Fn(u32) -> Duration,
    ) -> Option<i64> {
        self.busy = None;
        if let Some(again) = self.again.take() {
            report.rest.retain(|r| r.offset < again);
            report.next = report.next.map(|next| next.min(again));
            if report.rest.is_empty() {
                report.stop = Stop::Done;
            }
        }
        let done = report.next;
        let offset = report.rest.first().map_or(-1, |r| r.offset);
        for record in report.rest.into_iter().rev() {
            self.queue.push_front(record);
        }
        let (reason, attempts, dependency) = match report.stop {
            Stop::Done => {
                self.attempts = Attempts::default();
                self.wait = None;
                return done;
            }
            Stop::Retry { fault, attempts } => (fault.to_string(), attempts, false),
            Stop::Hold { reason, attempts } => (reason, attempts, true),
        };
        let before = self
            .wait
            .take()
            .filter(|w| w.dependency == dependency && done.is_none());
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
            offset,
            reason,
            dependency,
            times,
        });
        done
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
        let at_work = self.busy.as_ref().map_or(0, |_| self.at_work.1);
        Some(HeldPartition {
            topic: topic.to_owned(),
            partition,
            offset: wait.offset,
            attempts: self.attempts.made,
            since: wait.since,
            due: Some(wait.due_at),
            reason: wait.reason.clone(),
            waiting: (self.queue.len() + at_work).saturating_sub(1),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;
    use crate::domain::fault::{Fault, FaultKind, Stage};

    const SECOND: Duration = Duration::from_secs(1);

    fn record(offset: i64) -> Record {
        Record {
            topic: "t".into(),
            partition: 0,
            offset,
            timestamp: None,
            key: None,
            value: None,
            headers: Vec::new(),
        }
    }

    fn lane(offsets: std::ops::Range<i64>) -> Lane {
        let mut lane = Lane::new(1);
        offsets.for_each(|offset| lane.push(record(offset)));
        lane
    }

    fn queued(lane: &Lane) -> Vec<i64> {
        lane.queue.iter().map(|r| r.offset).collect()
    }

    /// Starts a batch that never ends by itself.
    fn begin(lane: &mut Lane, most: usize, now: Instant) -> (Vec<Record>, AbortHandle) {
        let (batch, _) = lane.take(most, now).unwrap();
        let handle = tokio::spawn(std::future::pending::<()>()).abort_handle();
        lane.started(handle.clone());
        (batch, handle)
    }

    fn retry(rest: Vec<Record>, next: Option<i64>, made: u32) -> Report {
        let fault = Fault {
            kind: FaultKind::Transient,
            stage: Stage::Handle,
            code: "c".into(),
            message: "m".into(),
        };
        let attempts = Attempts {
            made,
            first_failed_at: None,
        };
        let stop = Stop::Retry { fault, attempts };
        Report { rest, next, stop }
    }

    fn hold(rest: Vec<Record>, next: Option<i64>) -> Report {
        let stop = Stop::Hold {
            reason: "down".into(),
            attempts: Attempts::default(),
        };
        Report { rest, next, stop }
    }

    fn end(lane: &mut Lane, report: Report, now: Instant) -> Option<i64> {
        lane.finished(report, (now, DateTime::UNIX_EPOCH), |made| SECOND * made)
    }

    #[tokio::test]
    async fn what_is_left_comes_first_and_waits() {
        let now = clock::instant();
        let mut lane = lane(0..10);
        let (mut batch, _) = begin(&mut lane, 4, now);
        assert!(lane.take(4, now).is_none(), "one batch at a time");
        let rest = batch.split_off(2);
        assert_eq!(end(&mut lane, retry(rest, Some(2), 1), now), Some(2));
        assert_eq!(queued(&lane), (2..10).collect::<Vec<_>>());
        let held = lane.held("t", 0).unwrap();
        assert_eq!((held.offset, held.attempts, held.waiting), (2, 1, 7));
        assert!(lane.waits(), "nothing is fetched meanwhile");
        assert!(lane.take(4, now).is_none(), "not before it is due");
        let (batch, attempts) = lane.take(4, now + SECOND).unwrap();
        assert_eq!((batch[0].offset, batch.len(), attempts.made), (2, 4, 1));
    }

    #[tokio::test]
    async fn a_batch_at_work_is_still_shown_with_its_head() {
        let now = clock::instant();
        let mut lane = lane(5..8);
        let (batch, _) = begin(&mut lane, 3, now);
        end(&mut lane, retry(batch, None, 2), now);
        let (batch, _) = begin(&mut lane, 3, now + SECOND * 2);
        let held = lane.held("t", 0).unwrap();
        assert_eq!((held.offset, held.attempts, held.waiting), (5, 2, 2));
        let done = Report {
            rest: Vec::new(),
            next: batch.last().map(|r| r.offset + 1),
            stop: Stop::Done,
        };
        assert_eq!(end(&mut lane, done, now), Some(8));
        assert!(lane.held("t", 0).is_none() && !lane.waits());
        assert_eq!(lane.attempts.made, 0);
    }

    #[tokio::test]
    async fn waits_for_a_dependency_grow_and_keep_their_start() {
        let now = clock::instant();
        let mut lane = lane(0..2);
        for times in 1..4u32 {
            let at = now + SECOND * times * 10;
            let (batch, _) = begin(&mut lane, 2, at);
            end(&mut lane, hold(batch, None), at);
            assert_eq!(lane.due(), Some(at + Duration::from_millis(250) * times));
            assert_eq!(lane.waits_for_dependency(), Some("down"));
        }
        // Some of it worked: the next trouble is a new one.
        let (mut batch, _) = begin(&mut lane, 2, now + SECOND * 60);
        let rest = batch.split_off(1);
        assert_eq!(end(&mut lane, hold(rest, Some(1)), now), Some(1));
        assert_eq!(lane.due(), Some(now + Duration::from_millis(250)));
    }

    #[tokio::test]
    async fn read_again_from_before_a_batch_lets_all_of_it_go() {
        let now = clock::instant();
        let mut lane = lane(10..20);
        let (_, handle) = begin(&mut lane, 4, now);
        let epoch = lane.epoch;
        (8..12).for_each(|offset| lane.push(record(offset)));
        tokio::task::yield_now().await;
        assert!(handle.is_finished(), "it is stopped");
        assert_ne!(lane.epoch, epoch, "and its report ignored");
        assert_eq!(queued(&lane), [8, 9, 10, 11]);
        assert!(lane.take(9, now).is_some());
    }

    #[tokio::test]
    async fn read_again_from_within_a_batch_keeps_what_does_not_come_again() {
        let now = clock::instant();
        let mut lane = lane(10..20);
        let (mut batch, handle) = begin(&mut lane, 4, now);
        (12..15).for_each(|offset| lane.push(record(offset)));
        assert_eq!(queued(&lane), [12, 13, 14]);
        let rest = batch.split_off(1);
        assert_eq!(end(&mut lane, retry(rest, Some(11), 1), now), Some(11));
        assert_eq!(queued(&lane), [11, 12, 13, 14]);
        assert!(!handle.is_finished());

        let (batch, _) = begin(&mut lane, 4, now + SECOND);
        lane.push(record(13));
        let done = Report {
            rest: Vec::new(),
            next: Some(batch[3].offset + 1),
            stop: Stop::Done,
        };
        assert_eq!(
            end(&mut lane, done, now),
            Some(13),
            "not past what comes again"
        );
        assert_eq!(queued(&lane), [13]);
    }

    #[tokio::test]
    async fn read_again_from_within_the_queue_keeps_the_head_and_its_attempts() {
        let now = clock::instant();
        let mut lane = lane(0..6);
        let (batch, _) = begin(&mut lane, 2, now);
        end(&mut lane, retry(batch, None, 3), now);
        lane.push(record(3));
        assert_eq!(queued(&lane), [0, 1, 2, 3]);
        assert!(lane.due().is_some());
        lane.push(record(0));
        assert_eq!(queued(&lane), [0]);
        assert!(lane.due().is_none(), "a new reading starts afresh");
    }
}
