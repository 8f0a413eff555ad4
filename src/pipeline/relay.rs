//! From the outbox to the topics, in order of writing. A row leaves the outbox when the broker has
//! acknowledged it; a crash in between sends it again under the same id. What can't be sent holds back
//! its own key and nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::meter::{Counter, Window};
use crate::domain::record::NewRecord;
use crate::domain::stored::{BlockedKey, OutboxRow};
use crate::failpoint;
use crate::kafka::KafkaError;
use crate::kafka::producer::Delivery;
use crate::lock::lock;
use crate::store::{Ack, Part};

/// How long a key is held back whose record was refused for a reason that may pass.
const HELD_BACK: TimeDelta = TimeDelta::seconds(30);

/// What the relay writes down about itself.
#[derive(Default)]
pub struct RelayMeter {
    pub published: Counter,
    /// Written → acknowledged.
    pub delay: Window,
    status: Mutex<RelayStatus>,
}

/// What the relay is doing, in a word, and its last error.
#[derive(Clone, Debug, Default)]
pub struct RelayStatus {
    pub state: String,
    pub last_error: Option<(DateTime<Utc>, String)>,
}

impl RelayMeter {
    #[must_use]
    pub fn status(&self) -> RelayStatus {
        lock(&self.status).clone()
    }

    fn set(&self, state: &str) {
        let mut status = lock(&self.status);
        if status.state != state {
            state.clone_into(&mut status.state);
        }
    }

    fn failed(&self, state: &str, now: DateTime<Utc>, error: &str) {
        let mut status = lock(&self.status);
        state.clone_into(&mut status.state);
        status.last_error = Some((now, error.to_owned()));
        tracing::warn!(error, "relay");
    }
}

/// Publishes until `stop`, then what is left, once.
///
/// # Errors
/// Never by itself; the supervisor restarts it after a panic.
pub async fn run(shared: Arc<Shared>, stop: CancellationToken) -> Result<(), String> {
    let poll = shared.settings.relay_poll;
    loop {
        let pause = match publish(&shared, &stop).await {
            Step::Empty => poll,
            Step::More => continue,
            Step::Wait(pause) => pause,
        };
        tokio::select! {
            () = stop.cancelled() => break,
            () = shared.relay_woken() => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
    shared.relay.set("stopped");
    Ok(())
}

enum Step {
    Empty,
    More,
    Wait(Duration),
}

async fn publish(shared: &Shared, stop: &CancellationToken) -> Step {
    if stop.is_cancelled() {
        return Step::Empty;
    }
    let now = shared.clock.now();
    if let Some(pressure) = shared.full() {
        shared.relay.set(&format!("held: {pressure}"));
        return Step::Wait(Duration::from_millis(100));
    }
    let rows = match shared
        .store
        .outbox_batch(Part::ALL, shared.settings.relay_batch, now)
        .await
    {
        Ok(rows) => rows,
        Err(error) => {
            shared
                .relay
                .failed("held: the store is down", now, &error.to_string());
            return Step::Wait(Duration::from_millis(500));
        }
    };
    if rows.is_empty() {
        shared.relay.set("idle");
        return Step::Empty;
    }
    shared.relay.set("publishing");
    let records: Vec<NewRecord> = rows.iter().map(record).collect();
    let results = shared.producer.send_all(&records).await;
    failpoint::pass("relay.published");
    take_in(shared, &rows, &records, results).await
}

async fn take_in(
    shared: &Shared,
    rows: &[OutboxRow],
    records: &[NewRecord],
    results: Vec<Result<Delivery, KafkaError>>,
) -> Step {
    let now = shared.clock.now();
    let mut acks = Vec::with_capacity(rows.len());
    let mut wait = None;
    for ((row, record), result) in rows.iter().zip(records).zip(results) {
        match result {
            Ok(place) => {
                shared.delivered(record, place);
                let delay = (now - row.created_at).to_std().unwrap_or_default();
                shared.relay.delay.record(delay, 1);
                acks.push(Ack {
                    seq: row.seq,
                    partition: place.partition,
                    offset: place.offset,
                });
            }
            Err(error @ KafkaError::Unsendable(_)) => {
                block(shared, row, &error.to_string(), None).await;
            }
            // A missing topic, a right withdrawn: that may be mended, so the key is only held back.
            Err(error @ KafkaError::Other(_)) => {
                block(shared, row, &error.to_string(), Some(now + HELD_BACK)).await;
            }
            // Its key is parked by now.
            Err(KafkaError::Behind) => {}
            Err(error) => {
                shared
                    .relay
                    .failed("held: kafka is down", now, &error.to_string());
                wait = Some(Duration::from_millis(500));
            }
        }
    }
    shared.relay.published.add(acks.len() as u64);
    match shared.store.outbox_ack(&acks, now).await {
        Ok(()) => {}
        Err(error) => {
            // They are sent again under the same ids; the inbox absorbs that.
            shared
                .relay
                .failed("held: the store is down", now, &error.to_string());
            wait = Some(Duration::from_millis(500));
        }
    }
    wait.map_or(Step::More, Step::Wait)
}

/// Holds the key of a row that can't be sent, in sight: until then, or for good.
async fn block(shared: &Shared, row: &OutboxRow, error: &str, until: Option<DateTime<Utc>>) {
    let blocked = BlockedKey {
        aggregate_id: row.aggregate_id.clone(),
        head_seq: row.seq,
        attempts: 1,
        until,
        error: error.to_owned(),
    };
    shared.relay.failed("publishing", shared.clock.now(), error);
    if let Err(error) = shared.store.outbox_block(&blocked).await {
        tracing::error!(%error, key = row.aggregate_id, "a key could not be parked");
    }
}

fn record(row: &OutboxRow) -> NewRecord {
    NewRecord {
        topic: row.topic.clone(),
        partition: None,
        key: Some(row.aggregate_id.clone().into_bytes()),
        value: Some(row.payload.clone().into_bytes()),
        headers: row.headers.clone(),
    }
}
