//! A scenario at work: the stack, the workers, the gate, and the steps.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use evtop::clock::Clock;
use evtop::command::{
    Command, Done, EventChoice, Focus, LetterChoice, RefusalKind, ReplayTarget, Request,
};
use evtop::dedupe::Dedupe;
use evtop::domain::fault_plan::FaultPlan;
use evtop::domain::letter::{Letter, LetterFilter, LetterStatus};
use evtop::domain::position::Position;
use evtop::domain::reader::Limits;
use evtop::domain::record::NewRecord;
use evtop::domain::service::Service;
use evtop::domain::stored::EventFilter;
use evtop::domain::{scenario as orders, time};
use evtop::kafka::offsets::Observer;
use evtop::kafka::producer::Producer;
use evtop::logging::Ring;
use evtop::operate::Operator;
use evtop::pipeline::orders::PRODUCTS;
use evtop::pipeline::worker::Worker;
use evtop::pipeline::{self, Pipeline, Shared, consumer, indexer};
use evtop::snapshot::{self, Snapshot};
use evtop::store::{Expected, Store};
use evtop::watch::Watch;
use evtop::watch::board::Board;
use evtop::watch::sources::Sources;
use fastrand::Rng;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::records;
use crate::scenario::{Redrive, Replay, Scenario, Send, Settings, Step};
use crate::stack::{DLQ_TEMPLATE, Lock, Stack};

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
    pub last_operation: Option<Uuid>,
    /// Acts that went through the gate of a writing operator: each leaves two audit rows.
    pub asked: u64,
    producer: Producer,
    lock: Option<Lock>,
    sent: HashMap<String, NewRecord>,
    rng: Rng,
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
    _paused: watch::Sender<bool>,
    stop: CancellationToken,
    task: JoinHandle<Result<(), String>>,
}

impl World {
    pub async fn new(scenario: &mut Scenario, seed: u64) -> Self {
        let settings = std::mem::take(&mut scenario.settings);
        let stack = Stack::start();
        let store = stack.open_store().await;
        let stock: Vec<(String, i64)> = PRODUCTS
            .iter()
            .map(|(id, ..)| ((*id).to_owned(), settings.stock))
            .collect();
        store.seed_stock(&stock).await.unwrap();
        let kafka = stack.kafka(&settings.producer);
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
            last_operation: None,
            asked: 0,
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

    fn plan(&self, service: Service) -> FaultPlan {
        self.settings
            .faults
            .get(service.row().name)
            .copied()
            .unwrap_or_default()
    }

    /// What a process has: connections of its own, and a memory of its own.
    async fn shared(&self, name: &str) -> Arc<Shared> {
        let kafka = self.stack.kafka(&self.settings.producer);
        let settings = pipeline::Settings {
            dlq_topic: DLQ_TEMPLATE.into(),
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
            self.stack.open_store().await,
            Dedupe::memory(),
            Producer::new(&kafka).unwrap(),
            name.to_owned(),
        ))
    }

    fn operator(
        &self,
        shared: &Arc<Shared>,
        pipeline: Option<Arc<Pipeline>>,
        read_only: bool,
        stop: &CancellationToken,
    ) -> Arc<Operator> {
        let (shared, observer) = (Arc::clone(shared), self.observer.clone());
        Arc::new(Operator::new(
            shared,
            pipeline,
            observer,
            read_only,
            "tester".into(),
            stop.clone(),
        ))
    }

    async fn start(&mut self) {
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

    pub async fn carry_out(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Inject { scenario, count } => {
                let scenario = orders::Scenario::parse(scenario).expect("a scenario's name");
                self.ask(
                    Command::Inject {
                        scenario,
                        count: *count,
                    },
                    None,
                )
                .await?;
            }
            Step::Send(send) => self.send(send).await?,
            Step::Raw(raw) => {
                let record = records::raw(raw);
                self.produce(record, raw.name.as_ref()).await?;
            }
            Step::Resend { name } => {
                let record = self
                    .sent
                    .get(name)
                    .cloned()
                    .ok_or(format!("nothing was sent as {name}"))?;
                self.produce(record, None).await?;
            }
            Step::Pause { service } => {
                self.ask(
                    Command::PauseConsumer {
                        service: service.clone(),
                    },
                    None,
                )
                .await?;
            }
            Step::Resume { service } => {
                self.ask(
                    Command::ResumeConsumer {
                        service: service.clone(),
                    },
                    None,
                )
                .await?;
            }
            Step::Faults { service, plan } => {
                self.ask(
                    Command::SetFaults {
                        service: service.clone(),
                        plan: *plan,
                    },
                    None,
                )
                .await?;
            }
            Step::Join { service } => self.join(service).await,
            Step::Leave { service } => {
                let at = self
                    .guests
                    .iter()
                    .position(|g| g.worker.service.row().name == service);
                self.guests
                    .remove(at.ok_or("nobody to leave")?)
                    .leave()
                    .await;
            }
            Step::Broker { down } => self.stack.set_broker_down(*down),
            Step::Store { locked: true } => self.lock = Some(self.stack.lock_store().await),
            Step::Store { locked: false } => {
                self.lock
                    .take()
                    .ok_or("the store is not locked")?
                    .release()
                    .await;
            }
            Step::Redrive(redrive) => self.redrive(redrive).await?,
            Step::Replay(replay) => self.replay(replay).await?,
            Step::Cancel {} => {
                let operation = self.last_operation.ok_or("nothing to cancel")?;
                self.ask(Command::Cancel { operation }, None).await?;
            }
            Step::Restart { start } => {
                self.stop().await;
                if *start {
                    self.start().await;
                }
            }
            Step::RebuildIndex {} => self.rebuild_index().await?,
            Step::RefusesWrites {} => self.refuses_writes().await?,
            Step::Expect(expect) => crate::expect::wait_for(self, expect).await?,
        }
        Ok(())
    }

