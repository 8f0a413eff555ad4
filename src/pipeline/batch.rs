//! The work on one partition's next records, in their order. A batch is decoded, its handlers run, and
//! its effects go into one transaction; the first event that can't be settled ends it, and everything
//! before that is done for good.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::circuit::TRIES;
use super::dead_letter::{Failure, Held, bury};
use super::handler;
use super::worker::Worker;
use crate::clock;
use crate::dedupe::Claim;
use crate::domain::fault::{Fault, FaultKind};
use crate::domain::reader::{Read, read};
use crate::domain::record::Record;
use crate::failpoint;
use crate::kafka::headers::{Directions, directions, original};
use crate::store::Applied;

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
    /// Everything is done, or the rest needs a fresh look at once.
    Done,
    /// The first record of the rest failed and will be tried again.
    Retry { fault: Fault, attempts: Attempts },
    /// Something is down, or a queue is full: nothing is counted against the event.
    Hold { reason: String, attempts: Attempts },
}

/// An event on its way through the batch.
pub(super) struct Task {
    pub(super) read: Box<Read>,
    pub(super) asked: Directions,
    /// What makes it once-only.
    pub(super) id: String,
    pub(super) attempts: u32,
    /// It is known that it was handled before: its handler must not run again.
    seen: bool,
    /// What the store said of it.
    pub(super) applied: Option<Applied>,
}

/// A record's task; `None` is not for us: no such type here, or sent to another group.
pub(super) type Job = Option<Box<Task>>;

pub(super) struct Run<'a> {
    pub(super) worker: &'a Worker,
    pub(super) records: &'a [Record],
    pub(super) started: std::time::Instant,
    /// Records before this index are done.
    pub(super) done: usize,
    /// Handled but not yet written: the jobs of records `done..`.
    pub(super) jobs: Vec<Job>,
    /// What was claimed for each record.
    claimed: Vec<Option<String>>,
    /// Keys with a letter at their head, those of this batch included.
    blocked: HashMap<Vec<u8>, Uuid>,
    head: Attempts,
}

/// Works through `records`; `head` is about the first of them.
pub async fn run(worker: Arc<Worker>, mut records: Vec<Record>, head: Attempts) -> Report {
    let mut run = Run {
        worker: &worker,
        records: &records,
        started: clock::instant(),
        done: 0,
        jobs: Vec::new(),
        claimed: Vec::new(),
        blocked: HashMap::new(),
        head,
    };
    failpoint::pass("worker.batch");
    let stop = run.through().await;
    let done = run.done;
    run.release(done).await;
    let next = done.checked_sub(1).map(|last| records[last].offset + 1);
    Report {
        rest: records.split_off(done),
        next,
        stop: stop.unwrap_or(Stop::Done),
    }
}

