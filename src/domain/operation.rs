//! Operations: redrives and replays, as they are persisted and shown; and the audit.

use chrono::{DateTime, Utc};
use uuid::Uuid;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    Redrive,
    Replay,
}

impl OperationKind {
    pub const ALL: [Self; 2] = [Self::Redrive, Self::Replay];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Redrive => "redrive",
            Self::Replay => "replay",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationState {
    /// Written down, and nobody drives it yet.
    Planned,
    Running,
    /// All is sent; reports are still awaited.
    Draining,
    Completed,
    Cancelled,
    Failed,
}

impl OperationState {
    pub const ALL: [Self; 6] = [
        Self::Planned,
        Self::Running,
        Self::Draining,
        Self::Completed,
        Self::Cancelled,
        Self::Failed,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Draining => "draining",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }

    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.name() == name)
    }

    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Completed | Self::Cancelled | Self::Failed)
    }
}

/// What became of an operation's records so far. `total` is frozen when it is planned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub total: u64,
    pub sent: u64,
    pub ok: u64,
    pub failed_again: u64,
    pub duplicate: u64,
    pub unknown: u64,
    /// Not sent, with the reason in the operation's note: malformed, parked, gone from the log.
    pub refused: u64,
    /// Not sent, since the operation was cancelled or failed first.
    pub left: u64,
}

impl Counts {
    /// Records whose fate was reported, or is known to stay unknown.
    #[must_use]
    pub fn reported(&self) -> u64 {
        self.ok + self.failed_again + self.duplicate + self.unknown
    }

    /// Records whose fate is known, those that were refused among them.
    #[must_use]
    pub fn settled(&self) -> u64 {
        self.reported() + self.refused
    }

    /// Records that may still be sent.
    #[must_use]
    pub fn unsent(&self) -> u64 {
        self.total
            .saturating_sub(self.sent + self.refused + self.left)
    }
}

/// The id under which a letter is sent in an operation: the same after a crash.
#[must_use]
pub fn redrive_id(operation: Uuid, letter: Uuid) -> Uuid {
    Uuid::new_v5(&operation, letter.as_bytes())
}

#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    pub id: Uuid,
    pub kind: OperationKind,
    pub state: OperationState,
    /// What it acts on, in words: "cause a1b2… (timeout)", "stream order-ORD-1".
    pub what: String,
    /// Where to: "inventory-service only", "topic order-events".
    pub target: String,
    pub counts: Counts,
    /// Somebody wants it to stand still: nothing is sent while it is so.
    pub paused: bool,
    /// Records a second at most; 0 is without limit.
    pub rate_limit: u32,
    pub by: String,
    pub created_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it failed, or why records were refused.
    pub note: Option<String>,
    /// Frozen parameters as JSON, so that a restart can go on.
    pub plan: String,
    /// Of a replay: no more reports are awaited of what nobody has reported, which is unknown for good.
    pub given_up: bool,
}

impl Operation {
    /// Fills in what follows from the counts: that all is sent and only reports are awaited, what was left
    /// unsent at an end, and what nobody will report any more.
    pub fn derive(&mut self) {
        let c = &mut self.counts;
        if self.state == OperationState::Running && c.total > 0 && c.unsent() == 0 {
            self.state = OperationState::Draining;
        }
        if self.kind == OperationKind::Replay {
            // What was reported was sent, though whoever sent it died before that was counted.
            c.sent = c.sent.max(c.ok + c.failed_again + c.duplicate);
            if self.state.is_over() {
                c.left = c.unsent();
            }
            if self.given_up {
                c.unknown = c.sent.saturating_sub(c.ok + c.failed_again + c.duplicate);
            }
        }
    }

    /// Records that are done: their fate was reported; or they were sent by a replay to a topic, of which
    /// nobody reports.
    #[must_use]
    pub fn done(&self) -> u64 {
        let Counts { sent, refused, .. } = self.counts;
        let reported = self.counts.settled() > refused;
        let awaited = reported || self.state == OperationState::Draining;
        let done = match self.kind {
            OperationKind::Replay if !awaited => sent + refused,
            OperationKind::Replay | OperationKind::Redrive => self.counts.settled(),
        };
        done.min(self.counts.total)
    }

    /// Whether it waits for somebody to resume it.
    #[must_use]
    pub fn stands_still(&self) -> bool {
        self.paused && !self.state.is_over()
    }
}

/// One line of the append-only audit log: written before the act, its outcome in a second line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    pub id: i64,
    pub at: DateTime<Utc>,
    /// Ties intent and outcome together.
    pub request_id: Uuid,
    pub who: String,
    /// "inject", "redrive", …
    pub action: String,
    /// Filter and ids, in words.
    pub detail: String,
    /// `None` on the intent, words on the outcome.
    pub outcome: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_that_nobody_reports_on_is_done_when_it_was_sent() {
        let operation = |kind, state, counts| Operation {
            id: Uuid::nil(),
            kind,
            state,
            what: String::new(),
            target: String::new(),
            counts,
            paused: false,
            rate_limit: 0,
            by: String::new(),
            created_at: DateTime::default(),
            ended_at: None,
            note: None,
            plan: String::new(),
            given_up: false,
        };
        let sent = Counts {
            total: 5,
            sent: 4,
            refused: 1,
            ..Counts::default()
        };
        let reported = Counts { ok: 2, ..sent };
        use OperationKind::{Redrive, Replay};
        use OperationState::{Completed, Draining, Running};
        for (kind, state, counts, done) in [
            (Replay, Running, sent, 5),
            (Replay, Completed, sent, 5),
            (Replay, Draining, sent, 1),
            (Replay, Running, reported, 3),
            (Redrive, Running, sent, 1),
            (Redrive, Running, reported, 3),
        ] {
            assert_eq!(
                operation(kind, state, counts).done(),
                done,
                "{kind:?} {state:?}"
            );
        }
    }
}
