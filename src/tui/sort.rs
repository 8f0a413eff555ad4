//! Sorting a list by one of its columns. What is unknown stands last, whichever way; a list without a
//! chosen column keeps its own order. Each list remembers its choice. The rule: what is sorted is all there
//! is, here or by the store, or says how many rows it is; a part of a log is not, since its order is what
//! it tells.

pub mod values;

use std::cmp::Ordering;

use super::app::App;
use super::messages::Level;
use super::rows::OutboxKey;
use super::views::{Depth, Pane};
use crate::command::Screen;
use crate::domain::letter::{LetterColumn, LetterOrder};

/// A list that can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum List {
    Lag,
    Consumers,
    Causes,
    /// Sorted by the store: the rows here are a window.
    Letters,
    Topics,
    Operations,
    /// The newest rows that were sent; their heading says how many.
    Sent,
    /// The newest rows of the audit log.
    Audit,
}

impl List {
    pub const ALL: [Self; 8] = [
        Self::Lag,
        Self::Consumers,
        Self::Causes,
        Self::Letters,
        Self::Topics,
        Self::Operations,
        Self::Sent,
        Self::Audit,
    ];

    /// The word it is remembered under.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Lag => "lag",
            Self::Consumers => "consumers",
            Self::Causes => "causes",
            Self::Letters => "letters",
            Self::Topics => "topics",
            Self::Operations => "operations",
            Self::Sent => "sent",
            Self::Audit => "audit",
        }
    }

    /// The columns that it can be sorted by, by their place in its table, and whether the largest comes first
    /// at first: numbers begin with the largest, times with the newest, names with the first.
    #[must_use]
    pub fn columns(self) -> &'static [(usize, bool)] {
        match self {
            Self::Lag => &[
                (0, false),
                (1, true),
                (2, true),
                (3, true),
                (4, true),
                (6, true),
                (7, true),
            ],
            Self::Consumers => &[
                (0, false),
                (1, true),
                (2, true),
                (3, true),
                (4, true),
                (5, true),
                (6, true),
                (7, true),
                (8, true),
                (9, true),
                (10, true),
            ],
            Self::Causes => &[
                (0, false),
                (1, true),
                (2, true),
                (3, true),
                (4, true),
                (5, false),
                (6, true),
            ],
            Self::Letters => &[
                (1, false),
                (2, false),
                (3, false),
                (4, true),
                (5, true),
                (6, false),
            ],
            Self::Topics => &[(0, false), (1, true), (2, true), (3, true)],
            Self::Sent => &[
                (0, false),
                (1, false),
                (2, false),
                (3, true),
                (4, true),
                (5, true),
            ],
            Self::Audit => &[(0, true), (1, false), (2, false), (3, false), (4, false)],
            Self::Operations => &[
                (1, false),
                (2, false),
                (3, true),
                (4, true),
                (5, false),
                (6, true),
            ],
        }
    }
}

/// By which column of the list's table, and whether the largest comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort {
    pub column: usize,
    pub down: bool,
}

/// What a cell is sorted by.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Number(f64),
    Text(String),
    Unknown,
}

impl<T: Into<f64>> From<Option<T>> for Value {
    fn from(number: Option<T>) -> Self {
        number.map_or(Self::Unknown, |n| Self::Number(n.into()))
    }
}

impl Sort {
    /// The order of two rows by what their cells hold.
    #[must_use]
    pub fn order(self, a: &Value, b: &Value) -> Ordering {
        let ordered = match (a, b) {
            (Value::Unknown, Value::Unknown) => return Ordering::Equal,
            (Value::Unknown, _) => return Ordering::Greater,
            (_, Value::Unknown) => return Ordering::Less,
            (Value::Number(a), Value::Number(b)) => a.total_cmp(b),
            (Value::Text(a), Value::Text(b)) => a.cmp(b),
            (Value::Number(_), Value::Text(_)) => Ordering::Less,
            (Value::Text(_), Value::Number(_)) => Ordering::Greater,
        };
        if self.down {
            ordered.reverse()
        } else {
            ordered
        }
    }
}

