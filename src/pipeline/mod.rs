//! The order pipeline: orders go in through the outbox, the relay publishes them, each service consumes
//! them in its own group, and what fails for good becomes a dead letter. The rule of the whole: the
//! next step's acknowledgement comes before this step's record may be forgotten.

pub mod batch;
pub mod circuit;
pub mod consumer;
pub mod dead_letter;
mod handler;
pub mod indexer;
pub mod inject;
pub mod lane;
pub mod meter;
pub mod orders;
pub mod pressure;
pub mod reader;
pub mod relay;
mod settle;
pub mod supervisor;
pub mod traffic;
mod wish;
pub mod worker;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::clock::Clock;
use crate::dedupe::Dedupe;
use crate::domain::fault_plan::FaultPlan;
use crate::domain::reader::Limits;
use crate::domain::record::NewRecord;
use crate::domain::service::Service;
use crate::kafka::KafkaSettings;
use crate::kafka::producer::{Delivery, Producer};
use crate::lock::lock;
use crate::snapshot::ConsumerState;
use crate::store::{ConsumerWish, Store};
use meter::{Counter, Window};
use pressure::{Pressure, Tight};
use relay::RelayMeter;
use worker::Worker;

/// How the pipeline runs; see `config.toml.example` for what each means.
#[derive(Clone, Debug)]
pub struct Settings {
    pub kafka: KafkaSettings,
    pub dlq_topic: String,
    /// Names of topics whose letters are indexed, beside our own; `*` is any text.
    pub dead_letter_topics: Vec<String>,
    pub services: Vec<(Service, FaultPlan)>,
    pub batch: usize,
    pub limits: Limits,
    /// Records of one partition held in memory before fetching waits.
    pub queue_limit: usize,
    pub handler_timeout: Duration,
    pub max_attempts: u32,
    /// Stretches the retry delays: 1 is 1 s, 2 s, 4 s.
    pub retry_scale: f64,
    pub retry_cap: Duration,
    pub commit_every: Duration,
    /// Relays that this process has ready, and parts of the outbox; one on SQLite.
    pub relay_shards: u32,
    pub relay_batch: u32,
    pub relay_poll: Duration,
    pub orders_per_s: f64,
    pub poison_every: u64,
    pub seed: Option<u64>,
    /// How long the end may take.
    pub drain: Duration,
}

/// What all workers share.
pub struct Shared {
    pub clock: Clock,
    pub settings: Settings,
    pub store: Store,
    pub dedupe: Dedupe,
    pub producer: Producer,
    /// Who we are in claims, audit and operations.
    pub owner: String,
    pub relay: RelayMeter,
    pub end_to_end: Window,
    pub orders: Counter,
    /// Of the dead-letter topics of a cluster that is not ours.
    pub unread: reader::Unread,
    wake: watch::Sender<u64>,
    /// Only with the embedded broker.
    pressure: Option<Mutex<Pressure>>,
    slowed: Mutex<Option<String>>,
}

impl Shared {
    #[must_use]
    pub fn new(
        clock: Clock,
        settings: Settings,
        store: Store,
        dedupe: Dedupe,
        producer: Producer,
        owner: String,
    ) -> Self {
        let pressure = settings.kafka.embedded.then(Mutex::default);
        Self {
            clock,
            settings,
            store,
            dedupe,
            producer,
            owner,
            relay: RelayMeter::default(),
            end_to_end: Window::default(),
            orders: Counter::default(),
            unread: reader::Unread::default(),
            wake: watch::Sender::new(0),
            pressure,
            slowed: Mutex::default(),
        }
    }

    /// There may be rows in the outbox.
    pub fn wake_relay(&self) {
        self.wake
            .send_modify(|times| *times = times.wrapping_add(1));
    }

    fn relay_woken(&self) -> watch::Receiver<u64> {
        self.wake.subscribe()
    }

    /// Counts a record that the broker took.
    pub fn delivered(&self, record: &NewRecord, place: Delivery) {
        if let Some(pressure) = &self.pressure {
            let bytes = dead_letter::weight(record);
            lock(pressure).sent(&record.topic, place.partition, place.offset, bytes);
        }
    }

    /// Notes how far the slowest group of a partition has come.
    pub fn read(&self, topic: &str, partition: i32, committed: Option<i64>, group: &str) {
        if let Some(pressure) = &self.pressure {
            lock(pressure).read(topic, partition, committed, group);
        }
    }

    /// The fullest partition of the embedded broker, if it is so full that orders should slow down.
    #[must_use]
    pub fn tight(&self) -> Option<Tight> {
        self.pressure.as_ref().and_then(|p| lock(p).tight())
    }

    /// The same, if it is so full that nothing may be sent: the broker would drop what is not read yet.
    #[must_use]
    pub fn full(&self) -> Option<Tight> {
        self.tight().filter(|t| t.hold)
    }

    fn set_slowed(&self, why: Option<String>) {
        *lock(&self.slowed) = why;
    }

    /// Why the traffic generator is slower than it is set to.
    #[must_use]
    pub fn slowed(&self) -> Option<String> {
        lock(&self.slowed).clone()
    }
}

