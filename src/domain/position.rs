//! Where an event stands in the store.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in the event store: reading order is (tx, pos). SQLite has one writer, so its tx is
/// always 0; PostgreSQL keeps the writing transaction there, since sequence numbers are drawn
/// before commit and would otherwise let a reader pass a row that is not visible yet.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Position {
    pub tx: i64,
    pub pos: i64,
}

impl Position {
    /// Before every event.
    pub const START: Self = Self { tx: 0, pos: 0 };

    /// With its transaction where it has one, as `--event` takes it.
    #[must_use]
    pub fn exact(self) -> String {
        match self.tx {
            0 => self.pos.to_string(),
            tx => format!("{tx}:{}", self.pos),
        }
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.pos)
    }
}