/// A value that orders itself as its list is sorted.
#[derive(Clone, Debug)]
pub struct Sorted(pub Sort, pub Value);

impl Ord for Sorted {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.order(&self.1, &other.1)
    }
}

impl PartialOrd for Sorted {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Sorted {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Sorted {}

impl App {
    /// The list that the keys go to, or why it can't be sorted.
    pub(super) fn list(&self) -> Result<List, &'static str> {
        match self.screen {
            Screen::Lag => Ok(List::Lag),
            Screen::Consumers => Ok(List::Consumers),
            Screen::Letters if self.letters.depth == Depth::Causes => Ok(List::Causes),
            Screen::Letters => Ok(List::Letters),
            Screen::Messages if self.messages.level == Level::Topics => Ok(List::Topics),
            Screen::Activity if self.activity.pane == Pane::Operations => Ok(List::Operations),
            Screen::Activity if self.activity.pane == Pane::Audit => Ok(List::Audit),
            Screen::Outbox => match self.outbox.key() {
                Some(OutboxKey::Sent(_)) => Ok(List::Sent),
                Some(OutboxKey::Blocked(_) | OutboxKey::Waiting(_)) => {
                    Err("What waits is sent in this order; the rows that were sent can be sorted")
                }
                None => Err("There is no row to sort"),
            },
            Screen::Messages | Screen::Timeline => {
                Err("These rows are a part of the log, which has its own order")
            }
            Screen::Activity => Err("These are the newest lines, in the order of their time"),
            Screen::Flow => Err("There is no list to sort"),
        }
    }

    /// How a list is sorted, if a person chose so.
    #[must_use]
    pub fn sort(&self, list: List) -> Option<Sort> {
        self.sorts.get(&list).copied()
    }

    /// How the store is to sort the letters.
    pub(super) fn letter_order(&self) -> Option<LetterOrder> {
        let sort = self.sort(List::Letters)?;
        let by = match sort.column {
            1 => LetterColumn::Key,
            2 => LetterColumn::Type,
            3 => LetterColumn::From,
            4 => LetterColumn::Failed,
            5 => LetterColumn::Attempts,
            _ => LetterColumn::Status,
        };
        Some(LetterOrder {
            by,
            down: sort.down,
        })
    }

    /// Sorts by the next column; after the last, the list's own order comes back.
    pub(super) fn sort_next(&mut self) {
        let Ok(list) = self.list() else { return };
        let columns = list.columns();
        let at = self
            .sort(list)
            .and_then(|s| columns.iter().position(|(c, _)| *c == s.column));
        match columns.get(at.map_or(0, |at| at + 1)) {
            Some(&(column, down)) => {
                self.sorts.insert(list, Sort { column, down });
            }
            None => drop(self.sorts.remove(&list)),
        }
        self.resorted(list);
    }

    /// The same column the other way round.
    pub(super) fn sort_reverse(&mut self) {
        let Ok(list) = self.list() else { return };
        if let Some(sort) = self.sorts.get_mut(&list) {
            sort.down = !sort.down;
        }
        self.resorted(list);
    }

    fn resorted(&mut self, list: List) {
        if list == List::Letters {
            // The window that is here is of the order before.
            self.letters.from = 0;
            self.letters.letter.clear();
        }
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            (-9i32..9).prop_map(|n| Value::Number(n.into())),
            "[a-c]{0,2}".prop_map(Value::Text),
            Just(Value::Unknown),
        ]
    }

    proptest! {
        #[test]
        fn the_unknown_stands_last_whichever_way(mut values in prop::collection::vec(value(), 0..20), down: bool) {
            let sort = Sort { column: 1, down };
            values.sort_by(|a, b| sort.order(a, b));
            let first = values.iter().position(|v| *v == Value::Unknown).unwrap_or(values.len());
            prop_assert!(values[first..].iter().all(|v| *v == Value::Unknown));
        }
    }
}
