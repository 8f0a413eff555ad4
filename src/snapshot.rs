//! All that may be shown: plain data, filled by `watch` and read by `tui` and `headless`.
//! Unknown is `None`, never 0. A snapshot holds the window that is looked at and totals, never every
//! row there is, so a frame costs the same however many there are.

mod consumers;
mod lag;
mod messages;
mod outbox;
mod stack;

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

pub use consumers::{Consumer, ConsumerState, HeldPartition};
pub use lag::{GroupLag, LagNumbers, PartitionLag, TopicLag, Verdict, VerdictKind};
pub use messages::{Messages, SearchState, Searched};
pub use outbox::{Outbox, Relay};
pub use stack::{Part, Stack};

use crate::domain::filter::Resolved;
use crate::domain::foreign::Foreign;
use crate::domain::letter::{Cause, Letter, LetterBody, LetterOrder, LetterStatus};
use crate::domain::operation::{AuditRow, Operation};
use crate::domain::stored::StoredEvent;

/// What a source last said. A source that fails keeps its last value beside the error.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<T> {
    /// `None` until it first answered.
    pub value: Option<T>,
    /// When the value was read.
    pub at: Option<DateTime<Utc>>,
    /// Why the last attempt failed; `None` when it worked or none was made yet.
    pub error: Option<String>,
}

impl<T> Default for Reading<T> {
    fn default() -> Self {
        Self {
            value: None,
            at: None,
            error: None,
        }
    }
}

impl<T> Reading<T> {
    #[must_use]
    pub fn new(value: T, at: DateTime<Utc>) -> Self {
        Self {
            value: Some(value),
            at: Some(at),
            error: None,
        }
    }
}

/// Points of one figure at even steps, oldest first; `None` is a gap, not a zero.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    pub step: Duration,
    pub points: Arc<[Option<f32>]>,
}

/// Everything that may be shown, at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Snapshot {
    /// Counts snapshots, so that a reader can tell whether it has seen this one.
    pub seq: u64,
    pub taken: DateTime<Utc>,
    /// How often meters are read.
    pub every: Duration,
    pub stack: Stack,
    pub health: Vec<Dependency>,
    /// Worst first.
    pub findings: Vec<Finding>,
    pub traffic: Traffic,
    pub topics: Reading<Vec<Topic>>,
    pub lag: Reading<Arc<Vec<GroupLag>>>,
    pub consumers: Vec<Consumer>,
    pub outbox: Reading<Outbox>,
    pub store: Reading<StoreTotals>,
    /// Order injected → handled by the first service (email), over the last minute.
    pub end_to_end: Option<Percentiles>,
    pub letters: Reading<Letters>,
    /// The letter that is looked at.
    pub letter: Option<LetterDetail>,
    pub timeline: Reading<Timeline>,
    /// The event that is looked at.
    pub event: Option<EventDetail>,
    pub messages: Reading<Arc<Messages>>,
    pub activity: Activity,
}

/// Something that evtop depends on.
#[derive(Clone, Debug, PartialEq)]
pub struct Dependency {
    /// `kafka`, `sqlite`, `postgres`, `redis`.
    pub name: String,
    pub state: DependencyState,
    /// The last probe's round trip.
    pub latency: Option<Duration>,
    /// Since when it is in this state.
    pub since: Option<DateTime<Utc>>,
    /// The last error, or a note such as "in memory".
    pub note: Option<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DependencyState {
    #[default]
    Connecting,
    Up,
    Down,
    /// Not configured, and nothing is wrong with that.
    Off,
}

/// How bad a finding is; the order is the order on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Bad,
    Warn,
    Note,
}

/// What is wrong now, in words with numbers, and where to look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub severity: Severity,
    pub text: String,
    pub place: Place,
}

/// Where a finding, or any jump, leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    Flow,
    Lag {
        group: String,
        topic: Option<String>,
        partition: Option<i32>,
    },
    Consumer {
        service: String,
    },
    Outbox,
    Letters {
        fingerprint: Option<String>,
    },
    Timeline,
    Activity,
}

