//! Keys while something lies on top of the screen: fields are typed into, forms are sent, questions are
//! answered. A key that an overlay does not know does nothing.

use tui_input::{Input, InputRequest};

use super::action::Action;
use super::app::App;
use super::keymap::{Code, Key};
use super::overlay::{Confirm, Dry, Faults, Filter, Inject, Overlay, Replay, StartForm, Themes};
use super::palette::Palette;
use super::toast::Tone;
use crate::command::{Command, ReplayTarget};
use crate::domain::scenario::Scenario;

/// Types into a field. Whether the key was for it.
pub(super) fn edit(input: &mut Input, key: Key) -> bool {
    let request = match key.code {
        Code::Char('u') if key.ctrl => InputRequest::DeleteLine,
        Code::Char('w') if key.ctrl => InputRequest::DeletePrevWord,
        Code::Char('a') if key.ctrl => InputRequest::GoToStart,
        Code::Char('e') if key.ctrl => InputRequest::GoToEnd,
        Code::Char(_) => match key.typed() {
            Some(c) if !c.is_control() && input.value().len() < 256 => InputRequest::InsertChar(c),
            _ => return false,
        },
        Code::Backspace => InputRequest::DeletePrevChar,
        Code::Delete => InputRequest::DeleteNextChar,
        Code::Left => InputRequest::GoToPrevChar,
        Code::Right => InputRequest::GoToNextChar,
        Code::Home => InputRequest::GoToStart,
        Code::End => InputRequest::GoToEnd,
        _ => return false,
    };
    input.handle(request);
    true
}

/// Types into a field that takes a number.
pub(super) fn edit_number(input: &mut Input, key: Key, point: bool, fresh: &mut bool) {
    let digit = key
        .typed()
        .is_none_or(|c| c.is_ascii_digit() || (point && c == '.'));
    if digit && std::mem::take(fresh) && key.typed().is_some() {
        input.reset();
    }
    if digit && (key.typed().is_none() || input.value().len() < 9) {
        edit(input, key);
    }
}

/// The next or the previous of `len` places, around the end.
fn turn(at: usize, len: usize, forward: bool) -> usize {
    let len = len.max(1);
    (at + if forward { 1 } else { len - 1 }) % len
}

pub(super) fn vertical(key: Key) -> Option<bool> {
    match key.code {
        Code::Down | Code::Tab => Some(true),
        Code::Up | Code::BackTab => Some(false),
        _ => None,
    }
}

impl App {
    /// A key while something lies on top. The overlay was taken; it is put back unless it is done.
    pub(super) fn on_overlay_key(&mut self, overlay: Overlay, key: Key) -> Option<Command> {
        if let Overlay::Edit(form) = overlay {
            return self.edit_key(form, key);
        }
        if key.code == Code::Esc {
            match overlay {
                Overlay::Filter(filter) => self.put_filter(filter.before),
                Overlay::Themes(themes) => self.theme = themes.before,
                _ => {}
            }
            return None;
        }
        match overlay {
            Overlay::Help { scroll } => self.help_key(scroll, key),
            Overlay::Filter(filter) => self.filter_key(filter, key),
            Overlay::Confirm(confirm) => return self.confirm_key(confirm, key),
            Overlay::Inject(form) => return self.inject_key(form, key),
            Overlay::Faults(form) => return self.faults_key(form, key),
            Overlay::Replay(form) => return self.replay_key(form, key),
            Overlay::Palette(palette) => return self.palette_key(palette, key),
            Overlay::Themes(themes) => self.themes_key(themes, key),
            Overlay::Triage(form) => return self.triage_key(form, key),
            Overlay::Save(form) => return self.save_key(form, key),
            Overlay::Edit(_) => {}
            Overlay::Start(form) => self.start_key(form, key),
        }
        None
    }

