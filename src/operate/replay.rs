//! Replay: events of the store go to their topic once more, for one service or for all. What has been
//! handled is recognised and skipped, unless the replay is forced: then effects double, and the
//! confirmation says so.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::plan::{Plan, record};
use super::{Operator, from_store};
use crate::command::{Done, Refusal};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::domain::position::Position;
use crate::domain::record::NewRecord;
use crate::domain::stored::StoredEvent;
use crate::kafka::KafkaError;
use crate::store::Page;

/// How long to wait before records go again that the broker did not answer for.
const RESEND: Duration = Duration::from_millis(500);

/// Writes the operation down and begins.
pub async fn start(
    operator: &Arc<Operator>,
    id: Uuid,
    plan: Plan,
    rate: u32,
) -> Result<Done, Refusal> {
    let total = plan.found.count;
    let target = match plan.service {
        Some(service) => format!("{} only", service.row().group),
        None => "the events' own topics".into(),
    };
    let operation = Operation {
        what: plan.what.clone(),
        target: if plan.force {
            format!("{target}, effects double")
        } else {
            target
        },
        rate_limit: rate,
        ..operator.planned(id, OperationKind::Replay, total)
    };
    operator
        .shared
        .store
        .create_operation(&operation, &[])
        .await
        .map_err(|e| from_store(&e))?;
    operator.begin(id, move |operator, token| async move {
        let now = || operator.shared.clock.now();
        let (state, note) = match run(&operator, id, &plan, rate, &token).await {
            Ok(state) => (state, None),
            // Stopped with the program: the next start says so.
            Err(None) => return,
            Err(Some(why)) => (OperationState::Failed, Some(why)),
        };
        if let Err(error) = operator
            .shared
            .store
            .set_operation_state(id, state, note.as_deref(), now())
            .await
        {
            tracing::warn!(%error, "a replay's end can't be written");
        }
    });
    Ok(Done::Started {
        operation: id,
        total,
    })
}

/// Why a run ended early: `None` with the program, else the reason.
type Halt = Option<String>;

/// The highest offset that was sent to each topic and partition.
type Places = HashMap<(String, i32), i64>;

