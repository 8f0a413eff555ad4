//! Edit and redrive: a letter's value in a text area, judged while it is typed; then what changed, and
//! only then it is sent. The rule: what was typed is never lost by one key, nor by a refusal.

use tui_textarea::{CursorMove, Input, Key as AreaKey, TextArea};

use super::app::App;
use super::keymap::{Code, Key};
use super::overlay::{Confirm, Overlay};
use super::toast::Tone;
use crate::command::Command;
use crate::domain::edit::{self, Line, Verdict};
use crate::domain::letter::Letter;
use crate::domain::record::Headers;

/// Where one is between typing and sending.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    Write,
    /// What changed, scrolled by so many lines.
    Diff {
        scroll: u16,
    },
    /// Leaving would lose what was typed.
    Leave,
    /// Sent, and not answered yet.
    Sent,
}

/// A letter's value being edited.
#[derive(Clone, Debug)]
pub struct Editing {
    pub letter: Letter,
    headers: Headers,
    value: Option<Vec<u8>>,
    /// The text as it was opened.
    pub before: String,
    pub area: TextArea<'static>,
    pub verdict: Verdict,
    pub step: Step,
    /// The question at the end: in production its count is typed.
    pub confirm: Confirm,
}

impl Editing {
    fn new(letter: Letter, headers: Headers, value: Option<Vec<u8>>, text: String) -> Self {
        let command = Command::Edit {
            letter: letter.id,
            value: String::new(),
        };
        let mut form = Self {
            letter,
            headers,
            value,
            area: TextArea::default(),
            before: text.clone(),
            verdict: Verdict::Text,
            step: Step::Write,
            confirm: Confirm::new(command, "Edit and redrive", Vec::new(), 1),
        };
        form.replace(&text);
        form
    }

    /// The text as it stands.
    #[must_use]
    pub fn text(&self) -> String {
        self.area.lines().join("\n")
    }

    #[must_use]
    pub fn changed(&self) -> bool {
        self.text() != self.before
    }

    pub(super) fn paste(&mut self, text: &str) {
        if self.step == Step::Write {
            self.area
                .insert_str(text.replace("\r\n", "\n").replace('\r', "\n"));
            self.judge();
        }
    }

    fn replace(&mut self, text: &str) {
        let lines = text.split('\n').map(str::to_owned).collect();
        self.area = TextArea::new(lines);
        self.area.set_tab_length(2);
        self.judge();
    }

    fn judge(&mut self) {
        let value = self.value.as_deref();
        self.verdict = edit::judge(&self.letter, &self.headers, value, &self.text());
    }

    /// Types into the area. Its own page moves would need to know how high it is drawn.
    fn write(&mut self, key: Key, page: usize) {
        let known = match key.code {
            Code::Char(c) => AreaKey::Char(c),
            Code::Enter => AreaKey::Enter,
            Code::Backspace => AreaKey::Backspace,
            Code::Delete => AreaKey::Delete,
            Code::Left => AreaKey::Left,
            Code::Right => AreaKey::Right,
            Code::Up => AreaKey::Up,
            Code::Down => AreaKey::Down,
            Code::Home => AreaKey::Home,
            Code::End => AreaKey::End,
            Code::Tab => AreaKey::Tab,
            Code::PageUp | Code::PageDown => {
                let (row, column) = self.cursor();
                let row = match key.code {
                    Code::PageUp => row.saturating_sub(page),
                    _ => row + page,
                };
                let (row, column) = (
                    row.min(usize::from(u16::MAX)),
                    column.min(usize::from(u16::MAX)),
                );
                let to = CursorMove::Jump(row as u16, column as u16);
                return self.area.move_cursor(to);
            }
            Code::Esc | Code::BackTab | Code::F(_) => return,
        };
        let input = Input {
            key: known,
            ctrl: key.ctrl,
            alt: key.alt,
            shift: false,
        };
        if self.area.input(input) {
            self.judge();
        }
    }

    /// Takes the last change back, or back in.
    pub fn undo(&mut self, again: bool) {
        let changed = match again {
            false => self.area.undo(),
            true => self.area.redo(),
        };
        if changed {
            self.judge();
        }
    }

    /// Line and column of the cursor, from 0.
    #[must_use]
    pub fn cursor(&self) -> (usize, usize) {
        let at = self.area.cursor();
        (at.0, at.1)
    }
}

