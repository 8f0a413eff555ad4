//! The traffic generator: a gentle stream of orders, and now and then a poison record, so that every
//! screen is alive. It slows down before it would drown a slow consumer.

use std::sync::Arc;
use std::time::Duration;

use fastrand::Rng;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::inject::inject;
use crate::domain::scenario::Scenario;

/// Within so many orders the first poison record comes.
const FIRST_POISON: u64 = 12;

/// Makes orders at the rate that `rate` says until `stop`.
///
/// # Errors
/// Never by itself.
pub async fn run(
    shared: Arc<Shared>,
    mut rate: watch::Receiver<f64>,
    stop: CancellationToken,
) -> Result<(), String> {
    let mut rng = shared.settings.seed.map_or_else(Rng::new, Rng::with_seed);
    let poison_every = shared.settings.poison_every;
    let mut made = 0u64;
    loop {
        let wanted = *rate.borrow_and_update();
        let slowed = shared.tight().map(|t| t.to_string());
        let rate_now = if slowed.is_some() {
            wanted / 10.0
        } else {
            wanted
        };
        shared.set_slowed(slowed);
        // Fast rates come in small bursts of up to ten a turn, a hundred turns a second.
        let burst = (rate_now / 100.0).ceil().clamp(1.0, 1_000.0);
        let pause = if rate_now > 0.0 {
            Duration::from_secs_f64(burst / rate_now)
        } else {
            Duration::from_secs(3600)
        };
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            Ok(()) = rate.changed() => continue,
            () = tokio::time::sleep(pause) => {}
        }
        let burst = burst as u32;
        made += u64::from(burst);
        let first =
            poison_every > 0 && (made - u64::from(burst)) < FIRST_POISON && made >= FIRST_POISON;
        let poison = first
            || poison_every > 0 && made / poison_every != (made - u64::from(burst)) / poison_every;
        let scenario = if made.is_multiple_of(97) {
            Scenario::OldSchema
        } else if made.is_multiple_of(41) {
            Scenario::InsufficientStock
        } else {
            Scenario::Happy
        };
        let mut result = inject(&shared, &mut rng, scenario, burst, &stop).await;
        if poison && result.is_ok() {
            result = inject(&shared, &mut rng, Scenario::PoisonBytes, 1, &stop).await;
        }
        if let Err(error) = result {
            shared.set_slowed(Some(format!("orders are not accepted: {error}")));
            tracing::warn!(%error, "traffic");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}
