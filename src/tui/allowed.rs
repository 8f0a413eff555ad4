//! What can't be done right now, and why: said in the hint bar, in the help, and when the key is pressed.

use super::action::{Action, row};
use super::app::{App, Depth};
use crate::domain::operation::Operation;

impl App {
    /// Why an action can't be done right now; `None` when it can.
    #[must_use]
    pub fn why_not(&self, action: Action) -> Option<String> {
        let stack = &self.shown.stack;
        if row(action).writes && stack.read_only {
            let what = row(action).name;
            return Some(format!(
                "This profile is read-only, so there is no {what}; a profile with writing allowed can"
            ));
        }
        let missing = match action {
            Action::Redrive if self.letters.depth == Depth::Causes => {
                "Enter opens the cause and its letters; R redrives the whole cause"
            }
            Action::Redrive | Action::Mark if self.letters.letter.key().is_none() => {
                "There is no letter under the cursor"
            }
            Action::RedriveMany if self.letters.fingerprint().is_none() => {
                "There are no dead letters to redrive"
            }
            Action::Replay | Action::ReplayMany | Action::Correlation
                if self.event_key().is_none() =>
            {
                "There is no event under the cursor"
            }
            Action::PauseConsumer
            | Action::ResumeConsumer
            | Action::Faults
            | Action::TrafficDown
            | Action::TrafficUp
                if !stack.workers =>
            {
                "No workers run in this process, so there is nothing to steer"
            }
            Action::PauseConsumer | Action::ResumeConsumer | Action::Faults
                if self.consumers.cursor.key().is_none() =>
            {
                "There is no consumer under the cursor"
            }
            Action::CancelOperation if self.operation_to_cancel().is_none() => {
                "No operation is running"
            }
            _ => return None,
        };
        Some(missing.to_owned())
    }

    /// The operation under the cursor if it runs, else the only one that does.
    #[must_use]
    pub fn operation_to_cancel(&self) -> Option<&Operation> {
        let running: Vec<_> = self
            .shown
            .activity
            .operations
            .iter()
            .filter(|o| !o.state.is_over())
            .collect();
        let here = running
            .iter()
            .find(|o| Some(&o.id) == self.activity.operation.key());
        match (here, running.as_slice()) {
            (Some(operation), _) => Some(operation),
            (None, [only]) => Some(only),
            _ => None,
        }
    }
}
