//! Replay: events of the store go to their topic once more, for one service or for all. What has been
//! handled is recognised and skipped, unless the replay is forced: then effects double, and the
//! confirmation says so.
//!
//! A page is sent, and then how far it came is kept together with what was counted: whoever drives it next goes on
//! from there, and what is sent twice is absorbed by its id.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::plan::{Plan, Planned};
use super::running::Driver;
use super::{Asked, Operator, refuse};
use crate::command::{Done, Refusal, RefusalKind};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::domain::position::Position;
use crate::domain::record::NewRecord;
use crate::domain::service::Service;
use crate::domain::stored::StoredEvent;
use crate::kafka::KafkaError;
use crate::store::{Page, Store, StoreError};

/// How long to wait before records go again that the broker did not answer for.
const RESEND: Duration = Duration::from_millis(500);

/// How often reports are looked for, and at how many looks the records must be passed before they are given up.
const LOOK: Duration = Duration::from_millis(200);
const LOOKS: u32 = 10;

/// Events that are sent at once.
pub const PAGE: u32 = 500;

/// How far a replay came.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The place of the last event that was sent.
    pub after: Position,
    /// The highest offset that was sent to each topic and partition.
    pub places: Vec<(String, i32, i64)>,
    /// Nothing is left to send.
    pub all: bool,
}

impl Progress {
    /// As the operation keeps it; at its start it is empty.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    fn reached(&mut self, places: HashMap<(String, i32), i64>) {
        for (topic, partition, offset) in self.places.drain(..).collect::<Vec<_>>() {
            let known = places.get(&(topic.clone(), partition)).copied();
            self.places
                .push((topic, partition, offset.max(known.unwrap_or(offset))));
        }
        for ((topic, partition), offset) in places {
            let known = |(t, p, _): &(String, i32, i64)| (t, *p) == (&topic, partition);
            if !self.places.iter().any(known) {
                self.places.push((topic, partition, offset));
            }
        }
        self.places.sort();
    }
}

/// Writes the operation down and begins.
pub(super) async fn start(
    operator: &Arc<Operator>,
    asked: Asked<'_>,
    planned: Planned,
    rate: u32,
) -> Result<Done, Refusal> {
    let Planned { plan, found, what } = planned;
    let target = match plan.target() {
        Some(service) => format!("{} only", service.row().group),
        None => "the events' own topics".into(),
    };
    let plan_text = serde_json::to_string(&plan)
        .map_err(|error| refuse(RefusalKind::Invalid, error.to_string()))?;
    let operation = Operation {
        what,
        target: if plan.force {
            format!("{target}, effects double")
        } else {
            target
        },
        rate_limit: rate,
        plan: plan_text,
        ..operator.planned(asked, OperationKind::Replay, found.count)
    };
    operator.begin(asked, &operation, &[]).await
}

/// What became of a page's records.
#[derive(Clone, Debug, Default)]
pub struct Sent {
    /// Acknowledged, and the highest offset at each topic and partition.
    pub count: u64,
    pub places: HashMap<(String, i32), i64>,
    /// Kafka did not take these; the first reason.
    pub refused: u64,
    pub why: Option<String>,
}

/// What a round came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// So many were sent or refused.
    Moved(usize),
    /// It stands still.
    Paused,
    /// All is sent, and reports are awaited.
    Sent(Progress),
    /// It is over.
    Over,
}

/// One round of a replay under this epoch: the next page is sent, or nothing is left to send. `send` sends all that
/// it is handed, as often as it takes; `None`: it was stopped before that, and the page is sent again.
///
/// # Errors
/// [`StoreError::Lost`] where another process drives it by now, or it is over; else what the store said.
pub async fn round(
    store: &Store,
    (id, epoch): (Uuid, i64),
    plan: &Plan,
    page: u32,
    now: DateTime<Utc>,
    send: impl AsyncFnOnce(Vec<NewRecord>) -> Option<Sent>,
) -> Result<Round, StoreError> {
    let turn = store.replay_turn(id, epoch).await?;
    let mut progress = Progress::read(&turn.progress);
    if progress.all {
        if plan.service.is_some() {
            return Ok(Round::Sent(progress));
        }
        // Nobody reports what comes by a topic.
        let state = OperationState::Completed;
        store.finish_operation(id, epoch, state, None, now).await?;
        store.settle_replay(id, false).await?;
        return Ok(Round::Over);
    }
    if turn.paused {
        return Ok(Round::Paused);
    }
    let rows = page_after(store, plan, progress.after, page).await?;
    let records: Vec<NewRecord> = rows.iter().filter_map(|e| plan.record(e, id)).collect();
    let not_for_it = rows.len() - records.len();
    let Some(sent) = send(records).await else {
        return Ok(Round::Moved(0));
    };
    if let Some(last) = rows.last() {
        progress.after = last.position;
    }
    progress.all = plan.one.is_some() || rows.len() < page as usize;
    progress.reached(sent.places);
    let by = Counts {
        sent: sent.count,
        refused: sent.refused + not_for_it as u64,
        ..Counts::default()
    };
    let unread = (not_for_it > 0)
        .then(|| "some events can't be read, or their type is not known any more".to_owned());
    let note = sent
        .why
        .map(|why| format!("Kafka did not take all of it: {why}"))
        .or(unread);
    let (progress, note) = (
        (turn.progress.as_str(), &*progress.write()),
        note.as_deref(),
    );
    store.advance_replay(id, epoch, progress, &by, note).await?;
    Ok(Round::Moved(rows.len()))
}

