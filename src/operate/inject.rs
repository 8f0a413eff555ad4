//! Test orders: they go the way of any order, through the outbox.

use super::{Operator, from_store, refuse};
use crate::command::{Done, Refusal, RefusalKind};
use crate::domain::scenario::Scenario;
use crate::pipeline::inject::{self, InjectError};

/// Most orders that one injection makes.
const MOST_ORDERS: u32 = 100_000;

/// Puts orders in and tells their ids.
pub async fn inject(operator: &Operator, scenario: Scenario, count: u32) -> Result<Done, Refusal> {
    if count == 0 || count > MOST_ORDERS {
        return Err(refuse(
            RefusalKind::Invalid,
            format!("inject 1 to {MOST_ORDERS} orders at a time"),
        ));
    }
    let mut rng = fastrand::Rng::new();
    let order_ids = inject::inject(&operator.shared, &mut rng, scenario, count, &operator.stop)
        .await
        .map_err(|e| match e {
            InjectError::Store(e) => from_store(&e),
            InjectError::Stopped => refuse(RefusalKind::Unavailable, e.to_string()),
            InjectError::Kafka(e) => refuse(
                RefusalKind::Unavailable,
                format!("Kafka did not take it: {e}"),
            ),
        })?;
    Ok(Done::Injected {
        scenario,
        count,
        order_ids,
    })
}
