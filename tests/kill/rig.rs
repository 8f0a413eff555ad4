//! A cluster and a database that outlive the program: the test holds both, kills the program, starts
//! another, and then asks the two what became of every order.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use evtop::clock::Clock;
use evtop::domain::envelope::Envelope;
use evtop::domain::event_type::EventType;
use evtop::domain::record::NewRecord;
use evtop::domain::scenario::Scenario;
use evtop::kafka::KafkaSettings;
use evtop::kafka::embedded::Embedded;
use evtop::kafka::offsets::Observer;
use evtop::kafka::producer::Producer;
use evtop::operate::wanted_topics;
use evtop::pipeline::orders;
use evtop::store::{Store, StoreSettings};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::child::{self, PATIENCE, Running};

const DLQ: &str = "{topic}-{group}-dlt";

pub struct Rig {
    pub runtime: Runtime,
    pub db: SqlitePool,
    pub observer: Observer,
    pub store: Store,
    producer: Producer,
    home: TempDir,
    _cluster: Embedded,
}

#[track_caller]
pub fn wait_until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    child::wait_until(what, || look().ok_or_else(String::new))
}

/// The parcel of an order, on its way.
fn shipped(created: &Envelope) -> Envelope {
    let mut shipped = created.clone();
    shipped.event_id = Clock::System.id();
    shipped.event_type = EventType::OrderShipped;
    shipped.event_version = EventType::OrderShipped.newest_version();
    shipped.data = serde_json::Map::new();
    for (name, value) in [
        ("order_id", created.aggregate_id.as_str()),
        ("tracking_number", "T-1"),
        ("carrier", "Post"),
    ] {
        shipped.data.insert(name.into(), value.into());
    }
    shipped
}

impl Rig {
    /// `faults` are lines of `[consumers.faults]`.
    pub fn new(faults: &str) -> Self {
        let runtime = Runtime::new().unwrap();
        let cluster = Embedded::start(&wanted_topics(DLQ)).unwrap();
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("evtop.db");
        let config = format!(
            "name = \"kill\"\nkafka.brokers = \"{}\"\nkafka.create_topics = false\n\
             store.url = \"sqlite:{}\"\nstore.stock = 1000000\n\
             relay = {{ batch = 10, poll_ms = 50 }}\n\
             traffic = {{ orders_per_s = 0.0, poison_every = 9 }}\n\
             watch = {{ meters_ms = 100, queries_ms = 200 }}\n\
             [kafka.consumer]\n\"session.timeout.ms\" = \"2000\"\n\"heartbeat.interval.ms\" = \"400\"\n\
             \"partition.assignment.strategy\" = \"range\"\n\"fetch.wait.max.ms\" = \"10\"\n\
             [consumers]\nbatch = 5\nretry_base_ms = 10\ncommit_ms = 50\n\
             [consumers.faults]\n{faults}\n",
            cluster.bootstrap(),
            file.display()
        );
        std::fs::write(home.path().join("evtop.toml"), config).unwrap();
        let settings = KafkaSettings {
            brokers: cluster.bootstrap().to_owned(),
            client_id: "rig".into(),
            embedded: true,
            properties: BTreeMap::new(),
            producer: BTreeMap::new(),
            consumer: BTreeMap::new(),
            timeout: Duration::from_secs(5),
        };
        let _inside = runtime.enter();
        let store = runtime
            .block_on(Store::open(&StoreSettings::new(format!(
                "sqlite:{}",
                file.display()
            ))))
            .unwrap();
        let options = SqliteConnectOptions::new().filename(&file).read_only(true);
        let db = runtime.block_on(SqlitePool::connect_with(options)).unwrap();
        Self {
            db,
            observer: Observer::new(&settings).unwrap(),
            producer: Producer::new(&settings).unwrap(),
            store,
            home,
            _cluster: cluster,
            runtime,
        }
    }

    /// Accepts so many orders of several kinds, ships each fourth, and puts so many poison records
    /// into the topic.
    pub fn accept(&self, count: u32, poison: u32) {
        let mut rng = fastrand::Rng::with_seed(u64::from(count));
        let clock = Clock::System;
        let mut make = |scenario| orders::make(scenario, &mut rng, clock.id(), clock.now());
        let (mut events, mut raws) = (Vec::new(), Vec::new());
        for n in 0..count {
            let made = match n % 10 {
                3 => make(Scenario::OldSchema),
                5 => make(Scenario::InsufficientStock),
                7 => make(Scenario::Duplicate),
                _ => make(Scenario::Happy),
            };
            let shipped = made.event.as_ref().filter(|_| n % 4 == 0).map(shipped);
            events.extend(made.event);
            events.extend(shipped);
            raws.extend(made.raw);
        }
        for _ in 0..poison {
            raws.extend(make(Scenario::PoisonBytes).raw);
        }
        let stored = self.store.append_many(&events, true, clock.now());
        self.runtime.block_on(stored).unwrap();
        self.send(&raws);
    }

