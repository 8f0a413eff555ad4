//! What `w` writes to a new file: the payload that is looked at or the rows that are marked, byte for byte;
//! or the screen, as text or, where the file's name ends so, with colours (`.ansi`) or as a picture (`.svg`).

use tui_input::Input;

use super::action::{Action, row};
use super::app::App;
use super::keymap::{Code, Key};
use super::overlay::Overlay;
use super::picture::Picture;
use super::toast::Tone;
use super::typing::{edit, vertical};
use crate::command::{Command, Screen};
use crate::domain::{letter_json, log_json};

/// Bytes that somebody looks at, or has marked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// In words.
    pub what: String,
    /// How the file's name begins and ends.
    pub name: (&'static str, &'static str),
    pub bytes: Vec<u8>,
}

impl Content {
    fn payload(bytes: Vec<u8>) -> Self {
        let json = serde_json::from_slice::<serde::de::IgnoredAny>(&bytes).is_ok();
        let ending = match std::str::from_utf8(&bytes) {
            Ok(_) if json => "json",
            Ok(_) => "txt",
            Err(_) => "bin",
        };
        Self {
            what: "the payload".to_owned(),
            name: ("payload", ending),
            bytes,
        }
    }

    /// An object a line.
    fn lines(count: usize, of: &str, lines: impl Iterator<Item = serde_json::Value>) -> Self {
        let lines: String = lines.map(|object| letter_json::line(&object)).collect();
        Self {
            what: format!("{count} marked {of}{}", if count == 1 { "" } else { "s" }),
            name: ("marked", "jsonl"),
            bytes: lines.into_bytes(),
        }
    }
}

/// What to write, and where.
#[derive(Clone, Debug)]
pub struct Save {
    /// What is looked at; `None` where there is only the screen itself.
    pub content: Option<Content>,
    /// The screen is written, not what is looked at.
    pub screen: bool,
    pub input: Input,
    /// The name is still the one that was proposed.
    fresh: bool,
    /// 0 the name, 1 what is written.
    pub at: usize,
}

impl Save {
    /// What would be written, in words.
    #[must_use]
    pub fn what(&self) -> String {
        match &self.content {
            Some(content) if !self.screen => {
                let bytes = content.bytes.len();
                format!("{}, {}", content.what, crate::tui::view::bytes(bytes))
            }
            _ => match ending(self.input.value()) {
                Some("svg") => "the screen as a picture",
                Some("ansi") => "the screen with its colours",
                _ => "the screen as text; .svg draws it",
            }
            .to_owned(),
        }
    }
}

/// What a file's name ends with, behind its last dot.
fn ending(name: &str) -> Option<&str> {
    name.trim().rsplit_once('.').map(|(_, ending)| ending)
}

impl App {
    /// The payload that is looked at, or the rows that are marked.
    pub(super) fn content(&self) -> Option<Content> {
        match self.screen {
            Screen::Letters => {
                let here = self.letter_here()?;
                let detail = self.shown.letter.as_ref();
                let detail = detail.filter(|detail| detail.letter.id == here.id)?;
                detail.body.value.clone().map(Content::payload)
            }
            Screen::Timeline if !self.timeline.marked.is_empty() => {
                let marked = self.timeline.marked.values();
                Some(Content::lines(
                    marked.len(),
                    "event",
                    marked.map(log_json::event),
                ))
            }
            Screen::Timeline => {
                let event = self.event_here()?;
                Some(Content::payload(event.payload.clone().into_bytes()))
            }
            Screen::Messages if !self.messages.marked.is_empty() => {
                let marked = self.messages.marked.values();
                Some(Content::lines(
                    marked.len(),
                    "record",
                    marked.map(|m| log_json::record(m)),
                ))
            }
            Screen::Messages => self.message()?.record.value.clone().map(Content::payload),
            _ => None,
        }
    }

    pub(super) fn ask_save(&mut self) {
        let content = self.content();
        let mut form = Save {
            screen: content.is_none(),
            content,
            input: Input::default(),
            fresh: true,
            at: 0,
        };
        form.input = Input::new(self.proposed(&form));
        self.overlay = Some(Overlay::Save(form));
    }

    /// A name that nobody has taken a second ago.
    fn proposed(&self, form: &Save) -> String {
        let (name, ending) = match &form.content {
            Some(content) if !form.screen => content.name,
            _ => (row(Action::Go(self.screen)).name, "txt"),
        };
        let at = self.newest.taken.format("%Y%m%dT%H%M%S");
        format!("evtop-{name}-{at}.{ending}")
    }

    pub(super) fn save_key(&mut self, mut form: Save, key: Key) -> Option<Command> {
        if key.code == Code::Enter {
            let file = form.input.value().trim().to_owned();
            if !file.is_empty() {
                return Some(self.write(form, file));
            }
            self.toasts.say(Tone::Hint, "Type the name of a new file");
        } else if vertical(key).is_some() && form.content.is_some() {
            form.at = 1 - form.at;
        } else if form.at == 1 {
            if matches!(key.code, Code::Left | Code::Right | Code::Char(' ')) {
                form.screen = !form.screen;
                if form.fresh {
                    form.input = Input::new(self.proposed(&form));
                }
            }
        } else if edit(&mut form.input, key) {
            form.fresh = false;
        }
        self.overlay = Some(Overlay::Save(form));
        None
    }

    /// The form is closed by now, so the screen is drawn without it.
    fn write(&self, form: Save, file: String) -> Command {
        let (what, bytes) = match form.content {
            Some(content) if !form.screen => (content.what, content.bytes),
            _ => {
                let picture = Picture::of(self);
                let drawn = match ending(&file) {
                    Some("svg") => picture.svg(&self.theme),
                    Some("ansi") => picture.ansi(),
                    _ => picture.text(),
                };
                ("the screen".to_owned(), drawn.into_bytes())
            }
        };
        Command::Write {
            what,
            bytes,
            file: file.into(),
        }
    }
}
