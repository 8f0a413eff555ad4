//! All that may be asked of the engine, and how it answers. A screen and a headless command send the
//! same requests; `operate` is the only one that carries them out.

mod answer;
mod confirmed;
mod words;

use std::path::PathBuf;

use uuid::Uuid;

pub use answer::{Check, CheckState, Done, Outcome, Refusal, RefusalKind};
pub use confirmed::{Confirmed, wants_count};

use crate::domain::fault_plan::FaultPlan;
use crate::domain::filter::Resolved;
use crate::domain::letter::LetterOrder;
use crate::domain::position::Position;
use crate::domain::scenario::Scenario;
use crate::domain::stored::EventFilter;
use crate::domain::when::Start;

/// The places one can look at; numbers are their keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Screen {
    #[default]
    Flow,
    Lag,
    Consumers,
    Outbox,
    Letters,
    Timeline,
    Messages,
    Activity,
}

impl Screen {
    pub const ALL: [Self; 8] = [
        Self::Flow,
        Self::Lag,
        Self::Consumers,
        Self::Outbox,
        Self::Letters,
        Self::Timeline,
        Self::Messages,
        Self::Activity,
    ];

    /// The key and the title on its tab. 7 is kept for Orders.
    #[must_use]
    pub fn tab(self) -> (char, &'static str) {
        match self {
            Self::Flow => ('1', "Flow"),
            Self::Lag => ('2', "Lag"),
            Self::Consumers => ('3', "Consumers"),
            Self::Outbox => ('4', "Outbox"),
            Self::Letters => ('5', "Dead letters"),
            Self::Timeline => ('6', "Timeline"),
            Self::Messages => ('8', "Messages"),
            Self::Activity => ('9', "Activity"),
        }
    }
}

/// What somebody looks at: only that is queried.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Focus {
    pub screen: Screen,
    pub letters: LettersFocus,
    pub timeline: TimelineFocus,
    pub messages: MessagesFocus,
    /// The partition whose time lag is wanted: group, topic, partition. Rows that are not looked at
    /// are not asked for it.
    pub lag_rows: Vec<(String, String, i32)>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LettersFocus {
    /// The open cause; `None` lists letters of every cause.
    pub fingerprint: Option<String>,
    pub filter: Resolved,
    pub order: Option<LetterOrder>,
    /// The archived ones instead of the open ones.
    pub archived: bool,
    /// First row wanted, and how many.
    pub from: u64,
    pub rows: u32,
    /// The letter whose bytes are wanted.
    pub letter: Option<Uuid>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TimelineFocus {
    pub filter: EventFilter,
    pub anchor: Anchor,
    pub rows: u32,
    /// The event whose detail is wanted.
    pub event: Option<Position>,
}

/// Which records of a topic are wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MessagesFocus {
    /// `None`: nothing is read.
    pub topic: Option<String>,
    pub start: Start,
    pub filter: Resolved,
    pub mode: Reading,
    /// Counts up to ask for the records after those that are here.
    pub page: u32,
}

/// How a topic is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// On with what comes; the newest records are kept.
    #[default]
    Tail,
    /// Up to the end as it was at first, page by page.
    Search,
    /// Page by page and on with what comes; no record is left out.
    Stream,
}

/// Which end of the timeline a page hangs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Anchor {
    /// The newest page, following.
    #[default]
    Newest,
    /// The page that ends just before this position.
    Before(Position),
    /// The page that starts just after this position.
    After(Position),
}

/// A command, who sent it, and the id under which the answer and the audit rows come.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub id: Uuid,
    pub command: Command,
    /// Whoever asks goes away at once: a screen or an `evtop run` must carry it out, and it is refused where
    /// there is none.
    pub leaves: bool,
}

