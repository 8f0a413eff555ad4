//! Keys as they are written in the configuration, pressed, and shown; and which action each one means.

use std::fmt;
use std::str::FromStr;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::{Action, TABLE, row};
use crate::command::Screen;
use crate::config::nearest;

/// What was pressed, without its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    Char(char),
    Enter,
    Esc,
    Tab,
    BackTab,
    Backspace,
    Delete,
    Up,
    Down,
    Left,
    Right,
    Home,
    End,
    PageUp,
    PageDown,
    F(u8),
}

/// One key with its modifiers. Shift is part of the character: `R`, not shift-r.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    pub code: Code,
    pub ctrl: bool,
    pub alt: bool,
}

/// Names of keys that are no printing character; the last is how the hint bar writes it.
const NAMES: [(Code, &str, &str); 16] = [
    (Code::Enter, "enter", "⏎"),
    (Code::Esc, "esc", "esc"),
    (Code::Tab, "tab", "tab"),
    (Code::BackTab, "shift-tab", "⇧tab"),
    (Code::Backspace, "backspace", "⌫"),
    (Code::Delete, "delete", "del"),
    (Code::Up, "up", "↑"),
    (Code::Down, "down", "↓"),
    (Code::Left, "left", "←"),
    (Code::Right, "right", "→"),
    (Code::Home, "home", "home"),
    (Code::End, "end", "end"),
    (Code::PageUp, "pgup", "pgup"),
    (Code::PageDown, "pgdn", "pgdn"),
    (Code::Char(' '), "space", "space"),
    (Code::Char('-'), "minus", "-"),
];

impl Key {
    #[must_use]
    pub fn plain(code: Code) -> Self {
        Self {
            code,
            ctrl: false,
            alt: false,
        }
    }

    /// The key of a terminal event; `None` for keys that nothing is bound to anyway.
    #[must_use]
    pub fn of(event: KeyEvent) -> Option<Self> {
        let code = match event.code {
            KeyCode::Char(c) => Code::Char(c),
            KeyCode::Enter => Code::Enter,
            KeyCode::Esc => Code::Esc,
            KeyCode::Tab => Code::Tab,
            KeyCode::BackTab => Code::BackTab,
            KeyCode::Backspace => Code::Backspace,
            KeyCode::Delete => Code::Delete,
            KeyCode::Up => Code::Up,
            KeyCode::Down => Code::Down,
            KeyCode::Left => Code::Left,
            KeyCode::Right => Code::Right,
            KeyCode::Home => Code::Home,
            KeyCode::End => Code::End,
            KeyCode::PageUp => Code::PageUp,
            KeyCode::PageDown => Code::PageDown,
            KeyCode::F(n) => Code::F(n),
            _ => return None,
        };
        Some(Self {
            code,
            ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
            alt: event.modifiers.contains(KeyModifiers::ALT),
        })
    }

    /// The character it types, if it types one.
    #[must_use]
    pub fn typed(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// How the hint bar writes it.
    #[must_use]
    pub fn symbol(self, ascii: bool) -> String {
        let named = NAMES.iter().find(|(code, ..)| *code == self.code);
        match named {
            Some((_, _, symbol)) if !self.ctrl && !self.alt && !ascii => (*symbol).to_owned(),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.ctrl {
            f.write_str("ctrl-")?;
        }
        if self.alt {
            f.write_str("alt-")?;
        }
        match self.code {
            Code::F(n) => write!(f, "f{n}"),
            code => match (NAMES.iter().find(|(c, ..)| *c == code), code) {
                (Some((_, name, _)), _) => f.write_str(name),
                (None, Code::Char(c)) => write!(f, "{c}"),
                (None, _) => Ok(()),
            },
        }
    }
}

/// What is no key.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key")]
pub struct NoKey(String);

/// A key that can't be read, or that two actions claim.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    #[error("{key}")]
    Unreadable {
        action: &'static str,
        /// Its place among the action's keys, from 0.
        nth: usize,
        key: NoKey,
    },
    #[error("key `{key}` is claimed by both `{first}` and `{second}`")]
    Conflict {
        key: String,
        first: &'static str,
        second: &'static str,
    },
    #[error("`{0}` is no action")]
    NoAction(String),
}

impl KeyError {
    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Unreadable { .. } => {
                "write one character, a name such as enter, space, pgup or f5, or ctrl-x".to_owned()
            }
            Self::Conflict { first, second, .. } => {
                format!("give `{first}` or `{second}` another key")
            }
            Self::NoAction(name) => {
                let names: Vec<&str> = TABLE.iter().map(|row| row.name).collect();
                match nearest(name, &names) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known: {}", names.join(", ")),
                }
            }
        }
    }
}

