//! Where one is on each screen: cursors, what is unfolded, marked and scrolled. Plain data of the state
//! ([`super::app::App`]); a screen's rows are in [`super::rows`].

use std::collections::BTreeMap;

use uuid::Uuid;

use super::cursor::Cursor;
use super::lag_rows::LagKey;
use super::rows::LogKey;
use crate::command::Anchor;
use crate::domain::letter::Letter;
use crate::domain::position::Position;
use crate::domain::stored::{EventFilter, StoredEvent};

#[derive(Clone, Debug, Default)]
pub struct LagView {
    pub cursor: Cursor<LagKey>,
    /// What was folded or unfolded by hand, or by trouble.
    pub unfolded: BTreeMap<LagKey, bool>,
    /// Only what was by hand: that is found again the next time.
    pub by_hand: BTreeMap<LagKey, bool>,
}

#[derive(Clone, Debug, Default)]
pub struct ConsumersView {
    pub cursor: Cursor<String>,
    /// On a small screen: the detail instead of the list.
    pub open: bool,
}

/// How deep one is in the dead letters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Depth {
    #[default]
    Causes,
    Letters,
    Detail,
}

#[derive(Clone, Debug, Default)]
pub struct LettersView {
    pub depth: Depth,
    pub cause: Cursor<String>,
    pub letter: Cursor<Uuid>,
    /// Kept whole, since the rows on screen are a window.
    pub marked: BTreeMap<Uuid, Letter>,
    /// The archived letters are looked at, not the open ones.
    pub archived: bool,
    /// First row of the window that is asked for.
    pub from: u64,
    /// Lines the detail is scrolled by.
    pub scroll: u16,
}

impl LettersView {
    /// The cause whose letters are listed.
    #[must_use]
    pub fn fingerprint(&self) -> Option<&String> {
        self.cause.key()
    }
}

#[derive(Clone, Debug, Default)]
pub struct TimelineView {
    /// Empty while it follows the newest event.
    pub cursor: Cursor<Position>,
    pub anchor: Anchor,
    pub filter: EventFilter,
    /// The payload as it was written, not as the newest schema sees it.
    pub raw: bool,
    /// The event that is open: it stays while others come and its row slides out of the page.
    pub opened: Option<StoredEvent>,
    pub scroll: u16,
    pub marked: BTreeMap<Position, StoredEvent>,
}

impl TimelineView {
    #[must_use]
    pub fn following(&self) -> bool {
        self.anchor == Anchor::Newest && self.cursor.key().is_none()
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pane {
    #[default]
    Operations,
    Audit,
    Log,
}

#[derive(Clone, Debug, Default)]
pub struct ActivityView {
    pub pane: Pane,
    pub operation: Cursor<Uuid>,
    pub audit: Cursor<i64>,
    /// Empty while it follows the newest line.
    pub log: Cursor<LogKey>,
}
