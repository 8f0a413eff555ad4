//! The one loop that every service runs: fetch, hand to the partition's lane, store offsets after the
//! work, commit on a timer. It polls all the time, so a slow handler never costs the group membership.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::batch::{self, Report};
use super::circuit::Pass;
use super::lane::{Epoch, Lane};
use super::worker::Worker;
use crate::clock;
use crate::domain::record::Record;
use crate::domain::retry;
use crate::failpoint;
use crate::kafka::KafkaError;
use crate::kafka::consumer::{Consumer, Place};
use crate::kafka::context::Change;
use crate::snapshot::ConsumerState;

/// A lane that stays full for longer is paused, so that the others go on.
const LONG: Duration = Duration::from_millis(250);

struct Loop {
    worker: Arc<Worker>,
    consumer: Consumer,
    lanes: HashMap<Place, Lane>,
    tasks: JoinSet<(Place, Epoch, Report)>,
    epoch: u64,
    /// The broker gave our partitions to nobody we know of: it did not hear from us in time.
    lost: bool,
    paused: bool,
    /// Whose record is tried while the circuit is open.
    trial: Option<Place>,
    /// Since when some lane has had as much as it may hold.
    full: Option<Instant>,
    jitter: fastrand::Rng,
}

/// Runs until `stop`; then drains what is at work and leaves the group.
///
/// # Errors
/// When the group can't be joined or the loop itself fails; the supervisor starts it again.
pub async fn run(worker: Arc<Worker>, stop: CancellationToken) -> Result<(), String> {
    let mut paused = worker.paused();
    let row = worker.service.row();
    worker
        .meter
        .set_state(ConsumerState::Starting, None, worker.shared.clock.now());
    let consumer = Consumer::join(&worker.shared.settings.kafka, row.group, row.topics, false)
        .map_err(|e| e.to_string())?;
    let commit_every = worker.shared.settings.commit_every;
    let mut ticks = tokio::time::interval(commit_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut this = Loop {
        jitter: fastrand::Rng::new(),
        worker,
        consumer,
        lanes: HashMap::new(),
        tasks: JoinSet::new(),
        epoch: 0,
        lost: false,
        paused: *paused.borrow(),
        trial: None,
        full: None,
    };
    let mut fetched = Vec::new();
    loop {
        this.follow_group();
        this.dispatch();
        let wake = this.next_due();
        tokio::select! {
            biased;
            () = stop.cancelled() => break,
            Some(ended) = this.tasks.join_next(), if !this.tasks.is_empty() => {
                if let Err(why) = this.take_in(ended) {
                    return Err(this.break_off(why).await);
                }
            }
            Ok(()) = paused.changed() => {
                let now = *paused.borrow();
                this.set_paused(now);
            }
            _ = ticks.tick() => {
                this.consumer.commit_async();
                this.show();
            }
            record = this.consumer.recv(), if this.full.is_none() => this.fetched(record, &mut fetched).await,
            () = tokio::time::sleep(wake) => {}
        }
    }
    this.drain().await;
    Ok(())
}

impl Loop {
    /// Takes in what the group decided: new partitions get a lane, lost ones are let go.
    fn follow_group(&mut self) {
        for change in self.consumer.changes() {
            match change {
                Change::Assigned(places) => {
                    self.epoch += 1;
                    self.lost = false;
                    tracing::info!(
                        service = self.worker.service.row().name,
                        ?places,
                        "assigned"
                    );
                    for place in places {
                        // A pause outlives its assignment in librdkafka, so the new one states its own.
                        let this = std::slice::from_ref(&place);
                        if self.paused {
                            self.consumer.pause(this);
                        } else {
                            self.consumer.resume(this);
                        }
                        let mut lane = Lane::new(self.epoch);
                        lane.paused = self.paused;
                        if let Some(old) = self.lanes.insert(place, lane) {
                            old.abandon();
                        }
                    }
                }
                Change::Revoked { places, lost } => {
                    tracing::info!(
                        service = self.worker.service.row().name,
                        ?places,
                        lost,
                        "revoked"
                    );
                    self.lost = lost;
                    for place in places {
                        if let Some(lane) = self.lanes.remove(&place) {
                            lane.abandon();
                        }
                    }
                }
            }
            self.show();
        }
    }

    /// Starts a batch in every lane that is free, as far as the circuit lets them.
    fn dispatch(&mut self) {
        let now = clock::instant();
        if let Some(place) = &self.trial
            && !self.lanes.get(place).is_some_and(Lane::is_busy)
        {
            self.worker.circuit().end_try();
        }
        let pass = self.worker.circuit().pass(now);
        if !self.paused {
            match pass {
                Pass::All => {
                    let most = self.worker.shared.settings.batch;
                    for (place, lane) in &mut self.lanes {
                        start(&self.worker, &mut self.tasks, place, lane, most, now);
                    }
                }
                Pass::One => self.try_one(now),
                Pass::Nothing(_) => {}
            }
        }
        self.hold_back(now);
    }

    /// Starts one record of one lane, another one than last time where there are several.
    fn try_one(&mut self, now: Instant) {
        let mut places: Vec<Place> = self.lanes.keys().cloned().collect();
        places.sort();
        let next = |place: &Place| self.trial.as_ref().is_some_and(|last| place > last);
        let (after, before): (Vec<Place>, Vec<Place>) = places.into_iter().partition(next);
        for place in after.into_iter().chain(before) {
            let Some(lane) = self.lanes.get_mut(&place) else {
                continue;
            };
            if start(&self.worker, &mut self.tasks, &place, lane, 1, now) {
                self.worker.circuit().begin_try();
                self.trial = Some(place);
                return;
            }
        }
    }

    /// Pauses the fetching of lanes that wait or have enough.
    fn hold_back(&mut self, now: Instant) {
        let settings = &self.worker.shared.settings;
        let limit = settings.queue_limit.max(settings.batch);
        let mut any_full = false;
        for (place, lane) in &mut self.lanes {
            // What is fetched ahead of a waiting lane is dropped and read again: nothing is skipped.
            // Pausing costs that second fetch, so a lane that is merely full just holds the loop back
            // for a moment, unless that would be long.
            let full = lane.held_records() >= limit;
            any_full |= full && !lane.paused;
            let long = self
                .full
                .is_some_and(|since| now.duration_since(since) > LONG);
            let pause = self.paused || lane.waits() || full && (long || lane.paused);
            if pause != lane.paused && (pause || lane.held_records() <= limit / 2) {
                lane.paused = pause;
                if pause {
                    self.consumer.pause(std::slice::from_ref(place));
                } else {
                    self.consumer.resume(std::slice::from_ref(place));
                }
            }
        }
        self.full = if any_full {
            self.full.or(Some(now))
        } else {
            None
        };
    }

    async fn fetched(&mut self, record: Result<Record, KafkaError>, buffer: &mut Vec<Record>) {
        match record {
            Ok(record) => buffer.push(record),
            Err(error) => {
                // A rebalance, a missing topic, a broker away: librdkafka goes on by itself.
                tracing::debug!(%error, service = self.worker.service.row().name, "receive");
                tokio::time::sleep(Duration::from_millis(50)).await;
                return;
            }
        }
        self.consumer
            .ready(self.worker.shared.settings.batch, buffer);
        // A rebalance may have been served in between: then a lane for these records exists only now.
        self.follow_group();
        for record in buffer.drain(..) {
            let place = (record.topic.clone(), record.partition);
            if let Some(lane) = self.lanes.get_mut(&place) {
                lane.push(record);
            }
        }
    }

    /// Takes a finished batch in: what is left, and the offset of what is done.
    fn take_in(
        &mut self,
        ended: Result<(Place, Epoch, Report), tokio::task::JoinError>,
    ) -> Result<(), String> {
        let (place, epoch, report) = match ended {
            Ok(report) => report,
            Err(error) if error.is_cancelled() => return Ok(()),
            Err(error) => return Err(format!("a batch broke off: {error}")),
        };
        let Some(lane) = self.lanes.get_mut(&place).filter(|l| l.epoch == epoch) else {
            return Ok(());
        };
        let settings = &self.worker.shared.settings;
        let jitter = self.jitter.f64();
        let now = (clock::instant(), self.worker.shared.clock.now());
        let done = lane.finished(report, now, |made| {
            retry::delay(made, jitter)
                .mul_f64(settings.retry_scale)
                .min(settings.retry_cap)
        });
        if let Some(next) = done {
            failpoint::pass("offset.store");
            self.consumer.store(&place, next);
        }
        self.show();
        Ok(())
    }

    fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
        if !paused {
            self.worker.circuit().close();
        }
        self.show();
    }

    /// How long until some lane may go on.
    fn next_due(&self) -> Duration {
        let now = clock::instant();
        let lanes = || {
            let free = self.lanes.values().filter(|l| !l.is_busy());
            free.filter_map(Lane::due).min()
        };
        // A paused service lets what is due wait, so it must not be woken for it.
        let due = match self.worker.circuit().pass(now) {
            _ if self.paused => None,
            Pass::All | Pass::One => lanes(),
            Pass::Nothing(due) => due,
        };
        let idle = if self.full.is_some() {
            LONG
        } else {
            Duration::from_secs(3600)
        };
        due.map_or(idle, |due| due.saturating_duration_since(now))
    }

    /// Writes the state down for whoever looks.
    fn show(&self) {
        let now = self.worker.shared.clock.now();
        let mut assigned: Vec<_> = self.lanes.keys().cloned().collect();
        assigned.sort();
        let mut held: Vec<_> = self
            .lanes
            .iter()
            .filter_map(|((t, p), lane)| lane.held(t, *p))
            .collect();
        held.sort_by(|a, b| (&a.topic, a.partition).cmp(&(&b.topic, b.partition)));
        let down = self.lanes.values().find_map(Lane::waits_for_dependency);
        let open = self.worker.circuit().open().map(str::to_owned);
        let (state, reason) = match (self.paused, down, self.epoch) {
            (true, _, _) => (ConsumerState::Paused, None),
            _ if open.is_some() => (ConsumerState::CircuitOpen, open),
            (_, Some(reason), _) => (ConsumerState::Holding, Some(reason.to_owned())),
            _ if self.lost => (
                ConsumerState::Holding,
                Some("its partitions were lost: Kafka did not hear from it in time".to_owned()),
            ),
            (_, _, 0) => (
                ConsumerState::Starting,
                Some("joining its group".to_owned()),
            ),
            _ => (ConsumerState::Running, None),
        };
        let meter = &self.worker.meter;
        meter.set_state(state, reason, now);
        meter.set_partitions(assigned, held);
    }

    /// Ends after a failure of the loop itself. Letting a client go waits for its group, so not here.
    async fn break_off(mut self, why: String) -> String {
        self.tasks.abort_all();
        self.consumer.close(false).await;
        why
    }

    /// Lets what is at work finish, stores and commits it, and leaves.
    async fn drain(mut self) {
        let deadline = tokio::time::sleep(self.worker.shared.settings.drain);
        tokio::pin!(deadline);
        while !self.tasks.is_empty() {
            tokio::select! {
                () = &mut deadline => break,
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = self.take_in(ended) {
                        tracing::error!(error, "while draining");
                    }
                }
            }
        }
        self.tasks.abort_all();
        self.consumer.close(true).await;
        let now = self.worker.shared.clock.now();
        self.worker.meter.set_partitions(Vec::new(), Vec::new());
        self.worker
            .meter
            .set_state(ConsumerState::Stopped, None, now);
    }
}

/// Starts a batch of at most so many records, if the lane has some and is free.
fn start(
    worker: &Arc<Worker>,
    tasks: &mut JoinSet<(Place, Epoch, Report)>,
    place: &Place,
    lane: &mut Lane,
    most: usize,
    now: Instant,
) -> bool {
    let Some((records, attempts)) = lane.take(most, now) else {
        return false;
    };
    let (worker, place, epoch) = (Arc::clone(worker), place.clone(), lane.epoch);
    let count = records.len() as u64;
    let handle = tasks.spawn(async move {
        use std::sync::atomic::Ordering::Relaxed;
        let meter = Arc::clone(&worker);
        meter.meter.in_flight.fetch_add(count, Relaxed);
        let _flying = Landing(&meter, count);
        (place, epoch, batch::run(worker, records, attempts).await)
    });
    lane.started(handle);
    true
}

/// Takes a batch out of the in-flight count however it ends.
struct Landing<'a>(&'a Worker, u64);

impl Drop for Landing<'_> {
    fn drop(&mut self) {
        self.0
            .meter
            .in_flight
            .fetch_sub(self.1, std::sync::atomic::Ordering::Relaxed);
    }
}
