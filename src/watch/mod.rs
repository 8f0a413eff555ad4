//! Observers: they fill the snapshot and change nothing. Meters are read each 250 ms, questions are
//! asked each second and only of what is looked at; each source has its own timeout and fails alone,
//! and none asks again before the last answer is in.

pub mod board;
pub mod consumers;
pub mod figures;
pub mod findings;
pub mod groups;
mod growth;
pub mod health;
pub mod history;
mod judge;
pub mod lag;
pub mod letters;
pub mod messages;
pub mod outbox;
pub mod partition;
pub mod reports;
mod search;
pub mod source;
pub mod sources;
pub mod timeline;
pub mod verdict;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::{self, Clock};
use crate::command::Focus;
use crate::logging::Ring as LogRing;
use crate::pipeline::indexer;
use crate::snapshot::{Activity, Consumer, GroupLag, Letters, Reading, Snapshot, Stack, Traffic};
use board::Board;
use consumers::ConsumerWatch;
use history::{Pace, Rate, Ring};
use source::Source;
use sources::Sources;

/// How far points of a chart of this process's own meters lie apart.
const STEP: Duration = Duration::from_secs(1);

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

/// The meters of this process, over time.
struct Meters {
    pace: Pace,
    consumers: Vec<ConsumerWatch>,
    orders: Rate,
    orders_history: Ring,
    /// When the workers' words were last written down for other processes, and that write.
    reported: (Instant, Option<JoinHandle<()>>),
}

impl Meters {
    fn new(points: usize) -> Self {
        Self {
            pace: Pace::new(STEP),
            consumers: Vec::new(),
            orders: Rate::default(),
            orders_history: Ring::new(STEP, points),
            reported: (clock::instant(), None),
        }
    }

    /// Reads them once, and what other processes wrote down.
    fn read(&mut self, sources: &Sources, board: &Board, points: usize) -> Vec<Consumer> {
        let Some(pipeline) = &sources.pipeline else {
            return board.workers.read().value.unwrap_or_default();
        };
        if self.consumers.is_empty() {
            let watch = |w| ConsumerWatch::new(Arc::clone(w), Ring::new(STEP, points));
            self.consumers = pipeline.workers.iter().map(watch).collect();
        }
        let now = clock::instant();
        let due = self.pace.tick(now);
        self.orders.push(now, sources.shared.orders.get());
        self.orders_history.push(due, self.orders.per_s());
        let blocked = board.blocked_keys.read().value.unwrap_or_default();
        let watches = self.consumers.iter_mut();
        let mut rows: Vec<Consumer> = watches.map(|c| c.read(now, due, &blocked)).collect();
        self.report(now, sources, &rows);
        rows.extend(board.workers.read().value.unwrap_or_default());
        rows
    }

    fn report(&mut self, now: Instant, sources: &Sources, rows: &[Consumer]) {
        let (last, write) = &self.reported;
        let busy = write.as_ref().is_some_and(|w| !w.is_finished());
        if busy || now.duration_since(*last) < reports::EVERY {
            return;
        }
        let (sources, rows) = (sources.clone(), rows.to_vec());
        let write = tokio::spawn(async move { reports::write(&sources, &rows).await });
        self.reported = (now, Some(write));
    }
}

impl Watch {
    /// Publishes a snapshot each `every`, and at once when something that is waited for came in.
    pub async fn run(self, out: watch::Sender<Arc<Snapshot>>, stop: CancellationToken) {
        let mut ticks = tokio::time::interval(self.every);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let points = usize::try_from(self.history.as_secs()).unwrap_or(600);
        let mut meters = Meters::new(points);
        let mut seq = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = ticks.tick() => {}
                () = self.board.fresh.notified() => {}
            }
            seq += 1;
            let consumers = match self.sources.get() {
                Some(sources) => meters.read(sources, &self.board, points),
                None => Vec::new(),
            };
            out.send_replace(Arc::new(self.take(seq, consumers, &meters)));
        }
    }

    fn take(&self, seq: u64, consumers: Vec<Consumer>, meters: &Meters) -> Snapshot {
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
                rate: pipeline.map(|p| p.rate()),
                slowed: sources.and_then(|s| s.shared.slowed()),
                orders_per_s: meters.orders.per_s(),
                history: meters.orders_history.series(usize::MAX),
            },
            topics: board.topics.read(),
            lag: board.lag.read(),
            consumers,
            outbox: board.outbox.read(),
            store: board.totals.read(),
            end_to_end: sources.and_then(|s| s.shared.end_to_end.percentiles()),
            letters: match sources.filter(|s| s.attached) {
                Some(sources) => {
                    let mut letters = board.letters.read();
                    if let Some(letters) = &mut letters.value {
                        letters.unread = sources.shared.unread.get();
                    }
                    letters
                }
                None => with_unread(board.letters.read(), &board.lag.read()),
            },
            letter: board.letter.read().value.flatten(),
            timeline: board.timeline.read(),
            event: board.event.read().value.flatten(),
            messages: board.messages.read(),
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

/// How far the index is behind its topics is the lag of the group that reads them.
fn with_unread(
    mut letters: Reading<Letters>,
    lag: &Reading<Arc<Vec<GroupLag>>>,
) -> Reading<Letters> {
    let groups = lag.value.iter().flat_map(|groups| groups.iter());
    let indexer = groups.into_iter().find(|g| g.group == indexer::GROUP);
    if let (Some(letters), Some(indexer)) = (&mut letters.value, indexer) {
        letters.unread = indexer.numbers.lag;
    }
    letters
}

/// Starts asking every source; they end with `stop`.
pub fn observe(
    sources: &Sources,
    board: &Arc<Board>,
    focus: &watch::Receiver<Focus>,
    stop: &CancellationToken,
) {
    for source in Source::all(sources) {
        let (sources, board) = (sources.clone(), Arc::clone(board));
        tokio::spawn(source.keep_asking(sources, board, focus.clone(), stop.clone()));
    }
    let (reader, board) = (messages::Reader::of(sources), Arc::clone(board));
    tokio::spawn(messages::keep_reading(
        reader,
        board,
        focus.clone(),
        stop.clone(),
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_nobody_here_knows_is_unknown() {
        let (out, mut snapshots) = watch::channel(Arc::new(Snapshot::default()));
        let stop = CancellationToken::new();
        let watch = Watch {
            board: Arc::new(Board::default()),
            clock: Clock::fixed(chrono::DateTime::default()),
            stack: Stack::default(),
            every: Duration::from_millis(10),
            history: Duration::from_secs(60),
            log: LogRing::default(),
            sources: Arc::new(OnceLock::new()),
        };
        let running = tokio::spawn(watch.run(out, stop.clone()));
        snapshots.changed().await.expect("a snapshot");
        let traffic = snapshots.borrow().traffic.clone();
        assert_eq!(
            (traffic.rate, traffic.orders_per_s),
            (None, None),
            "no workers run here"
        );
        stop.cancel();
        running.await.expect("it ends");
    }
}
