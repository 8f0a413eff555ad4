//! From the outbox to the topics, in order of writing. A row leaves the outbox when the broker has
//! acknowledged it; a crash in between sends it again under the same id. What can't be sent holds back
//! its own key and nothing else. The outbox is dealt out in shards by aggregate; each is published by one
//! relay, wherever it runs, so an aggregate's rows keep their order. One that was taken for dead and still
//! sends does no harm: all begin with the oldest row, so what comes first is in order, and the inbox drops
//! what comes again.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::Shared;
use super::meter::{Counter, Window};
use crate::clock;
use crate::domain::record::NewRecord;
use crate::domain::stored::{BlockedKey, OutboxRow};
use crate::failpoint;
use crate::kafka::KafkaError;
use crate::kafka::producer::Delivery;
use crate::lock::lock;
use crate::store::{Ack, Part, Shard};

/// How long a key is held back whose record was refused for a reason that may pass.
const HELD_BACK: TimeDelta = TimeDelta::seconds(30);

/// How often an idle relay says that it is alive, and after what silence its shard is taken from it.
const BEAT: Duration = Duration::from_secs(1);
const SILENCE: Duration = Duration::from_secs(5);

/// How often a relay without a shard looks for one.
const CLAIM: Duration = Duration::from_secs(1);

/// What the relays of this process write down about themselves.
#[derive(Default)]
pub struct RelayMeter {
    pub published: Counter,
    /// Written → acknowledged.
    pub delay: Window,
    slots: Mutex<BTreeMap<u32, RelayStatus>>,
    /// The slots claim one after another, or together they would take more than this process's share.
    claiming: tokio::sync::Mutex<()>,
}

/// What a relay is doing, in a word, and its last error.
#[derive(Clone, Debug, Default)]
pub struct RelayStatus {
    /// `None`: others have them all.
    pub part: Option<Part>,
    pub state: String,
    pub last_error: Option<(DateTime<Utc>, String)>,
}

impl RelayMeter {
    #[must_use]
    pub fn status(&self) -> Vec<RelayStatus> {
        lock(&self.slots).values().cloned().collect()
    }

    /// The parts of the outbox that this process publishes.
    #[must_use]
    pub fn parts(&self) -> Vec<Part> {
        lock(&self.slots).values().filter_map(|s| s.part).collect()
    }
}

/// One of this process's relays: it has a shard, or waits for one.
struct Relay<'a> {
    shared: &'a Shared,
    slot: u32,
}

/// Publishes one shard's rows until `stop`.
///
/// # Errors
/// Never by itself; the supervisor restarts it after a panic.
pub async fn run(shared: Arc<Shared>, slot: u32, stop: CancellationToken) -> Result<(), String> {
    let relay = Relay {
        shared: &shared,
        slot,
    };
    let mut woken = shared.relay_woken();
    let mut wait = Duration::ZERO;
    while !relay.rest(wait, &stop).await {
        let Some(mut shard) = relay.claim().await else {
            wait = CLAIM;
            continue;
        };
        relay.note(|status| status.part = Some(shard.part()));
        wait = relay.hold(&mut shard, &mut woken, &stop).await;
        relay.note(|status| status.part = None);
        shard.release().await;
    }
    relay.set("stopped");
    Ok(())
}

enum Step {
    Empty,
    More,
    Wait(Duration),
}

