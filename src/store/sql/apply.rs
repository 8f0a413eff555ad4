//! One batch for one service: claim, decide, write, report, in one transaction.

use std::collections::{BTreeMap, HashMap, HashSet};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::codec::{hex, list};
use super::outbox::{self, NewOutboxRow};
use super::{Db, Tx, event_write, inbox, item_ends, letter_read, operations, services};
use crate::clock::Clock;
use crate::domain::envelope::Envelope;
use crate::domain::letter::RedriveOutcome;
use crate::domain::operation::Counts;
use crate::domain::service::{self, Message, Needs, Service, Stamp, Write};
use crate::store::{Applied, RedriveRef, StoreError, Work};

impl Db {
    pub(in crate::store) async fn apply(
        &self,
        service: Service,
        work: &[Work<'_>],
        now: DateTime<Utc>,
        clock: &Clock,
    ) -> Result<Vec<Applied>, StoreError> {
        if work.is_empty() {
            return Ok(Vec::new());
        }
        let group = service.row().group;
        let mut tx = self.begin().await?;
        let waiting = waiting(&mut tx, group, work).await?;
        let free: Vec<&str> = work
            .iter()
            .filter(|w| blocked_by(&waiting, w).is_none())
            .map(|w| w.message_id.as_str())
            .collect();
        let fresh = inbox::claim(&mut tx, group, &free, now).await?;
        let mut needs = Needs::default();
        for w in work.iter().filter(|w| fresh.contains(&w.message_id)) {
            service::needs(service, w.envelope, w.event, &mut needs);
        }
        let mut batch = Batch::new(service, fresh);
        let mut state = services::load(&mut tx, service, needs).await?;
        let done = work
            .iter()
            .map(|w| match blocked_by(&waiting, w) {
                Some(head) => Applied::Blocked(head),
                None => batch.decide(&mut state, w, now, clock),
            })
            .collect();
        batch.write(&mut tx, group, now).await?;
        let done = told(&mut tx, group, work, done).await?;
        report(&mut tx, group, work, &done, now).await?;
        tx.commit().await?;
        Ok(done)
    }
}

type Waiting = HashMap<Vec<u8>, Uuid>;

/// The keys of this batch that wait behind a letter, with it.
async fn waiting(tx: &mut Tx, group: &str, work: &[Work<'_>]) -> Result<Waiting, StoreError> {
    let keys: HashSet<String> = work.iter().filter_map(key).map(hex).collect();
    if keys.is_empty() {
        return Ok(Waiting::new());
    }
    letter_read::heads_of(tx, group, &list(&keys)?).await
}

fn key<'a>(work: &'a Work<'_>) -> Option<&'a [u8]> {
    work.key.as_deref().filter(|key| !key.is_empty())
}

fn blocked_by(waiting: &Waiting, work: &Work<'_>) -> Option<Uuid> {
    // A redrive is what makes the queue move, so it passes.
    let blocked = work.redrive.is_none();
    key(work)
        .filter(|_| blocked)
        .and_then(|key| waiting.get(key))
        .copied()
}

/// What a batch comes to.
struct Batch<'a> {
    service: Service,
    /// Claimed and not decided yet.
    fresh: HashSet<String>,
    /// Claims to be given back.
    given_back: Vec<&'a str>,
    /// Keys of which an event got a fault: what comes later waits for its fate.
    held: HashSet<&'a [u8]>,
    writes: Vec<Write>,
    events: Vec<Envelope>,
    messages: Vec<Message>,
}

impl<'a> Batch<'a> {
    fn new(service: Service, fresh: HashSet<String>) -> Self {
        Self {
            service,
            fresh,
            given_back: Vec::new(),
            held: HashSet::new(),
            writes: Vec::new(),
            events: Vec::new(),
            messages: Vec::new(),
        }
    }

    fn decide(
        &mut self,
        state: &mut service::State,
        work: &'a Work<'_>,
        now: DateTime<Utc>,
        clock: &Clock,
    ) -> Applied {
        let id = work.message_id.as_str();
        if !self.fresh.remove(id) {
            // A second copy of one that was not handled after all shares its fate.
            return if self.given_back.contains(&id) {
                Applied::Held
            } else {
                Applied::Duplicate
            };
        }
        if key(work).is_some_and(|key| self.held.contains(key)) {
            self.given_back.push(id);
            return Applied::Held;
        }
        let stamp = Stamp {
            at: now,
            id: clock.id(),
        };
        match service::decide(self.service, state, work.envelope, work.event, stamp) {
            Ok(decision) => {
                self.writes.extend(decision.writes);
                self.events.extend(decision.events);
                self.messages.extend(decision.messages);
                Applied::Done
            }
            Err(fault) => {
                self.given_back.push(id);
                self.held.extend(key(work));
                Applied::Fault(fault)
            }
        }
    }

