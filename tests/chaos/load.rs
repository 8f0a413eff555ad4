//! Orders, written as another program would: into event store and outbox, in one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evtop::clock::Clock;
use evtop::domain::envelope::Envelope;
use evtop::domain::event_type::EventType;
use evtop::domain::scenario::Scenario;
use evtop::pipeline::orders;
use evtop::store::Store;
use fastrand::Rng;
use tokio_util::sync::CancellationToken;

/// Orders a second.
pub const RATE: u32 = 60;

/// Orders one after another until `stop`. Every third is cancelled in a transaction of its own, right
/// after. `accepted` counts events whose commit was acknowledged; others may stand as well.
pub async fn run(store: Store, mut rng: Rng, accepted: Arc<AtomicU64>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let clock = Clock::System;
    let mut made = 0u64;
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        made += 1;
        let order = orders::make(Scenario::Happy, &mut rng, clock.id(), clock.now());
        let Some(created) = order.event else {
            continue;
        };
        let mut events = vec![created];
        if made.is_multiple_of(3) {
            events.push(cancelled(&events[0], clock.id()));
        }
        for event in events {
            let written = store.append_many(std::slice::from_ref(&event), true, clock.now());
            match written.await {
                Ok(_) => accepted.fetch_add(1, Ordering::Relaxed),
                // Refused or unknown: what stands in the store is judged, not what we think of it. Its
                // cancellation would be one of an order that may not exist.
                Err(_) => break,
            };
        }
    }
}

fn cancelled(created: &Envelope, id: uuid::Uuid) -> Envelope {
    let mut event = created.clone();
    event.event_id = id;
    event.event_type = EventType::OrderCancelled;
    event.event_version = EventType::OrderCancelled.newest_version();
    event.causation_id = Some(created.event_id);
    event.data = serde_json::Map::new();
    let order = created.aggregate_id.as_str();
    for (name, value) in [("order_id", order), ("reason", "changed my mind")] {
        event.data.insert(name.into(), value.into());
    }
    event
}
