//! The work on one partition's next records, in their order. A batch is decoded, its handlers run, and
//! its effects go into one transaction; the first event that can't be settled ends it, and everything
//! before that is done for good.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::FutureExt;
use uuid::Uuid;

use super::dead_letter::{Failure, Held, behind, bury, letter_of, redrive_ref};
use super::worker::Worker;
use crate::clock;
use crate::dedupe::Claim;
use crate::domain::fault::{Fault, FaultKind, Stage};
use crate::domain::fault_plan::Fate;
use crate::domain::reader::{Read, read};
use crate::domain::record::{Headers, Record};
use crate::failpoint;
use crate::kafka::headers::{Directions, directions, history};
use crate::store::{Applied, QUEUE_DEPTH, Queued, StoreError, Work};

/// What earlier attempts at the first record came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Attempts {
    pub made: u32,
    pub first_failed_at: Option<DateTime<Utc>>,
}

/// How far a batch came.
pub struct Report {
    /// The records that are not done, in order.
    pub rest: Vec<Record>,
    /// The offset after the last one that is done; `None` when none is.
    pub next: Option<i64>,
    pub stop: Stop,
}

/// Why a batch ended.
pub enum Stop {
    /// Everything is done.
    Done,
    /// The first record of the rest failed and will be tried again.
    Retry { fault: Fault, attempts: Attempts },
    /// Something is down, or a queue is full: nothing is counted against the event.
    Hold { reason: String, attempts: Attempts },
}

/// A record on its way through the batch.
enum Job {
    /// Not for us: no such type here, or redriven to another group.
    Skip,
    Work {
        read: Box<Read>,
        asked: Directions,
        attempts: u32,
        seen: bool,
    },
}

struct Run<'a> {
    worker: &'a Worker,
    started: std::time::Instant,
    /// Records before this index are done.
    done: usize,
    /// Handled but not yet written: the jobs of records `done..`.
    jobs: Vec<Job>,
    /// What a person should know of a batch that did not end well.
    head: Attempts,
}

/// Works through `records`; `head` is about the first of them.
pub async fn run(worker: Arc<Worker>, records: Vec<Record>, head: Attempts) -> Report {
    let mut run = Run {
        worker: &worker,
        started: clock::instant(),
        done: 0,
        jobs: Vec::new(),
        head,
    };
    let stop = run.through(&records).await;
    let next = run.done.checked_sub(1).map(|last| records[last].offset + 1);
    let done = run.done;
    let mut records = records;
    Report {
        rest: records.split_off(done),
        next,
        stop: stop.unwrap_or(Stop::Done),
    }
}

