//! The command's side of the engine: what it shows, what it is asked, and how long one waits.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{End, PATIENCE, Step, exit_of};
use crate::cli::Exit;
use crate::clock::Clock;
use crate::command::{Command, Done, Focus, Outcome, Request};
use crate::domain::filter::{Filter, Resolved};
use crate::snapshot::{DependencyState, Reading, Snapshot};
use crate::tui::Settings;

/// Everything a command needs of a running engine.
pub struct Ports {
    pub snapshots: watch::Receiver<Arc<Snapshot>>,
    pub focus: watch::Sender<Focus>,
    pub requests: mpsc::Sender<Request>,
    pub outcomes: mpsc::Receiver<Outcome>,
    /// Cancelled on Ctrl-C and SIGTERM.
    pub stop: CancellationToken,
    pub clock: Clock,
    /// How long to wait for a reading; [`Ports::new`] sets ten seconds.
    pub(super) patience: Duration,
    /// The same for what Kafka is asked.
    pub(super) kafka: Duration,
    /// The index of a cluster that is not ours was waited for already.
    pub(super) caught_up: bool,
    /// How a screen is drawn; the defaults unless [`Ports::drawing`] said otherwise.
    pub(super) drawing: Option<Settings>,
}

impl Ports {
    #[must_use]
    pub fn new(
        snapshots: watch::Receiver<Arc<Snapshot>>,
        focus: watch::Sender<Focus>,
        requests: mpsc::Sender<Request>,
        outcomes: mpsc::Receiver<Outcome>,
        stop: CancellationToken,
        clock: Clock,
    ) -> Self {
        Self {
            snapshots,
            focus,
            requests,
            outcomes,
            stop,
            clock,
            patience: PATIENCE,
            kafka: PATIENCE,
            caught_up: false,
            drawing: None,
        }
    }

    /// With Kafka's own request timeout, and a moment for the answer to come through.
    #[must_use]
    pub fn asking_kafka_for(self, timeout: Duration) -> Self {
        Self {
            kafka: timeout + Duration::from_millis(300),
            ..self
        }
    }

    /// With the screen's own settings: theme, keys, glyphs.
    #[must_use]
    pub fn drawing(self, settings: Settings) -> Self {
        Self {
            drawing: Some(settings),
            ..self
        }
    }

    /// Says what is looked at; only readings from the returned moment on answer it.
    pub(super) fn look(&self, focus: Focus) -> DateTime<Utc> {
        let asked = self.clock.now();
        self.focus.send_replace(focus);
        asked
    }

    /// The filter that was typed, with "ago" counted from now; none lets everything through.
    pub(super) fn resolved(&self, typed: Option<&Filter>) -> Resolved {
        typed.map_or(Resolved::NONE, |filter| filter.at(self.clock.now()))
    }

    /// What is known right now.
    pub(super) fn latest(&mut self) -> Arc<Snapshot> {
        self.snapshots.borrow_and_update().clone()
    }

    /// The next snapshot.
    pub(super) async fn next(&mut self) -> Step<Arc<Snapshot>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Err(End::Stopped),
            changed = self.snapshots.changed() => match changed {
                Ok(()) => Ok(self.latest()),
                Err(_) => Err(End::Gone),
            },
        }
    }

    /// Waits until a snapshot has what is wanted; `None` when the time is up.
    pub(super) async fn until<T>(
        &mut self,
        limit: Duration,
        mut wanted: impl FnMut(&Snapshot) -> Option<T>,
    ) -> Step<Option<T>> {
        if let Some(found) = wanted(&self.latest()) {
            return Ok(Some(found));
        }
        let search = async {
            loop {
                if let Some(found) = wanted(&*self.next().await?) {
                    return Ok(found);
                }
            }
        };
        match tokio::time::timeout(limit, search).await {
            Ok(found) => found.map(Some),
            Err(_) => Ok(None),
        }
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn ask(&mut self, command: Command) -> Step<Done> {
        self.ask_and(command, false).await
    }

    /// The same; `leaves`: this process goes away at once, and another must carry it out.
    pub(super) async fn ask_and(&mut self, command: Command, leaves: bool) -> Step<Done> {
        let id = self.clock.id();
        // Planning a large replay reads the store; the engine has its own shorter limits.
        let limit = self.patience * 3;
        let request = Request {
            id,
            command,
            leaves,
        };
        if self.requests.send(request).await.is_err() {
            return Err(End::Gone);
        }
        let stop = self.stop.clone();
        let answer = async {
            loop {
                match self.outcomes.recv().await {
                    Some(outcome) if outcome.id == id => return Ok(outcome.result),
                    Some(_) => {}
                    None => return Err(End::Gone),
                }
            }
        };
        let result = tokio::select! {
            () = stop.cancelled() => return Err(End::Said(
                Exit::Partial,
                "interrupted before the answer: see `evtop ops` for what became of it".to_owned(),
            )),
            answered = tokio::time::timeout(limit, answer) => match answered {
                Ok(result) => result?,
                Err(_) => return Err(End::Said(
                    Exit::Unavailable,
                    "no answer: see `evtop ops` for what became of it".to_owned(),
                )),
            },
        };
        result.map_err(|refusal| End::Said(exit_of(refusal.kind), refusal.sentence))
    }
}

/// Whether a reading answers a question asked at that moment.
pub(super) fn fresh<T>(reading: &Reading<T>, asked: DateTime<Utc>) -> bool {
    reading.value.is_some() && reading.error.is_none() && reading.at.is_some_and(|at| at >= asked)
}

/// Why something could not be shown: its own error, and every dependency that is not up.
pub(super) fn reason(snapshot: &Snapshot, error: Option<&str>) -> String {
    let mut reasons: Vec<String> = error.map(str::to_owned).into_iter().collect();
    for dependency in &snapshot.health {
        let state = match dependency.state {
            DependencyState::Down => "is down",
            DependencyState::Connecting => "is still connecting",
            DependencyState::Up | DependencyState::Off => continue,
        };
        reasons.push(match &dependency.note {
            Some(note) if reasons.contains(note) => format!("{} {state}", dependency.name),
            Some(note) => format!("{} {state}: {note}", dependency.name),
            None => format!("{} {state}", dependency.name),
        });
    }
    if reasons.is_empty() {
        "nothing answered in time".to_owned()
    } else {
        reasons.join("; ")
    }
}
