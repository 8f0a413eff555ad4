//! The way of an engine: connects, each thing in its own time, starts workers, observers and the gate, stays
//! until it is told to stop, and ends them in order.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::prune::prune;
use super::settings::{database_name, kafka_settings, owner, pipeline_settings, services, who};
use crate::clock::Clock;
use crate::command::{Focus, Outcome, Request, Screen};
use crate::config::Config;
use crate::dedupe::Dedupe;
use crate::folder::Folder;
use crate::kafka::KafkaSettings;
use crate::kafka::embedded::Embedded;
use crate::kafka::offsets::Observer;
use crate::kafka::producer::Producer;
use crate::operate::{self, Operator, wanted_topics};
use crate::pipeline::orders::PRODUCTS;
use crate::pipeline::{Drained, Pipeline, Shared, reader, supervisor};
use crate::store::{Store, StoreSettings};
use crate::watch::board::Board;
use crate::watch::sources::Sources;
use crate::watch::{health, observe};

/// What an engine is started with.
pub struct Start {
    pub config: Config,
    pub folder: Option<Folder>,
    pub clock: Clock,
    pub dedupe: Dedupe,
    pub board: Arc<Board>,
    pub sources: Arc<OnceLock<Sources>>,
    pub focus: watch::Receiver<Focus>,
    pub stop: CancellationToken,
}

impl Start {
    /// Runs until `stop`, and tells what was left; `None` where no workers ran.
    pub async fn run(
        self,
        asked: mpsc::Receiver<Request>,
        answers: mpsc::Sender<Outcome>,
    ) -> Option<Drained> {
        // Held to the end: the cluster lives as long as anything may still want to commit to it.
        let embedded = self.until(|| async { self.embedded() }, "kafka").await?;
        let settings = kafka_settings(&self.config, embedded.as_ref());
        let clients = self.until(|| async { clients(&settings) }, "kafka").await?;
        let store = self
            .until(|| self.open_store(), self.config.store.kind())
            .await?;
        let shared = Arc::new(Shared::new(
            self.clock.clone(),
            pipeline_settings(&self.config, settings),
            store.clone(),
            self.dedupe.clone(),
            clients.producer,
            owner(),
        ));
        // An address on a server may hold a password, and goes into no file.
        if let (Some(folder), Some(cluster)) = (&self.folder, &embedded)
            && self.config.store.kind() == "sqlite"
            && let Err(error) = folder.announce(cluster.bootstrap(), &self.database())
        {
            tracing::warn!(%error, "other commands can't find this stack");
        }
        if embedded.is_none()
            && self.config.workers
            && !self.config.read_only
            && self.config.kafka.create_topics
        {
            self.until(|| self.create_topics(&clients.observer), "kafka")
                .await?;
        }
        let pipeline = if self.config.workers {
            let wishes = self
                .until(|| store.consumer_wishes(), self.config.store.kind())
                .await?;
            let start = Pipeline::start_as_wished(Arc::clone(&shared), &wishes);
            Some(Arc::new(start))
        } else {
            None
        };
        let sources = Sources {
            clock: self.clock.clone(),
            store: store.clone(),
            observer: clients.observer.clone(),
            shared: Arc::clone(&shared),
            pipeline: pipeline.clone(),
            workers: self.config.workers,
            attached: self.config.attached,
            groups: services(&self.config)
                .iter()
                .filter(|_| !self.config.attached)
                .map(|s| s.row().group.to_owned())
                .collect(),
            every: Duration::from_millis(self.config.watch.queries_ms),
            timeout: Duration::from_millis(self.config.watch.timeout_ms),
            history: Duration::from_secs(self.config.watch.history_minutes * 60),
        };
        observe(&sources, &self.board, &self.focus, &self.stop);
        let _ = self.sources.set(sources);
        let reading = self.config.attached.then(|| {
            tokio::spawn(index_letters(
                Arc::clone(&shared),
                clients.observer.clone(),
                self.focus.clone(),
                self.stop.clone(),
            ))
        });
        let operator = Arc::new(Operator::new(
            shared,
            pipeline.clone(),
            clients.observer,
            operate::Rules {
                read_only: self.config.read_only,
                attached: self.config.attached,
                drives: self.config.drives,
            },
            who(),
            self.stop.clone(),
        ));
        let gate = tokio::spawn(operator.run(asked, answers));
        let pruning = tokio::spawn(prune(
            store.clone(),
            self.clock.clone(),
            self.config.clone(),
            self.stop.clone(),
        ));
        self.stop.cancelled().await;
        let _ = gate.await;
        if let Some(reading) = reading {
            let _ = reading.await;
        }
        pruning.abort();
        let drained = match &pipeline {
            Some(pipeline) => Some(pipeline.drain().await),
            None => None,
        };
        if pipeline.is_some() {
            // Whoever looks from elsewhere need not take it for dead.
            let _ = store.report_workers(&owner(), &[], self.clock.now()).await;
        }
        store.close().await;
        drop(embedded);
        drained
    }