    async fn send(&mut self, send: &Send) -> Result<(), String> {
        let mut records = Vec::new();
        for nth in 0..send.count.or(send.repeat).unwrap_or(1) {
            let now = time::format(self.clock.now());
            let record = records::event(send, nth, &mut self.rng, &now);
            if send.outbox {
                let stored = evtop::domain::record::Record {
                    topic: record.topic.clone(),
                    partition: 0,
                    offset: 0,
                    timestamp: None,
                    key: record.key.clone(),
                    value: record.value.clone(),
                    headers: Vec::new(),
                };
                let limits = Limits {
                    max_value_bytes: usize::MAX,
                };
                let (envelope, _) = evtop::domain::reader::read_envelope(&stored, &limits)
                    .map_err(|e| e.to_string())?;
                let stream = envelope.stream();
                let (now, any) = (self.clock.now(), Expected::Any);
                let written = self
                    .store
                    .append(&stream, any, &[envelope], true, now)
                    .await;
                written.map_err(|e| e.to_string())?;
            } else {
                if let Some(name) = &send.name {
                    self.sent.insert(name.clone(), record.clone());
                }
                records.push(record);
            }
        }
        for sent in self.producer.send_all(&records).await {
            sent.map_err(|e| e.to_string())?;
        }
        Ok(())
    }

    async fn produce(&mut self, record: NewRecord, name: Option<&String>) -> Result<(), String> {
        self.producer
            .send(&record)
            .await
            .map_err(|e| e.to_string())?;
        if let Some(name) = name {
            self.sent.insert(name.clone(), record);
        }
        Ok(())
    }

    async fn join(&mut self, service: &str) {
        let service = Service::parse(service).expect("a service's name");
        let shared = self.shared("second").await;
        let worker = Arc::new(Worker::new(service, shared, self.plan(service)));
        self.workers.push(Arc::clone(&worker));
        let (paused, stop) = (watch::Sender::new(false), CancellationToken::new());
        let task = tokio::spawn(consumer::run(
            Arc::clone(&worker),
            paused.subscribe(),
            stop.clone(),
        ));
        self.guests.push(Guest {
            worker,
            _paused: paused,
            stop,
            task,
        });
    }

    /// Letters in every status, oldest first.
    pub async fn letters(&self) -> Vec<Letter> {
        let filter = LetterFilter {
            statuses: LetterStatus::ALL.to_vec(),
            ..LetterFilter::default()
        };
        let (mut letters, total) = self.store.letters(&filter, 0, 100_000).await.unwrap();
        assert_eq!(letters.len() as u64, total);
        letters.sort_by_key(|l| (l.group.clone(), l.topic.clone(), l.partition, l.offset));
        letters
    }

    async fn redrive(&mut self, redrive: &Redrive) -> Result<(), String> {
        let found: Vec<Letter> = self
            .letters()
            .await
            .into_iter()
            .filter(|l| redrive.group.as_ref().is_none_or(|g| *g == l.group))
            .filter(|l| redrive.code.as_ref().is_none_or(|c| *c == l.code))
            .filter(|l| {
                let order = redrive
                    .order
                    .as_ref()
                    .map(|o| records::order_id(o).into_bytes());
                order.is_none_or(|o| l.key.as_ref() == Some(&o))
            })
            .collect();
        let first = found.first().ok_or("no letter matches")?;
        let letters = if redrive.cause {
            LetterChoice::Cause(first.fingerprint.clone())
        } else {
            LetterChoice::Ids(found.iter().map(|l| l.id).collect())
        };
        let command = Command::Redrive {
            letters,
            rate: redrive.rate,
        };
        self.ask(command, redrive.refused.as_deref())
            .await
            .map(|_| ())
    }

