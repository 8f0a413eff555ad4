//! What goes into the store and comes out of it, beside the domain's own records.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::envelope::Envelope;
use crate::domain::event::Event;
use crate::domain::fault::Fault;
use crate::domain::letter::{Letter, LetterBody};
use crate::domain::money::Money;
use crate::domain::position::Position;
use crate::domain::stored::StoredEvent;
use crate::store::Part;

/// How to reach the store.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreSettings {
    /// `sqlite:path/to/file.db`; the file is made when it is not there. Or
    /// `postgres://user:password@host:port/database?sslmode=verify-full`, with libpq's parameters.
    pub url: String,
    /// What a database server calls us: PostgreSQL's `application_name`.
    pub name: String,
    /// Neither creates, migrates nor writes: every write is refused by the database.
    pub read_only: bool,
    /// How long a write waits for another process's transaction before it is unavailable.
    pub busy_timeout: Duration,
    /// Whether a commit is on disk before it is answered; a stack that ends with its process needs no
    /// such thing.
    pub durable: bool,
    /// Whether each statement is told to the log, at level debug: to find what is slow, or reads too much.
    pub statements: bool,
}

impl StoreSettings {
    /// Read and write, waiting five seconds for a lock.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: "evtop".into(),
            read_only: false,
            busy_timeout: Duration::from_secs(5),
            durable: true,
            statements: false,
        }
    }
}

// An address may hold a password.
impl fmt::Debug for StoreSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.url.split_once(':').map_or("***", |(kind, _)| kind);
        f.debug_struct("StoreSettings")
            .field("url", &format_args!("{kind}:***"))
            .field("name", &self.name)
            .field("read_only", &self.read_only)
            .field("busy_timeout", &self.busy_timeout)
            .field("durable", &self.durable)
            .field("statements", &self.statements)
            .finish()
    }
}

/// Where a stream must stand for an append to go ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Wherever it stands.
    Any,
    /// It must not exist yet.
    NoStream,
    /// Exactly at this version; 0 is the same as [`Expected::NoStream`].
    Exact(i64),
}

/// Which page of the event store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Page {
    /// The newest events.
    Newest,
    /// The events just before this position.
    Before(Position),
    /// The events just after this position.
    After(Position),
}

/// A page of events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventPage {
    pub rows: Vec<StoredEvent>,
    /// No matching event is older than the first row.
    pub at_start: bool,
    /// No matching event is newer than the last row.
    pub at_end: bool,
}

/// How many events match, and what they span.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventCount {
    pub count: u64,
    pub first: Option<Position>,
    pub last: Option<Position>,
    /// Oldest and newest by the envelope's timestamp.
    pub first_at: Option<DateTime<Utc>>,
    pub last_at: Option<DateTime<Utc>>,
    /// When the first of them was written down.
    pub recorded_from: Option<DateTime<Utc>>,
}

/// A shard of the outbox, and who relays it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShardOwner {
    pub part: Part,
    /// Who, and for how long it has not said that it is alive; `None`: nobody.
    pub owner: Option<(String, Duration)>,
}

/// Whose open transaction keeps readers of the newest events waiting. What the server does not tell is
/// `None`: to see other people's sessions takes the role `pg_read_all_stats`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TailHolder {
    /// The session's process on the server; a prepared transaction has none.
    pub pid: Option<i32>,
    /// What the session calls itself, or the prepared transaction's name.
    pub name: Option<String>,
    pub database: Option<String>,
    /// `active`, `idle in transaction`, `prepared`.
    pub state: Option<String>,
    /// How long its transaction has been open.
    pub age: Option<Duration>,
}

/// Who keeps readers waiting, and what to do about it.
impl fmt::Display for TailHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hidden = "somebody whom the server does not show";
        let name = self.name.as_deref().unwrap_or(hidden);
        write!(f, "new events wait for {name}")?;
        if let Some(database) = &self.database {
            write!(f, " in {database}")?;
        }
        write!(f, " ({}", self.state.as_deref().unwrap_or("state unknown"))?;
        if let Some(age) = self.age {
            write!(f, " for {} s", age.as_secs())?;
        }
        match (self.pid, self.state.as_deref()) {
            (Some(pid), _) => write!(f, "): end it, or SELECT pg_terminate_backend({pid})"),
            (None, Some("prepared")) => write!(f, "): COMMIT or ROLLBACK PREPARED '{name}'"),
            (None, _) => f.write_str("): give this role pg_read_all_stats to see who"),
        }
    }
}

