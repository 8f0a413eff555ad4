//! Sorting a list by one of its columns. What is unknown stands last, whichever way; a list without a
//! chosen column keeps its own order. Each list remembers its choice. The rule: what is sorted is all there
//! is, here or by the store; a window of a longer list is not, since its end would look like the list's.

use std::cmp::Ordering;
use std::time::Duration;

use chrono::{DateTime, Utc};

use super::app::App;
use super::lag_rows::LagRow;
use super::messages::Level;
use super::views::{Depth, Pane};
use crate::command::Screen;
use crate::domain::letter::{Cause, LetterColumn, LetterOrder};
use crate::domain::operation::Operation;
use crate::snapshot::{Consumer, Percentiles, Topic};

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
}

impl List {
    pub const ALL: [Self; 6] = [
        Self::Lag,
        Self::Consumers,
        Self::Causes,
        Self::Letters,
        Self::Topics,
        Self::Operations,
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
            Self::Topics => &[(0, false), (1, true)],
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

fn count(n: u64) -> Value {
    Value::Number(n as f64)
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

/// What a lag row has in a column of the lag table.
#[must_use]
pub fn of_lag(column: usize, row: &LagRow<'_>) -> Value {
    let (numbers, verdict) = (row.numbers(), row.verdict());
    let seconds = |time: Option<Duration>| time.map(|t| t.as_secs_f64()).into();
    match column {
        0 => match (row.topic, row.partition) {
            (_, Some(partition)) => Value::Number(partition.partition.into()),
            (Some(topic), None) => Value::Text(topic.topic.to_lowercase()),
            _ => Value::Text(row.group.group.to_lowercase()),
        },
        1 => numbers.lag.map_or(Value::Unknown, count),
        2 => seconds(numbers.time),
        3 => numbers.rate_in.into(),
        4 => numbers.rate_out.into(),
        6 => seconds(numbers.eta),
        7 => Value::Number(f64::from(verdict.kind as u8)),
        _ => Value::Unknown,
    }
}

/// What a consumer has in a column of the consumers' table.
#[must_use]
pub fn of_consumer(column: usize, label: &str, it: &Consumer) -> Value {
    let time =
        |pick: fn(&Percentiles) -> Duration| it.latency.map(|l| pick(&l).as_secs_f64()).into();
    match column {
        0 => Value::Text(label.to_lowercase()),
        1 => Value::Text(it.state.name().to_owned()),
        2 => it.events_per_s.into(),
        3 => it.errors_per_s.into(),
        4 => time(|l| l.p50),
        5 => time(|l| l.p99),
        6 => count(it.retries),
        7 => count(it.duplicates),
        8 => count(it.dead),
        9 => count(it.held.len() as u64),
        10 => count(it.assigned.len() as u64),
        _ => Value::Unknown,
    }
}

/// What a cause has in a column of the causes' table.
#[must_use]
pub fn of_cause(column: usize, it: &Cause) -> Value {
    let text = |text: &str| Value::Text(text.to_lowercase());
    match column {
        0 => text(&format!("{}: {}", it.code, it.title)),
        1 => count(it.count),
        2 => count(it.per_minute.iter().copied().map(u64::from).sum()),
        3 => time(it.first),
        4 => time(it.last),
        5 => it.group.as_deref().map_or(Value::Unknown, text),
        // As it is said: what is redriven, then what is parked.
        6 => Value::Number(it.redriving as f64 * 1e9 + it.parked as f64),
        _ => Value::Unknown,
    }
}

/// What a topic has in a column of the topics' table.
#[must_use]
pub fn of_topic(column: usize, it: &Topic) -> Value {
    match column {
        0 => Value::Text(it.name.to_lowercase()),
        1 => it.rate.into(),
        _ => Value::Unknown,
    }
}

/// What an operation has in a column of the operations' table.
#[must_use]
pub fn of_operation(column: usize, it: &Operation) -> Value {
    let (done, all) = (it.counts.settled(), it.counts.total);
    match column {
        1 => Value::Text(format!("{} {}", it.kind.name(), it.what).to_lowercase()),
        2 => Value::Text(it.state.name().to_owned()),
        3 if all > 0 => Value::Number(done as f64 / all as f64),
        4 => count(it.counts.failed_again + it.counts.unknown + it.counts.refused),
        5 => Value::Text(it.target.to_lowercase()),
        6 => time(it.created_at),
        _ => Value::Unknown,
    }
}

fn time(at: DateTime<Utc>) -> Value {
    Value::Number(at.timestamp_micros() as f64)
}

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
            Screen::Outbox => Err(
                "These are the next to be sent and the last that were, not all: their order is the outbox's",
            ),
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
