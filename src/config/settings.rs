//! The settings and, in each `Default`, the only place where their defaults stand; the larger sections have
//! files of their own beside this one.
//! `config.toml.example` says what each is for; a test holds the two together.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::domain::fault_plan::FaultPlan;

use super::consumers::{Consumers, Faults};
use super::idempotency::Redis;
use super::kafka::Kafka;
use super::keys::Keys;
use super::store::Store;

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
    pub keys: BTreeMap<String, Keys>,
    pub log: LogSettings,
    /// The cluster is not ours: see [`Config::looks_at_others`]. Told from the settings before flags are
    /// laid over them, since a short command on a stack of one's own runs no workers either.
    #[serde(skip)]
    pub attached: bool,
    /// This process stays, so it takes over operations that nobody drives: a screen, or `evtop run`.
    #[serde(skip)]
    pub drives: bool,
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
            drives: false,
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
    /// A built-in theme's name or a file's path. Named here, by `--theme` or in the environment it wins over
    /// the one that was chosen on the screen the last time; that wins over the default.
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
