//! Three instances of the program and the servers under them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use evtop::clock;
use evtop::domain::fault_plan::FaultPlan;
use evtop::domain::service::Service;
use evtop::kafka::KafkaSettings;
use evtop::kafka::offsets::Observer;
use evtop::kafka::producer::Producer;
use evtop::pipeline::indexer;
use evtop::store::Store;
use fastrand::Rng;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use crate::database::Database;
use crate::fault::{Fault, INSTANCES};
use crate::instance::Instance;
use crate::kafka::{DLQ_TEMPLATE, afresh, env};
use crate::load;
use crate::proxy::Proxy;

/// Pieces of every product at the start.
pub const STOCK: i64 = 1_000_000;

/// How long all may take to come to rest after a round.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Rig {
    pub store: Store,
    pub database: Database,
    pub observer: Observer,
    instances: Vec<Instance>,
    producer: Producer,
    proxy: Proxy,
    home: TempDir,
    accepted: Arc<AtomicU64>,
}

/// The faults of this run's services: every letter is one of these.
pub fn faults(service: Service) -> FaultPlan {
    let (transient, permanent) = match service {
        Service::Email => (0.05, 0.01),
        Service::Analytics => (0.0, 0.0),
        Service::Inventory => (0.02, 0.02),
    };
    FaultPlan {
        transient,
        permanent,
        permanent_times: 1_000,
        ..FaultPlan::default()
    }
}

impl Rig {
    pub async fn start() -> Self {
        script(&["start", "kafka", "postgres", "redis"]).await;
        let (direct, proxied) = (
            env("EVTOP_STACK_BROKERS"),
            env("EVTOP_STACK_BROKERS_PROXIED"),
        );
        let proxy = Proxy::to_broker().await;
        afresh(&direct).await;
        let database = Database::postgres().await;
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("evtop.toml"), config(&proxied, &database)).unwrap();
        let kafka = KafkaSettings {
            brokers: direct,
            client_id: "chaos".into(),
            embedded: false,
            properties: [].into(),
            producer: [].into(),
            consumer: [].into(),
            timeout: Duration::from_secs(10),
        };
        let store = database.open().await;
        let mut rig = Self {
            store,
            database,
            observer: Observer::new(&kafka).unwrap(),
            producer: Producer::new(&kafka).unwrap(),
            instances: Vec::new(),
            proxy,
            home,
            accepted: Arc::default(),
        };
        rig.instances = (0..INSTANCES).map(|n| rig.instance(n)).collect();
        rig
    }

    fn instance(&self, n: usize) -> Instance {
        let home = self.home.path();
        Instance::start(
            &home.join("evtop.toml"),
            home.join(format!("instance-{n}.log")),
        )
    }

    /// Load, the faults one after the other, and everything in order again.
    pub async fn round(&mut self, plan: &[Fault], mut rng: Rng) {
        let stop = CancellationToken::new();
        let orders = tokio::spawn(load::run(
            self.store.clone(),
            rng.fork(),
            Arc::clone(&self.accepted),
            stop.clone(),
        ));
        pause(2.0).await;
        for fault in plan {
            self.poison(&mut rng).await;
            self.cause(*fault, &mut rng).await;
            pause(0.5 + 1.5 * rng.f64()).await;
        }
        stop.cancel();
        orders.await.unwrap();
    }

    async fn cause(&mut self, fault: Fault, rng: &mut Rng) {
        match fault {
            Fault::KillInstance(n) => {
                self.instances[n].kill();
                pause(1.0 + rng.f64()).await;
                self.instances[n] = self.instance(n);
            }
            Fault::FreezeInstance(n) => {
                self.instances[n].signal("STOP");
                pause(7.0 + 3.0 * rng.f64()).await;
                self.instances[n].signal("CONT");
            }
            Fault::RestartInstance(n) => {
                self.instances[n].stop().await.unwrap();
                self.instances[n] = self.instance(n);
            }
            Fault::KillServer(server) => {
                script(&["kill", server.name()]).await;
                pause(rng.f64()).await;
                script(&["start", server.name()]).await;
            }
            Fault::RestartServer(server) => {
                script(&["stop", server.name()]).await;
                script(&["start", server.name()]).await;
            }
            Fault::FreezeServer(server) => {
                script(&["freeze", server.name()]).await;
                pause(1.0 + 4.0 * rng.f64()).await;
                script(&["thaw", server.name()]).await;
            }
            Fault::Flush => self.flush().await,
            Fault::Cut => {
                self.proxy.set_cut(true);
                pause(1.0 + 7.0 * rng.f64()).await;
                self.proxy.set_cut(false);
            }
        }
    }

    async fn flush(&self) {
        let client = redis::Client::open(env("EVTOP_STACK_REDIS")).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let (): () = redis::cmd("FLUSHALL")
            .query_async(&mut connection)
            .await
            .unwrap();
    }

    /// Bytes that are no event, under a key of their own.
    async fn poison(&self, rng: &mut Rng) {
        let record = evtop::domain::record::NewRecord {
            topic: "order-events".into(),
            partition: None,
            key: Some(format!("POISON-{:016X}", rng.u64(..)).into_bytes()),
            value: Some(b"{\"event_type\": \"Order".to_vec()),
            headers: Vec::new(),
        };
        // Sent or not, or both: what the topic has is judged.
        let _ = self.producer.send(&record).await;
    }

    /// Waits until the outbox is empty and every group is at the end of its topics, twice in a row.
    pub async fn quiet(&mut self) -> Result<(), String> {
        let began = clock::instant();
        let mut times = 0;
        loop {
            if let Some(why) = self.instances.iter_mut().find_map(Instance::ended) {
                return Err(why);
            }
            match self.busy().await {
                None => times += 1,
                Some(why) if began.elapsed() > PATIENCE => {
                    return Err(format!("not at rest after {PATIENCE:?}: {why}"));
                }
                Some(_) => times = 0,
            }
            if times == 2 {
                return Ok(());
            }
            pause(0.3).await;
        }
    }

    /// What is still to be done.
    async fn busy(&self) -> Option<String> {
        match self.store.outbox_summary().await {
            Ok(outbox) if outbox.pending == 0 => {}
            Ok(outbox) => return Some(format!("{} rows in the outbox", outbox.pending)),
            Err(error) => return Some(error.to_string()),
        }
        let rows = Service::ALL.map(Service::row);
        let mut groups: Vec<(&str, Vec<String>)> = rows
            .iter()
            .map(|row| {
                (
                    row.group,
                    row.topics.iter().map(ToString::to_string).collect(),
                )
            })
            .collect();
        groups.push((indexer::GROUP, indexer::topics(DLQ_TEMPLATE)));
        let known = match self.observer.topics().await {
            Ok(known) => known,
            Err(error) => return Some(error.to_string()),
        };
        for (group, topics) in groups {
            let places: Vec<_> = topics
                .iter()
                .flat_map(|t| {
                    (0..known.get(t).copied().unwrap_or(0)).map(|p| (t.clone(), p as i32))
                })
                .collect();
            let committed = self.observer.committed(group, places.clone()).await;
            let bounds = self.observer.bounds(places.clone()).await;
            let (committed, bounds) = match (committed, bounds) {
                (Ok(committed), Ok(bounds)) => (committed, bounds),
                (Err(error), _) | (_, Err(error)) => return Some(error.to_string()),
            };
            for ((place, at), bounds) in places.iter().zip(committed).zip(bounds) {
                let end = bounds.end.unwrap_or(-1);
                if at.unwrap_or(0) != end {
                    return Some(format!(
                        "{group} at {at:?} of {place:?}, which ends at {end}"
                    ));
                }
            }
        }
        None
    }

    /// Saves the instances' logs for whoever looks into a failure.
    pub fn keep_logs(&mut self) -> PathBuf {
        self.home.disable_cleanup(true);
        self.home.path().to_owned()
    }

    /// Ends the instances; returns how many events were accepted.
    pub async fn end(mut self) -> u64 {
        for instance in &mut self.instances {
            instance.stop().await.unwrap();
        }
        self.store.close().await;
        self.accepted.load(Ordering::Relaxed)
    }
}

