//! Marks: rows that are chosen by their keys, so that one keeps its mark wherever it slides. What is marked
//! of the store or a topic is kept whole, since the rows on screen are a window.

use std::collections::BTreeMap;

use super::app::App;
use super::cursor::Motion;
use super::messages::Level;
use super::views::Depth;
use crate::command::Screen;
use crate::domain::letter::Letter;

/// Rows of the store or a topic that can be marked at once; each is kept whole.
const MOST: usize = 1_000;

impl App {
    /// Why the row under the cursor can't be marked, or unmarked; `None` when it can.
    pub(super) fn no_mark(&self) -> Option<&'static str> {
        let full = |marked: usize, here: bool| (marked >= MOST && !here).then_some(TOO_MANY);
        match self.screen {
            Screen::Letters if self.letters.depth == Depth::Causes => {
                Some("Enter opens the cause and its letters; R and A act on the whole cause")
            }
            Screen::Letters => match self.letter_here() {
                None => Some("There is no letter under the cursor"),
                Some(letter) => {
                    let marked = &self.letters.marked;
                    full(marked.len(), marked.contains_key(&letter.id))
                }
            },
            Screen::Timeline if self.timeline.opened.is_some() => Some(IN_LIST),
            Screen::Timeline => match self.event_key() {
                None => Some("There is no event under the cursor"),
                Some(key) => {
                    let marked = &self.timeline.marked;
                    full(marked.len(), marked.contains_key(&key))
                }
            },
            Screen::Messages if self.messages.level == Level::Record => Some(IN_LIST),
            Screen::Messages => {
                match self
                    .message()
                    .filter(|_| self.messages.level > Level::Topics)
                {
                    None => Some("There is no record under the cursor; Enter opens the topic"),
                    Some(record) => full(self.messages.marked.len(), self.is_marked(record)),
                }
            }
            _ => None,
        }
    }

    /// How many rows of this screen are marked.
    #[must_use]
    pub fn marked(&self) -> usize {
        match self.screen {
            Screen::Letters => self.letters.marked.len(),
            Screen::Timeline => self.timeline.marked.len(),
            Screen::Messages => self.messages.marked.len(),
            _ => 0,
        }
    }

    pub(super) fn mark(&mut self) {
        match self.screen {
            Screen::Timeline => {
                if let Some(event) = self.event_here().cloned() {
                    turn(&mut self.timeline.marked, event.position, event);
                    self.step_timeline(Motion::Down);
                }
            }
            Screen::Messages => {
                if let Some(message) = self.message_row().cloned() {
                    let (partition, offset) = message.place();
                    let key = (message.record.topic.clone(), partition, offset);
                    turn(&mut self.messages.marked, key, message);
                    // From the last row one would go on to another page.
                    let last = self.message_keys().len().saturating_sub(1);
                    if self.message_at() < Some(last) {
                        self.step_messages(Motion::Down);
                    }
                }
            }
            _ => {
                if let Some(letter) = self.letter_here().cloned() {
                    turn(&mut self.letters.marked, letter.id, letter);
                    self.step_letters(Motion::Down);
                }
            }
        }
    }

    pub(super) fn mark_all(&mut self) {
        let any = self.marked() > 0;
        match self.screen {
            Screen::Timeline if any => self.timeline.marked.clear(),
            Screen::Timeline => {
                let rows = self.events().into_iter().take(MOST);
                self.timeline.marked = rows.map(|e| (e.position, e.clone())).collect();
            }
            Screen::Messages if any => self.messages.marked.clear(),
            Screen::Messages => {
                let rows = self.messages_shown().map(|m| m.rows.iter());
                let rows = rows.into_iter().flatten().take(MOST);
                self.messages.marked = rows
                    .map(|m| {
                        (
                            (m.record.topic.clone(), m.record.partition, m.record.offset),
                            m.clone(),
                        )
                    })
                    .collect();
            }
            Screen::Letters if any => self.letters.marked.clear(),
            _ => {
                let rows = self.letters().into_iter().take(MOST);
                self.letters.marked = rows.map(|l| (l.id, l.clone())).collect();
            }
        }
    }

    /// What is marked and in sight is kept as it stands now.
    pub(super) fn renew_marked(&mut self) {
        let rows = self.letters().into_iter();
        let marked = rows.filter(|l| self.letters.marked.contains_key(&l.id));
        let marked: Vec<Letter> = marked.cloned().collect();
        let now = marked.into_iter().map(|letter| (letter.id, letter));
        self.letters.marked.extend(now);
    }
}

const IN_LIST: &str = "Esc goes back to the list, where x marks a row";
const TOO_MANY: &str = "A thousand rows are marked already; * takes all marks off";

/// Marks a row, or takes its mark off.
fn turn<K: Ord, V>(marked: &mut BTreeMap<K, V>, key: K, row: V) {
    if marked.remove(&key).is_none() {
        marked.insert(key, row);
    }
}
