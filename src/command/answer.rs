//! How the engine answers: what was done or begun, or why nothing was, with the remedy.

use std::path::PathBuf;
use std::time::Duration;

use uuid::Uuid;

use crate::domain::position::Position;
use crate::domain::scenario::Scenario;

/// The answer to a [`Request`](super::Request).
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub id: Uuid,
    pub result: Result<Done, Refusal>,
}

/// What was done, or begun.
#[derive(Clone, Debug, PartialEq)]
pub enum Done {
    Injected {
        scenario: Scenario,
        count: u32,
        order_ids: Vec<String>,
    },
    /// A persisted operation runs now; its progress is in the snapshot's activity.
    Started {
        operation: Uuid,
        total: u64,
    },
    Archived {
        letters: u64,
        /// Events behind them that were archived too.
        behind: u64,
    },
    Unarchived {
        letters: u64,
    },
    Noted,
    Exported {
        letters: u64,
        file: PathBuf,
    },
    Written {
        bytes: u64,
        file: PathBuf,
    },
    /// A dry run's answer.
    WouldReplay {
        events: u64,
        first: Option<Position>,
        last: Option<Position>,
        span: Option<Duration>,
    },
    Cancelled {
        operation: Uuid,
    },
    OperationPaused {
        operation: Uuid,
    },
    OperationResumed {
        operation: Uuid,
    },
    TrafficSet {
        orders_per_s: f64,
    },
    FaultsSet {
        service: String,
    },
    ConsumerPaused {
        service: String,
    },
    ConsumerResumed {
        service: String,
    },
    Checked(Vec<Check>),
}

/// One line of `setup` or `doctor`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What was looked at: "topic order-events", "sqlite".
    pub name: String,
    pub state: CheckState,
    /// What was found, and the remedy where it is not all right.
    pub text: String,
}

/// How it stands with what was looked at, worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CheckState {
    Ok,
    /// Made by this very run.
    Created,
    Warn,
    Bad,
}

/// Why nothing was done, with the remedy, in one sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    pub kind: RefusalKind,
    pub sentence: String,
}

/// What kind of refusal it is; the exit code of a headless command follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    ReadOnly,
    NotFound,
    /// The state of things forbids it: parked, malformed, another operation runs.
    Conflict,
    /// A dependency did not answer.
    Unavailable,
    Invalid,
}
