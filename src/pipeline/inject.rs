//! The door for orders: event and outbox row in one transaction, then the relay is woken.

use std::time::Duration;

use fastrand::Rng;
use tokio_util::sync::CancellationToken;

use super::{Shared, orders};
use crate::domain::scenario::Scenario;
use crate::failpoint;
use crate::kafka::KafkaError;
use crate::store::StoreError;

/// Why an order was not accepted. Nothing of it happened, or, for a duplicate's second copy, only the
/// order itself.
#[derive(Debug, thiserror::Error)]
pub enum InjectError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("Kafka does not take it: {0}")]
    Kafka(#[from] KafkaError),
    #[error("the broker was full, and evtop ended before it had room")]
    Stopped,
}

/// Injects `count` orders of one scenario and returns their ids, in order. Raw records wait while the
/// embedded broker is full: beyond that it would drop what nobody has read.
pub async fn inject(
    shared: &Shared,
    rng: &mut Rng,
    scenario: Scenario,
    count: u32,
    stop: &CancellationToken,
) -> Result<Vec<String>, InjectError> {
    let mut ids = Vec::new();
    let (mut events, mut raws) = (Vec::new(), Vec::new());
    for _ in 0..count {
        let made = orders::make(scenario, rng, shared.clock.id(), shared.clock.now());
        ids.push(made.order_id);
        events.extend(made.event);
        raws.extend(made.raw);
    }
    for chunk in events.chunks(500) {
        shared
            .store
            .append_many(chunk, true, shared.clock.now())
            .await?;
        failpoint::pass("inject.appended");
        shared.wake_relay();
    }
    for chunk in raws.chunks(500) {
        while shared.full().is_some() {
            tokio::select! {
                () = stop.cancelled() => return Err(InjectError::Stopped),
                () = tokio::time::sleep(Duration::from_millis(50)) => {}
            }
        }
        // Those that were taken count even where one of them was not.
        let mut failed = None;
        for (record, sent) in chunk.iter().zip(shared.producer.send_all(chunk).await) {
            match sent {
                Ok(place) => shared.delivered(record, place),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(error) = failed {
            return Err(error.into());
        }
    }
    shared.orders.add(ids.len() as u64);
    Ok(ids)
}
