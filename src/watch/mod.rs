//! Observers: they fill the snapshot and change nothing. Meters are read each 250 ms, questions are
//! asked each second and only of what is looked at; each source has its own timeout and fails alone,
//! and none asks again before the last answer is in.

pub mod board;
pub mod consumers;
pub mod figures;
pub mod findings;
pub mod health;
pub mod history;
pub mod lag;
pub mod letters;
pub mod outbox;
pub mod reports;
pub mod sources;
pub mod timeline;
pub mod verdict;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Clock};
use crate::command::{Focus, Screen};
use crate::domain::service::Service;
use crate::logging::Ring as LogRing;
use crate::pipeline::indexer;
use crate::snapshot::{Activity, Consumer, Snapshot, Stack, Traffic};
use board::{Board, within};
use consumers::ConsumerWatch;
use lag::{Group, LagWatch};
use outbox::OutboxWatch;
use sources::Sources;

/// Operations and audit lines that are shown.
const MOST_ROWS: u32 = 200;

/// Takes snapshots, from before anything is connected.
pub struct Watch {
    pub board: Arc<Board>,
    pub clock: Clock,
    pub stack: Stack,
    /// How often meters are read.
    pub every: Duration,
    pub history: Duration,
    pub log: LogRing,
    /// Set once there is something to observe.
    pub sources: Arc<OnceLock<Sources>>,
}

impl Watch {
    /// Publishes a snapshot each `every`, and at once when something that is waited for came in.
    pub async fn run(self, out: watch::Sender<Arc<Snapshot>>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut seq = 0;
        let mut consumers: Vec<ConsumerWatch> = Vec::new();
        let mut orders = (history::Rate::default(), history::Ring::new(self.points()));
        let mut marked = clock::instant();
        let mut reported = (clock::instant(), tokio::spawn(async {}));
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                () = self.board.fresh.notified() => {}
            }
            let now = clock::instant();
            let mark = now.duration_since(marked) >= Duration::from_secs(1);
            if mark {
                marked = now;
            }
            if consumers.is_empty()
                && let Some(pipeline) = self.sources.get().and_then(|s| s.pipeline.as_ref())
            {
                let points = self.points();
                consumers = pipeline
                    .workers
                    .iter()
                    .map(|w| ConsumerWatch::new(Arc::clone(w), points))
                    .collect();
            }
            seq += 1;
            let blocked = self.board.blocked_keys.read().value.unwrap_or_default();
            let mut rows: Vec<Consumer> = consumers
                .iter_mut()
                .map(|c| c.read(now, mark, &blocked))
                .collect();
            let workers = self.sources.get().is_some_and(|s| s.workers);
            if !workers {
                rows = self.board.workers.read().value.unwrap_or_default();
            } else if now.duration_since(reported.0) >= reports::EVERY
                && reported.1.is_finished()
                && let Some(sources) = self.sources.get().cloned()
            {
                let rows = rows.clone();
                let write = async move { reports::write(&sources, &rows).await };
                reported = (now, tokio::spawn(write));
            }
            if let Some(sources) = self.sources.get() {
                orders.0.push(now, sources.shared.orders.get());
                if mark {
                    orders.1.push(orders.0.per_s());
                }
            }
            out.send_replace(Arc::new(self.take(seq, rows, &orders)));
        }
    }

    fn points(&self) -> usize {
        usize::try_from(self.history.as_secs()).unwrap_or(600)
    }

    fn take(
        &self,
        seq: u64,
        consumers: Vec<Consumer>,
        orders: &(history::Rate, history::Ring),
    ) -> Snapshot {
        let board = &self.board;
        let sources = self.sources.get();
        let pipeline = sources.and_then(|s| s.pipeline.as_ref());
        let mut snapshot = Snapshot {
            seq,
            taken: self.clock.now(),
            every: self.every,
            stack: self.stack.clone(),
            health: board.health(),
            findings: Vec::new(),
            traffic: Traffic {
                rate: pipeline.map_or(0.0, |p| p.rate()),
                slowed: sources.and_then(|s| s.shared.slowed()),
                orders_per_s: orders.0.per_s(),
                history: orders.1.series(Duration::from_secs(1), usize::MAX),
            },
            topics: board.topics.read(),
            lag: board.lag.read(),
            consumers,
            outbox: board.outbox.read(),
            store: board.totals.read(),
            end_to_end: sources.and_then(|s| s.shared.end_to_end.percentiles()),
            letters: board.letters.read(),
            letter: board.letter.read().value.flatten(),
            timeline: board.timeline.read(),
            event: board.event.read().value.flatten(),
            activity: Activity {
                operations: board.operations.read().value.unwrap_or_default(),
                audit: board.audit.read().value.unwrap_or_default(),
                log: self.log.lines(),
            },
        };
        snapshot.findings = findings::findings(&snapshot);
        snapshot
    }
}

