//! What the store says of an operation to those who drive it, and of its records.

use std::time::Duration;

use uuid::Uuid;

use crate::domain::letter::RedriveOutcome;
use crate::domain::operation::OperationState;

/// Where an operation's record stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ItemState {
    /// Written down only.
    Planned,
    /// Meant to be sent; a crash may have come between, so it is sent again under the same id.
    Queued,
    /// Acknowledged by the broker, not reported yet.
    InFlight,
    /// Its outcome is known, or known to stay unknown.
    Settled,
    /// Not sent, and why is said.
    Refused,
    /// Not sent: its operation ended first.
    Left,
}

impl ItemState {
    pub const ALL: [Self; 6] = [
        Self::Planned,
        Self::Queued,
        Self::InFlight,
        Self::Settled,
        Self::Refused,
        Self::Left,
    ];

    /// The word in the database.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Queued => "queued",
            Self::InFlight => "in_flight",
            Self::Settled => "settled",
            Self::Refused => "refused",
            Self::Left => "left",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }
}

/// One record of a redrive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub redrive_id: Uuid,
    pub operation_id: Uuid,
    pub letter_id: Uuid,
    /// Its place in the operation, from 0.
    pub seq: i64,
    pub state: ItemState,
    pub outcome: Option<RedriveOutcome>,
    /// Topic, partition and offset that the broker gave it.
    pub place: Option<(String, i32, i64)>,
    pub error: Option<String>,
    /// How long ago it was meant to be sent, by the database's clock; `None`: it was not.
    pub age: Option<Duration>,
    /// The group that its letter failed in, where that is known.
    pub group: Option<String>,
}

/// What whoever drives a redrive has to do next.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Somebody wants it to stand still: nothing is due.
    pub paused: bool,
    /// What may be sent now, in the order of arrival: of each key only its head.
    pub due: Vec<Item>,
    /// Some wait for their key's head, or for the operation to go on.
    pub waiting: bool,
    /// Some are sent, or meant to be, and not reported.
    pub in_flight: bool,
    /// Some are reported whose key's queue has not had its turn.
    pub unfollowed: bool,
}

/// What a person wants of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    Pause,
    Resume,
    Cancel,
}

/// How an operation takes a wish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Granted {
    /// It is so from here on.
    Yes,
    /// It is over, and ended so.
    Over(OperationState),
    /// There is no such operation.
    Missing,
}

/// A replay as whoever drives it finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplayTurn {
    pub paused: bool,
    /// How far it came, as JSON; empty at its start.
    pub progress: String,
}
