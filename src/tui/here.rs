//! The row under the cursor, among the rows that are shown: what every action, `y`, `w` and the focus mean.
//! Where the filter hides all rows, or the cursor's own is not there yet, the cursor is on nothing. A record
//! that was opened stays the one, wherever its row goes.

use uuid::Uuid;

use super::app::App;
use super::lag_rows::LagRow;
use super::rows::{FlowKey, OutboxKey};
use crate::domain::letter::{Cause, Letter};
use crate::domain::operation::Operation;
use crate::domain::position::Position;
use crate::domain::stored::StoredEvent;
use crate::snapshot::Consumer;

impl App {
    pub(super) fn flow_here(&self) -> Option<FlowKey> {
        let here = self.flow.key()?;
        self.flow_keys().into_iter().find(|key| key == here)
    }

    pub(super) fn lag_here(&self) -> Option<LagRow<'_>> {
        let here = self.lag.cursor.key()?;
        self.lag_rows().into_iter().find(|row| row.key() == *here)
    }

    /// The consumer under the cursor.
    #[must_use]
    pub fn consumer(&self) -> Option<&Consumer> {
        let here = self.consumers.cursor.key()?;
        self.consumers().into_iter().find(|c| c.name() == *here)
    }

    pub(super) fn outbox_here(&self) -> Option<OutboxKey> {
        let here = self.outbox.key()?;
        self.outbox_rows().into_iter().find(|key| key == here)
    }

    pub(super) fn cause_here(&self) -> Option<&Cause> {
        let here = self.letters.fingerprint()?;
        let mut causes = self.causes().into_iter();
        causes.find(|cause| cause.fingerprint == *here)
    }

    /// The letter under the cursor.
    #[must_use]
    pub fn letter_here(&self) -> Option<&Letter> {
        let here = self.letters.letter.key()?;
        self.letters().into_iter().find(|letter| letter.id == *here)
    }

    /// The event that is open, else the one under the cursor, else the newest while following.
    #[must_use]
    pub fn event_here(&self) -> Option<&StoredEvent> {
        if let Some(opened) = &self.timeline.opened {
            return Some(opened);
        }
        let mut events = self.listed_events();
        match self.timeline.cursor.key() {
            Some(here) => events.find(|event| event.position == *here),
            None => events.next_back(),
        }
    }

    /// The same, by its position.
    #[must_use]
    pub fn event_key(&self) -> Option<Position> {
        self.event_here().map(|event| event.position)
    }

    pub(super) fn topic_here(&self) -> Option<&String> {
        let here = self.messages.topics.key()?;
        let mut all = self.shown.topics.value.iter().flatten();
        let shown = self.topics_filter().filter().passes([here.as_str()])
            && all.any(|topic| topic.name == *here);
        shown.then_some(here)
    }

    pub(super) fn operation_here(&self) -> Option<Uuid> {
        let here = self.activity.operation.key()?;
        self.operation_keys().into_iter().find(|id| id == here)
    }

    /// The operation under the cursor if it runs, else the only one in sight that does.
    #[must_use]
    pub fn unfinished(&self) -> Option<&Operation> {
        let mut running = self.operations();
        running.retain(|operation| !operation.state.is_over());
        let here = self.activity.operation.key();
        let found = running.iter().find(|operation| Some(&operation.id) == here);
        match (found, running.as_slice()) {
            (Some(operation), _) | (None, [operation]) => Some(operation),
            _ => None,
        }
    }
}