/// Letters a second that a redrive sends at most, unless told otherwise.
pub const REDRIVE_RATE: u32 = 25;

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Inject {
        scenario: Scenario,
        count: u32,
    },
    Redrive {
        letters: LetterChoice,
        rate: u32,
    },
    /// Puts letters away; the reason is kept with each.
    Archive {
        letters: LetterChoice,
        reason: String,
        behind: Behind,
    },
    /// Opens archived letters again.
    Unarchive {
        letters: LetterChoice,
    },
    /// Writes a note down on a letter; an empty one takes it off.
    Note {
        letter: Uuid,
        text: String,
    },
    /// Sends a letter's event changed, as a new event, to the consumer that failed.
    Edit {
        letter: Uuid,
        /// The value as a person wrote it.
        value: String,
    },
    /// Writes letters to a new file, a JSON object a line.
    Export {
        letters: LetterChoice,
        /// Of a cause only the archived letters, or only the open ones; `None`: both.
        archived: Option<bool>,
        file: PathBuf,
    },
    /// Writes what somebody looks at to a new file, byte for byte.
    Write {
        /// What it is, in words.
        what: String,
        bytes: Vec<u8>,
        file: PathBuf,
    },
    /// With `dry_run` it only counts.
    Replay {
        events: EventChoice,
        target: ReplayTarget,
        rate: u32,
        force: bool,
        /// What was counted before; several events are only replayed with it.
        confirmed: Option<Confirmed<Position>>,
        dry_run: bool,
    },
    Cancel {
        operation: Uuid,
    },
    /// Sends nothing more of it until it is resumed, wherever it runs and also after a restart.
    PauseOperation {
        operation: Uuid,
    },
    ResumeOperation {
        operation: Uuid,
    },
    SetTraffic {
        orders_per_s: f64,
    },
    SetFaults {
        service: String,
        plan: FaultPlan,
    },
    PauseConsumer {
        service: String,
    },
    ResumeConsumer {
        service: String,
    },
    /// Creates the topics and tables that are missing; changes nothing that exists.
    Setup,
    /// Looks at everything evtop needs and says what is missing, with the remedy. `mend` puts right what
    /// only a person may ask for: the positions of an event store that came out of a dump.
    Doctor {
        mend: bool,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum LetterChoice {
    Ids(Vec<Uuid>),
    /// Every open letter of this cause that failed itself and passes the filter, or every archived one where
    /// it is about those: as far as they were there when they were counted, and no more than that.
    Cause {
        cause: String,
        filter: Resolved,
        confirmed: Confirmed<i64>,
    },
}

/// What becomes of the events that wait behind an archived letter of their key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behind {
    /// They go on to their consumer, without the one that is archived.
    #[default]
    Release,
    /// They are archived with it.
    Archive,
}

#[derive(Clone, Debug, PartialEq)]
pub enum EventChoice {
    One(Position),
    /// A stream, a type, a time range, a correlation: whatever the filter matches when it is planned.
    Matching(EventFilter),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReplayTarget {
    /// One service only: the others skip it.
    Service(String),
    /// The event's own topic: every group sees it.
    Topic,
}

impl Command {
    /// Whether it changes anything outside this process. Read-only refuses exactly these.
    #[must_use]
    pub fn writes(&self) -> bool {
        !matches!(
            self,
            Self::Replay { dry_run: true, .. }
                | Self::Doctor { mend: false }
                | Self::Export { .. }
                | Self::Write { .. }
        )
    }

    /// The word in the audit log.
    #[must_use]
    pub fn action(&self) -> &'static str {
        match self {
            Self::Inject { .. } => "inject",
            Self::Redrive { .. } => "redrive",
            Self::Archive { .. } => "archive",
            Self::Unarchive { .. } => "unarchive",
            Self::Note { .. } => "note",
            Self::Edit { .. } => "edit",
            Self::Export { .. } => "export",
            Self::Write { .. } => "write",
            Self::Replay { .. } => "replay",
            Self::Cancel { .. } => "cancel",
            Self::PauseOperation { .. } => "pause-operation",
            Self::ResumeOperation { .. } => "resume-operation",
            Self::SetTraffic { .. } => "set-traffic",
            Self::SetFaults { .. } => "set-faults",
            Self::PauseConsumer { .. } => "pause-consumer",
            Self::ResumeConsumer { .. } => "resume-consumer",
            Self::Setup => "setup",
            Self::Doctor { .. } => "doctor",
        }
    }
}
