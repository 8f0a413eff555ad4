//! What each service does with an event: a pure decision over the state it needs. Loop, retry, dead
//! letters, dedupe and meters are the same for all and stand elsewhere; the table below is what makes
//! a service.

pub mod analytics;
pub mod email;
pub mod inventory;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use chrono::{DateTime, Utc};
use uuid::Uuid;

use self::analytics::Window;
use self::email::Email;
use self::inventory::{Reservation, Stock};
use super::envelope::{Envelope, TRACEPARENT};
use super::event::Event;
use super::event_type::{self, EventType};
use super::fault::Fault;

/// A service: one consumer group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    Email,
    Analytics,
    Inventory,
}

/// What makes a service.
#[derive(Debug)]
pub struct ServiceRow {
    pub service: Service,
    pub name: &'static str,
    pub group: &'static str,
    /// What it subscribes to.
    pub topics: &'static [&'static str],
    /// The types it acts on; others of its topics are skipped.
    pub events: &'static [EventType],
    /// It answers most events with events of its own, which somebody waits for.
    pub answers: bool,
    /// In a few words.
    pub does: &'static str,
}

/// In the order of the enum.
const TABLE: [ServiceRow; 3] = [
    ServiceRow {
        service: Service::Email,
        name: "email",
        group: "email-service",
        topics: &[event_type::ORDER_EVENTS],
        events: &[
            EventType::OrderCreated,
            EventType::OrderShipped,
            EventType::OrderCancelled,
        ],
        answers: false,
        does: "writes to the customer",
    },
    ServiceRow {
        service: Service::Analytics,
        name: "analytics",
        group: "analytics-service",
        topics: &[event_type::ORDER_EVENTS, event_type::PAYMENT_EVENTS],
        events: &[EventType::OrderCreated, EventType::PaymentProcessed],
        answers: false,
        does: "counts orders and payments by the minute",
    },
    ServiceRow {
        service: Service::Inventory,
        name: "inventory",
        group: "inventory-service",
        topics: &[event_type::ORDER_EVENTS, event_type::PAYMENT_EVENTS],
        events: &[
            EventType::OrderCreated,
            EventType::OrderCancelled,
            EventType::PaymentFailed,
        ],
        answers: true,
        does: "reserves and releases stock",
    },
];

impl Service {
    pub const ALL: [Self; 3] = [Self::Email, Self::Analytics, Self::Inventory];

    /// Its row in the table.
    #[must_use]
    pub fn row(self) -> &'static ServiceRow {
        &TABLE[self as usize]
    }

    /// The service of that name or group.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        TABLE
            .iter()
            .find(|row| row.name == name || row.group == name)
            .map(|row| row.service)
    }

    /// Whether that group is one of ours: such a one skips what is meant for another, and reports.
    #[must_use]
    pub fn is_ours(group: &str) -> bool {
        TABLE.iter().any(|row| row.group == group)
    }

    /// Whether it acts on events of that type.
    #[must_use]
    pub fn wants(self, event_type: EventType) -> bool {
        self.row().events.contains(&event_type)
    }
}

/// The part of the world that decisions are made over. It changes with every decision, so that the
/// next event of a batch sees what the one before it did.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// By product; an unknown one has no stock.
    pub stock: HashMap<String, Stock>,
    /// By order.
    pub reservations: HashMap<String, Reservation>,
    /// The address that an order's first mail went to, by order.
    pub addresses: HashMap<String, Option<String>>,
    /// Open windows, and those that an event at hand belongs to; by start.
    pub windows: BTreeMap<DateTime<Utc>, Window>,
    /// The newest event time that any window counted.
    pub watermark: Option<DateTime<Utc>>,
}

/// What must be in [`State`] before a batch is decided.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    pub products: BTreeSet<String>,
    /// Orders whose reservation is needed.
    pub reservations: BTreeSet<String>,
    /// Orders whose address is needed.
    pub addresses: BTreeSet<String>,
    /// Starts of windows, beside all open ones.
    pub windows: BTreeSet<DateTime<Utc>>,
}

/// Adds what `service` needs to decide about this event.
pub fn needs(service: Service, envelope: &Envelope, event: &Event, needs: &mut Needs) {
    match service {
        Service::Email => email::needs(event, needs),
        Service::Analytics => analytics::needs(envelope, event, needs),
        Service::Inventory => inventory::needs(event, needs),
    }
}

/// The time and the id that a decision may use, so that it needs neither clock nor chance.
#[derive(Clone, Copy, Debug)]
pub struct Stamp {
    pub at: DateTime<Utc>,
    /// Of the event it emits: no decision emits more than one.
    pub id: Uuid,
}

/// A row to be written; a later one of the same key replaces an earlier one.
#[derive(Clone, Debug, PartialEq)]
pub enum Write {
    Email(Email),
    Stock(String, Stock),
    Reservation(Reservation),
    Window(Window),
}

/// A message that is no domain event: published, and not kept in the event store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The same message has the same id.
    pub id: Uuid,
    pub topic: &'static str,
    pub key: String,
    pub event_type: &'static str,
    /// JSON.
    pub payload: String,
}

/// What is to be written and said because of one event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Decision {
    pub writes: Vec<Write>,
    pub events: Vec<Envelope>,
    pub messages: Vec<Message>,
}

/// What `service` does with this event. A fault leaves the state as it was; an event that the service
/// does not want is nothing to it.
pub fn decide(
    service: Service,
    state: &mut State,
    envelope: &Envelope,
    event: &Event,
    stamp: Stamp,
) -> Result<Decision, Fault> {
    match service {
        Service::Email => email::decide(state, envelope, event, stamp),
        Service::Analytics => Ok(analytics::decide(state, envelope, event, stamp)),
        Service::Inventory => Ok(inventory::decide(state, envelope, event, stamp)),
    }
}

/// An event that `service` says because of `cause`: same journey, same order, caused by it.
fn caused(service: Service, cause: &Envelope, event: &Event, stamp: Stamp) -> Envelope {
    let mut metadata = serde_json::Map::new();
    if let Some(trace) = cause.metadata.get(TRACEPARENT) {
        metadata.insert(TRACEPARENT.to_owned(), trace.clone());
    }
    let event_type = event.event_type();
    Envelope {
        event_id: stamp.id,
        event_type,
        event_version: event_type.newest_version(),
        timestamp: stamp.at,
        source_service: service.row().group.to_owned(),
        correlation_id: cause.correlation_id,
        causation_id: Some(cause.event_id),
        aggregate_id: event.order_id().to_owned(),
        data: event.data(),
        metadata,
        extra: serde_json::Map::new(),
    }
}

#[cfg(test)]
mod fixture;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_the_order_of_the_enum() {
        for (i, service) in Service::ALL.into_iter().enumerate() {
            let row = service.row();
            assert_eq!(row.service as usize, i);
            assert_eq!(Service::parse(row.name), Some(service));
            assert_eq!(Service::parse(row.group), Some(service));
            for event in row.events {
                assert!(service.wants(*event));
                assert!(row.topics.contains(&event.topic()), "{}", event.name());
            }
        }
        assert_eq!(Service::parse("nobody"), None);
        assert!(!Service::Email.wants(EventType::PaymentFailed));
    }
}
