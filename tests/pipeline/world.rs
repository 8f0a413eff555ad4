//! A scenario at work: the stack, the workers, the gate, and the steps.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use evtop::clock::Clock;
use evtop::command::{Focus, Outcome, Request};
use evtop::dedupe::{Dedupe, RedisSettings, Terms};
use evtop::domain::fault_plan::FaultPlan;
use evtop::domain::reader::Limits;
use evtop::domain::record::NewRecord;
use evtop::domain::service::Service;
use evtop::kafka::offsets::Observer;
use evtop::kafka::producer::Producer;
use evtop::logging::Ring;
use evtop::operate::Operator;
use evtop::pipeline::orders::PRODUCTS;
use evtop::pipeline::worker::Worker;
use evtop::pipeline::{self, Pipeline, Shared};
use evtop::snapshot::{self, Snapshot};
use evtop::store::Store;
use evtop::watch::Watch;
use evtop::watch::board::Board;
use evtop::watch::sources::Sources;
use fastrand::Rng;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::database::Lock;
use crate::kafka::DLQ_TEMPLATE;
use crate::scenario::{Scenario, Settings};
use crate::stack::{Kind, Stack};

pub struct World {
    pub stack: Stack,
    pub settings: Settings,
    pub clock: Clock,
    pub store: Store,
    pub observer: Observer,
    pub node: Option<Node>,
    /// Every worker that there was, for its counters.
    pub workers: Vec<Arc<Worker>>,
    pub guests: Vec<Guest>,
    /// Answers of the gate that nobody has waited for.
    pub answers: Vec<JoinHandle<Outcome>>,
    pub last_operation: Option<Uuid>,
    /// The newest letter when somebody looked.
    pub looked: Option<i64>,
    /// Acts that went through the gate of a writing operator: each leaves two audit rows.
    pub asked: u64,
    /// What was handled was forgotten on purpose.
    pub forgot: bool,
    pub producer: Producer,
    pub lock: Option<Lock>,
    pub sent: HashMap<String, NewRecord>,
    pub rng: Rng,
}

/// A process with workers and a gate.
pub struct Node {
    pub pipeline: Arc<Pipeline>,
    pub operator: Arc<Operator>,
    pub snapshots: Option<watch::Receiver<Arc<Snapshot>>>,
    stop: CancellationToken,
    gate: JoinHandle<()>,
    /// Open, so that the gate and the observers go on.
    _ends: (mpsc::Sender<Request>, watch::Sender<Focus>),
}

/// A service's second instance, as another process would run it.
pub struct Guest {
    pub worker: Arc<Worker>,
    /// Open, so that it goes on.
    pub stop: CancellationToken,
    pub task: JoinHandle<Result<(), String>>,
}

impl World {
    pub async fn new(scenario: &mut Scenario, kind: Kind, seed: u64) -> Self {
        let settings = std::mem::take(&mut scenario.settings);
        let stack = Stack::start(kind).await;
        let store = stack.database.open().await;
        let stock: Vec<(String, i64)> = PRODUCTS
            .iter()
            .map(|(id, ..)| ((*id).to_owned(), settings.stock))
            .collect();
        store.seed_stock(&stock).await.unwrap();
        let kafka = stack.broker.settings(&settings.producer);
        let mut world = Self {
            observer: Observer::new(&kafka).unwrap(),
            producer: Producer::new(&kafka).unwrap(),
            stack,
            settings,
            clock: Clock::System,
            store,
            node: None,
            workers: Vec::new(),
            guests: Vec::new(),
            answers: Vec::new(),
            last_operation: None,
            looked: None,
            asked: 0,
            forgot: false,
            lock: None,
            sent: HashMap::new(),
            rng: Rng::with_seed(seed),
        };
        if world.settings.workers {
            world.start().await;
        }
        world
    }

    pub fn services(&self) -> Vec<Service> {
        self.settings
            .services
            .iter()
            .map(|n| Service::parse(n).expect("a service's name"))
            .collect()
    }

    pub fn limits(&self) -> Limits {
        Limits {
            max_value_bytes: self.settings.max_value_bytes,
        }
    }

    pub fn plan(&self, service: Service) -> FaultPlan {
        self.settings
            .faults
            .get(service.row().name)
            .copied()
            .unwrap_or_default()
    }

