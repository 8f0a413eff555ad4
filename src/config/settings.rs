//! The settings and, in each `Default`, the only place where their defaults stand.
//! `config.toml.example` says what each is for; a test holds the two together.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::dlq_topics;
use crate::domain::fault_plan::FaultPlan;

use super::idempotency::Redis;
use super::secret::{Properties, Secret};

/// The services evtop can run, by the names used in settings and on screen.
pub const SERVICES: [&str; 3] = ["email", "analytics", "inventory"];

/// Everything that can be set. [`Config::default`] is the embedded stack.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What the top line calls this stack; empty: see [`Config::stack_name`].
    pub name: String,
    /// The profile in force; empty is none.
    pub profile: String,
    /// Whether this process runs the services, the relay and the generator itself.
    pub workers: bool,
    /// Refuses every command that writes; on a cluster that is not ours the default.
    pub read_only: bool,
    /// Bulk actions ask for the count to be typed, or for `--yes`.
    pub production: bool,
    pub kafka: Kafka,
    pub store: Store,
    pub redis: Redis,
    pub consumers: Consumers,
    pub relay: Relay,
    pub traffic: Traffic,
    pub watch: Watch,
    pub ui: Ui,
    /// Action → keys; checked by the screen, which knows the actions.
    pub keys: BTreeMap<String, Vec<String>>,
    pub log: LogSettings,
    /// The cluster is not ours: see [`Config::looks_at_others`]. Told from the settings before flags are
    /// laid over them, since a short command on a stack of one's own runs no workers either.
    #[serde(skip)]
    pub attached: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            name: String::new(),
            profile: String::new(),
            workers: true,
            read_only: false,
            production: false,
            kafka: Kafka::default(),
            store: Store::default(),
            redis: Redis::default(),
            consumers: Consumers::default(),
            relay: Relay::default(),
            traffic: Traffic::default(),
            watch: Watch::default(),
            ui: Ui::default(),
            keys: BTreeMap::new(),
            log: LogSettings::default(),
            attached: false,
        }
    }
}

impl Config {
    /// Without brokers, the cluster is our own, in this process.
    #[must_use]
    pub fn embedded(&self) -> bool {
        self.kafka.brokers.trim().is_empty()
    }

    /// Whether these settings are those of a cluster that is not ours: brokers, no workers, and no store
    /// that an evtop with workers would share with us.
    #[must_use]
    pub fn looks_at_others(&self) -> bool {
        !self.embedded() && !self.workers && self.store.url.is_empty()
    }

    /// The name on the top line: as set, else the profile, else `embedded`, else the brokers.
    #[must_use]
    pub fn stack_name(&self) -> &str {
        if !self.name.is_empty() {
            &self.name
        } else if !self.profile.is_empty() {
            &self.profile
        } else if self.embedded() {
            "embedded"
        } else {
            &self.kafka.brokers
        }
    }

    /// What a service is told to fail: as set, else the demo on the embedded stack, else nothing.
    #[must_use]
    pub fn faults(&self, service: &str) -> FaultPlan {
        let set = self.consumers.faults.get(service);
        match set {
            Some(plan) => plan,
            None if self.embedded() => Faults::demo(service),
            None => FaultPlan::default(),
        }
    }

    /// Orders a second: as set, else a gentle 3 on the embedded stack and none on anybody's own.
    #[must_use]
    pub fn orders_per_s(&self) -> f64 {
        match self.traffic.orders_per_s {
            Some(rate) => rate,
            None if self.embedded() => 3.0,
            None => 0.0,
        }
    }
}

/// `[kafka]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// host:port,…; empty is the embedded cluster.
    pub brokers: String,
    pub client_id: String,
    /// With `{topic}` and `{group}` filled in.
    pub dlq_topic: String,
    /// Names of topics whose dead letters are listed, beside our own; `*` is any text.
    pub dead_letter_topics: Vec<String>,
    pub request_timeout_ms: u64,
    /// Whether missing topics are created at start and by `setup`.
    pub create_topics: bool,
    /// librdkafka's own settings, for every client.
    pub properties: Properties,
    /// For producers, over `properties`.
    pub producer: Properties,
    /// For consumers, over `properties`.
    pub consumer: Properties,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: String::new(),
            client_id: "evtop".to_owned(),
            dlq_topic: "{topic}-{group}-dlt".to_owned(),
            dead_letter_topics: dlq_topics::PATTERNS.map(str::to_owned).to_vec(),
            request_timeout_ms: 5_000,
            create_topics: true,
            properties: Properties::new(),
            producer: Properties::new(),
            consumer: Properties::new(),
        }
    }
}

impl Kafka {
    /// The dead-letter topic of a source topic and the group that failed.
    #[must_use]
    pub fn dlq_topic_for(&self, topic: &str, group: &str) -> String {
        self.dlq_topic
            .replace("{topic}", topic)
            .replace("{group}", group)
    }

    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}

/// `[store]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// `sqlite:PATH` or `postgres://user:password@host:port/database`; empty is a file in a temporary
    /// folder.
    pub url: Secret,
    /// Units of each product in a new database.
    pub stock: i64,
    pub sent_retention_hours: u64,
    /// Longer than topic and dead letters are kept, so that no redelivery finds its mark gone.
    pub inbox_retention_days: u64,
}

impl Default for Store {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            stock: 100_000_000,
            sent_retention_hours: 24,
            inbox_retention_days: 37,
        }
    }
}