impl Run<'_> {
    /// `Some` is where and why it stopped before the end.
    async fn through(&mut self, records: &[Record]) -> Option<Stop> {
        let blocked = match self.blocked(records).await {
            Ok(blocked) => blocked,
            Err(reason) => return Some(self.hold(reason)),
        };
        for record in records {
            let job = self.classify(record);
            let (mut work, asked) = match job {
                Ok(None) => {
                    self.jobs.push(Job::Skip);
                    continue;
                }
                Ok(Some((read, asked))) => (Some(read), asked),
                Err(fault) => {
                    if let Some(stop) = self.give_up(records, record, &fault, None, 1).await {
                        return Some(stop);
                    }
                    continue;
                }
            };
            let Some(read) = work.take() else { continue };
            let head = record
                .key
                .as_ref()
                .and_then(|key| blocked.get(key))
                .copied();
            let head = head.filter(|_| asked.redrive.is_none());
            if let Some(head) = head {
                match self.wait_behind(records, record, &read, head).await {
                    Ok(true) => continue,
                    Ok(false) => {}
                    Err(stop) => return Some(stop),
                }
            }
            let attempt = self.attempts(self.done + self.jobs.len()).made + 1;
            if let Err(fault) = self.handle(&read, &record.headers, attempt).await {
                self.worker.meter.errors.add(1);
                self.worker
                    .meter
                    .set_error(self.worker.shared.clock.now(), fault.to_string());
                let tired = attempt >= self.worker.shared.settings.max_attempts;
                let index = self.done + self.jobs.len();
                if fault.kind == FaultKind::Transient && !tired {
                    if let Some(stop) = self.write(records).await {
                        return Some(stop);
                    }
                    let before = self.attempts(index);
                    self.worker.meter.retries.add(1);
                    return Some(Stop::Retry {
                        fault,
                        attempts: Attempts {
                            made: attempt,
                            first_failed_at: before
                                .first_failed_at
                                .or_else(|| Some(self.worker.shared.clock.now())),
                        },
                    });
                }
                if let Some(stop) = self
                    .give_up(records, record, &fault, Some(&read), attempt)
                    .await
                {
                    return Some(stop);
                }
                continue;
            }
            self.jobs.push(Job::Work {
                read,
                asked,
                attempts: attempt,
                seen: false,
            });
        }
        self.write(records).await
    }

    /// What earlier rounds know of record `index`: only the first one of the batch has a history.
    fn attempts(&self, index: usize) -> Attempts {
        if index == 0 {
            self.head
        } else {
            Attempts::default()
        }
    }

    fn hold(&self, reason: String) -> Stop {
        Stop::Hold {
            reason,
            attempts: self.attempts(self.done),
        }
    }

    /// Keys of this batch that have a letter at their head.
    async fn blocked(&self, records: &[Record]) -> Result<HashMap<Vec<u8>, Uuid>, String> {
        let keys: Vec<&[u8]> = records.iter().filter_map(|r| r.key.as_deref()).collect();
        let group = self.worker.service.row().group;
        match self.worker.shared.store.blocked_heads(group, &keys).await {
            Ok(blocked) => Ok(blocked),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Is it for us, and can it be read? Headers come first: what is meant for another group is not
    /// even decoded.
    #[expect(
        clippy::type_complexity,
        reason = "read and directions travel together, once"
    )]
    fn classify(&self, record: &Record) -> Result<Option<(Box<Read>, Directions)>, Fault> {
        let row = self.worker.service.row();
        let asked = directions(&record.headers);
        if asked
            .target_group
            .as_deref()
            .is_some_and(|target| target != row.group)
        {
            return Ok(None);
        }
        let read = read(record, &self.worker.shared.settings.limits).map_err(Fault::from)?;
        if !row.events.contains(&read.envelope.event_type) {
            return Ok(None);
        }
        Ok(Some((Box::new(read), asked)))
    }

    /// The service's own work outside the database, under the fault plan, a timeout and a net for
    /// panics.
    async fn handle(&self, read: &Read, headers: &Headers, attempt: u32) -> Result<(), Fault> {
        let asked = directions(headers);
        let fate = self.worker.fate(
            read.envelope.event_id,
            history(headers).0 + attempt,
            asked.redrives,
        );
        if fate == Fate::Works {
            return Ok(());
        }
        let limit = self.worker.shared.settings.handler_timeout;
        let work = AssertUnwindSafe(suffer(fate, self.worker.service.row().name)).catch_unwind();
        match tokio::time::timeout(limit, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => Err(Fault {
                kind: FaultKind::Transient,
                stage: Stage::Panic,
                code: "panic".into(),
                message: format!("the handler panicked: {}", panic_text(panic.as_ref())),
            }),
            Err(_) => Err(timed_out(limit)),
        }
    }

    /// Writes what is handled so far, then buries this record.
    async fn give_up(
        &mut self,
        records: &[Record],
        record: &Record,
        fault: &Fault,
        read: Option<&Read>,
        attempts: u32,
    ) -> Option<Stop> {
        let index = self.done + self.jobs.len();
        let before = self.attempts(index);
        if let Some(stop) = self.write(records).await {
            return Some(stop);
        }
        self.bury(record, fault, read, attempts, before).await
    }

    async fn bury(
        &mut self,
        record: &Record,
        fault: &Fault,
        read: Option<&Read>,
        attempts: u32,
        before: Attempts,
    ) -> Option<Stop> {
        let worker = self.worker;
        let now = worker.shared.clock.now();
        // A letter can't be redriven by a key that is blocked behind itself: a malformed record of a
        // blocked key is a letter of its own.
        let failure = Failure {
            fault,
            attempts,
            first_failed_at: before.first_failed_at.unwrap_or(now),
            now,
            envelope: read.map(|r| &r.envelope),
        };
        if let Err(Held(reason)) = bury(&worker.shared, worker.service, record, &failure).await {
            return Some(Stop::Hold {
                reason,
                attempts: before,
            });
        }
        worker.meter.dead.add(1);
        if read.is_none() {
            worker.meter.errors.add(1);
            worker.meter.set_error(now, fault.to_string());
        }
        failpoint::pass("dlq.indexed");
        self.done += 1;
        None
    }

    /// Writes all handled jobs: one claim, one transaction. Empties `jobs`.
    async fn write(&mut self, records: &[Record]) -> Option<Stop> {
        let mut jobs = std::mem::take(&mut self.jobs);
        self.claim(&mut jobs);
        let mut at = 0;
        // Mostly one turn; a fault or a blocked key inside the batch takes another.
        while at < jobs.len() {
            match self.write_some(records, &jobs[at..]).await {
                // The rest needs a fresh look at what is blocked: it comes back in the next batch.
                Ok(0) => return Some(Stop::Done),
                Ok(count) => at += count,
                Err(stop) => return Some(stop),
            }
        }
        None
    }

    /// One round trip to the idempotency store for the whole batch.
    fn claim(&self, jobs: &mut [Job]) {
        let shared = &self.worker.shared;
        let ids: Vec<String> = jobs.iter().filter_map(message_id).collect();
        if ids.is_empty() {
            return;
        }
        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
        let group = self.worker.service.row().group;
        let claims = shared
            .dedupe
            .claim(group, &ids, &shared.owner, shared.clock.now());
        let works = jobs.iter_mut().filter(|j| matches!(j, Job::Work { .. }));
        for (job, claim) in works.zip(claims) {
            if let Job::Work { seen, .. } = job {
                *seen = claim == Claim::Done;
            }
        }
    }

    /// Writes a prefix of the jobs and says how many of them are settled.
    async fn write_some(&mut self, records: &[Record], jobs: &[Job]) -> Result<usize, Stop> {
        let base = self.done;
        let mut indexes = Vec::with_capacity(jobs.len());
        let mut works = Vec::with_capacity(jobs.len());
        for (n, job) in jobs.iter().enumerate() {
            if let Job::Work {
                read, asked, seen, ..
            } = job
            {
                // What the fast path knows as done needs no database, unless somebody waits for a report.
                if *seen && asked.redrive.is_none() && asked.replay.is_none() {
                    continue;
                }
                indexes.push(n);
                works.push(work(read, asked, &records[base + n]));
            }
        }
        let applied = self.apply(&works).await;
        let applied = match applied {
            Ok(applied) => applied,
            Err(StoreError::Unavailable(reason)) => return Err(self.hold(reason)),
            // Somewhere in the batch sits one that the store refuses: find it one by one.
            Err(_) if works.len() > 1 => {
                let first = &jobs[..=indexes[0]];
                return Box::pin(self.write_some(records, first)).await;
            }
            Err(error) => return self.store_fault(records, jobs, indexes[0], &error).await,
        };
        self.settle(records, jobs, &indexes, &applied).await
    }

    async fn apply(&self, works: &[Work<'_>]) -> Result<Vec<Applied>, StoreError> {
        if works.is_empty() {
            return Ok(Vec::new());
        }
        let (worker, shared) = (self.worker, &self.worker.shared);
        let applied = shared
            .store
            .apply(worker.service, works, shared.clock.now(), &shared.clock)
            .await?;
        failpoint::pass("effect.committed");
        Ok(applied)
    }

    /// The one event that the store refuses: a transient fault of its own.
    async fn store_fault(
        &mut self,
        records: &[Record],
        jobs: &[Job],
        index: usize,
        error: &StoreError,
    ) -> Result<usize, Stop> {
        self.count_skipped(jobs, 0, index);
        self.done += index;
        let Job::Work { read, attempts, .. } = &jobs[index] else {
            return Ok(index);
        };
        let fault = Fault {
            kind: FaultKind::Transient,
            stage: Stage::Store,
            code: "store".into(),
            message: error.to_string(),
        };
        self.worker.meter.errors.add(1);
        self.worker
            .meter
            .set_error(self.worker.shared.clock.now(), fault.to_string());
        let before = self.attempts(self.done);
        if *attempts < self.worker.shared.settings.max_attempts {
            self.worker.meter.retries.add(1);
            let first = before
                .first_failed_at
                .or_else(|| Some(self.worker.shared.clock.now()));
            let attempts = Attempts {
                made: *attempts,
                first_failed_at: first,
            };
            return Err(Stop::Retry { fault, attempts });
        }
        let record = &records[self.done];
        match self
            .bury(record, &fault, Some(read), *attempts, before)
            .await
        {
            Some(stop) => Err(stop),
            None => Ok(index + 1),
        }
    }

    /// Takes in what the store said, in order, up to the first one that needs another turn.
    async fn settle(
        &mut self,
        records: &[Record],
        jobs: &[Job],
        indexes: &[usize],
        applied: &[Applied],
    ) -> Result<usize, Stop> {
        let base = self.done;
        let shared = Arc::clone(&self.worker.shared);
        let meter = &self.worker.meter;
        let group = self.worker.service.row().group;
        let mut completed = Vec::with_capacity(applied.len());
        let mut settled = 0;
        let mut outcome = Ok(());
        for (&n, result) in indexes.iter().zip(applied) {
            self.count_skipped(jobs, settled, n);
            self.done = base + n;
            settled = n;
            let Job::Work {
                read,
                attempts,
                asked,
                ..
            } = &jobs[n]
            else {
                continue;
            };
            match result {
                Applied::Done => {
                    meter.handled.add(1);
                    meter.latency.record(self.started.elapsed(), 1);
                    self.worker.observe_end_to_end(&read.envelope, asked);
                    completed.extend(message_id(&jobs[n]));
                }
                Applied::Duplicate => {
                    meter.duplicates.add(1);
                    completed.extend(message_id(&jobs[n]));
                }
                Applied::Fault(fault) => {
                    meter.errors.add(1);
                    meter.set_error(shared.clock.now(), fault.to_string());
                    let before = self.attempts(self.done);
                    let record = &records[self.done];
                    if let Some(stop) = self
                        .bury(record, fault, Some(read), *attempts, before)
                        .await
                    {
                        outcome = Err(stop);
                        break;
                    }
                    self.done = base + n;
                }
                Applied::Blocked(head) => {
                    match self.queue(&records[base + n], read, *head).await {
                        Ok(true) => {}
                        // The key is free again: the next turn handles it.
                        Ok(false) => break,
                        Err(stop) => {
                            outcome = Err(stop);
                            break;
                        }
                    }
                }
                Applied::Held => break,
            }
            settled = n + 1;
            self.done = base + n + 1;
        }
        let ids: Vec<&str> = completed.iter().map(String::as_str).collect();
        shared.dedupe.complete(group, &ids, shared.clock.now());
        shared.wake_relay();
        outcome?;
        if indexes.len() == applied.len() && indexes.last().is_none_or(|last| settled == last + 1) {
            self.count_skipped(jobs, settled, jobs.len());
            self.done = base + jobs.len();
            settled = jobs.len();
        }
        Ok(settled)
    }

    /// Puts a record into its key's queue, after what came before it is written. `false`: the key is
    /// free by now.
    async fn wait_behind(
        &mut self,
        records: &[Record],
        record: &Record,
        read: &Read,
        head: Uuid,
    ) -> Result<bool, Stop> {
        if let Some(stop) = self.write(records).await {
            return Err(stop);
        }
        let queued = self.queue(record, read, head).await?;
        self.done += usize::from(queued);
        Ok(queued)
    }

    async fn queue(&self, record: &Record, read: &Read, head: Uuid) -> Result<bool, Stop> {
        let shared = &self.worker.shared;
        let now = shared.clock.now();
        let fault = behind(head);
        let failure = Failure {
            fault: &fault,
            attempts: 0,
            first_failed_at: now,
            now,
            envelope: Some(&read.envelope),
        };
        let row = letter_of(
            self.worker.service.row().group,
            record,
            &failure,
            Some(head),
        );
        let queued = shared.store.queue_behind(std::slice::from_ref(&row)).await;
        match queued.map(|q| q.first().copied()) {
            Ok(Some(Queued::Queued)) => {
                self.worker.meter.queued.add(1);
                Ok(true)
            }
            Ok(Some(Queued::Released) | None) => Ok(false),
            Ok(Some(Queued::Full)) => Err(self.hold(format!(
                "{QUEUE_DEPTH} events wait behind letter {head} of one key"
            ))),
            Err(error) => Err(self.hold(error.to_string())),
        }
    }

    /// Counts the jobs in `from..to` that needed no database.
    fn count_skipped(&self, jobs: &[Job], from: usize, to: usize) {
        for job in &jobs[from..to] {
            match job {
                Job::Skip => self.worker.meter.skipped.add(1),
                Job::Work { seen: true, .. } => self.worker.meter.duplicates.add(1),
                Job::Work { .. } => {}
            }
        }
    }
}

