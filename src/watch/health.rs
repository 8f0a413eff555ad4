//! Is everything there that evtop depends on, and how quickly does it answer?

use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio_util::sync::CancellationToken;

use super::board::{Board, within};
use super::sources::Sources;
use crate::clock::{self, Clock};
use crate::dedupe::{Dedupe, Health};
use crate::lock::lock;
use crate::snapshot::{Dependency, DependencyState};

/// Asks the store; Kafka is asked by whoever asks for lag, Redis by what keeps its connection.
pub async fn poll(sources: &Sources, board: &Board) {
    let started = clock::instant();
    let store = within(sources.timeout, sources.store.probe()).await;
    let store = store.map(|()| started.elapsed());
    set(board, sources.store.kind(), store, sources.clock.now());
}

/// Writes down how Redis is, at each change, until `stop`.
pub async fn follow_dedupe(
    dedupe: Dedupe,
    board: Arc<Board>,
    clock: Clock,
    stop: CancellationToken,
) {
    let Some(mut news) = dedupe.health() else {
        return;
    };
    loop {
        let probe = match news.borrow_and_update().clone() {
            Health::Connecting => None,
            Health::Up(took) => Some(Ok(took)),
            Health::Down(error) => Some(Err(format!(
                "{error}; idempotency falls back to the inbox, which costs time and no event"
            ))),
        };
        if let Some(probe) = probe {
            set(&board, "redis", probe, clock.now());
        }
        tokio::select! {
            () = stop.cancelled() => return,
            changed = news.changed() => if changed.is_err() { return },
        }
    }
}

/// Writes a probe's result down; `since` moves only when the state does.
pub fn set(
    board: &Board,
    name: &str,
    probe: Result<std::time::Duration, String>,
    now: DateTime<Utc>,
) {
    let (state, latency, note) = match probe {
        Ok(took) => (DependencyState::Up, Some(took), None),
        Err(error) => (DependencyState::Down, None, Some(error)),
    };
    put(
        board,
        Dependency {
            name: name.to_owned(),
            state,
            latency,
            since: Some(now),
            note,
        },
    );
}

/// Replaces the dependency of that name, or adds it.
pub fn put(board: &Board, mut fresh: Dependency) {
    let mut health = lock(&board.health);
    match health.iter_mut().find(|d| d.name == fresh.name) {
        Some(known) => {
            if known.state == fresh.state {
                fresh.since = known.since;
            }
            *known = fresh;
        }
        None => health.push(fresh),
    }
}