    fn help_key(&mut self, scroll: u16, key: Key) {
        let scroll = match key.code {
            Code::Down | Code::Char('j') => scroll.saturating_add(1),
            Code::Up | Code::Char('k') => scroll.saturating_sub(1),
            Code::PageDown => scroll.saturating_add(10),
            Code::PageUp => scroll.saturating_sub(10),
            Code::Char('?' | 'q') => return,
            _ => scroll,
        };
        self.overlay = Some(Overlay::Help {
            scroll: scroll.min(200),
        });
    }

    /// Enter does what is chosen; where that works elsewhere, it goes there first.
    fn palette_key(&mut self, mut palette: Palette, key: Key) -> Option<Command> {
        let rows = self.palette_rows(palette.input.value());
        let at = palette.at.min(rows.len().saturating_sub(1));
        if key.code == Code::Enter {
            let entry = rows.get(at)?;
            if let Some(screen) = entry.elsewhere {
                self.act(Action::Go(screen));
            }
            return self.act(entry.row.action);
        }
        match vertical(key) {
            Some(down) => palette.at = turn(at, rows.len(), down),
            None if edit(&mut palette.input, key) => palette.at = 0,
            None => {}
        }
        self.overlay = Some(Overlay::Palette(palette));
        None
    }

    /// A theme is seen at once; enter keeps it.
    fn themes_key(&mut self, mut themes: Themes, key: Key) {
        let step = match key.code {
            Code::Enter => {
                self.chosen_theme = Some(self.theme.name.clone());
                return;
            }
            Code::Char('j' | 't') => Some(true),
            Code::Char('k') => Some(false),
            _ => vertical(key),
        };
        if let Some(forward) = step {
            themes.at = turn(themes.at, self.themes.len(), forward);
            if let Some(theme) = self.themes.get(themes.at) {
                self.theme = theme.clone();
            }
        }
        self.overlay = Some(Overlay::Themes(themes));
    }

    fn filter_key(&mut self, mut filter: Filter, key: Key) {
        if key.code == Code::Enter {
            return;
        }
        edit(&mut filter.input, key);
        self.set_filter(filter.input.value().to_owned());
        self.overlay = Some(Overlay::Filter(filter));
    }

    fn start_key(&mut self, mut form: StartForm, key: Key) {
        if key.code == Code::Enter {
            return self.start_messages(form);
        }
        if key.typed().is_some() && std::mem::take(&mut form.fresh) {
            form.input.reset();
        }
        form.fresh &= !edit(&mut form.input, key);
        self.overlay = Some(Overlay::Start(form));
    }

    fn confirm_key(&mut self, mut confirm: Confirm, key: Key) -> Option<Command> {
        match key.typed() {
            Some('y' | 'Y') if confirm.ready() => return Some(confirm.command),
            Some('y' | 'Y') => {
                let sentence = format!("Type {} first, then y", confirm.count);
                self.toasts.say(Tone::Hint, sentence);
            }
            Some('n' | 'N') => return None,
            _ => {}
        }
        if let Some(input) = &mut confirm.typed {
            edit_number(input, key, false, &mut false);
        }
        self.overlay = Some(Overlay::Confirm(confirm));
        None
    }

    fn inject_key(&mut self, mut form: Inject, key: Key) -> Option<Command> {
        if let Some(forward) = vertical(key) {
            form.scenario = turn(form.scenario, Scenario::ALL.len(), forward);
        } else if key.code == Code::Enter {
            let scenario = form.chosen();
            match form.orders() {
                Ok(count) => {
                    let facts = vec![("scenario", scenario.name().to_owned())];
                    let command = Command::Inject { scenario, count };
                    let confirm = Confirm::new(command, "Inject orders", facts, u64::from(count));
                    let confirm = self.guard(confirm);
                    if confirm.typed.is_none() {
                        return Some(confirm.command);
                    }
                    self.overlay = Some(Overlay::Confirm(confirm));
                    return None;
                }
                Err(missing) => self.toasts.say(Tone::Hint, missing),
            }
        } else {
            edit_number(&mut form.count, key, false, &mut form.fresh);
        }
        self.overlay = Some(Overlay::Inject(form));
        None
    }