impl Run<'_> {
    /// `Some` is where and why it stopped before the end.
    async fn through(&mut self) -> Option<Stop> {
        let keys: Vec<&[u8]> = self
            .records
            .iter()
            .filter_map(|r| r.key.as_deref())
            .collect();
        let group = self.worker.service.row().group;
        match self.worker.shared.store.blocked_heads(group, &keys).await {
            Ok(blocked) => self.blocked = blocked,
            Err(error) => return Some(self.hold(error.to_string())),
        }
        let mut looks: Vec<Result<Job, Fault>> =
            self.records.iter().map(|r| self.look(r)).collect();
        if let Err(stop) = self.claim(&mut looks).await {
            return Some(stop);
        }
        for look in looks {
            let stop = match look {
                Ok(None) => {
                    self.jobs.push(None);
                    None
                }
                Ok(Some(task)) => self.attempt(task).await,
                Err(fault) => self.unreadable(fault).await,
            };
            if stop.is_some() {
                return stop;
            }
        }
        self.write().await
    }

    /// Is it for us, and can it be read? Headers come first: what is meant for another group is not
    /// even decoded.
    fn look(&self, record: &Record) -> Result<Job, Fault> {
        let row = self.worker.service.row();
        let asked = directions(&record.headers);
        if asked
            .target_group
            .as_deref()
            .is_some_and(|target| target != row.group)
        {
            return Ok(None);
        }
        // Sent again, an event is still the one that it was at its first place.
        let first = asked
            .redrive
            .or(asked.letter)
            .and_then(|_| original(record));
        let limits = &self.worker.shared.settings.limits;
        let read = read(first.as_ref().unwrap_or(record), limits).map_err(Fault::from)?;
        if !row.events.contains(&read.envelope.event_type) {
            return Ok(None);
        }
        Ok(Some(Box::new(Task {
            id: message_id(read.envelope.event_id, &asked),
            read: Box::new(read),
            asked,
            attempts: 0,
            seen: false,
            applied: None,
        })))
    }

    /// What can't be read takes its place in its key's queue like any other record, unless a redrive brought it.
    async fn unreadable(&mut self, fault: Fault) -> Option<Stop> {
        let record = &self.records[self.at()];
        let redriven = directions(&record.headers).redrive.is_some();
        let head = record.key.as_ref().and_then(|key| self.blocked.get(key));
        if let (Some(head), false) = (head.copied(), redriven) {
            if let Some(stop) = self.write().await {
                return Some(stop);
            }
            match self.queue(record, None, head).await {
                Ok(true) => {
                    self.done += 1;
                    return None;
                }
                // The key is free by now.
                Ok(false) => {}
                Err(stop) => return Some(stop),
            }
        }
        self.give_up(None, fault, 1).await
    }

    /// One round trip to the idempotency store for the whole batch, before any handler runs. Where it
    /// gives no answer, or says that another is at it, the inbox is asked. What is not in there is worked
    /// on: mostly that other one died or has lost the partition, and if not the inbox lets one of the two
    /// through; to wait for its lease would hold the partition up for nothing.
    async fn claim(&mut self, looks: &mut [Result<Job, Fault>]) -> Result<(), Stop> {
        let shared = &self.worker.shared;
        let mut tasks: Vec<&mut Task> = looks
            .iter_mut()
            .filter_map(|look| look.as_mut().ok()?.as_deref_mut())
            .collect();
        let ids: Vec<&str> = tasks.iter().map(|t| t.id.as_str()).collect();
        let group = self.worker.service.row().group;
        let now = shared.clock.now();
        let claims = shared.dedupe.claim(group, &ids, &shared.owner, now).await;
        let claims = claims.map_err(drop);
        let unsure = |n: &usize| {
            let claim = claims.as_ref().map(|claims| claims[*n]);
            matches!(claim, Err(()) | Ok(Claim::Busy { .. }))
        };
        let asked: Vec<&str> = (0..ids.len()).filter(unsure).map(|n| ids[n]).collect();
        let handled = self.handled(&asked).await?;
        for (n, task) in tasks.iter_mut().enumerate() {
            task.seen = handled.contains(&task.id)
                || claims.as_ref().is_ok_and(|claims| claims[n] == Claim::Done);
            // Needs no database, unless somebody waits for a report.
            if task.seen && task.asked.redrive.is_none() && task.asked.replay.is_none() {
                task.applied = Some(Applied::Duplicate);
            }
        }
        let id = |look: &Result<Job, Fault>| Some(look.as_ref().ok()?.as_ref()?.id.clone());
        self.claimed = looks.iter().map(id).collect();
        Ok(())
    }

    /// What the inbox knows of these events.
    async fn handled(&self, ids: &[&str]) -> Result<HashSet<String>, Stop> {
        if ids.is_empty() {
            return Ok(HashSet::new());
        }
        let group = self.worker.service.row().group;
        let handled = self.worker.shared.store.handled(group, ids).await;
        handled.map_err(|error| self.hold(error.to_string()))
    }

    /// Gives up the claims on records from `index` on: they may be another instance's next.
    async fn release(&self, index: usize) {
        let rest = self.claimed.iter().skip(index).flatten();
        let ids: Vec<&str> = rest.map(String::as_str).collect();
        let shared = &self.worker.shared;
        let group = self.worker.service.row().group;
        // In vain, they end with their lease.
        let _ = shared.dedupe.release(group, &ids, &shared.owner).await;
    }

    /// Runs the handler of the next record, unless its key waits.
    async fn attempt(&mut self, mut task: Box<Task>) -> Option<Stop> {
        let record = &self.records[self.at()];
        if !task.seen
            && task.asked.redrive.is_none()
            && let Some(key) = &record.key
            && let Some(head) = self.blocked.get(key).copied()
        {
            match self.write_and_look(&mut task).await {
                Ok(()) if task.seen => {}
                Ok(()) => match self.queue(record, Some(&task.read), head).await {
                    Ok(true) => {
                        self.done += 1;
                        return None;
                    }
                    // The key is free by now.
                    Ok(false) => drop(self.blocked.remove(key)),
                    Err(stop) => return Some(stop),
                },
                Err(stop) => return Some(stop),
            }
        }
        task.attempts = self.attempts(self.at()).made + 1;
        if !task.seen
            && let Err(fault) = handler::handle(self.worker, &task, &record.headers).await
        {
            if let Err(stop) = self.write_and_look(&mut task).await {
                return Some(stop);
            }
            if !task.seen {
                return self.give_up(Some(&task.read), fault, task.attempts).await;
            }
        }
        self.jobs.push(Some(task));
        None
    }

    /// Writes what is handled so far and then asks the inbox for `task`: the fast path may have
    /// forgotten that it was handled, and what was handled neither fails nor waits.
    async fn write_and_look(&mut self, task: &mut Task) -> Result<(), Stop> {
        if let Some(stop) = self.write().await {
            return Err(stop);
        }
        task.seen = self.handled(&[&task.id]).await?.contains(&task.id);
        Ok(())
    }

    /// The index of the next record.
    fn at(&self) -> usize {
        self.done + self.jobs.len()
    }

    /// What earlier rounds know of record `index`: only the first one of the batch has a history.
    fn attempts(&self, index: usize) -> Attempts {
        if index == 0 {
            self.head
        } else {
            Attempts::default()
        }
    }

    pub(super) fn hold(&self, reason: String) -> Stop {
        Stop::Hold {
            reason,
            attempts: self.attempts(self.done),
        }
    }

    /// Writes what is handled so far; then the next record, which failed, is tried again or buried.
    async fn give_up(&mut self, read: Option<&Read>, fault: Fault, attempts: u32) -> Option<Stop> {
        if let Some(stop) = self.write().await {
            return Some(stop);
        }
        let stop = self.fail(read, fault, attempts).await;
        self.done += usize::from(stop.is_none());
        stop
    }

    /// Tells the circuit of a transient failure; `Some` is why it is open.
    fn judge(&self, fault: &Fault) -> Option<String> {
        let mut circuit = self.worker.circuit();
        circuit.fails(clock::instant(), &fault.to_string());
        circuit
            .open()
            .map(|why| format!("its circuit is open: {why}"))
    }

    /// The record at `done` failed: `Some` when it will be tried again, else it is buried.
    pub(super) async fn fail(
        &mut self,
        read: Option<&Read>,
        fault: Fault,
        attempts: u32,
    ) -> Option<Stop> {
        let worker = self.worker;
        let now = worker.shared.clock.now();
        if fault.kind == FaultKind::DependencyDown {
            return Some(self.hold(fault.to_string()));
        }
        worker.meter.errors.add(1);
        worker.meter.set_error(now, fault.to_string());
        let before = self.attempts(self.done);
        let first_failed_at = before.first_failed_at.unwrap_or(now);
        if fault.kind == FaultKind::Transient {
            let open = self.judge(&fault);
            let most = worker.shared.settings.max_attempts;
            let most = most + if open.is_some() { TRIES } else { 0 };
            if attempts < most {
                worker.meter.retries.add(1);
                let attempts = Attempts {
                    made: attempts,
                    first_failed_at: Some(first_failed_at),
                };
                return Some(match open {
                    Some(reason) => Stop::Hold { reason, attempts },
                    None => Stop::Retry { fault, attempts },
                });
            }
        } else {
            worker.circuit().works(1);
        }
        let record = &self.records[self.done];
        let failure = Failure {
            fault: &fault,
            attempts,
            first_failed_at,
            now,
            envelope: read.map(|r| &r.envelope),
        };
        match bury(&worker.shared, worker.service, record, &failure).await {
            Ok(letter) => {
                // What follows in this batch waits as well.
                if let Some(key) = record.key.as_ref().filter(|key| !key.is_empty()) {
                    self.blocked.entry(key.clone()).or_insert(letter);
                }
            }
            Err(Held(reason)) => return Some(self.hold(reason)),
        }
        worker.meter.dead.add(1);
        failpoint::pass("dlq.indexed");
        None
    }
}

/// What makes an event once-only: its id. A forced replay gets keys of its own, so that it is handled once more and
/// only once.
pub(super) fn message_id(id: Uuid, asked: &Directions) -> String {
    match asked.replay {
        Some(replay) if asked.force => format!("{id}:{replay}"),
        _ => id.to_string(),
    }
}