/// The running workers.
pub struct Pipeline {
    pub shared: Arc<Shared>,
    pub workers: Vec<Arc<Worker>>,
    rate: watch::Sender<f64>,
    /// Held while wishes are read and followed.
    wishes: tokio::sync::Mutex<()>,
    /// Orders and consumers stop first; what they wrote the relay still publishes.
    tasks: TaskTracker,
    relay: TaskTracker,
    stop: CancellationToken,
    stop_relay: CancellationToken,
}

/// What was left when the pipeline ended.
#[derive(Clone, Debug, Default)]
pub struct Drained {
    /// Handled events by service.
    pub handled: Vec<(&'static str, u64)>,
    pub published: u64,
    /// Rows still in the outbox: they are published at the next start.
    pub pending: Option<u64>,
    /// Workers that did not end in time; what they had in hand is delivered again.
    pub late: usize,
}

impl Pipeline {
    /// Starts every worker.
    #[must_use]
    pub fn start(shared: Arc<Shared>) -> Self {
        Self::start_as_wished(shared, &[])
    }

    /// Starts every worker; those that a person wants to stand still do so from the first event on.
    #[must_use]
    pub fn start_as_wished(shared: Arc<Shared>, wishes: &[ConsumerWish]) -> Self {
        let (tasks, relay) = (TaskTracker::new(), TaskTracker::new());
        let (stop, stop_relay) = (CancellationToken::new(), CancellationToken::new());
        let rate = watch::Sender::new(shared.settings.orders_per_s);
        let workers: Vec<Arc<Worker>> = shared
            .settings
            .services
            .iter()
            .map(|(service, plan)| Arc::new(Worker::new(*service, Arc::clone(&shared), *plan)))
            .collect();
        for worker in &workers {
            if wish::wished(wishes, worker.service) == Some(true) {
                worker.set_paused(true);
            }
            tasks.spawn(keep_consumer(Arc::clone(worker), stop.clone()));
        }
        for slot in 0..shared.settings.relay_shards {
            let (shared, stop) = (Arc::clone(&shared), stop_relay.clone());
            relay.spawn(supervisor::keep(
                "relay",
                stop.clone(),
                |_| {},
                move || relay::run(Arc::clone(&shared), slot, stop.clone()),
            ));
        }
        {
            let (shared, stop) = (Arc::clone(&shared), stop.clone());
            tasks.spawn(supervisor::keep(
                "dlq-indexer",
                stop.clone(),
                |_| {},
                move || indexer::run(Arc::clone(&shared), stop.clone()),
            ));
        }
        {
            let (shared, stop, rate) = (Arc::clone(&shared), stop.clone(), rate.subscribe());
            tasks.spawn(supervisor::keep(
                "traffic",
                stop.clone(),
                |_| {},
                move || traffic::run(Arc::clone(&shared), rate.clone(), stop.clone()),
            ));
        }
        tasks.close();
        relay.close();
        Self {
            shared,
            workers,
            rate,
            wishes: tokio::sync::Mutex::default(),
            tasks,
            relay,
            stop,
            stop_relay,
        }
    }

    /// The worker of a service, by its name or its group's.
    #[must_use]
    pub fn worker(&self, service: &str) -> Option<&Arc<Worker>> {
        self.workers.iter().find(|w| {
            let row = w.service.row();
            row.name == service || row.group == service
        })
    }

    pub fn set_rate(&self, orders_per_s: f64) {
        self.rate.send_replace(orders_per_s);
    }

    /// Orders a second the generator is set to.
    #[must_use]
    pub fn rate(&self) -> f64 {
        *self.rate.borrow()
    }

    /// Ends everything in order: no new orders, the consumers done and committed, and what all of them
    /// wrote published.
    pub async fn drain(&self) -> Drained {
        let limit = self.shared.settings.drain;
        self.stop.cancel();
        let mut late = 0;
        if tokio::time::timeout(limit, self.tasks.wait())
            .await
            .is_err()
        {
            late += self.tasks.len();
        }
        // What is parked stays, and nobody waits for it.
        let emptied = async {
            let store = &self.shared.store;
            for part in self.shared.relay.parts() {
                while store
                    .outbox_batch(part, 1, self.shared.clock.now())
                    .await
                    .is_ok_and(|rows| !rows.is_empty())
                {
                    self.shared.wake_relay();
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        };
        let _ = tokio::time::timeout(limit / 4, emptied).await;
        self.stop_relay.cancel();
        if tokio::time::timeout(limit / 4, self.relay.wait())
            .await
            .is_err()
        {
            late += self.relay.len();
        }
        let _ = self.shared.producer.flush(limit / 4).await;
        Drained {
            handled: self
                .workers
                .iter()
                .map(|w| (w.service.row().name, w.meter.handled.get()))
                .collect(),
            published: self.shared.relay.published.get(),
            pending: self
                .shared
                .store
                .outbox_summary()
                .await
                .ok()
                .map(|o| o.pending),
            late,
        }
    }
}

async fn keep_consumer(worker: Arc<Worker>, stop: CancellationToken) {
    let name = worker.service.row().name;
    let seen = Arc::clone(&worker);
    let failed = move |why: &str| {
        let now = seen.shared.clock.now();
        seen.meter.restarts.add(1);
        seen.meter.set_error(now, why.to_owned());
        seen.meter
            .set_state(ConsumerState::Restarting, Some(why.to_owned()), now);
    };
    let run = {
        let stop = stop.clone();
        move || consumer::run(Arc::clone(&worker), stop.clone())
    };
    supervisor::keep(name, stop, failed, run).await;
}
