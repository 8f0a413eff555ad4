//! Keeps the index of dead letters an upsert of what their topics hold, whoever wrote them. Reading the
//! topics again from the start makes the same rows.

use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::dead_letter::{Facts, dlq_topic, facts};
use super::{Settings, Shared};
use crate::domain::dlq_topics::is_dead_letter_topic;
use crate::domain::letter::{Letter, LetterBody};
use crate::domain::record::Record;
use crate::domain::service::Service;
use crate::kafka::consumer::Consumer;
use crate::kafka::headers;
use crate::kafka::offsets::Observer;

/// The group that reads the dead-letter topics.
pub const GROUP: &str = "evtop-dlq-indexer";

/// How often new topics are looked for.
const LOOK: Duration = Duration::from_secs(5);

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
fn letter(record: &Record) -> (Letter, LetterBody) {
    let (mut letter, body) = headers::letter(record);
    let facts = if letter.family.is_foreign() {
        told(&letter, &body, record)
    } else {
        facts(record, None)
    };
    letter.event_id = facts.event_id;
    letter.event_type = facts.event_type;
    letter.correlation_id = facts.correlation_id;
    (letter, body)
}

/// What is known of the event in another program's letter. An event without id takes one from its
/// place: where that is unknown the id is too.
fn told(letter: &Letter, body: &LetterBody, record: &Record) -> Facts {
    let body = headers::unwrapped(letter.family, body);
    let at = |offset| {
        let first = Record {
            topic: letter.topic.clone().unwrap_or_default(),
            partition: letter.partition.unwrap_or_default(),
            offset,
            timestamp: record.timestamp,
            key: record.key.clone(),
            value: body.value.clone(),
            headers: body.headers.clone(),
        };
        facts(&first, None)
    };
    if let (Some(_), Some(_), Some(offset)) = (&letter.topic, letter.partition, letter.offset) {
        return at(offset);
    }
    let (one, other) = (at(0), at(1));
    Facts {
        event_id: one.event_id.filter(|id| Some(*id) == other.event_id),
        correlation_id: one
            .correlation_id
            .filter(|id| Some(*id) == other.correlation_id),
        event_type: one.event_type,
    }
}

/// Whether a topic of this name holds letters: ours by the template, or others' by a pattern.
#[must_use]
pub fn is_wanted(settings: &Settings, name: &str) -> bool {
    is_dead_letter_topic(name, &settings.dead_letter_topics)
        || topics(&settings.dlq_topic).iter().any(|t| t == name)
}

/// All topics to read: ours, and those of others that are named like one and are there.
async fn wanted(shared: &Shared, observer: &Observer) -> Option<Vec<String>> {
    let there = match observer.topics().await {
        Ok(there) => there,
        Err(error) => {
            tracing::debug!(%error, "topics can't be listed");
            return None;
        }
    };
    let mut names = topics(&shared.settings.dlq_topic);
    names.extend(
        there
            .into_keys()
            .filter(|name| is_wanted(&shared.settings, name)),
    );
    names.sort();
    names.dedup();
    Some(names)
}

/// Says whenever there are other topics to read.
async fn look(
    shared: Arc<Shared>,
    observer: Observer,
    found: tokio::sync::watch::Sender<Vec<String>>,
    stop: CancellationToken,
) {
    let mut ticks = tokio::time::interval(LOOK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        if let Some(names) = wanted(&shared, &observer).await {
            found.send_if_modified(|known| {
                let new = *known != names;
                *known = names;
                new
            });
        }
    }
}

/// Reads and indexes until `stop`.
///
/// # Errors
/// When the group can't be joined.
pub async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), String> {
    let mut topics = topics(&shared.settings.dlq_topic);
    let names: Vec<&str> = topics.iter().map(String::as_str).collect();
    let observer = Observer::new(&shared.settings.kafka).map_err(|e| e.to_string())?;
    let consumer =
        Consumer::join(&shared.settings.kafka, GROUP, &names, true).map_err(|e| e.to_string())?;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    // Apart, since a broker may take its time to answer and records must be awaited all the while.
    let (found, mut news) = tokio::sync::watch::channel(topics.clone());
    let looking = stop.child_token();
    let _ends = looking.clone().drop_guard();
    tokio::spawn(look(Arc::clone(&shared), observer, found, looking));
    let mut records = Vec::new();
    loop {
        let _ = consumer.changes();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = ticks.tick() => consumer.commit_async(),
            Ok(()) = news.changed() => {
                topics.clone_from(&news.borrow_and_update());
                let names: Vec<&str> = topics.iter().map(String::as_str).collect();
                tracing::info!(topics = names.len(), "dead-letter topics");
                consumer.subscribe(&names).map_err(|e| e.to_string())?;
                continue;
            }
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
        if !index(&shared, &records, &stop).await {
            break;
        }
        for record in records.drain(..) {
            consumer.store(&(record.topic, record.partition), record.offset + 1);
        }
    }
    consumer.close(true).await;
    Ok(())
}

/// Writes the letters of these records into the index, however long the store is away; false when told
/// to stop before that.
pub(super) async fn index(shared: &Shared, records: &[Record], stop: &CancellationToken) -> bool {
    let letters: Vec<_> = records.iter().map(letter).collect();
    while let Err(error) = shared.store.index_letters(&letters).await {
        tracing::warn!(%error, "dead letters can't be indexed");
        tokio::select! {
            () = stop.cancelled() => return false,
            () = tokio::time::sleep(Duration::from_millis(500)) => {}
        }
    }
    true
}
