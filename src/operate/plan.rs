//! What a replay is to send: which events, to whom, and the record of each. It is kept in the operation, so that
//! whoever drives it next goes on with the very same.

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Operator, from_store, refuse};
use crate::command::{Confirmed, Done, EventChoice, Refusal, RefusalKind, ReplayTarget};
use crate::domain::event_type::EventType;
use crate::domain::position::Position;
use crate::domain::reader::{Limits, read_envelope};
use crate::domain::record::NewRecord;
use crate::domain::service::Service;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::kafka::headers;
use crate::store::EventCount;

/// What is to be replayed, frozen: events written later are not part of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// With the place of the last event that is meant.
    pub filter: EventFilter,
    /// One event alone.
    pub one: Option<Position>,
    /// The service that it is for, by name; `None`: everybody who reads the topics.
    pub service: Option<String>,
    /// Handled again, whether it was handled before or not.
    pub force: bool,
}

impl Plan {
    /// The plan that an operation keeps; `None` where it is none of ours.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }

    /// The service that it is for.
    #[must_use]
    pub fn target(&self) -> Option<Service> {
        self.service.as_deref().and_then(Service::parse)
    }

    /// The event as it was published first, with what the replay asks for; `None` for a type that the
    /// target does not read.
    #[must_use]
    pub fn record(&self, event: &StoredEvent, id: Uuid) -> Option<NewRecord> {
        let (event_type, _) = EventType::parse(&event.event_type)?;
        let target = self.target();
        if target.is_some_and(|s| !s.row().events.contains(&event_type)) {
            return None;
        }
        let stored = event.as_record(event_type.topic());
        let (envelope, _) = read_envelope(&stored, &Limits::NONE).ok()?;
        let mut headers = envelope.headers();
        headers::add_replay(&mut headers, id, target.map(|s| s.row().group), self.force);
        Some(NewRecord {
            topic: stored.topic,
            partition: None,
            key: Some(envelope.aggregate_id.into_bytes()),
            value: stored.value,
            headers,
        })
    }
}

/// A plan, how many events it is about, and what they are in words.
#[derive(Clone, Debug)]
pub struct Planned {
    pub plan: Plan,
    pub found: EventCount,
    pub what: String,
}

impl Planned {
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

/// Counts what the choice matches, and checks the target, what was confirmed, and that what was handled before is
/// still known.
pub async fn plan(
    operator: &Operator,
    events: &EventChoice,
    target: &ReplayTarget,
    force: bool,
    confirmed: Option<Confirmed<Position>>,
) -> Result<Planned, Refusal> {
    let service = match target {
        ReplayTarget::Topic => None,
        ReplayTarget::Service(name) => {
            Some(Service::parse(name).ok_or_else(|| super::no_service(name))?)
        }
    };
    let store = &operator.shared.store;
    let (mut filter, one, found, what) = match events {
        EventChoice::One(position) => {
            let event = store.event(*position).await;
            let event = event.map_err(|e| from_store(&e))?.ok_or_else(|| {
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
                recorded_from: Some(event.recorded_at),
            };
            let what = format!("event {position} ({})", event.event_type);
            (EventFilter::default(), Some(event.position), found, what)
        }
        EventChoice::Matching(filter) => {
            let mut bounded = filter.clone();
            // What it does not read can't be replayed to it, so it is not counted either.
            if let Some(service) = service {
                let names = service.row().events.iter().map(|t| t.name().to_owned());
                bounded.types = names.collect();
            }
            bounded.up_to = confirmed.map(|c| c.up_to).or(filter.up_to);
            let found = store.count_events(&bounded).await;
            let found = found.map_err(|e| from_store(&e))?;
            (bounded, None, found, filter.to_string())
        }
    };
    if found.count == 0 {
        let read = service.map_or(String::new(), |s| format!(" that {} reads", s.row().name));
        return Err(refuse(
            RefusalKind::NotFound,
            format!("no event{read} matches: {what}"),
        ));
    }
    if let Some(why) = confirmed.and_then(|c| c.refusal(found.count, "event")) {
        return Err(refuse(RefusalKind::Conflict, why));
    }
    if !force {
        let forgotten = store.inbox_forgotten().await;
        remembered(&found, forgotten.map_err(|e| from_store(&e))?)?;
    }
    filter.up_to = found.last;
    let plan = Plan {
        filter,
        one,
        service: service.map(|s| s.row().name.to_owned()),
        force,
    };
    Ok(Planned { plan, found, what })
}

/// Whether it is still known of all these events if they were handled; else they would be handled once more.
fn remembered(found: &EventCount, forgotten: Option<DateTime<Utc>>) -> Result<(), Refusal> {
    let (Some(before), Some(first)) = (forgotten, found.recorded_from) else {
        return Ok(());
    };
    if first >= before {
        return Ok(());
    }
    let text = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
    let (first, before) = (text(first), text(before));
    Err(refuse(
        RefusalKind::Conflict,
        format!(
            "the first of these events is of {first}, and what was handled before {before} is forgotten, so their effects \
             could double: replay only events from {before} on, or force it, which handles every event again"
        ),
    ))
}
