//! What became of a request, as words on the screen.

use uuid::Uuid;

use super::app::App;
use super::editing::Step;
use super::overlay::{Dry, Overlay};
use super::toast::Tone;
use crate::command::{CheckState, Command, Done, Outcome};
use crate::snapshot::short_id;

impl App {
    /// The command went out under this id.
    pub fn on_sent(&mut self, id: Uuid, command: Command) {
        const KEPT: usize = 64;
        if let (Some(Overlay::Replay(form)), Command::Replay { dry_run: true, .. }) =
            (&mut self.overlay, &command)
        {
            form.request = Some(id);
        }
        self.hurry = 4;
        self.asked.push((id, command));
        if self.asked.len() > KEPT {
            self.asked.remove(0);
        }
    }

    /// The engine takes no more commands at the moment.
    pub fn on_busy(&mut self) {
        self.toasts.say(
            Tone::Refused,
            "The engine is busy and took nothing: try again",
        );
        if let Some(Overlay::Replay(form)) = &mut self.overlay {
            form.dry = Dry::Refused("The engine was busy: close and try again".to_owned());
        }
        if let Some(Overlay::Edit(form)) = &mut self.overlay {
            form.step = Step::Write;
        }
    }

    /// An answer came.
    pub fn on_outcome(&mut self, outcome: Outcome) {
        let asked = self.asked.iter().position(|(id, _)| *id == outcome.id);
        let asked = asked.map(|at| self.asked.remove(at).1);
        self.answer_edit(&outcome, asked.as_ref());
        if self.answer_dry_run(&outcome) {
            return;
        }
        match outcome.result {
            Ok(done) => {
                if matches!(
                    asked,
                    Some(
                        Command::Redrive { .. }
                            | Command::Archive { .. }
                            | Command::Unarchive { .. }
                    )
                ) {
                    self.letters.marked.clear();
                }
                let kind = asked.map_or("operation", |command| command.action());
                self.toasts.say(Tone::Done, words(&done, kind));
            }
            Err(refusal) => self.toasts.say(Tone::Refused, refusal.sentence),
        }
    }

    /// What was edited is let go once it is on its way; refused, it is there to be mended.
    fn answer_edit(&mut self, outcome: &Outcome, asked: Option<&Command>) {
        let Some(Command::Edit { .. }) = asked else {
            return;
        };
        match &mut self.overlay {
            Some(Overlay::Edit(_)) if outcome.result.is_ok() => self.overlay = None,
            Some(Overlay::Edit(form)) => form.step = Step::Write,
            _ => {}
        }
    }

    /// Whether the outcome was the dry run of the form that is open.
    fn answer_dry_run(&mut self, outcome: &Outcome) -> bool {
        let Some(Overlay::Replay(form)) = &mut self.overlay else {
            return matches!(outcome.result, Ok(Done::WouldReplay { .. }));
        };
        if form.request != Some(outcome.id) {
            // Of what was chosen before: nobody waits for that count any more.
            return matches!(outcome.result, Ok(Done::WouldReplay { .. }));
        }
        form.dry = match &outcome.result {
            Ok(Done::WouldReplay {
                events, last, span, ..
            }) => Dry::Counted {
                events: *events,
                last: *last,
                span: *span,
            },
            Ok(_) => return false,
            Err(refusal) => Dry::Refused(refusal.sentence.clone()),
        };
        true
    }
}

fn words(done: &Done, kind: &str) -> String {
    match done {
        Done::Injected {
            scenario,
            count: 1,
            order_ids,
        } => match order_ids.as_slice() {
            [id] => format!("injected {}: {id}", scenario.name()),
            _ => format!("injected 1 {} order", scenario.name()),
        },
        Done::Injected {
            scenario, count, ..
        } => format!("injected {count} {} orders", scenario.name()),
        Done::Started { operation, total } => format!(
            "{kind} {} of {total} began; 9 Activity shows how it goes",
            short_id(*operation)
        ),
        Done::Archived { letters, behind } => match behind {
            0 => format!("archived {letters}; v shows archived letters, u opens one again"),
            behind => format!("archived {letters} and {behind} that waited behind"),
        },
        Done::Unarchived { letters } => format!("opened {letters} again"),
        Done::Noted => "noted".to_owned(),
        Done::Exported { letters, file } => {
            let s = if *letters == 1 { "" } else { "s" };
            format!("{letters} letter{s} written to {}", file.display())
        }
        Done::Written { bytes, file } => {
            let bytes = usize::try_from(*bytes).unwrap_or(usize::MAX);
            format!(
                "{} written to {}",
                super::view::bytes(bytes),
                file.display()
            )
        }
        Done::WouldReplay { events, .. } => format!("{events} events would be replayed"),
        Done::Cancelled { operation } => format!("operation {} cancelled", short_id(*operation)),
        Done::OperationPaused { operation } => {
            format!("operation {} paused; r resumes it", short_id(*operation))
        }
        Done::OperationResumed { operation } => {
            format!("operation {} resumed", short_id(*operation))
        }
        Done::TrafficSet { orders_per_s } if *orders_per_s == 0.0 => "test orders stopped".into(),
        Done::TrafficSet { orders_per_s } => format!("test orders: {orders_per_s}/s"),
        Done::FaultsSet { service } => format!("{service} has a new fault plan"),
        Done::ConsumerPaused { service } => format!("{service} paused"),
        Done::ConsumerResumed { service } => format!("{service} resumed"),
        Done::Checked(checks) => {
            let bad = checks
                .iter()
                .filter(|check| check.state == CheckState::Bad)
                .count();
            format!(
                "{} things checked, {bad} of them not all right",
                checks.len()
            )
        }
    }
}