fn config(brokers: &str, database: &Database) -> String {
    let mut faults_text = String::new();
    for service in Service::ALL {
        let (name, plan) = (service.row().name, faults(service));
        faults_text += &format!(
            "{name} = {{ transient = {:?}, transient_times = {}, permanent = {:?}, permanent_times = {} }}\n",
            plan.transient, plan.transient_times, plan.permanent, plan.permanent_times
        );
    }
    format!(
        "name = \"chaos\"\n\
         kafka.brokers = \"{brokers}\"\nkafka.create_topics = false\n\
         store.url = \"{}\"\nstore.stock = {STOCK}\n\
         redis.url = \"{}\"\n\
         traffic = {{ orders_per_s = 0.0, poison_every = 0 }}\n\
         [kafka.consumer]\n\"session.timeout.ms\" = \"6000\"\n\"heartbeat.interval.ms\" = \"1000\"\n\
         \"max.poll.interval.ms\" = \"10000\"\n\
         [consumers]\nretry_base_ms = 100\n\
         [consumers.faults]\n{faults_text}",
        database.url(),
        env("EVTOP_STACK_REDIS")
    )
}

async fn pause(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// `scripts/stack` with these words.
async fn script(words: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/stack");
    let words: Vec<String> = words.iter().map(ToString::to_string).collect();
    let run = tokio::task::spawn_blocking(move || {
        let out = Command::new(path)
            .args(&words)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&out.stderr).into_owned();
        assert!(out.status.success(), "scripts/stack {words:?}: {said}");
    });
    run.await.unwrap();
}