    fn faults_key(&mut self, mut form: Faults, key: Key) -> Option<Command> {
        if let Some(forward) = vertical(key) {
            form.at = turn(form.at, form.fields.len(), forward);
            form.fresh = true;
        } else if key.code == Code::Enter {
            match form.plan() {
                Ok(plan) => {
                    let service = form.service;
                    let facts = vec![("consumer", service.clone())];
                    let command = Command::SetFaults { service, plan };
                    let confirm = Confirm::new(command, "Change the fault plan", facts, 1);
                    let confirm = self.guard(confirm);
                    if confirm.typed.is_none() {
                        return Some(confirm.command);
                    }
                    self.overlay = Some(Overlay::Confirm(confirm));
                    return None;
                }
                Err(sentence) => self.toasts.say(Tone::Hint, sentence),
            }
        } else {
            let at = form.at;
            edit_number(
                &mut form.fields[at],
                key,
                Faults::is_share(at),
                &mut form.fresh,
            );
        }
        self.overlay = Some(Overlay::Faults(form));
        None
    }

    /// Other events, those for another target, and those of old that only a forced replay may bring are counted
    /// anew.
    fn replay_key(&mut self, mut form: Replay, key: Key) -> Option<Command> {
        let before = (form.choice, form.target, form.force);
        if let Some(forward) = vertical(key) {
            form.at = turn(form.at, Replay::FIELDS, forward);
        } else if key.code == Code::Enter {
            if let Some(confirm) = self.replay_confirm(&form) {
                self.overlay = Some(Overlay::Confirm(confirm));
                return None;
            }
        } else {
            let forward = key.code != Code::Left;
            match (form.at, key.code) {
                (0, Code::Left | Code::Right | Code::Char(' ')) => {
                    form.choice = turn(form.choice, form.choices.len(), forward);
                }
                (1, Code::Left | Code::Right | Code::Char(' ')) => {
                    form.target = turn(form.target, form.targets.len(), forward);
                }
                (2, Code::Left | Code::Right | Code::Char(' ')) => form.force = !form.force,
                (3, _) => edit_number(&mut form.rate, key, false, &mut form.fresh),
                _ => {}
            }
        }
        let counted = ((form.choice, form.target, form.force) != before).then(|| {
            (form.dry, form.request) = (Dry::Asked, None);
            form.command(true)
        });
        self.overlay = Some(Overlay::Replay(form));
        counted.flatten()
    }

    /// The question for this form, once the dry run has counted.
    fn replay_confirm(&mut self, form: &Replay) -> Option<Confirm> {
        let count = match &form.dry {
            Dry::Counted { events: 0, .. } => {
                self.toasts.say(
                    Tone::Hint,
                    "No event matches, so there is nothing to replay",
                );
                return None;
            }
            Dry::Counted { events, .. } => *events,
            Dry::Asked => {
                self.toasts.say(Tone::Hint, "Still counting the events");
                return None;
            }
            Dry::Refused(sentence) => {
                self.toasts.say(Tone::Refused, sentence.clone());
                return None;
            }
        };
        let Some(command) = form.command(false) else {
            self.toasts.say(
                Tone::Hint,
                "The rate wants a whole number; 0 is without limit",
            );
            return None;
        };
        let to = match form.target() {
            ReplayTarget::Service(service) => format!("{service} only; other groups skip it"),
            ReplayTarget::Topic => "the event's own topic: every group sees it".to_owned(),
        };
        let idempotency = if form.force {
            "bypassed: effects double"
        } else {
            "honoured: what was handled is skipped"
        };
        let facts = vec![
            ("events", form.what().to_owned()),
            ("to", to),
            ("idempotency", idempotency.to_owned()),
        ];
        Some(self.guard(Confirm::new(command, "Replay", facts, count)))
    }
}