    async fn write(self, tx: &mut Tx, group: &str, now: DateTime<Utc>) -> Result<(), StoreError> {
        if !self.given_back.is_empty() {
            inbox::unclaim(tx, group, &self.given_back).await?;
        }
        services::write(tx, self.writes, now).await?;
        let events = self.events.iter().map(|e| (e.stream(), e)).collect();
        event_write::write(tx, events, true, now).await?;
        let messages: Vec<_> = self.messages.iter().map(message_row).collect();
        outbox::insert(tx, &messages, now).await
    }
}

fn message_row(message: &Message) -> NewOutboxRow<'_> {
    NewOutboxRow(
        message.id,
        "window",
        &message.key,
        message.event_type,
        &message.payload,
        message.topic,
        services::message_headers(message.event_type),
    )
}

/// An event that was handled before its key was blocked is a duplicate, and does not wait.
async fn told(
    tx: &mut Tx,
    group: &str,
    work: &[Work<'_>],
    mut done: Vec<Applied>,
) -> Result<Vec<Applied>, StoreError> {
    let blocked: Vec<&str> = work
        .iter()
        .zip(&done)
        .filter(|(_, applied)| matches!(applied, Applied::Blocked(_)))
        .map(|(w, _)| w.message_id.as_str())
        .collect();
    if !blocked.is_empty() {
        let handled = inbox::handled(tx, group, &blocked).await?;
        for (w, applied) in work.iter().zip(&mut done) {
            if matches!(applied, Applied::Blocked(_)) && handled.contains(&w.message_id) {
                *applied = Applied::Duplicate;
            }
        }
    }
    Ok(done)
}

/// Tells letters and operations what became of what they sent.
async fn report(
    tx: &mut Tx,
    group: &str,
    work: &[Work<'_>],
    done: &[Applied],
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let mut redrives: Vec<(RedriveRef, RedriveOutcome)> = Vec::new();
    let mut replays: BTreeMap<Uuid, Counts> = BTreeMap::new();
    let mut uncounted = uncounted(tx, group, work, done, now).await?;
    for (w, applied) in work.iter().zip(done) {
        let outcome = match applied {
            Applied::Done => RedriveOutcome::Ok,
            Applied::Duplicate => RedriveOutcome::Duplicate,
            Applied::Fault(_) | Applied::Blocked(_) | Applied::Held => continue,
        };
        redrives.extend(w.redrive.map(|redrive| (redrive, outcome)));
        if let Some(operation) = w.replay
            && uncounted.remove(&counted_as(w, operation))
        {
            let counts = replays.entry(operation).or_default();
            match outcome {
                RedriveOutcome::Ok => counts.ok += 1,
                _ => counts.duplicate += 1,
            }
        }
    }
    // Operations are locked before letters.
    for (operation, counts) in replays {
        operations::bump(tx, operation, &counts).await?;
    }
    item_ends::resolve(tx, &redrives).await
}

/// Counts an event that a replay brought and that failed, once.
pub(super) async fn count_failed(
    tx: &mut Tx,
    group: &str,
    message: &str,
    operation: Uuid,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    let id = format!("{message}#{operation}");
    if inbox::claim(tx, group, &[&id], now).await?.is_empty() {
        return Ok(());
    }
    let failed = Counts {
        failed_again: 1,
        ..Counts::default()
    };
    operations::bump(tx, operation, &failed).await
}

/// Of what a replay brought and is settled now, the ids that its operation has not counted; they count
/// as counted from here on, or a delivery that comes again would be one more duplicate of it.
async fn uncounted(
    tx: &mut Tx,
    group: &str,
    work: &[Work<'_>],
    done: &[Applied],
    now: DateTime<Utc>,
) -> Result<HashSet<String>, StoreError> {
    let ids: Vec<String> = work
        .iter()
        .zip(done)
        .filter(|(_, applied)| matches!(applied, Applied::Done | Applied::Duplicate))
        .filter_map(|(w, _)| Some(counted_as(w, w.replay?)))
        .collect();
    if ids.is_empty() {
        return Ok(HashSet::new());
    }
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    inbox::claim(tx, group, &ids, now).await
}

/// The inbox row that says that an operation has counted this event.
fn counted_as(work: &Work<'_>, operation: Uuid) -> String {
    format!("{}#{operation}", work.message_id)
}