impl Store {
    /// Which database it is: `sqlite` or `postgres`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self.url.expose().split_once(':') {
            Some(("postgres" | "postgresql", _)) => "postgres",
            _ => "sqlite",
        }
    }

    /// The SQLite file, where one is named.
    #[must_use]
    pub fn sqlite_path(&self) -> Option<PathBuf> {
        let url = self.url.expose();
        let path = url.strip_prefix("sqlite:")?;
        let path = path.strip_prefix("//").unwrap_or(path);
        Some(PathBuf::from(path))
    }
}

/// `[consumers]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Consumers {
    /// Which of [`SERVICES`] run here.
    pub services: Vec<String>,
    pub handler_timeout_ms: u64,
    /// Events a transaction at most.
    pub batch: usize,
    /// A longer value is a dead letter.
    pub max_value_bytes: usize,
    /// The first one included.
    pub max_attempts: u32,
    /// Wait before the second attempt; it doubles from there.
    pub retry_base_ms: u64,
    pub retry_cap_ms: u64,
    /// Records a partition may hold in memory before it is paused.
    pub queue_limit: usize,
    pub commit_ms: u64,
    pub faults: Faults,
}

impl Default for Consumers {
    fn default() -> Self {
        Self {
            services: SERVICES.map(str::to_owned).to_vec(),
            handler_timeout_ms: 30_000,
            batch: 500,
            max_value_bytes: 1_048_576,
            max_attempts: 4,
            retry_base_ms: 1_000,
            retry_cap_ms: 60_000,
            queue_limit: 2_048,
            commit_ms: 250,
            faults: Faults::default(),
        }
    }
}

impl Consumers {
    #[must_use]
    pub fn handler_timeout(&self) -> Duration {
        Duration::from_millis(self.handler_timeout_ms)
    }

    #[must_use]
    pub fn commit_every(&self) -> Duration {
        Duration::from_millis(self.commit_ms)
    }
}

/// `[consumers.faults.SERVICE]`; `None` is not set: see [`Config::faults`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    pub email: Option<FaultPlan>,
    pub analytics: Option<FaultPlan>,
    pub inventory: Option<FaultPlan>,
}

impl Faults {
    /// The plan that was set for a service.
    #[must_use]
    pub fn get(&self, service: &str) -> Option<FaultPlan> {
        match service {
            "email" => self.email,
            "analytics" => self.analytics,
            "inventory" => self.inventory,
            _ => None,
        }
    }

    /// What the embedded stack shows: one event in a hundred fails once, analytics is slow in bursts,
    /// and inventory rejects one in a hundred until it is redriven, so that there is something to
    /// redrive. It must neither flood nor look dead.
    #[must_use]
    pub fn demo(service: &str) -> FaultPlan {
        let plan = FaultPlan {
            transient: 0.01,
            ..FaultPlan::default()
        };
        match service {
            "analytics" => FaultPlan {
                slow: 0.6,
                slow_ms: 600,
                burst_secs: 15,
                burst_every_secs: 90,
                ..plan
            },
            "inventory" => FaultPlan {
                permanent: 0.01,
                ..plan
            },
            _ => plan,
        }
    }
}

/// `[relay]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Relay {
    /// Outbox rows read at once.
    pub batch: usize,
    /// How often an idle relay looks.
    pub poll_ms: u64,
    /// Parts of the outbox on PostgreSQL.
    pub shards: u32,
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            batch: 500,
            poll_ms: 250,
            shards: 4,
        }
    }
}

/// `[traffic]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Traffic {
    /// `None` is not set: see [`Config::orders_per_s`].
    pub orders_per_s: Option<f64>,
    /// One order in so many is followed by bytes that are no JSON; 0 is none.
    pub poison_every: u32,
    /// Makes the same orders again.
    pub seed: Option<u64>,
}

impl Default for Traffic {
    fn default() -> Self {
        Self {
            orders_per_s: None,
            poison_every: 60,
            seed: None,
        }
    }
}

/// `[watch]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Watch {
    /// How often the meters in memory are read.
    pub meters_ms: u64,
    /// How often brokers and database are asked.
    pub queries_ms: u64,
    /// After which a question counts as unanswered.
    pub timeout_ms: u64,
    /// Length of charts and sparklines.
    pub history_minutes: u64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            meters_ms: 250,
            queries_ms: 1_000,
            timeout_ms: 2_000,
            history_minutes: 10,
        }
    }
}

/// `[ui]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ui {
    /// A built-in theme's name or a file's path.
    pub theme: String,
    /// The colour of the stack's name and of the rule below the tabs; empty: the theme's.
    pub frame: String,
    pub max_fps: u32,
    /// Draws with ASCII alone.
    pub ascii: bool,
    /// The mouse selects rows and tabs; text is then selected with shift held down.
    pub mouse: bool,
}

impl Default for Ui {
    fn default() -> Self {
        Self {
            theme: "dark".to_owned(),
            frame: String::new(),
            max_fps: 30,
            ascii: false,
            mouse: false,
        }
    }
}

/// `[log]`
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogSettings {
    pub level: LogLevel,
    /// `None`: `evtop.log` in the state folder, or in the embedded stack's temporary folder.
    pub file: Option<PathBuf>,
}

/// What is worth a line in the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    Off,
    Error,
    Warn,
    #[default]
    Info,
    Debug,
    Trace,
}