/// The newest event's transaction and the server's next, which should be higher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restored {
    pub newest_tx: i64,
    pub next_tx: i64,
}

/// Where the broker put an outbox row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    pub seq: i64,
    pub partition: i32,
    pub offset: i64,
}

/// How much waits to be published, and since when.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutboxSummary {
    pub pending: u64,
    /// When the oldest waiting row was written.
    pub oldest: Option<DateTime<Utc>>,
}

/// The letter and the attempt that a redriven record carries in its headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedriveRef {
    pub letter: Uuid,
    pub redrive: Uuid,
}

/// One event for one service.
#[derive(Clone, Debug)]
pub struct Work<'a> {
    pub envelope: &'a Envelope,
    pub event: &'a Event,
    /// What makes it once-only: the event's id, or `event id:replay id` for a forced replay.
    pub message_id: String,
    /// Set on a redriven record: passes a blocked key, and its outcome is reported to the letter.
    pub redrive: Option<RedriveRef>,
    /// The operation whose counters hear of it.
    pub replay: Option<Uuid>,
    /// The record's key; `None` and empty block nothing and are not blocked.
    pub key: Option<Vec<u8>>,
}

/// What became of one [`Work`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// Its effects are written.
    Done,
    /// It had been handled before: nothing is written.
    Duplicate,
    /// The service refuses it: nothing is written.
    Fault(Fault),
    /// Its key waits behind this letter: nothing is written; see [`super::Store::queue_behind`].
    Blocked(Uuid),
    /// An earlier event of its key in the same batch got a fault: nothing is written. Hand it in again
    /// once that one's fate is settled.
    Held,
}

/// What became of a row that was to wait behind its key's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queued {
    /// It waits; its offset may be stored.
    Queued,
    /// The key is free by now: handle the event instead.
    Released,
    /// As many rows wait as may: hold the partition.
    Full,
}

/// Most rows that wait behind one key.
pub const QUEUE_DEPTH: u64 = 1024;

/// A product in the warehouse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockRow {
    pub product_id: String,
    pub available: i64,
    pub reserved: i64,
}

/// An order as it was accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    pub order_id: String,
    pub customer_id: String,
    pub total: Money,
    pub currency: String,
    pub item_count: u32,
    pub status: String,
    pub created_at: DateTime<Utc>,
}

/// A mail that was sent or, without address, would have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailRow {
    pub id: i64,
    pub message_id: String,
    pub order_id: String,
    pub recipient: Option<String>,
    pub subject: String,
    pub at: DateTime<Utc>,
}

/// What one instance's worker last said of itself; `report` is whatever its process wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerReport {
    pub instance: String,
    pub at: DateTime<Utc>,
    pub report: String,
}

/// What a person wants of a service, wherever it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsumerWish {
    pub service: String,
    pub paused: bool,
    pub at: DateTime<Utc>,
    pub who: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_holds_readers_up_is_told_with_the_remedy() {
        let mut holder = TailHolder {
            pid: Some(77),
            name: Some("psql".into()),
            database: Some("shop".into()),
            state: Some("idle in transaction".into()),
            age: Some(Duration::from_secs(90)),
        };
        assert_eq!(
            holder.to_string(),
            "new events wait for psql in shop (idle in transaction for 90 s): end it, or SELECT \
             pg_terminate_backend(77)"
        );
        (holder.pid, holder.state) = (None, Some("prepared".into()));
        assert!(
            holder
                .to_string()
                .ends_with("COMMIT or ROLLBACK PREPARED 'psql'")
        );
        let hidden = TailHolder {
            pid: None,
            name: None,
            database: None,
            state: None,
            age: None,
        };
        assert_eq!(
            hidden.to_string(),
            "new events wait for somebody whom the server does not show (state unknown): give this role \
             pg_read_all_stats to see who"
        );
    }
}

/// Letters on the way through all of them, in the order in which they were written down.
#[derive(Clone, Debug, Default)]
pub struct LetterPage {
    /// Without bodies where none were asked for.
    pub rows: Vec<(Letter, LetterBody)>,
    /// After which row the next page begins; `None` at the end.
    pub next: Option<i64>,
}