async fn page_after(
    store: &Store,
    plan: &Plan,
    after: Position,
    most: u32,
) -> Result<Vec<StoredEvent>, StoreError> {
    match plan.one {
        Some(one) => Ok(store.event(one).await?.into_iter().collect()),
        None => Ok(store
            .events(&plan.filter, Page::After(after), most)
            .await?
            .rows),
    }
}

/// Drives it until it is over, another's, or the program ends. What it can't do now it tries again.
pub async fn run(operator: &Operator, driver: &Driver) {
    let Some(plan) = Plan::read(&driver.plan) else {
        return fail(
            operator,
            driver,
            "what it was to send was not kept: start it again",
        )
        .await;
    };
    let mut looks = 0;
    while operator.room(driver).await {
        let next = next(operator, driver, &plan, &mut looks).await;
        if !operator.after(next).await {
            return;
        }
    }
}

/// Plays a round. How long to wait after it; `None` when it is over.
async fn next(
    operator: &Operator,
    driver: &Driver,
    plan: &Plan,
    looks: &mut u32,
) -> Result<Option<Duration>, StoreError> {
    let (store, now) = (&operator.shared.store, operator.shared.clock.now());
    let send = async |records| send(operator, driver, records).await;
    let (hold, page) = ((driver.id, driver.epoch), driver.page(PAGE));
    let over = match round(store, hold, plan, page, now, send).await? {
        Round::Moved(sent) => return Ok(Some(driver.pause(sent))),
        Round::Paused => false,
        Round::Sent(progress) => reported(operator, driver, plan, &progress, looks).await?,
        Round::Over => true,
    };
    Ok((!over).then_some(LOOK))
}

/// Ends it as failed, which is written down under the program's own name.
async fn fail(operator: &Operator, driver: &Driver, why: &str) {
    let store = &operator.shared.store;
    let (now, state) = (operator.shared.clock.now(), OperationState::Failed);
    let ended = store.finish_operation(driver.id, driver.epoch, state, Some(why), now);
    match ended.await {
        Ok(_) => {
            let what = format!("operation {}", driver.id);
            operator.audit_own(driver.id, "fail", &what, why).await;
        }
        Err(error) => tracing::warn!(%error, "a replay's end can't be written"),
    }
}

/// Ends it once everything is reported; what its service has passed without a report stays unknown. Whether it is
/// over.
async fn reported(
    operator: &Operator,
    driver: &Driver,
    plan: &Plan,
    progress: &Progress,
    looks: &mut u32,
) -> Result<bool, StoreError> {
    let store = &operator.shared.store;
    let found = store.operation(driver.id).await?.ok_or(StoreError::Lost)?;
    let all = found.counts.reported() >= found.counts.sent;
    if !all {
        let there = match plan.target() {
            Some(service) => passed(operator, service, &progress.places).await,
            None => true,
        };
        *looks = if there { *looks + 1 } else { 0 };
        if *looks < LOOKS {
            return Ok(false);
        }
    }
    let (now, state) = (operator.shared.clock.now(), OperationState::Completed);
    store
        .finish_operation(driver.id, driver.epoch, state, None, now)
        .await?;
    store.settle_replay(driver.id, !all).await?;
    Ok(true)
}

/// Whether a service has committed offsets beyond all these.
pub async fn passed(operator: &Operator, service: Service, places: &[(String, i32, i64)]) -> bool {
    let wanted: Vec<(String, i32)> = places.iter().map(|(t, p, _)| (t.clone(), *p)).collect();
    let committed = operator
        .observer
        .committed(service.row().group, wanted)
        .await
        .unwrap_or_default();
    committed.len() == places.len()
        && places
            .iter()
            .zip(&committed)
            .all(|((_, _, offset), at)| at.is_some_and(|at| at > *offset))
}

/// Sends all of these, as often as it takes: what the broker did not answer for goes again under its ids. `None`
/// when it was stopped, or is another's, before that.
async fn send(operator: &Operator, driver: &Driver, mut records: Vec<NewRecord>) -> Option<Sent> {
    let mut sent = Sent::default();
    loop {
        if !operator.room(driver).await {
            return None;
        }
        let results = operator.shared.producer.send_all(&records).await;
        let mut left = Vec::new();
        for (record, result) in records.into_iter().zip(results) {
            match result {
                Ok(place) => {
                    operator.shared.delivered(&record, place);
                    let highest = sent
                        .places
                        .entry((record.topic, place.partition))
                        .or_insert(place.offset);
                    *highest = (*highest).max(place.offset);
                    sent.count += 1;
                }
                Err(KafkaError::Behind) => left.push(record),
                Err(error) if error.is_unavailable() => left.push(record),
                Err(error) => {
                    sent.refused += 1;
                    sent.why.get_or_insert_with(|| error.to_string());
                }
            }
        }
        if left.is_empty() {
            return Some(sent);
        }
        tracing::warn!(count = left.len(), "a replay waits for Kafka");
        records = left;
        operator.rest(RESEND).await;
    }
}
