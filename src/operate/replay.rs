//! Replay: events of the store go to their topic once more, for one service or for all. What has been
//! handled is recognised and skipped, unless the replay is forced: then effects double, and the
//! confirmation says so.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Operator, from_store, refuse};
use crate::command::{Done, EventChoice, Refusal, RefusalKind, ReplayTarget};
use crate::domain::event_type::EventType;
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::domain::position::Position;
use crate::domain::reader::{Limits, read_envelope};
use crate::domain::record::{NewRecord, Record};
use crate::domain::service::Service;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::kafka::headers;
use crate::store::{EventCount, Page};

/// What is to be replayed, frozen: events written later are not part of it.
#[derive(Clone, Debug)]
pub struct Plan {
    filter: EventFilter,
    one: Option<Position>,
    found: EventCount,
    service: Option<Service>,
    force: bool,
    what: String,
}

impl Plan {
    /// The dry run's answer.
    pub fn dry(&self) -> Done {
        let span = match (self.found.first_at, self.found.last_at) {
            (Some(first), Some(last)) => (last - first).to_std().ok(),
            _ => None,
        };
        Done::WouldReplay {
            events: self.found.count,
            first: self.found.first,
            last: self.found.last,
            span,
        }
    }
}

/// Counts what the choice matches and checks the target.
pub async fn plan(
    operator: &Operator,
    events: &EventChoice,
    target: &ReplayTarget,
    force: bool,
) -> Result<Plan, Refusal> {
    let service = match target {
        ReplayTarget::Topic => None,
        ReplayTarget::Service(name) => {
            Some(Service::parse(name).ok_or_else(|| super::no_service(name))?)
        }
    };
    let store = &operator.shared.store;
    let (filter, one, found, what) = match events {
        EventChoice::One(position) => {
            let event = store
                .event(*position)
                .await
                .map_err(|e| from_store(&e))?
                .ok_or_else(|| {
                    refuse(
                        RefusalKind::NotFound,
                        format!("there is no event at position {position}"),
                    )
                })?;
            let found = EventCount {
                count: 1,
                first: Some(event.position),
                last: Some(event.position),
                first_at: Some(event.timestamp),
                last_at: Some(event.timestamp),
            };
            let what = format!("event {position} ({})", event.event_type);
            (EventFilter::default(), Some(event.position), found, what)
        }
        EventChoice::Matching(filter) => {
            let found = store
                .count_events(filter)
                .await
                .map_err(|e| from_store(&e))?;
            (filter.clone(), None, found, filter.to_string())
        }
    };
    if found.count == 0 {
        return Err(refuse(
            RefusalKind::NotFound,
            format!("no event matches: {what}"),
        ));
    }
    Ok(Plan {
        filter,
        one,
        found,
        service,
        force,
        what,
    })
}

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
        id,
        kind: OperationKind::Replay,
        state: OperationState::Planned,
        what: plan.what.clone(),
        target: if plan.force {
            format!("{target}, effects double")
        } else {
            target
        },
        counts: Counts {
            total,
            ..Counts::default()
        },
        rate_limit: rate,
        by: operator.who.clone(),
        created_at: operator.shared.clock.now(),
        ended_at: None,
        note: None,
        plan: String::new(),
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
    let mut places = std::collections::HashMap::new();
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
        let sent = send(operator, id, plan, &due, &mut places)
            .await
            .map_err(Some)?;
        let delta = Counts {
            sent,
            refused: due.len() as u64 - sent,
            ..Counts::default()
        };
        store.bump_operation(id, &delta).await.map_err(down)?;
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

/// Sends what the target reads; returns how many.
async fn send(
    operator: &Operator,
    id: Uuid,
    plan: &Plan,
    events: &[&StoredEvent],
    places: &mut std::collections::HashMap<(String, i32), i64>,
) -> Result<u64, String> {
    let records: Vec<NewRecord> = events.iter().filter_map(|e| record(e, id, plan)).collect();
    let mut sent = 0;
    for (record, result) in records
        .iter()
        .zip(operator.shared.producer.send_all(&records).await)
    {
        let place = result.map_err(|e| format!("Kafka did not take it: {e}"))?;
        operator.shared.delivered(record, place);
        let highest = places
            .entry((record.topic.clone(), place.partition))
            .or_insert(place.offset);
        *highest = (*highest).max(place.offset);
        sent += 1;
    }
    Ok(sent)
}

/// The event as it was published first, with what the replay asks for; `None` for a type that the
/// target does not read.
fn record(event: &StoredEvent, id: Uuid, plan: &Plan) -> Option<NewRecord> {
    let (event_type, _) = EventType::parse(&event.event_type)?;
    if plan
        .service
        .is_some_and(|s| !s.row().events.contains(&event_type))
    {
        return None;
    }
    let stored = Record {
        topic: event_type.topic().to_owned(),
        partition: 0,
        offset: 0,
        timestamp: Some(event.timestamp),
        key: None,
        value: Some(event.payload.clone().into_bytes()),
        headers: Vec::new(),
    };
    let (envelope, _) = read_envelope(
        &stored,
        &Limits {
            max_value_bytes: usize::MAX,
        },
    )
    .ok()?;
    let mut headers = envelope.headers();
    headers::add_replay(
        &mut headers,
        id,
        plan.service.map(|s| s.row().group),
        plan.force,
    );
    Some(NewRecord {
        topic: stored.topic,
        partition: None,
        key: Some(envelope.aggregate_id.into_bytes()),
        value: stored.value,
        headers,
    })
}

/// Waits for the service's reports; what it has passed without one stays unknown.
async fn settle(
    operator: &Operator,
    id: Uuid,
    plan: &Plan,
    places: &std::collections::HashMap<(String, i32), i64>,
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