    /// What a process has: connections of its own, and a memory of its own unless that is Redis.
    pub async fn shared(&self, name: &str) -> Arc<Shared> {
        let kafka = self.stack.broker.settings(&self.settings.producer);
        let settings = pipeline::Settings {
            dlq_topic: DLQ_TEMPLATE.into(),
            dead_letter_topics: evtop::domain::dlq_topics::PATTERNS
                .map(str::to_owned)
                .to_vec(),
            services: self
                .services()
                .into_iter()
                .map(|s| (s, self.plan(s)))
                .collect(),
            queue_limit: 2_048,
            batch: self.settings.batch,
            limits: self.limits(),
            handler_timeout: Duration::from_millis(self.settings.handler_timeout_ms),
            max_attempts: self.settings.max_attempts,
            retry_scale: self.settings.retry_scale,
            retry_cap: Duration::from_secs(60),
            commit_every: Duration::from_millis(100),
            relay_shards: self.stack.database.shards(),
            relay_batch: 500,
            relay_poll: Duration::from_millis(100),
            orders_per_s: 0.0,
            poison_every: 0,
            seed: None,
            drain: Duration::from_secs(10),
            kafka: kafka.clone(),
        };
        Arc::new(Shared::new(
            self.clock.clone(),
            settings,
            self.stack.database.open().await,
            self.dedupe(),
            Producer::new(&kafka).unwrap(),
            name.to_owned(),
        ))
    }

    fn dedupe(&self) -> Dedupe {
        let Some(url) = self
            .settings
            .redis
            .clone()
            .or_else(|| self.stack.redis.clone())
        else {
            return Dedupe::memory();
        };
        Dedupe::redis(RedisSettings {
            url,
            ca: None,
            timeout: Duration::from_millis(100),
            terms: Terms::default(),
        })
    }

    pub fn operator(
        &self,
        shared: &Arc<Shared>,
        pipeline: Option<Arc<Pipeline>>,
        read_only: bool,
        stop: &CancellationToken,
    ) -> Arc<Operator> {
        let (shared, observer) = (Arc::clone(shared), self.observer.clone());
        let drives = pipeline.is_some();
        Arc::new(Operator::new(
            shared,
            pipeline,
            observer,
            evtop::operate::Rules {
                read_only,
                attached: false,
                drives,
            },
            "tester".into(),
            stop.clone(),
        ))
    }

    pub async fn start(&mut self) {
        let shared = self.shared("first").await;
        let pipeline = Arc::new(Pipeline::start(Arc::clone(&shared)));
        self.workers.extend(pipeline.workers.iter().cloned());
        let stop = CancellationToken::new();
        let operator = self.operator(&shared, Some(Arc::clone(&pipeline)), false, &stop);
        let (requests, asked) = mpsc::channel(1);
        let (answers, _) = mpsc::channel(1);
        let gate = tokio::spawn(Arc::clone(&operator).run(asked, answers));
        let focus = watch::Sender::new(Focus::default());
        let snapshots = self
            .settings
            .watch
            .then(|| self.watch(&shared, &pipeline, &focus, &stop));
        self.node = Some(Node {
            pipeline,
            operator,
            snapshots,
            stop,
            gate,
            _ends: (requests, focus),
        });
    }

    fn watch(
        &self,
        shared: &Arc<Shared>,
        pipeline: &Arc<Pipeline>,
        focus: &watch::Sender<Focus>,
        stop: &CancellationToken,
    ) -> watch::Receiver<Arc<Snapshot>> {
        let board = Arc::new(Board::default());
        let sources = Sources {
            clock: self.clock.clone(),
            store: shared.store.clone(),
            observer: self.observer.clone(),
            shared: Arc::clone(shared),
            pipeline: Some(Arc::clone(pipeline)),
            workers: true,
            attached: false,
            groups: self
                .services()
                .iter()
                .map(|s| s.row().group.to_owned())
                .collect(),
            every: Duration::from_millis(200),
            timeout: Duration::from_secs(2),
            history: Duration::from_secs(60),
        };
        evtop::watch::observe(&sources, &board, &focus.subscribe(), stop);
        let (out, snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let watch = Watch {
            board,
            clock: self.clock.clone(),
            stack: snapshot::Stack::default(),
            every: Duration::from_millis(100),
            history: Duration::from_secs(60),
            log: Ring::default(),
            sources: Arc::new(OnceLock::from(sources)),
        };
        tokio::spawn(watch.run(out, stop.clone()));
        snapshots
    }

    /// Ends the workers as the program does.
    pub async fn stop(&mut self) {
        for answer in std::mem::take(&mut self.answers) {
            answer.await.unwrap().result.unwrap();
        }
        for guest in std::mem::take(&mut self.guests) {
            guest.leave().await;
        }
        if let Some(node) = self.node.take() {
            node.stop.cancel();
            node.gate.await.unwrap();
            let drained = node.pipeline.drain().await;
            assert_eq!(drained.late, 0, "workers did not end in time");
            node.pipeline.shared.store.close().await;
        }
    }
}

impl Guest {
    pub async fn leave(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        self.worker.shared.store.close().await;
    }
}