    pub fn send(&self, records: &[NewRecord]) {
        for sent in self.runtime.block_on(self.producer.send_all(records)) {
            sent.unwrap();
        }
    }

    fn command(&self, args: &[&str], env: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evtop"));
        command
            .args(args)
            .arg("--config")
            .arg(self.home.path().join("evtop.toml"))
            .env("XDG_STATE_HOME", self.home.path())
            .env("TMPDIR", self.home.path())
            .env("EVTOP_FAILPOINT_FILE", self.marker())
            .envs(env.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        command
    }

    fn marker(&self) -> PathBuf {
        self.home.path().join("reached")
    }

    pub fn run(&self, env: &[(&str, &str)]) -> Running {
        Running::start(&mut self.command(&["run"], env))
    }

    /// Starts `args`, waits until it stands at the failpoint, and kills it there.
    #[track_caller]
    pub fn kill_at(&self, args: &[&str], failpoint: &str) {
        let _ = std::fs::remove_file(self.marker());
        let command = &mut self.command(args, &[("EVTOP_FAILPOINT", failpoint)]);
        let mut running = Running::start(command);
        wait_until(failpoint, || {
            let ended = running.ended();
            assert!(ended.is_none(), "ended before {failpoint}: {ended:?}");
            self.marker().exists().then_some(())
        });
        running.kill();
    }

    /// One number from the database.
    pub fn number(&self, sql: &'static str) -> i64 {
        let row = sqlx::query_scalar::<_, i64>(sql).fetch_one(&self.db);
        self.runtime.block_on(row).unwrap()
    }

    pub fn texts(&self, sql: &'static str) -> Vec<String> {
        let rows = sqlx::query_scalar::<_, String>(sql).fetch_all(&self.db);
        self.runtime.block_on(rows).unwrap()
    }

    /// Each group has committed all that its topics hold, and nothing waits in the outbox. `None`, and
    /// what is missing, as long as not.
    fn open_ends(&self) -> Result<(), String> {
        let waiting = self.number("SELECT count(*) FROM outbox");
        if waiting > 0 {
            return Err(format!("{waiting} rows in the outbox"));
        }
        for (group, topics) in self.groups() {
            let places: Vec<(String, i32)> = topics
                .iter()
                .flat_map(|topic| (0..3).map(|p| (topic.clone(), p)))
                .collect();
            let bounds = self
                .runtime
                .block_on(self.observer.bounds(places.clone()))
                .map_err(|e| e.to_string())?;
            let committed = self
                .runtime
                .block_on(self.observer.committed(&group, places.clone()))
                .map_err(|e| e.to_string())?;
            for ((place, bound), at) in places.iter().zip(bounds).zip(committed) {
                let end = bound.end.unwrap_or(0);
                if end > 0 && at != Some(end) {
                    return Err(format!("{group} {place:?}: {at:?} of {end}"));
                }
            }
        }
        Ok(())
    }

    fn groups(&self) -> Vec<(String, Vec<String>)> {
        use evtop::domain::service::Service;
        use evtop::pipeline::indexer;
        let mut groups: Vec<_> = Service::ALL
            .iter()
            .map(|s| {
                let row = s.row();
                let topics = row.topics.iter().map(|t| (*t).to_owned()).collect();
                (row.group.to_owned(), topics)
            })
            .collect();
        groups.push((indexer::GROUP.to_owned(), indexer::topics(DLQ)));
        groups
    }

    /// Waits until everything is through; twice in a row, since work makes work.
    #[track_caller]
    pub fn settled(&self) {
        let mut last = String::new();
        let began = evtop::clock::instant();
        let mut calm = 0;
        while calm < 2 {
            match self.open_ends() {
                Ok(()) => calm += 1,
                Err(why) => (calm, last) = (0, why),
            }
            assert!(began.elapsed() < PATIENCE, "never settled: {last}");
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// All records of a topic.
    pub fn records(&self, topic: &str) -> Vec<evtop::domain::record::Record> {
        let mut all = Vec::new();
        for partition in 0..3 {
            let place = (topic.to_owned(), partition);
            let bounds = self.observer.bounds(vec![place.clone()]);
            let end = self.runtime.block_on(bounds).unwrap()[0].end.unwrap_or(0);
            let mut at = 0;
            while at < end {
                let found = self
                    .observer
                    .record_at(place.clone(), at, Duration::from_secs(5));
                let record = self.runtime.block_on(found).unwrap().unwrap();
                at = record.offset + 1;
                all.push(record);
            }
        }
        all
    }

    /// The letters that the dead-letter topics hold.
    pub fn letters_on_topics(&self) -> BTreeSet<String> {
        let topics = evtop::pipeline::indexer::topics(DLQ);
        let records = topics.iter().flat_map(|topic| self.records(topic));
        records
            .map(|r| evtop::kafka::headers::letter(&r).0.id.to_string())
            .collect()
    }
}
