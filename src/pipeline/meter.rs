//! What a worker writes down about itself: counters it only adds to, and its state. It never formats
//! and never sends; `watch` reads two readings and makes rates of them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use hdrhistogram::Histogram;

use crate::clock;
use crate::lock::lock;
use crate::snapshot::{ConsumerState, HeldPartition, Percentiles};

/// A worker's meter.
#[derive(Default)]
pub struct Meter {
    pub handled: Counter,
    pub retries: Counter,
    pub errors: Counter,
    pub dead: Counter,
    pub queued: Counter,
    pub duplicates: Counter,
    pub skipped: Counter,
    pub restarts: Counter,
    pub in_flight: AtomicU64,
    /// From a batch's start to its effects' commit, for each event in it.
    pub latency: Window,
    status: Mutex<Status>,
}

/// What a worker is doing.
#[derive(Clone, Debug, Default)]
pub struct Status {
    pub state: ConsumerState,
    pub reason: Option<String>,
    pub since: Option<DateTime<Utc>>,
    pub assigned: Vec<(String, i32)>,
    pub held: Vec<HeldPartition>,
    pub last_error: Option<(DateTime<Utc>, String)>,
}

impl Meter {
    #[must_use]
    pub fn status(&self) -> Status {
        lock(&self.status).clone()
    }

    /// Notes a state; `since` moves only when the state does.
    pub fn set_state(&self, state: ConsumerState, reason: Option<String>, now: DateTime<Utc>) {
        let mut status = lock(&self.status);
        if status.state != state || status.since.is_none() {
            status.state = state;
            status.since = Some(now);
        }
        status.reason = reason;
    }

    pub fn set_partitions(&self, assigned: Vec<(String, i32)>, held: Vec<HeldPartition>) {
        let mut status = lock(&self.status);
        status.assigned = assigned;
        status.held = held;
    }

    pub fn set_error(&self, now: DateTime<Utc>, error: String) {
        lock(&self.status).last_error = Some((now, error));
    }
}

/// A counter that only grows.
#[derive(Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Durations of the last minute, in microseconds up to ten minutes, two digits exact: six histograms
/// of ten seconds each, the oldest emptied as time moves on.
pub struct Window {
    slots: Mutex<Slots>,
}

struct Slots {
    histograms: [Histogram<u32>; 6],
    newest: usize,
    turned: Instant,
}

const SLOT: Duration = Duration::from_secs(10);
const LONGEST: u64 = 600_000_000;

impl Default for Window {
    fn default() -> Self {
        let empty = || {
            Histogram::new_with_bounds(1, LONGEST, 2).expect("constant bounds that are in order")
        };
        Self {
            slots: Mutex::new(Slots {
                histograms: std::array::from_fn(|_| empty()),
                newest: 0,
                turned: clock::instant(),
            }),
        }
    }
}

impl Window {
    pub fn record(&self, took: Duration, times: u32) {
        let mut slots = lock(&self.slots);
        slots.turn();
        let micros = u64::try_from(took.as_micros())
            .unwrap_or(LONGEST)
            .clamp(1, LONGEST);
        let newest = slots.newest;
        slots.histograms[newest].saturating_record_n(micros, times);
    }

    /// `None` when nothing was recorded in the last minute.
    #[must_use]
    pub fn percentiles(&self) -> Option<Percentiles> {
        let mut slots = lock(&self.slots);
        slots.turn();
        let mut sum = slots.histograms[0].clone();
        for histogram in &slots.histograms[1..] {
            sum.add(histogram).ok()?;
        }
        (!sum.is_empty()).then(|| {
            let at = |q| Duration::from_micros(sum.value_at_quantile(q));
            Percentiles {
                p50: at(0.5),
                p95: at(0.95),
                p99: at(0.99),
            }
        })
    }
}

impl Slots {
    fn turn(&mut self) {
        let passed = self.turned.elapsed();
        let steps = usize::try_from(passed.as_secs() / SLOT.as_secs()).unwrap_or(6);
        if steps > 0 {
            for _ in 0..steps.min(6) {
                self.newest = (self.newest + 1) % 6;
                self.histograms[self.newest].reset();
            }
            self.turned += SLOT * u32::try_from(steps).unwrap_or(6);
        }
    }
}
