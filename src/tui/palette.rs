//! The palette: every action by name, found by typing any of its letters. One that works elsewhere says
//! where, one that can't be done says why.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use tui_input::Input;

use super::action::{Action, Row, TABLE};
use super::app::App;
use crate::command::Screen;

/// What is typed, and the row under the cursor.
#[derive(Clone, Debug, Default)]
pub struct Palette {
    pub input: Input,
    pub at: usize,
}

/// A row of the palette: an action, and what keeps it from being done here.
#[derive(Clone, Debug)]
pub struct Entry {
    pub row: &'static Row,
    /// The screen to go to first.
    pub elsewhere: Option<Screen>,
    pub why_not: Option<String>,
}

impl App {
    /// What fits what was typed, best first; without words in the order of the help, this screen's first.
    #[must_use]
    pub fn palette_rows(&self, typed: &str) -> Vec<Entry> {
        let mut matcher = Matcher::new(Config::DEFAULT);
        let pattern = Pattern::parse(typed, CaseMatching::Ignore, Normalization::Smart);
        let here = |row: &Row| row.screens.is_empty() || row.screens.contains(&self.screen);
        let mut score = |text: &str| {
            let mut buffer = Vec::new();
            pattern.score(Utf32Str::new(text, &mut buffer), &mut matcher)
        };
        // By name first: words of the help only count where no name fits better.
        let mut found: Vec<((u32, u32), Entry)> = TABLE
            .iter()
            // What only moves or closes is no command.
            .filter(|row| !is_motion(row.action))
            .filter_map(|row| {
                let name = row.name.replace('-', " ");
                let any = score(&format!("{name} {}", row.help))?;
                let score = (score(&name).unwrap_or(0), any);
                let elsewhere = if here(row) {
                    None
                } else {
                    row.screens.first().copied()
                };
                let why_not = if here(row) {
                    self.why_not(row.action)
                } else {
                    None
                };
                Some((
                    score,
                    Entry {
                        row,
                        elsewhere,
                        why_not,
                    },
                ))
            })
            .collect();
        // Sorting is stable: of equals the table's order stays.
        found.sort_by_key(|(score, entry)| {
            (
                std::cmp::Reverse(*score),
                !entry.row.screens.contains(&self.screen),
                entry.elsewhere.is_some(),
            )
        });
        found.into_iter().map(|(_, entry)| entry).collect()
    }
}

fn is_motion(action: Action) -> bool {
    matches!(
        action,
        Action::Up
            | Action::Down
            | Action::Left
            | Action::Right
            | Action::PageUp
            | Action::PageDown
            | Action::Top
            | Action::Bottom
            | Action::Palette
    )
}
