//! Faults on purpose: what a service is told to fail, so that every way of an event can be seen.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What goes wrong in one service, as shares between 0 and 1. An event's fate depends on its id and
/// the plan alone, so a redelivery meets the same fault and a run can be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FaultPlan {
    /// Share of events whose handler fails for a while.
    pub transient: f64,
    /// How many attempts of such an event fail before one works.
    pub transient_times: u32,
    /// Share of events that no retry helps.
    pub permanent: f64,
    /// How many deliveries of such an event fail before a redrive of it works.
    pub permanent_times: u32,
    /// Share of events that are slow.
    pub slow: f64,
    /// How long a slow event takes, in milliseconds.
    pub slow_ms: u64,
    /// Share of events at which the handler panics, each time.
    pub panic: f64,
    /// Seconds of a burst in which the slow share holds; 0 is always.
    pub burst_secs: u64,
    /// Seconds from one burst's start to the next.
    pub burst_every_secs: u64,
}

impl Default for FaultPlan {
    fn default() -> Self {
        Self {
            transient: 0.0,
            transient_times: 1,
            permanent: 0.0,
            permanent_times: 1,
            slow: 0.0,
            slow_ms: 200,
            panic: 0.0,
            burst_secs: 0,
            burst_every_secs: 60,
        }
    }
}

/// In words: what fails, is slow or panics.
impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_quiet() {
            return f.write_str("nothing on purpose");
        }
        let share = |share: f64| format!("{}%", (share * 100_000.0).round() / 1_000.0);
        let mut parts = Vec::new();
        if self.transient > 0.0 {
            let (share, times) = (share(self.transient), self.transient_times);
            let s = if times == 1 { "" } else { "s" };
            parts.push(format!("{share} for {times} attempt{s}"));
        }
        if self.permanent > 0.0 {
            parts.push(format!("{} for good", share(self.permanent)));
        }
        if self.slow > 0.0 {
            let burst = match self.burst_secs {
                0 => String::new(),
                secs => format!(" for {secs} s every {} s", self.burst_every_secs),
            };
            let (share, ms) = (share(self.slow), self.slow_ms);
            parts.push(format!("{share} take {ms} ms{burst}"));
        }
        if self.panic > 0.0 {
            parts.push(format!("{} panic", share(self.panic)));
        }
        f.write_str(&parts.join(", "))
    }
}

/// What the plan has in store for one attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Works,
    Slow(Duration),
    FailsTransiently,
    FailsForGood,
    Panics,
}

impl FaultPlan {
    /// The fate of attempt `attempt` (1 is the first, and earlier deliveries count) of the event with
    /// this id, redriven `redrives` times, `elapsed` after the service started.
    #[must_use]
    pub fn fate(
        &self,
        event_id: uuid::Uuid,
        attempt: u32,
        redrives: u32,
        elapsed: Duration,
    ) -> Fate {
        // Four independent draws from one hash: 16 bits each are fine enough for a share.
        let hash = xxhash_rust::xxh3::xxh3_64(event_id.as_bytes());
        let draw = |n: u32| f64::from(((hash >> (n * 16)) & 0xffff) as u16) / 65_536.0;
        if draw(0) < self.panic {
            Fate::Panics
        } else if draw(1) < self.permanent && redrives < self.permanent_times {
            Fate::FailsForGood
        } else if draw(2) < self.transient && attempt <= self.transient_times {
            Fate::FailsTransiently
        } else if draw(3) < self.slow && self.in_burst(elapsed) {
            Fate::Slow(Duration::from_millis(self.slow_ms))
        } else {
            Fate::Works
        }
    }

    fn in_burst(&self, elapsed: Duration) -> bool {
        self.burst_secs == 0
            || self.burst_every_secs == 0
            || elapsed.as_secs() % self.burst_every_secs < self.burst_secs
    }

    /// Nothing fails.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.transient == 0.0 && self.permanent == 0.0 && self.slow == 0.0 && self.panic == 0.0
    }
}
