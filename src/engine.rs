//! Puts the parts together: connects what the settings name, each in its own time, starts workers,
//! observers and the gate, and ends them in order. The screen and the commands only see its ports.

mod prune;
mod settings;
mod start;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use settings::dedupe;
pub use settings::{kafka_settings, pipeline_settings};
use start::Start;

use crate::clock::Clock;
use crate::command::{Focus, Outcome, Request};
use crate::config::Config;
use crate::dedupe::Dedupe;
use crate::folder::Folder;
use crate::logging::Ring;
use crate::pipeline::Drained;
use crate::snapshot::{Dependency, DependencyState, Snapshot, Stack};
use crate::watch::board::Board;
use crate::watch::{Watch, health};

/// How long the end may take.
const DRAIN: Duration = Duration::from_secs(10);

/// A running engine and the ends of its channels.
pub struct Engine {
    ends: Ends,
    handle: Handle,
}

/// What ends an engine.
pub struct Handle {
    stop: CancellationToken,
    task: JoinHandle<Option<Drained>>,
}

impl Handle {
    /// Ends everything in order and tells what was left; `None` where no workers ran.
    pub async fn stop(self) -> Option<Drained> {
        self.stop.cancel();
        self.task.await.unwrap_or_default()
    }
}

impl Engine {
    /// Starts connecting; returns at once. `folder` holds what the embedded stack writes.
    #[must_use]
    pub fn start(config: Config, folder: Option<Folder>, clock: Clock, log: Ring) -> Self {
        let stop = CancellationToken::new();
        let board = Arc::new(Board::default());
        let sources = Arc::new(OnceLock::new());
        let (snapshots, latest) = watch::channel(Arc::new(Snapshot::default()));
        let focus = watch::Sender::new(Focus::default());
        let (requests, asked) = mpsc::channel(64);
        let (answers, outcomes) = mpsc::channel(64);
        let stack = Stack {
            name: config.stack_name().to_owned(),
            embedded: config.embedded(),
            read_only: config.read_only,
            production: config.production,
            workers: config.workers,
            attached: config.attached,
        };
        let dedupe = dedupe(&config);
        let claims = (!config.attached).then_some(&dedupe);
        connecting(&board, &clock, config.store.kind(), claims);
        tokio::spawn(health::follow_dedupe(
            dedupe.clone(),
            Arc::clone(&board),
            clock.clone(),
            stop.clone(),
        ));
        let watch = Watch {
            board: Arc::clone(&board),
            clock: clock.clone(),
            stack,
            every: Duration::from_millis(config.watch.meters_ms),
            history: Duration::from_secs(config.watch.history_minutes * 60),
            log,
            sources: Arc::clone(&sources),
        };
        tokio::spawn(watch.run(snapshots, stop.clone()));
        let start = Start {
            config,
            folder,
            clock,
            dedupe,
            board,
            sources,
            focus: focus.subscribe(),
            stop: stop.clone(),
        };
        let task = tokio::spawn(start.run(asked, answers));
        Self {
            ends: Ends {
                snapshots: latest,
                focus,
                requests,
                outcomes,
            },
            handle: Handle { stop, task },
        }
    }

    /// Splits the engine into its ports and what ends it.
    #[must_use]
    pub fn into_parts(self) -> (Ends, Handle) {
        (self.ends, self.handle)
    }
}

/// The ends of an engine's channels.
pub struct Ends {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub focus: watch::Sender<Focus>,
    pub requests: mpsc::Sender<Request>,
    pub outcomes: mpsc::Receiver<Outcome>,
}

fn connecting(board: &Board, clock: &Clock, store: &str, dedupe: Option<&Dedupe>) {
    let dependency = |name: &str, state, note: Option<&str>| Dependency {
        name: name.into(),
        state,
        latency: None,
        since: Some(clock.now()),
        note: note.map(str::to_owned),
    };
    health::put(
        board,
        dependency("kafka", DependencyState::Connecting, None),
    );
    health::put(board, dependency(store, DependencyState::Connecting, None));
    let Some(dedupe) = dedupe else {
        return;
    };
    let note = "idempotency is kept in memory, with the inbox behind it";
    health::put(
        board,
        match dedupe {
            Dedupe::Memory(_) => dependency("redis", DependencyState::Off, Some(note)),
            Dedupe::Redis(_) => dependency("redis", DependencyState::Connecting, None),
        },
    );
}
