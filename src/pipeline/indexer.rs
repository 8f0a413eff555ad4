//! Keeps the index of dead letters an upsert of what their topics hold, whoever wrote them. Reading the
//! topics again from the start makes the same rows.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Shared;
use super::dead_letter::{dlq_topic, facts};
use crate::domain::letter::{Letter, LetterBody};
use crate::domain::record::Record;
use crate::domain::service::Service;
use crate::kafka::consumer::Consumer;
use crate::kafka::headers;

/// The group that reads the dead-letter topics.
pub const GROUP: &str = "evtop-dlq-indexer";

/// The dead-letter topics of our services.
#[must_use]
pub fn topics(template: &str) -> Vec<String> {
    let mut names: Vec<String> = Service::ALL
        .into_iter()
        .flat_map(|s| {
            s.row()
                .topics
                .iter()
                .map(move |t| dlq_topic(template, t, s.row().group))
        })
        .collect();
    names.sort();
    names.dedup();
    names
}

/// A record of a dead-letter topic as it stands in the index.
fn letter(record: &Record) -> Option<(Letter, LetterBody)> {
    let Some((mut letter, body)) = headers::letter(record) else {
        let (topic, offset) = (&record.topic, record.offset);
        tracing::warn!(
            topic,
            offset,
            "a record of a dead-letter topic has no origin"
        );
        return None;
    };
    let facts = facts(record, None);
    letter.event_id = facts.event_id;
    letter.event_type = facts.event_type;
    letter.correlation_id = facts.correlation_id;
    Some((letter, body))
}

/// Reads and indexes until `stop`.
///
/// # Errors
/// When the group can't be joined.
pub async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), String> {
    let topics = topics(&shared.settings.dlq_topic);
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let consumer =
        Consumer::join(&shared.settings.kafka, GROUP, &names, true).map_err(|e| e.to_string())?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    let mut records = Vec::new();
    'reading: loop {
        let _ = consumer.changes();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = ticks.tick() => consumer.commit_async(),
            record = consumer.recv() => match record {
                Ok(record) => records.push(record),
                Err(error) => {
                    tracing::debug!(%error, "indexer");
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    continue;
                }
            },
        }
        consumer.ready(500, &mut records);
        let letters: Vec<_> = records.iter().filter_map(letter).collect();
        while let Err(error) = shared.store.index_letters(&letters).await {
            tracing::warn!(%error, "dead letters can't be indexed");
            tokio::select! {
                () = stop.cancelled() => break 'reading,
                () = tokio::time::sleep(Duration::from_millis(500)) => {}
            }
        }
        for record in records.drain(..) {
            consumer.store(&(record.topic, record.partition), record.offset + 1);
        }
    }
    consumer.close(true).await;
    Ok(())
}
