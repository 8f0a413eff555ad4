//! Lag as it may be shown: groups, their topics, their partitions, and a verdict on each.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Series;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct GroupLag {
    pub group: String,
    /// One of our own services' groups.
    pub ours: bool,
    /// The broker's word for the group's state, where it can be asked.
    pub state: Option<String>,
    pub numbers: LagNumbers,
    pub verdict: Verdict,
    pub topics: Vec<TopicLag>,
}

impl GroupLag {
    /// Nothing is known of it just now, and why.
    pub fn unknown(&mut self, error: &str) {
        let verdict = Verdict {
            kind: VerdictKind::Unknown,
            reason: error.to_owned().into(),
        };
        for topic in &mut self.topics {
            for partition in &mut topic.partitions {
                partition.verdict = verdict.clone();
            }
            topic.verdict = verdict.clone();
        }
        self.verdict = verdict;
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct TopicLag {
    pub topic: String,
    pub numbers: LagNumbers,
    pub verdict: Verdict,
    pub partitions: Vec<PartitionLag>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct PartitionLag {
    pub partition: i32,
    /// Offset of the oldest record that is still there.
    pub first: Option<i64>,
    pub end: Option<i64>,
    /// `None`: this group never committed here.
    pub committed: Option<i64>,
    /// When the committed offset last moved while being watched.
    pub moved_at: Option<DateTime<Utc>>,
    pub numbers: LagNumbers,
    pub verdict: Verdict,
    /// The member that reads it, where known.
    pub owner: Option<String>,
}

/// The figures of a lag row; a group's and a topic's are the sums (lag, rates) and the worst (time, eta).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LagNumbers {
    pub lag: Option<u64>,
    /// Age of the oldest record not yet committed; 0 at the end.
    pub time: Option<Duration>,
    pub rate_in: Option<f64>,
    pub rate_out: Option<f64>,
    /// lag / (out − in) while it shrinks.
    pub eta: Option<Duration>,
    /// Lag over the last ten minutes.
    pub history: Series,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum VerdictKind {
    Ok,
    #[default]
    Unknown,
    Growing,
    AtRisk,
    Rewound,
    Stopped,
    Stalled,
}

impl VerdictKind {
    /// The word for it on screen; JSON joins its words with `_`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Growing => "growing",
            Self::AtRisk => "at risk",
            Self::Rewound => "rewound",
            Self::Stopped => "stopped",
            Self::Stalled => "stalled",
        }
    }
}

/// Is it all right, and by which rule and numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    pub kind: VerdictKind,
    /// One of many rows may have it: the usual ones cost nothing.
    pub reason: Cow<'static, str>,
}