fn work<'a>(read: &'a Read, asked: &Directions, record: &Record) -> Work<'a> {
    Work {
        envelope: &read.envelope,
        event: &read.event,
        message_id: id_of(read, asked),
        redrive: redrive_ref(asked),
        // On the topic every service would report; only a replay for one of them can be counted.
        replay: asked.replay.filter(|_| asked.target_group.is_some()),
        key: record.key.clone(),
    }
}

fn message_id(job: &Job) -> Option<String> {
    match job {
        Job::Work { read, asked, .. } => Some(id_of(read, asked)),
        Job::Skip => None,
    }
}

/// A forced replay gets keys of its own, so that it is handled once more and only once.
fn id_of(read: &Read, asked: &Directions) -> String {
    let id = read.envelope.event_id;
    match asked.replay {
        Some(replay) if asked.force => format!("{id}:{replay}"),
        _ => id.to_string(),
    }
}

/// Carries out what the fault plan has in store.
async fn suffer(fate: Fate, service: &str) -> Result<(), Fault> {
    let fault = |kind, code: &str, message: String| {
        Err(Fault {
            kind,
            stage: Stage::Handle,
            code: code.into(),
            message,
        })
    };
    match fate {
        Fate::Works => Ok(()),
        Fate::Slow(time) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        Fate::FailsTransiently => fault(
            FaultKind::Transient,
            "gateway_timeout",
            format!("{service}: the gateway did not answer in time (fault plan)"),
        ),
        Fate::FailsForGood => fault(
            FaultKind::Permanent,
            "rejected",
            format!("{service}: the gateway rejected the request (fault plan)"),
        ),
        Fate::Panics => panic!("{service}: a bug in the handler (fault plan)"),
    }
}

fn timed_out(limit: Duration) -> Fault {
    Fault {
        kind: FaultKind::Transient,
        stage: Stage::Timeout,
        code: "timeout".into(),
        message: format!("the handler did not finish in {} s", limit.as_secs_f64()),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
