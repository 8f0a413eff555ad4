//! Settings of the services: which run, how they try again, and what they are told to fail.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::fault_plan::FaultPlan;

/// The services evtop can run, by the names used in settings and on screen.
pub const SERVICES: [&str; 3] = ["email", "analytics", "inventory"];

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

/// `[consumers.faults.SERVICE]`; `None` is not set: see [`Config::faults`](super::Config::faults).
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
