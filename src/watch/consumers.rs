//! Consumers from their meters: nothing is asked, so this is as fresh as the snapshot.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use super::history::{Rate, Ring};
use crate::pipeline::worker::Worker;
use crate::snapshot::Consumer;

/// Two rates and a history for one worker.
pub struct ConsumerWatch {
    worker: Arc<Worker>,
    events: Rate,
    errors: Rate,
    history: Ring,
}

impl ConsumerWatch {
    #[must_use]
    pub fn new(worker: Arc<Worker>, history: Ring) -> Self {
        Self {
            worker,
            events: Rate::default(),
            errors: Rate::default(),
            history,
        }
    }

    /// Reads the meter; the history moves on when a point is due.
    pub fn read(
        &mut self,
        now: Instant,
        due: Option<usize>,
        blocked: &[(String, u64)],
    ) -> Consumer {
        let (row, meter) = (self.worker.service.row(), &self.worker.meter);
        self.events.push(now, meter.handled.get());
        self.errors.push(now, meter.errors.get());
        self.history.push(due, self.events.per_s());
        let status = meter.status();
        Consumer {
            service: row.name.to_owned(),
            group: row.group.to_owned(),
            topics: row.topics.iter().map(|t| (*t).to_owned()).collect(),
            state: status.state,
            state_reason: status.reason,
            since: status.since,
            events_per_s: self.events.per_s(),
            errors_per_s: self.errors.per_s(),
            latency: meter.latency.percentiles(),
            in_flight: meter.in_flight.load(Ordering::Relaxed),
            handled: meter.handled.get(),
            retries: meter.retries.get(),
            dead: meter.dead.get(),
            duplicates: meter.duplicates.get(),
            skipped: meter.skipped.get(),
            restarts: meter.restarts.get(),
            blocked_keys: blocked
                .iter()
                .find(|(group, _)| group == row.group)
                .map(|(_, n)| *n),
            assigned: status.assigned,
            held: status.held,
            faults: self.worker.plan(),
            last_error: status.last_error,
            instance: None,
            history: self.history.series(usize::MAX),
        }
    }
}
