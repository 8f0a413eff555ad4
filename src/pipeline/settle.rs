//! The second half of a batch: what its handlers let through is written in one transaction, and then
//! settled in order. What a transaction has written is remembered, so that a fault in the middle
//! neither counts nor reports anything twice.

use super::batch::{Job, Run, Stop, Task};
use super::dead_letter::{Failure, behind, counted_replay, letter_of, redrive_ref};
use crate::domain::fault::{Fault, FaultKind, Stage};
use crate::domain::reader::Read;
use crate::domain::record::Record;
use crate::failpoint;
use crate::store::{Applied, QUEUE_DEPTH, Queued, StoreError, Work};
use uuid::Uuid;

impl Run<'_> {
    /// Writes and settles all handled jobs. Empties `jobs`.
    pub(super) async fn write(&mut self) -> Option<Stop> {
        let mut jobs = std::mem::take(&mut self.jobs);
        let first = self.done;
        // Mostly one turn; a fault or a blocked key inside the batch takes another.
        loop {
            let at = self.done - first;
            if at == jobs.len() {
                return None;
            }
            if let Err(stop) = self.apply(&mut jobs[at..]).await {
                return Some(stop);
            }
            for job in &jobs[at..] {
                match self.settle(job).await {
                    Ok(true) => self.done += 1,
                    Ok(false) => break,
                    Err(stop) => return Some(stop),
                }
            }
            if self.done - first == at {
                return Some(Stop::Done);
            }
        }
    }

    /// One transaction for the jobs whose effects are not written; `jobs` are those of records `done..`.
    async fn apply(&self, jobs: &mut [Job]) -> Result<(), Stop> {
        let (worker, shared) = (self.worker, &self.worker.shared);
        let mut open = Vec::with_capacity(jobs.len());
        for (n, task) in jobs.iter_mut().enumerate() {
            let Some(task) = task else { continue };
            if !matches!(task.applied, Some(Applied::Done | Applied::Duplicate)) {
                task.applied = None;
                open.push(n);
            }
        }
        let applied = loop {
            let works: Vec<Work<'_>> = open
                .iter()
                .filter_map(|&n| Some(work(jobs[n].as_deref()?, &self.records[self.done + n])))
                .collect();
            if works.is_empty() {
                return Ok(());
            }
            let now = shared.clock.now();
            let answer = shared
                .store
                .apply(worker.service, &works, now, &shared.clock)
                .await;
            match answer {
                Ok(applied) => break applied,
                Err(StoreError::Unavailable(reason)) => return Err(self.hold(reason)),
                // Somewhere in the batch sits one that the store refuses: find it one by one.
                Err(_) if works.len() > 1 => open.truncate(1),
                Err(error) => break vec![Applied::Fault(refused(&error))],
            }
        };
        failpoint::pass("effect.committed");
        let mut completed = Vec::with_capacity(applied.len());
        let done = applied.iter().filter(|a| **a == Applied::Done).count();
        worker.circuit().works(done);
        for (&n, applied) in open.iter().zip(applied) {
            let Some(task) = &mut jobs[n] else { continue };
            if applied == Applied::Done {
                worker.meter.handled.add(1);
                worker.meter.latency.record(self.started.elapsed(), 1);
                worker.observe_end_to_end(&task.read.envelope, &task.asked);
            }
            if matches!(applied, Applied::Done | Applied::Duplicate) {
                completed.push(task.id.clone());
            }
            task.applied = Some(applied);
        }
        let ids: Vec<&str> = completed.iter().map(String::as_str).collect();
        let row = worker.service.row();
        if row.answers {
            shared.wake_relay();
        }
        // In vain, the inbox answers the next time.
        let now = shared.clock.now();
        let _ = shared
            .dedupe
            .complete(row.group, &ids, &shared.owner, now)
            .await;
        Ok(())
    }

    /// Takes in what the store said of the record at `done`. `false`: it needs another turn.
    async fn settle(&mut self, job: &Job) -> Result<bool, Stop> {
        let Some(task) = job else {
            self.worker.meter.skipped.add(1);
            return Ok(true);
        };
        match &task.applied {
            None | Some(Applied::Held) => Ok(false),
            Some(Applied::Done) => Ok(true),
            Some(Applied::Duplicate) => {
                self.worker.meter.duplicates.add(1);
                Ok(true)
            }
            Some(Applied::Fault(fault)) => {
                let stop = self
                    .fail(Some(&task.read), fault.clone(), task.attempts)
                    .await;
                stop.map_or(Ok(true), Err)
            }
            Some(Applied::Blocked(head)) => {
                let record = &self.records[self.done];
                self.queue(record, Some(&task.read), *head).await
            }
        }
    }

    /// Puts the record at `done` into its key's queue. `false`: the key is free by now.
    pub(super) async fn queue(
        &self,
        record: &Record,
        read: Option<&Read>,
        head: Uuid,
    ) -> Result<bool, Stop> {
        let shared = &self.worker.shared;
        let now = shared.clock.now();
        let fault = behind(head);
        let failure = Failure {
            fault: &fault,
            attempts: 0,
            first_failed_at: now,
            now,
            envelope: read.map(|read| &read.envelope),
        };
        let group = self.worker.service.row().group;
        let row = letter_of(group, record, &failure, Some(head));
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
}

fn work<'a>(task: &'a Task, record: &Record) -> Work<'a> {
    let asked = &task.asked;
    Work {
        envelope: &task.read.envelope,
        event: &task.read.event,
        message_id: task.id.clone(),
        redrive: redrive_ref(asked),
        replay: counted_replay(asked),
        key: record.key.clone(),
    }
}

/// The store does not take this one event: it may be tried again, and is not to blame for the others.
fn refused(error: &StoreError) -> Fault {
    Fault {
        kind: FaultKind::Transient,
        stage: Stage::Store,
        code: "store".into(),
        message: error.to_string(),
    }
}