/// The generator of test orders.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    /// Orders a second it is set to; 0 is off, unknown where no workers run here.
    pub rate: Option<f64>,
    /// Why it is slower than that right now.
    pub slowed: Option<String>,
    /// Orders accepted a second, measured.
    pub orders_per_s: Option<f64>,
    pub history: Series,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Percentiles {
    pub p50: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Topic {
    pub name: String,
    pub partitions: usize,
    /// Sum of end offsets: records ever written.
    pub end: Option<i64>,
    /// Sum of first offsets: records that the log no longer has.
    pub first: Option<i64>,
    pub rate: Option<f64>,
    pub history: Series,
    /// Where letters of our services go: it is shown with them, not among the flow's topics.
    pub dead_letters: bool,
}

impl Topic {
    /// Offsets that the log still has: as many records, unless it is compacted or written in transactions.
    #[must_use]
    pub fn records(&self) -> Option<u64> {
        u64::try_from(self.end?.checked_sub(self.first?)?).ok()
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreTotals {
    pub events: u64,
    pub streams: Option<u64>,
    /// Whose open transaction keeps the newest events from being read, and the remedy.
    pub held_by: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Letters {
    /// How many stand in each status; zero counts are left out.
    pub by_status: Vec<(LetterStatus, u64)>,
    /// The newest letter's row (`seq`) before anything else was counted here: what is done to all that is
    /// counted is done to none that came later. 0 where there is none.
    pub up_to: i64,
    /// Letters that want attention: open and not merely waiting behind another.
    pub open: u64,
    /// New letters in the last minute.
    pub last_minute: u64,
    /// Worst first.
    pub causes: Vec<Cause>,
    /// Said when there are more causes than are listed.
    pub causes_total: u64,
    /// Causes and rows are of the archived letters, not of the open ones.
    pub archived: bool,
    /// The filter that causes and rows passed.
    pub filter: Resolved,
    /// How the rows are sorted; `None`: the newest failure first.
    pub order: Option<LetterOrder>,
    /// Letters that were not held against it yet, or never will be because they are too many: causes and
    /// totals are of the others, so they are bounds.
    pub unjudged: u64,
    /// The window of letters that is looked at, in the order that was asked for.
    pub rows: Vec<Letter>,
    pub rows_total: u64,
    /// Index of the first row of the window.
    pub rows_from: u64,
    /// Records of the dead-letter topics that the index has not read yet.
    pub unread: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LetterDetail {
    pub letter: Letter,
    /// The record as it was before it failed.
    pub body: LetterBody,
    /// What another framework says of it.
    pub foreign: Option<Foreign>,
    /// Later events of the same key that wait behind it.
    pub behind: u64,
    /// The first of them, in their order.
    pub waiting: Vec<Letter>,
    /// Of an archived one: later letters of its key that went on since.
    pub gone_on: u64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Events that match the filter; `None` where counting was not asked or took too long.
    pub total: Option<u64>,
    /// Oldest first.
    pub rows: Vec<StoredEvent>,
    /// Whether the window ends at the newest event.
    pub at_end: bool,
    pub at_start: bool,
    /// Dead letters of the correlation that is looked at: of those of the rows' keys, the newest.
    pub letters: Vec<Letter>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct EventDetail {
    pub event: StoredEvent,
    /// The payload as the newest schema sees it, pretty JSON; `None` when it already is the newest.
    pub upcasted: Option<String>,
    /// The order's fields after this event: name, value.
    pub state: Vec<(String, String)>,
    /// What this event changed: field, before, after.
    pub changes: Vec<(String, String, String)>,
    /// Time since the stream's previous event.
    pub since_previous: Option<Duration>,
    /// Why state or upcast could not be worked out.
    pub error: Option<String>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Activity {
    /// Running first, then newest.
    pub operations: Vec<Operation>,
    /// Newest first.
    pub audit: Vec<AuditRow>,
    /// The program's own log, newest last.
    pub log: Arc<[LogLine]>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
}

impl LogLevel {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    pub at: DateTime<Utc>,
    pub level: LogLevel,
    pub target: String,
    pub text: String,
}

/// One operation or event id, shortened for a list: the random end of a UUIDv7, not its time.
#[must_use]
pub fn short_id(id: Uuid) -> String {
    let text = id.simple().to_string();
    text[text.len() - 8..].to_owned()
}
