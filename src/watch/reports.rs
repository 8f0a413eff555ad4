//! Workers of other processes: each process that runs workers writes down what they say of themselves,
//! and shows what it finds there of others, with its age. On the way it reads what persons want of them.

use std::time::Duration;

use chrono::TimeDelta;

use super::board::{Board, within};
use super::sources::Sources;
use crate::snapshot::{Consumer, ConsumerState};

/// How often reports are written.
pub const EVERY: Duration = Duration::from_secs(2);

/// A report older than this says that its process is gone or stands still.
const STALE: TimeDelta = TimeDelta::seconds(10);

/// An older one is not shown at all; while others work, one that is silent goes sooner.
const GONE: TimeDelta = TimeDelta::minutes(10);
const REPLACED: TimeDelta = TimeDelta::minutes(1);

/// Writes down what this process's workers say, and has them do as was wished elsewhere.
pub async fn write(sources: &Sources, consumers: &[Consumer]) {
    let reports: Vec<(String, String)> = consumers
        .iter()
        .filter_map(|c| Some((c.service.clone(), serde_json::to_string(c).ok()?)))
        .collect();
    let now = sources.clock.now();
    let written = sources
        .store
        .report_workers(&sources.shared.owner, &reports, now);
    if let Err(error) = within(sources.timeout, written).await {
        tracing::debug!(error, "what the workers say could not be written");
    }
    if let Some(pipeline) = &sources.pipeline
        && let Err(error) = within(sources.timeout, pipeline.follow_wishes()).await
    {
        tracing::debug!(error, "what is wished of the workers could not be read");
    }
}

/// Reads what workers elsewhere say.
pub async fn read(sources: &Sources, board: &Board) {
    let now = sources.clock.now();
    let found = within(sources.timeout, sources.store.worker_reports(now - GONE));
    let consumers = found.await.map(|reports| {
        let age = |at| now.signed_duration_since(at);
        let others = sources.workers || reports.iter().any(|row| age(row.at) <= STALE);
        let gone = if others { REPLACED } else { GONE };
        reports
            .into_iter()
            .filter(|row| row.instance != sources.shared.owner && age(row.at) <= gone)
            .filter_map(|row| {
                let mut consumer: Consumer = serde_json::from_str(&row.report).ok()?;
                let age = now.signed_duration_since(row.at);
                if age > STALE {
                    consumer.state = ConsumerState::Stopped;
                    consumer.state_reason = Some(format!(
                        "no word from {} for {} s",
                        row.instance,
                        age.num_seconds()
                    ));
                    consumer.events_per_s = None;
                    consumer.errors_per_s = None;
                    consumer.since = Some(row.at);
                    // They are somebody else's by now, who says so too.
                    consumer.assigned.clear();
                    consumer.held.clear();
                }
                consumer.instance = Some(row.instance);
                Some(consumer)
            })
            .collect()
    });
    board.workers.take_in(consumers, now);
}
