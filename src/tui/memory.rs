//! What a person chose and finds again the next time: theme, sorting, filters, what is folded. It is one
//! file in the state folder, replaced whole and only its owner's to read; theme and sorting are the same for
//! every stack, filters and folds belong to one. The rule: a file that can't be read is left out with a line
//! in the log and never ends the program.
//!
//! A theme that is named in the settings, by a flag or a variable wins over a remembered one, and that over
//! the default.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::app::App;
use super::lag_rows::LagKey;
use super::sort::{List, Sort};
use crate::command::Screen;

/// The largest file that is taken for ours, in bytes.
const LARGEST: u64 = 1 << 20;
/// Folds that are kept of one stack, and stacks.
const MOST_FOLDS: usize = 200;
const MOST_STACKS: usize = 50;

/// What is in the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Remembered {
    pub theme: Option<String>,
    /// By list: the column, and whether the largest comes first.
    pub sorts: BTreeMap<String, (usize, bool)>,
    pub stacks: BTreeMap<String, OfStack>,
}

/// What belongs to one stack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OfStack {
    /// By screen, as typed.
    pub filters: BTreeMap<String, String>,
    /// Rows of the lag tree that were folded (false) or unfolded (true) by hand.
    pub folds: Vec<(LagKey, bool)>,
}

/// The file, and what it said at the start.
#[derive(Clone, Debug)]
pub struct Memory {
    file: PathBuf,
    stack: String,
    /// When it was opened: "ago" in a remembered filter counts from then.
    opened: DateTime<Utc>,
    last: Remembered,
    /// Why the file was left out, or can't be written; said once there is a log.
    trouble: Option<String>,
}

impl Memory {
    /// Reads the file as far as there is one.
    #[must_use]
    pub fn open(file: PathBuf, stack: &str, now: DateTime<Utc>) -> Self {
        let (last, trouble) = match read(&file) {
            Ok(last) => (last, None),
            Err(why) => (Remembered::default(), Some(why)),
        };
        Self {
            file,
            stack: stack.to_owned(),
            opened: now,
            last,
            trouble,
        }
    }

    /// What was remembered.
    #[must_use]
    pub fn remembered(&self) -> &Remembered {
        &self.last
    }

    /// What was remembered of this stack.
    #[must_use]
    pub fn of_stack(&self) -> OfStack {
        self.last
            .stacks
            .get(&self.stack)
            .cloned()
            .unwrap_or_default()
    }

    /// Says in the log what was wrong with the file.
    pub fn tell(&mut self) {
        if let Some(why) = self.trouble.take() {
            tracing::warn!(file = %self.file.display(), "what was chosen the last time is left out: {why}");
        }
    }

    /// Writes what the screen would want back, if that changed. Another evtop's stacks stay as they are.
    pub fn keep(&mut self, app: &App) {
        let mut now = app.remembered();
        let own = now.stacks.remove("").unwrap_or_default();
        let same = (now.theme == self.last.theme && now.sorts == self.last.sorts)
            && own == self.of_stack();
        if same {
            return;
        }
        now.stacks = read(&self.file).unwrap_or_default().stacks;
        while now.stacks.len() >= MOST_STACKS && !now.stacks.contains_key(&self.stack) {
            now.stacks.pop_first();
        }
        now.stacks.insert(self.stack.clone(), own);
        if let Err(error) = self.write(&now) {
            tracing::warn!(file = %self.file.display(), "what is chosen can't be remembered: {error}");
        }
        // One that can't be written is not tried again until something changes.
        self.last = now;
    }

    fn write(&self, now: &Remembered) -> std::io::Result<()> {
        let folder = self.file.parent().ok_or(ErrorKind::NotFound)?;
        std::fs::create_dir_all(folder)?;
        // Beside it, with rights for its owner alone, then in its place at once.
        let mut new = tempfile::NamedTempFile::new_in(folder)?;
        new.write_all(&serde_json::to_vec_pretty(now)?)?;
        new.persist(&self.file).map_err(|e| e.error)?;
        Ok(())
    }
}

fn read(file: &PathBuf) -> Result<Remembered, String> {
    let size = match std::fs::metadata(file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Remembered::default()),
        found => found.map_err(|e| e.to_string())?.len(),
    };
    if size > LARGEST {
        return Err(format!("it has {size} bytes"));
    }
    let text = std::fs::read_to_string(file).map_err(|e| e.to_string())?;
    serde_json::from_str(&text).map_err(|e| e.to_string())
}

impl App {
    /// The names that filters are remembered under.
    fn filter_names() -> impl Iterator<Item = (char, String)> {
        let tabs = Screen::ALL.into_iter().map(|screen| screen.tab());
        tabs.map(|(key, title)| (key, title.to_lowercase()))
            .chain([(Self::TOPICS, "topics".to_owned())])
    }

    /// What is worth finding again; this stack's part has no name yet.
    fn remembered(&self) -> Remembered {
        let sorts = self.sorts.iter();
        let filters = Self::filter_names().filter_map(|(key, name)| {
            let text = self.filter_of(key).text().trim();
            (!text.is_empty()).then(|| (name, text.to_owned()))
        });
        let folds = self.lag.by_hand.iter().take(MOST_FOLDS);
        let own = OfStack {
            filters: filters.collect(),
            folds: folds.map(|(key, open)| (key.clone(), *open)).collect(),
        };
        Remembered {
            theme: self.chosen_theme.clone(),
            sorts: sorts
                .map(|(list, sort)| (list.name().to_owned(), (sort.column, sort.down)))
                .collect(),
            stacks: [(String::new(), own)].into(),
        }
    }

    /// Takes up what was remembered, as far as it still means something.
    pub(super) fn recall(&mut self, memory: &Memory) {
        self.pass_time(memory.opened);
        let all = memory.remembered();
        self.chosen_theme.clone_from(&all.theme);
        for list in List::ALL {
            let Some(&(column, down)) = all.sorts.get(list.name()) else {
                continue;
            };
            if list.columns().iter().any(|(c, _)| *c == column) {
                self.sorts.insert(list, Sort { column, down });
            }
        }
        let own = memory.of_stack();
        for (key, name) in Self::filter_names() {
            if let Some(text) = own.filters.get(&name) {
                self.recall_filter(key, text.clone());
            }
        }
        for (key, open) in own.folds {
            self.fold_row(key, open);
        }
    }

    /// Folds or unfolds a row of the lag tree by hand.
    pub(super) fn fold_row(&mut self, key: LagKey, open: bool) {
        self.lag.by_hand.insert(key.clone(), open);
        self.lag.unfolded.insert(key, open);
    }
}
