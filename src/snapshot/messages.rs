//! Records of a topic that somebody looks at: so many, and what was read to find them.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::command::MessagesFocus;
use crate::domain::message::Message;

/// What was found of what was asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Messages {
    pub asked: MessagesFocus,
    pub state: SearchState,
    /// Oldest first; of one partition by offset. Never more than [`Messages::MOST`].
    pub rows: Arc<[Arc<Message>]>,
    /// The partitions that are read.
    pub partitions: Vec<Searched>,
    /// Partitions that nobody could tell the bounds of: they are not read.
    pub unread: usize,
    /// Records looked at, and those that passed the filter.
    pub searched: u64,
    pub matched: u64,
    /// Passed, and no longer held here: older than the newest that are kept, or of the page before.
    pub dropped: u64,
    /// The time that reading began at, where one was asked.
    pub since: Option<DateTime<Utc>>,
}

impl Messages {
    /// Records that are held at once, and the bytes that they may take.
    pub const MOST: usize = 500;
    pub const MOST_BYTES: usize = 16 * 1024 * 1024;

    /// Records that are still to be read, where offsets have no gaps.
    #[must_use]
    pub fn left(&self) -> u64 {
        let left = |p: &Searched| u64::try_from(p.end - p.next).unwrap_or(0);
        self.partitions.iter().map(left).sum()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchState {
    #[default]
    Reading,
    /// All that there is was read; what comes is shown.
    Following,
    /// The page is full: the next one goes on from here.
    More,
    /// Everything that was asked has been read.
    End,
    /// There is no such topic.
    NoTopic,
    /// The topic has no such partition.
    NoPartition,
}

/// How far one partition is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Searched {
    pub partition: i32,
    /// The first offset that the log still has.
    pub first: i64,
    /// Where reading began.
    pub from: i64,
    /// The next offset to read.
    pub next: i64,
    /// The end as it was last known.
    pub end: i64,
}