impl FromStr for Key {
    type Err = NoKey;

    fn from_str(text: &str) -> Result<Self, NoKey> {
        let bad = || NoKey(text.to_owned());
        let (mut rest, mut ctrl, mut alt) = (text, false, false);
        loop {
            match rest.split_once('-') {
                Some(("ctrl", r)) if !ctrl && !r.is_empty() => (rest, ctrl) = (r, true),
                Some(("alt", r)) if !alt && !r.is_empty() => (rest, alt) = (r, true),
                _ => break,
            }
        }
        let mut chars = rest.chars();
        let code = match (chars.next(), chars.next()) {
            (Some(c), None) if !c.is_control() => Code::Char(c),
            _ => match NAMES.iter().find(|(_, name, _)| *name == rest) {
                Some((code, ..)) => *code,
                None => {
                    let n = rest.strip_prefix('f').and_then(|n| n.parse().ok());
                    Code::F(n.filter(|n| (1..=24).contains(n)).ok_or_else(bad)?)
                }
            },
        };
        Ok(Self { code, ctrl, alt })
    }
}

/// Which keys mean which action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keymap {
    bound: Vec<(Action, Vec<Key>)>,
}

impl Default for Keymap {
    fn default() -> Self {
        let bound = TABLE
            .iter()
            .map(|row| {
                let keys = row.keys.iter().filter_map(|key| key.parse().ok());
                (row.action, keys.collect())
            })
            .collect();
        Self { bound }
    }
}

impl Keymap {
    /// The defaults with some actions' keys replaced, by the actions' names.
    pub fn patched<'a>(
        patches: impl IntoIterator<Item = (&'a str, Vec<String>)>,
    ) -> Result<Self, KeyError> {
        let mut map = Self::default();
        for (name, keys) in patches {
            let row = TABLE
                .iter()
                .find(|row| row.name == name)
                .ok_or_else(|| KeyError::NoAction(name.to_owned()))?;
            let action = row.name;
            let read = |(nth, key): (usize, &String)| {
                key.parse()
                    .map_err(|key| KeyError::Unreadable { action, nth, key })
            };
            let keys = keys.iter().enumerate().map(read);
            let keys = keys.collect::<Result<_, _>>()?;
            if let Some(entry) = map.bound.iter_mut().find(|(a, _)| *a == row.action) {
                entry.1 = keys;
            }
        }
        map.check()?;
        Ok(map)
    }

    /// No key may mean two things on one screen; one that works everywhere is on every screen. Ctrl-C
    /// always quits.
    pub fn check(&self) -> Result<(), KeyError> {
        let quits = Key {
            ctrl: true,
            ..Key::plain(Code::Char('c'))
        };
        for (at, (first, keys)) in self.bound.iter().enumerate() {
            if *first != Action::Quit && keys.contains(&quits) {
                return Err(KeyError::Conflict {
                    key: quits.to_string(),
                    first: row(*first).name,
                    second: row(Action::Quit).name,
                });
            }
            for (second, others) in &self.bound[at + 1..] {
                let (a, b) = (row(*first), row(*second));
                let same_scope = a.screens.is_empty()
                    || b.screens.is_empty()
                    || a.screens.iter().any(|screen| b.screens.contains(screen));
                if let Some(key) = keys.iter().find(|key| same_scope && others.contains(key)) {
                    return Err(KeyError::Conflict {
                        key: key.to_string(),
                        first: a.name,
                        second: b.name,
                    });
                }
            }
        }
        Ok(())
    }

    /// What a key means on a screen.
    #[must_use]
    pub fn action(&self, screen: Screen, key: Key) -> Option<Action> {
        self.bound.iter().find_map(|(action, keys)| {
            let screens = row(*action).screens;
            let here = screens.is_empty() || screens.contains(&screen);
            (here && keys.contains(&key)).then_some(*action)
        })
    }

    /// The keys of an action, the first one being the one to show.
    #[must_use]
    pub fn keys(&self, action: Action) -> &[Key] {
        self.bound
            .iter()
            .find(|(a, _)| *a == action)
            .map_or(&[], |(_, keys)| keys)
    }
}