/// Starts the observers of `sources`; they end with `stop`.
pub fn observe(
    sources: &Sources,
    board: &Arc<Board>,
    focus: &watch::Receiver<Focus>,
    stop: &CancellationToken,
) {
    spawn(
        board,
        stop,
        focus,
        sources,
        Duration::ZERO,
        |s, b, f| async move { letters::poll(&s, &b, &f).await },
    );
    spawn(
        board,
        stop,
        focus,
        sources,
        Duration::ZERO,
        |s, b, f| async move { timeline::poll(&s, &b, &f).await },
    );
    spawn(
        board,
        stop,
        focus,
        sources,
        Duration::ZERO,
        |s, b, f| async move { activity(&s, &b, &f).await },
    );
    spawn(
        board,
        stop,
        focus,
        sources,
        sources.every,
        |s, b, _| async move { health::poll(&s, &b).await },
    );
    spawn(
        board,
        stop,
        focus,
        sources,
        Duration::ZERO,
        |s, b, _| async move { others(&s, &b).await },
    );
    let points = usize::try_from(sources.history.as_secs()).unwrap_or(600);
    let outbox = Arc::new(tokio::sync::Mutex::new(OutboxWatch::new(points)));
    spawn(
        board,
        stop,
        focus,
        sources,
        Duration::ZERO,
        move |s, b, f| {
            let outbox = Arc::clone(&outbox);
            async move { outbox.lock().await.poll(&s, &b, &f).await }
        },
    );
    let lag = LagWatch::new(
        sources.observer.clone(),
        sources.clock.clone(),
        sources.every,
        sources.history,
        sources.shared.owner.clone(),
    );
    let lag = Arc::new(tokio::sync::Mutex::new(lag));
    spawn(
        board,
        stop,
        focus,
        sources,
        Duration::ZERO,
        move |s, b, f| {
            let lag = Arc::clone(&lag);
            async move { poll_lag(&mut *lag.lock().await, &s, &b, &f).await }
        },
    );
}

/// Asks again and again: each `every`, and at once (but not before `floor`) when the focus moved.
fn spawn<F>(
    board: &Arc<Board>,
    stop: &CancellationToken,
    focus: &watch::Receiver<Focus>,
    sources: &Sources,
    floor: Duration,
    ask: impl Fn(Sources, Arc<Board>, Focus) -> F + Send + Sync + 'static,
) where
    F: Future<Output = ()> + Send,
{
    let (board, stop, mut focus, sources) = (
        Arc::clone(board),
        stop.clone(),
        focus.clone(),
        sources.clone(),
    );
    tokio::spawn(async move {
        loop {
            let wanted = focus.borrow_and_update().clone();
            tokio::select! {
                () = stop.cancelled() => return,
                () = ask(sources.clone(), Arc::clone(&board), wanted) => {}
            }
            board.fresh.notify_one();
            tokio::time::sleep(floor).await;
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(sources.every.saturating_sub(floor)) => {}
                changed = focus.changed() => if changed.is_err() { return },
            }
        }
    });
}

async fn poll_lag(lag: &mut LagWatch, sources: &Sources, board: &Board, focus: &Focus) {
    let groups = groups(sources);
    let wanted: &[_] = if focus.screen == Screen::Lag {
        &focus.lag_rows
    } else {
        &[]
    };
    let answer = within(sources.timeout * 2, lag.poll(&groups, wanted)).await;
    let now = sources.clock.now();
    match answer {
        Ok(mut polled) => {
            let letters = indexer::topics(&sources.shared.settings.dlq_topic);
            for topic in &mut polled.topics {
                topic.dead_letters = letters.contains(&topic.name);
            }
            for (topic, partition, committed, group) in &polled.slowest {
                sources.shared.read(topic, *partition, *committed, group);
            }
            board.topics.take_in(Ok(polled.topics), now);
            board.lag.take_in(Ok(Arc::new(polled.groups)), now);
        }
        Err(error) => {
            board.topics.take_in(Err(error.clone()), now);
            board.lag.take_in(Err(error), now);
        }
    }
}

/// Our groups, and what their workers here say.
fn groups(sources: &Sources) -> Vec<Group> {
    let mut groups: Vec<Group> = Service::ALL
        .into_iter()
        .filter(|s| sources.groups.iter().any(|g| g == s.row().group))
        .map(|service| {
            let row = service.row();
            let worker = sources.pipeline.as_ref().and_then(|p| p.worker(row.group));
            let status = worker.map(|w| w.meter.status());
            Group {
                name: row.group.to_owned(),
                topics: row.topics.iter().map(|t| (*t).to_owned()).collect(),
                ours: true,
                paused: status
                    .as_ref()
                    .is_some_and(|s| s.state == crate::snapshot::ConsumerState::Paused),
                owned: status.map(|s| s.assigned).unwrap_or_default(),
            }
        })
        .collect();
    groups.push(Group {
        name: indexer::GROUP.to_owned(),
        topics: indexer::topics(&sources.shared.settings.dlq_topic),
        ours: true,
        paused: false,
        owned: Vec::new(),
    });
    groups
}

async fn others(sources: &Sources, board: &Board) {
    if !sources.workers {
        reports::read(sources, board).await;
    }
}

async fn activity(sources: &Sources, board: &Board, focus: &Focus) {
    let now = sources.clock.now();
    let operations = within(sources.timeout, sources.store.operations(MOST_ROWS)).await;
    board.operations.take_in(operations, now);
    if focus.screen == Screen::Activity {
        let audit = within(sources.timeout, sources.store.audit_rows(MOST_ROWS)).await;
        board.audit.take_in(audit, now);
    }
}
