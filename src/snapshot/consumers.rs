//! The consumers as they may be shown: one a service and process, with what it holds back and why.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Percentiles, Series};
use crate::domain::fault_plan::FaultPlan;

/// What a consumer is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConsumerState {
    #[default]
    Starting,
    /// In its group, with or without partitions.
    Running,
    /// By a person's order.
    Paused,
    /// A dependency is down: it waits, counts nothing, dead-letters nothing.
    Holding,
    /// Half of its last events failed as if it was not their fault: it tries one now and then.
    CircuitOpen,
    /// It failed as a whole and is being started again.
    Restarting,
    Stopped,
}

impl ConsumerState {
    /// The word for it, on screen and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Holding => "holding",
            Self::CircuitOpen => "circuit open",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
        }
    }
}

/// A service in one process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Consumer {
    pub service: String,
    pub group: String,
    pub topics: Vec<String>,
    pub state: ConsumerState,
    /// Why it is in that state, where there is more to say.
    pub state_reason: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub events_per_s: Option<f64>,
    pub errors_per_s: Option<f64>,
    /// Of handling one event, over the last minute.
    pub latency: Option<Percentiles>,
    pub in_flight: u64,
    pub handled: u64,
    pub retries: u64,
    pub dead: u64,
    pub duplicates: u64,
    /// Of types it has no interest in, or redriven to another group.
    pub skipped: u64,
    pub restarts: u64,
    /// Keys with a letter at their head, holding what comes after.
    pub blocked_keys: Option<u64>,
    pub assigned: Vec<(String, i32)>,
    pub held: Vec<HeldPartition>,
    pub faults: FaultPlan,
    pub last_error: Option<(DateTime<Utc>, String)>,
    /// The process that runs it, where that is not this one.
    pub instance: Option<String>,
    /// Events a second over the last ten minutes; unknown of another process.
    #[serde(skip)]
    pub history: Series,
}

impl Consumer {
    /// What tells it from every other: its service, and the instance it runs in where that is another.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.instance {
            None => self.service.clone(),
            Some(instance) => format!("{} @ {instance}", self.service),
        }
    }
}

/// A partition that waits for its head event to be tried again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldPartition {
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub attempts: u32,
    pub since: DateTime<Utc>,
    pub due: Option<DateTime<Utc>>,
    pub reason: String,
    /// Records fetched and waiting behind it.
    pub waiting: usize,
}
