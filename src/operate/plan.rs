//! What a replay is to send: which events, to whom, and the record of each.

use uuid::Uuid;

use super::{Operator, from_store, refuse};
use crate::command::{Done, EventChoice, Refusal, RefusalKind, ReplayTarget};
use crate::domain::event_type::EventType;
use crate::domain::position::Position;
use crate::domain::reader::{Limits, read_envelope};
use crate::domain::record::NewRecord;
use crate::domain::service::Service;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::kafka::headers;
use crate::store::EventCount;

/// What is to be replayed, frozen: events written later are not part of it.
#[derive(Clone, Debug)]
pub struct Plan {
    pub filter: EventFilter,
    pub one: Option<Position>,
    pub found: EventCount,
    pub service: Option<Service>,
    pub force: bool,
    pub what: String,
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
            let known = EventType::parse(&event.event_type).map(|(t, _)| t);
            if let Some(service) = service
                && !known.is_some_and(|t| service.wants(t))
            {
                let (name, kind) = (service.row().name, &event.event_type);
                return Err(refuse(
                    RefusalKind::Invalid,
                    format!(
                        "{name} does not read {kind}: choose a service that does, or the topic"
                    ),
                ));
            }
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

/// The event as it was published first, with what the replay asks for; `None` for a type that the
/// target does not read.
pub fn record(event: &StoredEvent, id: Uuid, plan: &Plan) -> Option<NewRecord> {
    let (event_type, _) = EventType::parse(&event.event_type)?;
    if plan
        .service
        .is_some_and(|s| !s.row().events.contains(&event_type))
    {
        return None;
    }
    let stored = event.as_record(event_type.topic());
    let (envelope, _) = read_envelope(&stored, &Limits::NONE).ok()?;
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