impl Relay<'_> {
    fn note(&self, change: impl FnOnce(&mut RelayStatus)) {
        change(lock(&self.shared.relay.slots).entry(self.slot).or_default());
    }

    fn set(&self, state: &str) {
        self.note(|status| {
            if status.state != state {
                state.clone_into(&mut status.state);
            }
        });
    }

    fn failed(&self, state: &str, error: &str) {
        let at = self.shared.clock.now();
        self.note(|status| {
            state.clone_into(&mut status.state);
            status.last_error = Some((at, error.to_owned()));
        });
        tracing::warn!(error, "relay");
    }

    /// True when it is the end.
    async fn rest(&self, wait: Duration, stop: &CancellationToken) -> bool {
        tokio::select! {
            biased;
            () = stop.cancelled() => true,
            () = tokio::time::sleep(wait) => false,
        }
    }

    async fn claim(&self) -> Option<Shard> {
        let (shared, shards) = (self.shared, self.shared.settings.relay_shards);
        let _alone = shared.relay.claiming.lock().await;
        match shared
            .store
            .claim_shard(&shared.owner, shards, SILENCE)
            .await
        {
            Ok(Some(shard)) => return Some(shard),
            Ok(None) => self.set("standing by: other instances have their shares"),
            Err(error) if error.is_unavailable() => {
                self.failed("held: the store is down", &error.to_string());
            }
            Err(error) => self.failed("held", &error.to_string()),
        }
        None
    }

    /// Publishes what the shard has until `stop`, or until the shard is, or should be, somebody else's.
    /// Returns how long to wait before claiming another.
    async fn hold(
        &self,
        shard: &mut Shard,
        woken: &mut watch::Receiver<u64>,
        stop: &CancellationToken,
    ) -> Duration {
        let mut heard = clock::instant();
        while !stop.is_cancelled() {
            if heard.elapsed() >= BEAT {
                if !shard.still_ours().await {
                    self.failed("held: its shard is another's", "the shard was lost");
                    return Duration::ZERO;
                }
                // Between two batches everything that was sent is acknowledged.
                if shard.surplus().await {
                    self.set("standing by: another instance takes a share");
                    return CLAIM;
                }
                heard = clock::instant();
            }
            let pause = match self.publish(shard, heard).await {
                Step::Empty => self.shared.settings.relay_poll,
                Step::More => continue,
                Step::Wait(pause) => pause,
            };
            tokio::select! {
                () = stop.cancelled() => {}
                _ = woken.changed() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
        Duration::ZERO
    }

    /// Sends the oldest rows. `heard` is when the shard was last known to be ours.
    async fn publish(&self, shard: &mut Shard, heard: Instant) -> Step {
        let shared = self.shared;
        if let Some(pressure) = shared.full() {
            self.set(&format!("held: {pressure}"));
            return Step::Wait(Duration::from_millis(100));
        }
        let (most, now) = (shared.settings.relay_batch, shared.clock.now());
        let rows = match shared.store.outbox_batch(shard.part(), most, now).await {
            Ok(rows) => rows,
            Err(error) => {
                self.failed("held: the store is down", &error.to_string());
                return Step::Wait(Duration::from_millis(500));
            }
        };
        if rows.is_empty() {
            self.set("idle");
            return Step::Empty;
        }
        // Whoever was stopped meanwhile may have been taken for dead: then they are on their way by another.
        if heard.elapsed() >= BEAT && !shard.still_ours().await {
            return Step::Wait(Duration::ZERO);
        }
        self.set("publishing");
        let records: Vec<NewRecord> = rows.iter().map(record).collect();
        let results = {
            let sending = shared.producer.send_all(&records);
            tokio::pin!(sending);
            loop {
                tokio::select! {
                    results = &mut sending => break results,
                    () = tokio::time::sleep(BEAT) => { shard.still_ours().await; }
                }
            }
        };
        failpoint::pass("relay.published");
        self.take_in(&rows, &records, results).await
    }

    async fn take_in(
        &self,
        rows: &[OutboxRow],
        records: &[NewRecord],
        results: Vec<Result<Delivery, KafkaError>>,
    ) -> Step {
        let shared = self.shared;
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
                    self.block(row, &error.to_string(), None).await;
                }
                // A missing topic, a right withdrawn: that may be mended, so the key is only held back.
                Err(error @ KafkaError::Other(_)) => {
                    self.block(row, &error.to_string(), Some(now + HELD_BACK))
                        .await;
                }
                // Its key is parked by now.
                Err(KafkaError::Behind) => {}
                Err(error) => {
                    self.failed("held: kafka is down", &error.to_string());
                    wait = Some(Duration::from_millis(500));
                }
            }
        }
        shared.relay.published.add(acks.len() as u64);
        match shared.store.outbox_ack(&acks, now).await {
            Ok(()) => {}
            Err(error) => {
                // They are sent again under the same ids; the inbox absorbs that.
                self.failed("held: the store is down", &error.to_string());
                wait = Some(Duration::from_millis(500));
            }
        }
        wait.map_or(Step::More, Step::Wait)
    }

    /// Holds the key of a row that can't be sent, in sight: until then, or for good.
    async fn block(&self, row: &OutboxRow, error: &str, until: Option<DateTime<Utc>>) {
        let blocked = BlockedKey {
            aggregate_id: row.aggregate_id.clone(),
            head_seq: row.seq,
            attempts: 1,
            until,
            error: error.to_owned(),
        };
        self.failed("publishing", error);
        if let Err(error) = self.shared.store.outbox_block(&blocked).await {
            tracing::error!(%error, key = row.aggregate_id, "a key could not be parked");
        }
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
