//! What a row has in each column of its table, as far as it is sorted by it.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::Value;
use crate::domain::letter::Cause;
use crate::domain::operation::{AuditRow, Operation};
use crate::domain::stored::SentRow;
use crate::snapshot::{Consumer, Percentiles, Topic};
use crate::tui::lag_rows::LagRow;

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
        1 => count(it.partitions as u64),
        2 => it.records().map_or(Value::Unknown, count),
        3 => it.rate.into(),
        _ => Value::Unknown,
    }
}

/// What a row of the outbox that was sent has in a column of its table.
#[must_use]
pub fn of_sent(column: usize, it: &SentRow) -> Value {
    match column {
        0 => text(&it.aggregate_id),
        1 => text(&it.event_type),
        // A topic's partitions and offsets in their order, not their digits'.
        2 => text(&format!(
            "{}\0{:010}\0{:019}",
            it.topic, it.partition, it.offset
        )),
        3 => Value::Number(it.seq as f64),
        4 => (it.sent_at - it.created_at)
            .to_std()
            .map_or(Value::Unknown, |delay| Value::Number(delay.as_secs_f64())),
        5 => time(it.sent_at),
        _ => Value::Unknown,
    }
}

/// What a row of the audit log has in a column of its table.
#[must_use]
pub fn of_audit(column: usize, it: &AuditRow) -> Value {
    match column {
        0 => time(it.at),
        1 => text(&it.who),
        2 => text(&it.action),
        3 => text(&it.detail),
        4 => it.outcome.as_deref().map_or(Value::Unknown, text),
        _ => Value::Unknown,
    }
}

/// What an operation has in a column of the operations' table.
#[must_use]
pub fn of_operation(column: usize, it: &Operation) -> Value {
    let (done, all) = (it.done(), it.counts.total);
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

fn count(n: u64) -> Value {
    Value::Number(n as f64)
}

fn text(text: &str) -> Value {
    Value::Text(text.to_lowercase())
}
