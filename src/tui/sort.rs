//! Sorting a list by one of its columns. What is unknown stands last, whichever way; a list without a
//! chosen column keeps its own order. Each screen remembers its choice.

use std::cmp::Ordering;
use std::time::Duration;

use super::app::App;
use super::lag_rows::LagRow;
use crate::command::Screen;
use crate::snapshot::{Consumer, Percentiles};

/// By which column of the screen's table, and whether the largest comes first.
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

/// The columns that a screen's list can be sorted by, by their place in its table.
#[must_use]
pub fn columns(screen: Screen) -> &'static [usize] {
    match screen {
        Screen::Lag => &[0, 1, 2, 3, 4, 6, 7],
        Screen::Consumers => &[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
        _ => &[],
    }
}

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

impl App {
    /// How the list of a screen is sorted, if a person chose so.
    #[must_use]
    pub fn sort(&self, screen: Screen) -> Option<Sort> {
        self.sorts.get(&screen.tab().0).copied()
    }

    /// Sorts by the next column; after the last, the list's own order comes back. Numbers begin with the
    /// largest, names with the first.
    pub(super) fn sort_next(&mut self) {
        let columns = columns(self.screen);
        let at = self
            .sort(self.screen)
            .and_then(|s| columns.iter().position(|c| *c == s.column));
        let next = at.map_or(0, |at| at + 1);
        let screen = self.screen.tab().0;
        match columns.get(next) {
            Some(&column) => {
                let down = column > 0;
                self.sorts.insert(screen, Sort { column, down });
            }
            None => drop(self.sorts.remove(&screen)),
        }
        self.settle();
    }

    /// The same column the other way round.
    pub(super) fn sort_reverse(&mut self) {
        if let Some(sort) = self.sorts.get_mut(&self.screen.tab().0) {
            sort.down = !sort.down;
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