impl App {
    pub(super) fn ask_edit(&mut self) {
        let here = self.letter_here().map(|letter| letter.id);
        let detail = self.shown.letter.as_ref();
        let Some(detail) = detail.filter(|d| Some(d.letter.id) == here) else {
            return;
        };
        let (letter, body) = (detail.letter.clone(), detail.body.clone());
        match edit::editable(&body) {
            Ok(text) => {
                let mut form = Editing::new(letter, body.headers, body.value, text);
                form.confirm = self.guard(form.confirm);
                self.overlay = Some(Overlay::Edit(Box::new(form)));
            }
            Err(why) => self
                .toasts
                .say(Tone::Hint, format!("This letter can't be edited: {why}")),
        }
    }

    pub(super) fn edit_key(&mut self, mut form: Box<Editing>, key: Key) -> Option<Command> {
        let mut command = None;
        match form.step.clone() {
            Step::Write => match key.code {
                Code::Esc if form.changed() => form.step = Step::Leave,
                Code::Esc => return None,
                Code::Char('s') if key.ctrl => self.go_on(&mut form),
                Code::Char('z') if key.ctrl => form.undo(false),
                Code::Char('y') if key.ctrl => form.undo(true),
                Code::Char('o') if key.ctrl => self.editor = Some(form.text()),
                _ => {
                    let page = self.page().saturating_sub(4).max(1);
                    form.write(key, page);
                }
            },
            Step::Leave => match key.typed() {
                Some('y' | 'Y') => return None,
                _ if key.code == Code::Esc || matches!(key.typed(), Some('n' | 'N')) => {
                    form.step = Step::Write;
                }
                _ => {}
            },
            Step::Diff { scroll } => match key.code {
                Code::Esc => form.step = Step::Write,
                Code::Down => {
                    form.step = Step::Diff {
                        scroll: scroll.saturating_add(1),
                    }
                }
                Code::Up => {
                    form.step = Step::Diff {
                        scroll: scroll.saturating_sub(1),
                    }
                }
                _ => match key.typed() {
                    Some('y' | 'Y') if form.confirm.ready() => {
                        form.step = Step::Sent;
                        command = Some(Command::Edit {
                            letter: form.letter.id,
                            value: form.text(),
                        });
                    }
                    Some('n' | 'N') => form.step = Step::Write,
                    _ => {
                        if let Some(input) = &mut form.confirm.typed {
                            super::typing::edit_number(input, key, false, &mut false);
                        }
                    }
                },
            },
            // The answer is on its way; esc does not wait for it.
            Step::Sent if key.code == Code::Esc => return None,
            Step::Sent => {}
        }
        self.overlay = Some(Overlay::Edit(form));
        command
    }

    /// From typing to what changed, if it can be sent.
    fn go_on(&mut self, form: &mut Editing) {
        let sentence = match &form.verdict {
            Verdict::Bad { why, at } => {
                if let Some(at) = at {
                    let row = at.line.saturating_sub(1).min(usize::from(u16::MAX)) as u16;
                    let column = at.column.saturating_sub(1).min(usize::from(u16::MAX)) as u16;
                    form.area.move_cursor(CursorMove::Jump(row, column));
                }
                format!("It can't be sent like this: {why}")
            }
            _ if !form.changed() => {
                "Nothing is changed: esc leaves, and r sends it as it is".to_owned()
            }
            _ => {
                // From the first line that changed, with a little before it.
                let text = form.text();
                let lines = edit::diff(&form.before, &text);
                let first = lines.iter().position(|l| !matches!(l, Line::Same(_)));
                let scroll = u16::try_from(first.unwrap_or(0).saturating_sub(2)).unwrap_or(0);
                form.step = Step::Diff { scroll };
                return;
            }
        };
        self.toasts.say(Tone::Hint, sentence);
    }

    /// The person's own editor has ended.
    pub fn on_edited(&mut self, edited: Result<String, String>) {
        match (edited, &mut self.overlay) {
            (Ok(text), Some(Overlay::Edit(form))) => form.replace(&text),
            (Err(why), _) => self.toasts.say(Tone::Refused, why),
            (Ok(_), _) => {}
        }
    }
}