    async fn replay(&mut self, replay: &Replay) -> Result<(), String> {
        let filter = EventFilter {
            stream: replay
                .order
                .as_ref()
                .map(|o| format!("order-{}", records::order_id(o))),
            event_type: replay.event.clone(),
            ..EventFilter::default()
        };
        let command = Command::Replay {
            events: EventChoice::Matching(filter),
            target: replay
                .into
                .clone()
                .map_or(ReplayTarget::Topic, ReplayTarget::Service),
            rate: replay.rate,
            force: replay.force,
            dry_run: replay.would.is_some(),
        };
        match (
            self.ask(command, replay.refused.as_deref()).await?,
            replay.would,
        ) {
            (Some(Done::WouldReplay { events, .. }), Some(would)) if events != would => {
                Err(format!("a replay would be of {events}, not {would}"))
            }
            _ => Ok(()),
        }
    }

    /// Through the gate. `refused`: it must be, with these words.
    async fn ask(
        &mut self,
        command: Command,
        refused: Option<&str>,
    ) -> Result<Option<Done>, String> {
        let operator = &self.node.as_ref().ok_or("nobody to ask")?.operator;
        self.asked += u64::from(command.writes());
        let id = self.clock.id();
        let outcome = operator.answer(Request { id, command }).await;
        match (outcome.result, refused) {
            (Ok(done), None) => {
                if let Done::Started { operation, .. } = &done {
                    self.last_operation = Some(*operation);
                }
                Ok(Some(done))
            }
            (Err(refusal), Some(words)) if refusal.sentence.contains(words) => Ok(None),
            (Err(refusal), None) => Err(format!("refused: {}", refusal.sentence)),
            (answer, Some(words)) => Err(format!("not refused with \"{words}\": {answer:?}")),
        }
    }

    async fn rebuild_index(&mut self) -> Result<(), String> {
        self.stop().await;
        let before = self.letters().await;
        let topics = indexer::topics(DLQ_TEMPLATE);
        self.stack.rewind(indexer::GROUP, &topics);
        self.stack.forget_letters().await;
        self.start().await;
        let started = evtop::clock::instant();
        loop {
            let after = self.letters().await;
            if after == before {
                return Ok(());
            }
            if started.elapsed() > crate::expect::DEADLINE {
                let mut differ = before.iter().zip(&after).filter(|(b, a)| b != a);
                let first = differ.next();
                return Err(format!(
                    "{} letters, then {}: {first:#?}",
                    before.len(),
                    after.len()
                ));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn refuses_writes(&mut self) -> Result<(), String> {
        let node = self.node.as_ref().ok_or("nobody to ask")?;
        let stop = CancellationToken::new();
        let shared = &node.pipeline.shared;
        let operator = self.operator(shared, Some(Arc::clone(&node.pipeline)), true, &stop);
        let audited = self.store.audit_rows(100_000).await.unwrap();
        let service = || "email".to_owned();
        let letters = self.letters().await;
        let ids = letters.iter().map(|l| l.id).collect();
        let replay = |dry_run| Command::Replay {
            events: EventChoice::One(Position { tx: 0, pos: 1 }),
            target: ReplayTarget::Topic,
            rate: 0,
            force: false,
            dry_run,
        };
        let mut refused = 0;
        for command in [
            Command::Inject {
                scenario: orders::Scenario::Happy,
                count: 1,
            },
            Command::Redrive {
                letters: LetterChoice::Ids(ids),
                rate: 0,
            },
            replay(false),
            replay(true),
            Command::Cancel {
                operation: Uuid::nil(),
            },
            Command::SetTraffic { orders_per_s: 5.0 },
            Command::SetFaults {
                service: service(),
                plan: FaultPlan {
                    panic: 1.0,
                    ..FaultPlan::default()
                },
            },
            Command::PauseConsumer { service: service() },
            Command::ResumeConsumer { service: service() },
            Command::Setup,
            Command::Doctor,
        ] {
            let writes = command.writes();
            let action = command.action();
            let outcome = operator
                .answer(Request {
                    id: self.clock.id(),
                    command,
                })
                .await;
            let read_only = outcome
                .result
                .as_ref()
                .is_err_and(|r| r.kind == RefusalKind::ReadOnly);
            if read_only != writes {
                return Err(format!(
                    "{action} of a read-only profile: {:?}",
                    outcome.result
                ));
            }
            refused += u64::from(read_only);
        }
        if refused != 9 || self.store.audit_rows(100_000).await.unwrap() != audited {
            return Err(format!(
                "{refused} were refused, or something was written to the audit"
            ));
        }
        (letters == self.letters().await)
            .then_some(())
            .ok_or("letters have changed".into())
    }
}

impl Guest {
    async fn leave(self) {
        self.stop.cancel();
        self.task.await.unwrap().unwrap();
        self.worker.shared.store.close().await;
    }
}
