//! The door for orders: event and outbox row in one transaction, then the relay is woken.

use fastrand::Rng;

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
}

/// Injects `count` orders of one scenario and returns their ids, in order.
pub async fn inject(
    shared: &Shared,
    rng: &mut Rng,
    scenario: Scenario,
    count: u32,
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
    if !raws.is_empty() {
        for (record, sent) in raws.iter().zip(shared.producer.send_all(&raws).await) {
            shared.delivered(record, sent?);
        }
    }
    shared.orders.add(ids.len() as u64);
    Ok(ids)
}