    /// Tries again until it works; the health line says why it does not. `None`: told to stop.
    async fn until<T, E: ToString, F: Future<Output = Result<T, E>>>(
        &self,
        attempt: impl Fn() -> F,
        name: &str,
    ) -> Option<T> {
        loop {
            let result = tokio::select! {
                () = self.stop.cancelled() => return None,
                result = attempt() => result,
            };
            match result {
                Ok(value) => return Some(value),
                Err(error) => {
                    let error = error.to_string();
                    tracing::warn!(error, name, "not there yet");
                    health::set(&self.board, name, Err(error), self.clock.now());
                }
            }
            tokio::select! {
                () = self.stop.cancelled() => return None,
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
            }
        }
    }

    fn embedded(&self) -> Result<Option<Embedded>, String> {
        if !self.config.embedded() {
            return Ok(None);
        }
        Embedded::start(&wanted_topics(&self.config.kafka.dlq_topic))
            .map(Some)
            .map_err(|e| e.to_string())
    }

    /// Where the database is: as set, in the embedded stack's folder, or in the state folder.
    fn database(&self) -> PathBuf {
        if let Some(path) = self.config.store.sqlite_path() {
            // Others are told of it, and may stand in another folder.
            return std::path::absolute(&path).unwrap_or(path);
        }
        match &self.folder {
            Some(folder) => folder.path().join("evtop.db"),
            None => crate::config::state_dir()
                .unwrap_or_else(std::env::temp_dir)
                .join(database_name(&self.config)),
        }
    }

    async fn open_store(&self) -> Result<Store, String> {
        let mut settings = match self.config.store.kind() {
            "postgres" => StoreSettings::new(self.config.store.url.expose()),
            _ => {
                let path = self.database();
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent)
                        .map_err(|e| format!("{}: {e}", parent.display()))?;
                }
                StoreSettings::new(format!("sqlite:{}", path.display()))
            }
        };
        settings.name = format!("evtop {}", owner());
        // On a cluster that is not ours the file is all that is ours: index and audit go there.
        settings.read_only = self.config.read_only && !self.config.workers && !self.config.attached;
        settings.durable = self.folder.is_none();
        let store = Store::open(&settings).await.map_err(|e| e.to_string())?;
        if !settings.read_only && !self.config.attached {
            let stock: Vec<(String, i64)> = PRODUCTS
                .iter()
                .map(|(id, ..)| ((*id).to_owned(), self.config.store.stock))
                .collect();
            store.seed_stock(&stock).await.map_err(|e| e.to_string())?;
        }
        Ok(store)
    }

    async fn create_topics(&self, observer: &Observer) -> Result<(), String> {
        let wanted = wanted_topics(&self.config.kafka.dlq_topic);
        let created = observer
            .create_missing(&wanted)
            .await
            .map_err(|e| e.to_string())?;
        if !created.is_empty() {
            tracing::info!(?created, "topics created");
        }
        Ok(())
    }
}

struct Clients {
    producer: Producer,
    observer: Observer,
}

fn clients(settings: &KafkaSettings) -> Result<Clients, String> {
    let text = |e: crate::kafka::KafkaError| e.to_string();
    Ok(Clients {
        producer: Producer::new(settings).map_err(text)?,
        observer: Observer::new(settings).map_err(text)?,
    })
}

/// Reads the dead letters of a cluster that is not ours, from when somebody first looks at a screen that
/// shows them.
async fn index_letters(
    shared: Arc<Shared>,
    observer: Observer,
    mut focus: watch::Receiver<Focus>,
    stop: CancellationToken,
) {
    let shows = |focus: &Focus| matches!(focus.screen, Screen::Flow | Screen::Letters);
    let looked_at = tokio::select! {
        () = stop.cancelled() => false,
        seen = focus.wait_for(shows) => seen.is_ok(),
    };
    if looked_at {
        let start = || reader::run(Arc::clone(&shared), observer.clone(), stop.clone());
        supervisor::keep("dlq-reader", stop.clone(), |_| shared.unread.lost(), start).await;
    }
}
