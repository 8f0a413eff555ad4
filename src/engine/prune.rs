//! Forgetting what was kept long enough, so that tables stay as small as their use.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::store::Store;

/// Forgets, once an hour, what was kept long enough.
pub(super) async fn prune(store: Store, clock: Clock, config: Config, stop: CancellationToken) {
    let hours = i64::try_from(config.store.sent_retention_hours).unwrap_or(i64::MAX);
    let days = i64::try_from(config.store.inbox_retention_days).unwrap_or(i64::MAX);
    let mut ticks = tokio::time::interval(Duration::from_secs(3_600));
    if config.read_only {
        return;
    }
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let now = clock.now();
        let sent = chrono::TimeDelta::try_hours(hours).and_then(|d| now.checked_sub_signed(d));
        let inbox = chrono::TimeDelta::try_days(days).and_then(|d| now.checked_sub_signed(d));
        for (what, result) in [
            (
                "sent rows",
                store.prune_sent(sent.unwrap_or_default()).await,
            ),
            (
                "inbox rows",
                store.prune_inbox(inbox.unwrap_or_default()).await,
            ),
            (
                "workers' reports",
                store.prune_reports(now - chrono::TimeDelta::days(1)).await,
            ),
        ] {
            match result {
                Ok(count) => tracing::debug!(count, what, "pruned"),
                Err(error) => tracing::warn!(%error, what, "could not be pruned"),
            }
        }
    }
}
