//! The forms of what a person decides about letters: archive with a reason, note, export. Each is one line
//! of text; what is sent of it is a command like any other.

use tui_input::Input;
use uuid::Uuid;

use super::app::App;
use super::keymap::{Code, Key};
use super::overlay::{Confirm, Overlay};
use super::toast::Tone;
use super::typing::{edit, vertical};
use super::views::Depth;
use crate::command::{Behind, Command, Confirmed, LetterChoice, Screen};
use crate::domain::letter::{Cause, Letter};
use crate::snapshot::short_id;

/// What the line of text is for.
#[derive(Clone, Debug, PartialEq)]
pub enum What {
    /// A reason; and what becomes of the events behind, where there may be any.
    Archive {
        letters: LetterChoice,
    },
    Note {
        letter: Uuid,
    },
    /// A file's name.
    Export {
        letters: LetterChoice,
        archived: bool,
    },
}

/// One line of text about some letters.
#[derive(Clone, Debug)]
pub struct Triage {
    pub what: What,
    /// The letters in words.
    pub about: String,
    pub count: u64,
    pub input: Input,
    /// Events that are known to wait behind; `None` where that was not counted.
    pub waiting: Option<u64>,
    pub behind: Behind,
    /// 0 the text, 1 what becomes of the events behind.
    pub at: usize,
}

impl Triage {
    #[must_use]
    pub fn title(&self) -> &'static str {
        match &self.what {
            What::Archive { .. } => "Archive",
            What::Note { .. } => "Note",
            What::Export { .. } => "Export",
        }
    }

    /// Whether it asks what becomes of the events behind.
    #[must_use]
    pub fn asks_behind(&self) -> bool {
        matches!(self.what, What::Archive { .. }) && self.waiting != Some(0)
    }

    /// What is asked for, or what is missing for that.
    fn command(&self) -> Result<Command, &'static str> {
        let text = self.input.value().trim().to_owned();
        match &self.what {
            What::Archive { .. } if text.is_empty() => {
                Err("Type the reason: it tells a put-away letter from a forgotten one")
            }
            What::Archive { letters } => Ok(Command::Archive {
                letters: letters.clone(),
                reason: text,
                behind: self.behind,
            }),
            What::Note { letter } => Ok(Command::Note {
                letter: *letter,
                text,
            }),
            What::Export { .. } if text.is_empty() => Err("Type the name of a new file"),
            What::Export { letters, archived } => Ok(Command::Export {
                letters: letters.clone(),
                // What is counted is what is on the screen.
                archived: Some(*archived),
                file: text.into(),
            }),
        }
    }
}

impl App {
    /// The marked letters or the whole cause: what, in words, and how many.
    fn many(&self) -> Option<(LetterChoice, String, u64)> {
        if self.redrives_marked() {
            let marked: Vec<Uuid> = self.letters.marked.keys().copied().collect();
            let count = marked.len() as u64;
            return Some((
                LetterChoice::Ids(marked),
                "the marked letters".to_owned(),
                count,
            ));
        }
        let (letters, cause) = self.whole_cause()?;
        let filter = self.sieve(Screen::Letters).filter();
        let which = match filter.is_empty() {
            true => "every letter".to_owned(),
            false => format!("those that match {filter}"),
        };
        let words = format!("{which} of {}: {}", cause.code, cause.title);
        Some((letters, words, cause.count))
    }

    /// The cause under the cursor as far as the filter lets its letters through and as it is counted on the
    /// screen, and that cause.
    pub(super) fn whole_cause(&self) -> Option<(LetterChoice, &Cause)> {
        let found = self.cause_here()?;
        let letters = LetterChoice::Cause {
            cause: found.fingerprint.clone(),
            filter: self.sieve(Screen::Letters).filter().clone(),
            confirmed: Confirmed {
                up_to: self.shown.letters.value.as_ref()?.up_to,
                count: found.count,
            },
        };
        Some((letters, found))
    }

    /// Why what is done to a whole cause would not be what the screen says, under the filter.
    pub(super) fn no_whole_cause(&self) -> Option<String> {
        let sieve = self.sieve(Screen::Letters);
        let letters = self.shown.letters.value.as_ref()?;
        if let Some(why) = sieve.error() {
            return Some(format!("The filter can't be read: {why}"));
        }
        if *sieve.filter() != letters.filter {
            return Some("The letters are still being held against the filter".to_owned());
        }
        (letters.unjudged > 0).then(|| {
            format!(
                "{} letters are not held against the filter yet, so nobody knows how many are meant: x marks some, after= and before= reach others",
                letters.unjudged
            )
        })
    }

    fn form(&mut self, what: What, about: String, count: u64, text: String) {
        self.overlay = Some(Overlay::Triage(Triage {
            what,
            about,
            count,
            input: Input::new(text),
            waiting: None,
            behind: Behind::Release,
            at: 0,
        }));
    }

    pub(super) fn ask_archive(&mut self, many: bool) {
        if many {
            if let Some((letters, about, count)) = self.many() {
                self.form(What::Archive { letters }, about, count, String::new());
            }
            return;
        }
        let Some(letter) = self.letter_here() else {
            return;
        };
        let (id, about) = (letter.id, about(letter));
        let detail = self.shown.letter.as_ref();
        let waiting = detail.filter(|d| d.letter.id == id).map(|d| d.behind);
        let letters = LetterChoice::Ids(vec![id]);
        self.form(What::Archive { letters }, about, 1, String::new());
        if let Some(Overlay::Triage(form)) = &mut self.overlay {
            form.waiting = waiting;
        }
    }