async fn run(
    operator: &Operator,
    id: Uuid,
    plan: &Plan,
    rate: u32,
    token: &CancellationToken,
) -> Result<OperationState, Halt> {
    let store = &operator.shared.store;
    let down = |e: crate::store::StoreError| Some(e.to_string());
    store
        .set_operation_state(
            id,
            OperationState::Running,
            None,
            operator.shared.clock.now(),
        )
        .await
        .map_err(down)?;
    let last = plan.found.last.unwrap_or_default();
    let mut after = Position::START;
    let chunk = if rate == 0 {
        500
    } else {
        rate.div_ceil(10).clamp(1, 500)
    };
    let mut places = Places::new();
    loop {
        if operator.stop.is_cancelled() {
            return Err(None);
        }
        if operator.cancelled(id, token).await {
            return Ok(OperationState::Cancelled);
        }
        let rows = next(operator, plan, after, chunk).await.map_err(Some)?;
        let Some(newest) = rows.last().map(|r| r.position) else {
            break;
        };
        let due: Vec<&StoredEvent> = rows.iter().filter(|r| r.position <= last).collect();
        let records: Vec<NewRecord> = due.iter().filter_map(|e| record(e, id, plan)).collect();
        let refused = (due.len() - records.len()) as u64;
        if refused > 0 {
            let delta = Counts {
                refused,
                ..Counts::default()
            };
            store.bump_operation(id, &delta).await.map_err(down)?;
        }
        if !send(operator, id, records, &mut places, token).await? {
            return Ok(OperationState::Cancelled);
        }
        if newest >= last || plan.one.is_some() {
            break;
        }
        after = newest;
        if rate > 0 {
            let pause = Duration::from_secs_f64(due.len() as f64 / f64::from(rate));
            tokio::select! {
                () = operator.stop.cancelled() => return Err(None),
                () = token.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }
    if plan.service.is_some() {
        return settle(operator, id, plan, &places, token).await;
    }
    Ok(OperationState::Completed)
}

async fn next(
    operator: &Operator,
    plan: &Plan,
    after: Position,
    most: u32,
) -> Result<Vec<StoredEvent>, String> {
    let store = &operator.shared.store;
    match plan.one {
        Some(one) => Ok(store
            .event(one)
            .await
            .map_err(|e| e.to_string())?
            .into_iter()
            .collect()),
        None => {
            let page = store.events(&plan.filter, Page::After(after), most).await;
            Ok(page.map_err(|e| e.to_string())?.rows)
        }
    }
}

/// Sends all of these, as often as it takes: what the broker did not answer for goes again under its
/// ids. `false` when it was cancelled first.
async fn send(
    operator: &Operator,
    id: Uuid,
    mut records: Vec<NewRecord>,
    places: &mut Places,
    token: &CancellationToken,
) -> Result<bool, Halt> {
    loop {
        operator.room(id, token).await;
        if operator.stop.is_cancelled() {
            return Err(None);
        }
        if operator.cancelled(id, token).await {
            return Ok(false);
        }
        let results = operator.shared.producer.send_all(&records).await;
        let (mut left, mut refused, mut sent) = (Vec::new(), None, 0);
        for (record, result) in records.into_iter().zip(results) {
            match result {
                Ok(place) => {
                    operator.shared.delivered(&record, place);
                    let highest = places
                        .entry((record.topic, place.partition))
                        .or_insert(place.offset);
                    *highest = (*highest).max(place.offset);
                    sent += 1;
                }
                Err(KafkaError::Behind) => left.push(record),
                Err(error) if error.is_unavailable() => left.push(record),
                Err(error) => refused = refused.or(Some(error)),
            }
        }
        let delta = Counts {
            sent,
            ..Counts::default()
        };
        // What was sent counts, whatever became of the others.
        let bumped = operator.shared.store.bump_operation(id, &delta).await;
        if let Some(error) = refused {
            return Err(Some(format!("Kafka did not take it: {error}")));
        }
        bumped.map_err(|e| Some(e.to_string()))?;
        if left.is_empty() {
            return Ok(true);
        }
        tracing::warn!(count = left.len(), "a replay waits for Kafka");
        records = left;
        tokio::select! {
            () = operator.stop.cancelled() => {}
            () = token.cancelled() => {}
            () = tokio::time::sleep(RESEND) => {}
        }
    }
}

/// Waits for the service's reports; what it has passed without one stays unknown.
async fn settle(
    operator: &Operator,
    id: Uuid,
    plan: &Plan,
    places: &Places,
    token: &CancellationToken,
) -> Result<OperationState, Halt> {
    let store = &operator.shared.store;
    let group = plan.service.map_or("", |s| s.row().group);
    let now = || operator.shared.clock.now();
    store
        .set_operation_state(id, OperationState::Draining, None, now())
        .await
        .map_err(|e| Some(e.to_string()))?;
    let mut passed_for = 0;
    loop {
        if operator.stop.is_cancelled() {
            return Err(None);
        }
        if operator.cancelled(id, token).await {
            return Ok(OperationState::Cancelled);
        }
        let operation = store.operation(id).await.map_err(|e| Some(e.to_string()))?;
        let Some(counts) = operation.map(|o| o.counts) else {
            return Ok(OperationState::Completed);
        };
        if counts.settled() >= counts.total {
            return Ok(OperationState::Completed);
        }
        let wanted: Vec<(String, i32)> = places.keys().cloned().collect();
        let committed = operator
            .observer
            .committed(group, wanted.clone())
            .await
            .unwrap_or_default();
        let passed = committed.len() == wanted.len()
            && wanted
                .iter()
                .zip(&committed)
                .all(|(place, at)| at.is_some_and(|at| at > places[place]));
        passed_for = if passed { passed_for + 1 } else { 0 };
        if passed_for >= 10 {
            let unknown = counts.total - counts.settled();
            let delta = Counts {
                unknown,
                ..Counts::default()
            };
            let bumped = store.bump_operation(id, &delta).await;
            bumped.map_err(|e| Some(e.to_string()))?;
            return Ok(OperationState::Completed);
        }
        tokio::select! {
            () = operator.stop.cancelled() => return Err(None),
            () = token.cancelled() => {}
            () = tokio::time::sleep(Duration::from_millis(200)) => {}
        }
    }
}
