//! What can't be done right now, and why: said in the hint bar, in the help, and when the key is pressed.

use super::action::{Action, row};
use super::app::App;
use super::messages::Level;
use super::views::Depth;
use crate::command::Screen;

impl App {
    /// Why no letter is listed.
    fn no_letters(&self) -> &'static str {
        match self.filter(Screen::Letters) {
            "" => "There are no dead letters here",
            _ => "No letter passes the filter; esc clears it",
        }
    }

    /// Why an action can't be done right now; `None` when it can.
    #[must_use]
    pub fn why_not(&self, action: Action) -> Option<String> {
        let stack = &self.shown.stack;
        if row(action).writes && stack.read_only {
            let what = row(action).name;
            if stack.attached {
                return Some(format!(
                    "This cluster is not ours, so there is no {what} until its profile says read_only = false"
                ));
            }
            return Some(format!(
                "This profile is read-only, so there is no {what}; a profile with writing allowed can"
            ));
        }
        let missing = match action {
            Action::Inject | Action::Replay | Action::ReplayMany if stack.attached => {
                "This cluster is not ours: evtop has no outbox and no event store here to send from"
            }
            Action::Archive | Action::Unarchive | Action::Edit | Action::Note
                if self.letters.depth == Depth::Causes =>
            {
                "Enter opens the cause and its letters; A archives the whole cause"
            }
            Action::Archive | Action::Unarchive | Action::Edit | Action::Note
                if self.letter_here().is_none() =>
            {
                "There is no letter under the cursor"
            }
            Action::ArchiveMany | Action::UnarchiveMany | Action::Export
                if !self.redrives_marked() && self.cause_here().is_none() =>
            {
                self.no_letters()
            }
            Action::ArchiveMany if self.letters.archived => {
                "These are archived already: U opens them again, v shows the open ones"
            }
            Action::UnarchiveMany if !self.letters.archived => {
                "These are open: v shows the archived ones"
            }
            Action::RedriveMany | Action::ArchiveMany | Action::UnarchiveMany | Action::Export
                if self.cause_here().is_some()
                    && !self.redrives_marked()
                    && self.no_whole_cause().is_some() =>
            {
                return self.no_whole_cause();
            }
            Action::Archive | Action::Unarchive | Action::Edit => return self.no_triage(action),
            Action::Redrive if self.letters.depth == Depth::Causes => {
                "Enter opens the cause and its letters; R redrives the whole cause"
            }
            Action::MarkAll if self.marked() > 0 => return None,
            Action::Mark | Action::MarkAll => return self.no_mark().map(str::to_owned),
            Action::Redrive if self.letter_here().is_none() => {
                "There is no letter under the cursor"
            }
            Action::RedriveMany if !self.redrives_marked() && self.cause_here().is_none() => {
                self.no_letters()
            }
            Action::Redrive | Action::RedriveMany => return self.no_redrive(action),
            Action::Replay | Action::ReplayMany | Action::Correlation
                if self.event_here().is_none() =>
            {
                "There is no event under the cursor"
            }
            Action::Faults | Action::TrafficDown | Action::TrafficUp if !stack.workers => {
                "No workers run in this process, so there is nothing to steer"
            }
            Action::TrafficDown | Action::TrafficUp if self.newest.traffic.rate.is_none() => {
                "The workers are still starting, so there is no rate to change yet"
            }
            Action::PauseConsumer | Action::ResumeConsumer | Action::Faults
                if self.consumer().is_none() =>
            {
                "There is no consumer under the cursor"
            }
            Action::Faults if self.consumer().is_some_and(|c| c.instance.is_some()) => {
                "It runs in another instance: change its fault plan there"
            }
            Action::Sort | Action::SortReverse if self.list().is_err() => {
                return self.list().err().map(str::to_owned);
            }
            Action::SortReverse if self.list().is_ok_and(|list| self.sort(list).is_none()) => {
                "The list stands as it came; s sorts it by a column"
            }
            Action::Message => return self.record_place().err().map(str::to_owned),
            Action::Start
                if match self.messages.level {
                    Level::Topics => self.topic_here().is_none(),
                    Level::Records | Level::Record => self.messages.topic.is_none(),
                } =>
            {
                "There is no topic to read"
            }
            Action::PauseOperation | Action::ResumeOperation | Action::CancelOperation
                if self.unfinished().is_none() =>
            {
                let all = &self.shown.activity.operations;
                match all.iter().any(|operation| !operation.state.is_over()) {
                    true => "There is no running operation under the cursor",
                    false => "No operation is running",
                }
            }
            Action::PauseOperation if self.unfinished().is_some_and(|o| o.paused) => {
                "It is paused already; r resumes it"
            }
            Action::ResumeOperation if self.unfinished().is_some_and(|o| !o.paused) => {
                "It is not paused"
            }
            _ => return None,
        };
        Some(missing.to_owned())
    }

    /// Why what is chosen can't be redriven as it is.
    fn no_redrive(&self, action: Action) -> Option<String> {
        let (what, why) = if action == Action::Redrive {
            ("This letter", self.letter_here()?.refusal(true)?)
        } else if self.redrives_marked() {
            let alone = self.letters.marked.len() == 1;
            let marked = self.letters.marked.values();
            let reasons: Option<Vec<_>> = marked.map(|letter| letter.refusal(alone)).collect();
            ("No marked letter", reasons?.into_iter().next()?)
        } else {
            let cause = self.cause_here()?;
            ("The letters of this cause", cause.refusal()?)
        };
        let cant = if what.starts_with("No") {
            "can"
        } else {
            "can't"
        };
        Some(format!("{what} {cant} be redriven: {why}"))
    }

    /// Whether `R` means the marked letters, not the whole cause.
    #[must_use]
    pub fn redrives_marked(&self) -> bool {
        !self.letters.marked.is_empty() && self.letters.depth > Depth::Causes
    }
}