    pub(super) fn ask_unarchive(&mut self, many: bool) {
        let chosen = if many {
            self.many()
        } else {
            let one = |l: &Letter| (LetterChoice::Ids(vec![l.id]), about(l), 1);
            self.letter_here().map(one)
        };
        let Some((letters, about, count)) = chosen else {
            return;
        };
        let facts = vec![
            ("letters", about),
            (
                "then",
                "open again: later events of their keys wait behind them".to_owned(),
            ),
            ("order", self.gone_on(&letters)),
        ];
        let confirm = Confirm::new(Command::Unarchive { letters }, "Open again", facts, count);
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    /// What opening letters again does to the order of their keys, as far as that is known: what went on
    /// before is not called back.
    fn gone_on(&self, letters: &LetterChoice) -> String {
        let detail = self.shown.letter.as_ref();
        let known = detail.filter(|d| *letters == LetterChoice::Ids(vec![d.letter.id]));
        match known {
            Some(d) if d.letter.family.is_foreign() || d.letter.key.is_none() => {
                "it holds no key, so nothing waited for it".to_owned()
            }
            Some(d) if d.gone_on == 1 => {
                "broken: a later event of its key has gone on, redriven now it comes after that".to_owned()
            }
            Some(d) if d.gone_on > 1 => format!(
                "broken: {} later events of its key have gone on, redriven now it comes after them",
                d.gone_on
            ),
            _ => "later events of their keys may have gone on since: redriven now, these come after them".to_owned(),
        }
    }

    pub(super) fn ask_note(&mut self) {
        if let Some(letter) = self.letter_here() {
            let (id, about) = (letter.id, about(letter));
            let note = letter.note.clone().unwrap_or_default();
            self.form(What::Note { letter: id }, about, 1, note);
        }
    }

    pub(super) fn ask_export(&mut self) {
        if let Some((letters, about, count)) = self.many() {
            let name = match &letters {
                LetterChoice::Cause { cause, .. } => cause.chars().take(12).collect(),
                LetterChoice::Ids(_) => "marked".to_owned(),
            };
            let at = self.shown.taken.format("%Y%m%dT%H%M%S");
            let file = format!("letters-{name}-{at}.jsonl");
            let archived = self.letters.archived;
            self.form(What::Export { letters, archived }, about, count, file);
        }
    }

    /// Open letters or archived ones: a list each, so marks and places do not carry over.
    pub(super) fn show_archived(&mut self) {
        self.letters.archived = !self.letters.archived;
        self.letters.marked.clear();
        self.letters.depth = Depth::Causes;
        self.letters.from = 0;
        self.letters.cause.clear();
        self.letters.letter.clear();
    }

    /// Why the letter under the cursor can't be archived, opened again or edited.
    pub(super) fn no_triage(&self, action: super::action::Action) -> Option<String> {
        use super::action::Action;
        let letter = self.letter_here()?;
        match action {
            Action::Archive => letter
                .archive_refusal()
                .map(|why| format!("This letter can't be archived: {why}")),
            Action::Unarchive => (letter.archived_because().is_none())
                .then(|| "This letter is not archived".to_owned()),
            _ => {
                if let Some(why) = letter.edit_refusal() {
                    return Some(format!("This letter can't be edited: {why}"));
                }
                let detail = self
                    .shown
                    .letter
                    .as_ref()
                    .filter(|d| d.letter.id == letter.id);
                match detail {
                    None => Some("Its bytes are still being read".to_owned()),
                    Some(detail) => crate::domain::edit::editable(&detail.body)
                        .err()
                        .map(|why| format!("This letter can't be edited: {why}")),
                }
            }
        }
    }

    pub(super) fn triage_key(&mut self, mut form: Triage, key: Key) -> Option<Command> {
        if key.code == Code::Enter {
            match form.command() {
                Ok(command) => {
                    let what = vec![("letters", form.about.clone())];
                    let count = match form.what {
                        What::Export { .. } => 1,
                        _ => form.count,
                    };
                    let mut confirm = Confirm::new(command, form.title(), what, count);
                    if !matches!(form.what, What::Export { .. }) {
                        confirm = self.guard(confirm);
                    }
                    if confirm.typed.is_none() {
                        return Some(confirm.command);
                    }
                    self.overlay = Some(Overlay::Confirm(confirm));
                    return None;
                }
                Err(missing) => self.toasts.say(Tone::Hint, missing),
            }
        } else if vertical(key).is_some() && form.asks_behind() {
            form.at = 1 - form.at;
        } else if form.at == 1 {
            if matches!(key.code, Code::Left | Code::Right | Code::Char(' ')) {
                form.behind = match form.behind {
                    Behind::Release => Behind::Archive,
                    Behind::Archive => Behind::Release,
                };
            }
        } else {
            edit(&mut form.input, key);
        }
        self.overlay = Some(Overlay::Triage(form));
        None
    }
}

fn about(letter: &Letter) -> String {
    format!("{} from {}", short_id(letter.id), letter.from())
}
