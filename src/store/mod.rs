//! Everything that must not be forgotten: events, outbox, inbox, stock, dead letters, operations and
//! the audit. The only user of sqlx. `sql/` has every operation once, compiled for each database;
//! `sqlite/` and `postgres/` have what differs: how to connect, words and types, locks. Whatever belongs
//! together is one transaction here, so that a crash leaves all of it or none.

mod error;
mod failure;
mod postgres;
mod shard;
mod sqlite;
mod types;
mod words;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::error::StoreError;
use self::failure::ACQUIRE_TIMEOUT;
use self::postgres::Postgres;
pub use self::shard::{Part, Shard};
use self::sqlite::Sqlite;
pub use self::types::{
    Ack, Applied, ConsumerWish, EmailRow, EventCount, EventPage, Expected, Item, ItemState,
    LetterPage, OrderRow, OutboxSummary, Page, QUEUE_DEPTH, Queued, RedriveRef, Restored,
    ShardOwner, StockRow, StoreSettings, TailHolder, Work, WorkerReport,
};
use crate::clock::Clock;
use crate::domain::envelope::Envelope;
use crate::domain::letter::{Cause, DlqPlace, Letter, LetterBody, LetterFilter, LetterStatus};
use crate::domain::operation::{AuditRow, Counts, Operation, OperationState};
use crate::domain::position::Position;
use crate::domain::service::Service;
use crate::domain::service::analytics::Window;
use crate::domain::stored::{BlockedKey, EventFilter, OutboxRow, SentRow, StoredEvent};

/// The store, whichever database it is. Cheap to clone: clones share their connections.
#[derive(Clone, Debug)]
pub enum Store {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

impl Store {
    /// Connects, makes what is missing and brings the schema up to date.
    pub async fn open(settings: &StoreSettings) -> Result<Self, StoreError> {
        match settings.url.split_once(':') {
            Some(("sqlite", path)) => {
                let path = path.strip_prefix("//").unwrap_or(path);
                Sqlite::open(path, settings).await.map(Self::Sqlite)
            }
            Some(("postgres" | "postgresql", _)) => {
                Postgres::open(settings).await.map(Self::Postgres)
            }
            // The address itself may hold a password.
            _ => Err(StoreError::Other(
                "store.url names no store; use sqlite:path/to/file.db or postgres://user:password@host:port/database"
                    .into(),
            )),
        }
    }

    /// The name of its kind: `sqlite` or `postgres`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Sqlite(_) => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }

    /// Waits for what runs and lets go of the database.
    pub async fn close(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        }
    }
}

/// Makes one method of [`Store`] for each operation, which hands it to the variant.
macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident($($argument:ident: $type:ty),* $(,)?) -> $out:ty;)*) => {
        impl Store {
            $($(#[$doc])*
            pub async fn $name(&self, $($argument: $type),*) -> Result<$out, StoreError> {
                match self {
                    Self::Sqlite(sqlite) => sqlite.$name($($argument),*).await,
                    Self::Postgres(postgres) => postgres.$name($($argument),*).await,
                }
            })*
        }
    };
}

// The store as such, and what the services know.
operations! {
    /// Asks for an answer, whichever; fails when there is none.
    probe() -> ();
    /// Gives products their first stock; those that exist are left alone.
    seed_stock(stock: &[(String, i64)]) -> ();
    /// The warehouse, by product.
    stock() -> Vec<StockRow>;
    /// An accepted order.
    order(order_id: &str) -> Option<OrderRow>;
    /// The newest mails, newest first.
    emails_newest(limit: u32) -> Vec<EmailRow>;
    /// The newest windows of analytics, newest first.
    windows_newest(limit: u32) -> Vec<Window>;
}

// Event store.
operations! {
    /// Appends to one stream in one transaction: versions are assigned, outbox rows written where
    /// `publish` says so, and an order's summary. Returns the events as they are stored.
    append(
        stream: &str,
        expected: Expected,
        events: &[Envelope],
        publish: bool,
        now: DateTime<Utc>,
    ) -> Vec<StoredEvent>;
    /// The same for many events at once, each to its own stream wherever that stands: all or none.
    append_many(events: &[Envelope], publish: bool, now: DateTime<Utc>) -> Vec<StoredEvent>;
    /// A page of at most `limit` events.
    events(filter: &EventFilter, page: Page, limit: u32) -> EventPage;
    /// The event at exactly this position.
    event(position: Position) -> Option<StoredEvent>;
    /// The event just before `version` in its stream.
    previous_in_stream(stream: &str, version: i64) -> Option<StoredEvent>;
    /// A stream from its first event to `version`, inclusive.
    stream_until(stream: &str, version: i64) -> Vec<StoredEvent>;
    /// Counts what matches; reads all of it, so ask rarely.
    count_events(filter: &EventFilter) -> EventCount;
    /// How many events and, where that is known cheaply, streams there are.
    totals() -> (u64, Option<u64>);
    /// Who keeps readers of the newest events waiting for this long or longer; `None` when nobody does,
    /// or nothing waits. A page of events never shows what such a transaction might still come before.
    tail_held_by(at_least: Duration) -> Option<TailHolder>;
    /// Whether the events come from another server's dump: readers would wait for transactions that this
    /// one has not reached, and new events would stand before old ones.
    restored() -> Option<Restored>;
    /// Mends that: all events are put before any transaction, in the order of their numbers. Returns how
    /// many. Positions that were noted elsewhere are void.
    mend_restored() -> u64;
}

// Outbox.
operations! {
    /// A shard of the outbox for this relay, once all have agreed that there are so many; `None` when
    /// each is somebody's. One whose relay has been silent for `silence` is taken from it.
    claim_shard(owner: &str, shards: u32, silence: Duration) -> Option<Shard>;
    /// Every shard and who has it, in any process; none where the store has one relay by nature, or no
    /// relay ever ran.
    shard_owners() -> Vec<ShardOwner>;
    /// Changes how many shards there are; [`StoreError::Busy`] while any is held.
    set_shards(shards: u32) -> ();
    /// The oldest rows of a part to be published, without those of keys that are held back at `now`.
    outbox_batch(part: Part, limit: u32, now: DateTime<Utc>) -> Vec<OutboxRow>;
    /// Moves acknowledged rows to the sent ones, and frees a key whose head they were.
    outbox_ack(acks: &[Ack], now: DateTime<Utc>) -> ();
    /// Holds a key back, or replaces how it is held.
    outbox_block(key: &BlockedKey) -> ();
    /// Lets a key go on at once.
    outbox_unblock(aggregate_id: &str) -> ();
    /// The keys that are held back.
    outbox_blocked() -> Vec<BlockedKey>;
    /// How much waits, and since when.
    outbox_summary() -> OutboxSummary;
    /// The oldest waiting rows, held back or not.
    outbox_head(limit: u32) -> Vec<OutboxRow>;
    /// The newest sent rows, newest first.
    outbox_sent_newest(limit: u32) -> Vec<SentRow>;
    /// Forgets rows sent before then; returns how many.
    prune_sent(before: DateTime<Utc>) -> u64;
}

// Consuming.
operations! {
    /// One batch for one service in one transaction; the answers are in the order of `work`. An event
    /// whose service refuses it, or whose key waits, leaves no trace; the others stand. Ids of what is
    /// emitted come from `clock`.
    apply(service: Service, work: &[Work<'_>], now: DateTime<Utc>, clock: &Clock) -> Vec<Applied>;
    /// Which of these messages this consumer has handled.
    handled(group: &str, ids: &[&str]) -> HashSet<String>;
    /// Forgets which messages were handled before then; returns how many.
    prune_inbox(before: DateTime<Utc>) -> u64;
}

// Dead letters.
operations! {
    /// Writes down a failed event and blocks its key. The same letter again is the same row; with
    /// `redrive` it is the report that the redrive failed: parked after the third, else unresolved.
    bury(letter: &Letter, body: &LetterBody, redrive: Option<RedriveRef>) -> ();
    /// Lets events wait behind their key's head while the key's block stands; one answer for each. A
    /// queue is never full while its head is being redriven.
    queue_behind(rows: &[(Letter, LetterBody)]) -> Vec<Queued>;
    /// Takes over letters as the dead-letter topic has them. What is known of a letter's fate stays,
    /// unless the topic knows of a later failure.
    index_letters(rows: &[(Letter, LetterBody)]) -> ();
    /// The newest record of each dead-letter partition that a letter stands for.
    letters_indexed() -> Vec<DlqPlace>;
    /// Letters from the `from`-th on, as the filter orders them, and how many match in all.
    letters(filter: &LetterFilter, from: u64, limit: u32) -> (Vec<Letter>, u64);
    /// A letter and its bytes.
    letter(id: Uuid) -> Option<(Letter, LetterBody)>;
    /// How many rows of its key wait behind this letter.
    behind(id: Uuid) -> u64;
    /// A page of at most `limit` letters of those that came after the `after`-th row, 0 for the first page;
    /// for whoever goes through all of them while they change.
    letter_page(filter: &LetterFilter, after: i64, limit: u32, bodies: bool) -> LetterPage;
    /// The letters that failed last, and when.
    letters_by_failure(filter: &LetterFilter, limit: u32) -> Vec<(Uuid, DateTime<Utc>)>;
    /// The first rows of its key that wait behind this letter, in their order.
    letters_behind(head: Uuid, limit: u32) -> Vec<Letter>;
    /// Of the archived ones among these letters: how many later letters of their keys went on since.
    gone_on(ids: &[Uuid]) -> u64;
    /// Letters that failed themselves by cause, most first, and how many causes there are.
    causes(filter: &LetterFilter, limit: u32, now: DateTime<Utc>) -> (Vec<Cause>, u64);
    /// Puts letters away that are open and not on their way, and with `behind` also what waits behind
    /// them; else that goes on. Returns how many of each were put away.
    archive(ids: &[Uuid], reason: &str, behind: bool) -> (u64, u64);
    /// Makes archived letters open again, each as it was; they hold their keys again. Returns how many.
    unarchive(ids: &[Uuid]) -> u64;
    /// Writes a note down on a letter, or takes it off; false when there is no such letter.
    note(id: Uuid, text: Option<&str>) -> bool;
    /// How many letters stand in each status; those without are left out.
    letter_counts() -> Vec<(LetterStatus, u64)>;
    /// How many letters failed for the first time at or after `since`.
    letters_since(since: DateTime<Utc>) -> u64;
    /// How many keys of this group wait behind a letter.
    blocked_keys(group: &str) -> u64;
    /// Which of these keys are blocked for this group, and by which letter each.
    blocked_heads(group: &str, keys: &[&[u8]]) -> HashMap<Vec<u8>, Uuid>;
    /// The row whose turn it is in this key's queue; `None` while a letter that failed is at its head.
    next_behind(group: &str, key: &[u8]) -> Option<Letter>;
    /// Rows that waited and are now the oldest of their key: nothing but a redrive is missing.
    ready_letters(limit: u32) -> Vec<Letter>;
}

// Operations and audit.
operations! {
    /// Writes an operation down with its frozen items, each a redrive id and a letter's id.
    /// [`StoreError::Busy`] when an unfinished redrive holds a dead-letter topic of these letters.
    create_operation(operation: &Operation, items: &[(Uuid, Uuid)]) -> ();
    /// One operation with its counts of this moment.
    operation(id: Uuid) -> Option<Operation>;
    /// Unfinished ones first, then the newest.
    operations(limit: u32) -> Vec<Operation>;
    /// What a restart must go on with, oldest first.
    unfinished_operations() -> Vec<Operation>;
    /// The unfinished ones that nobody said to drive since then, nor began, oldest first.
    silent_operations(since: DateTime<Utc>) -> Vec<Operation>;
    /// Says that it is being driven.
    beat(id: Uuid, now: DateTime<Utc>) -> ();
    /// Moves an unfinished operation on; false when it was over already. A note replaces the earlier
    /// one. An end gives letters that were queued and never sent back to triage.
    set_operation_state(
        id: Uuid,
        state: OperationState,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> bool;
    /// Adds to the counters of an injection or replay; a redrive's come from its items.
    bump_operation(id: Uuid, by: &Counts) -> ();
    /// Asks whoever runs it to stop; false when there is nothing to stop.
    request_cancel(id: Uuid) -> bool;
    /// Whether somebody asked for it to stop.
    cancel_requested(id: Uuid) -> bool;
    /// Asks whoever runs it to stand still, or to go on; false when it is over.
    pause_operation(id: Uuid, paused: bool) -> bool;
    /// Whether somebody asked for it to stand still.
    pause_requested(id: Uuid) -> bool;
    /// The items to send next: planned ones and those queued before a crash.
    next_items(operation: Uuid, limit: u32) -> Vec<Item>;
    /// One item.
    item(redrive: Uuid) -> Option<Item>;
    /// The items that were sent and not reported.
    in_flight_items(operation: Uuid) -> Vec<Item>;
    /// The items that were sent, reported or not.
    sent_items(operation: Uuid) -> Vec<Item>;
    /// Adds a letter to a running redrive; false when it is in it already and not settled, or was under
    /// the same id.
    add_item(operation: Uuid, redrive: Uuid, letter: Uuid) -> bool;
    /// Marks item and letter queued and counts the redrive, once. False, and the item is refused, when
    /// the letter no longer wants a redrive.
    item_queued(redrive: Uuid) -> bool;
    /// The broker acknowledged it there; a report that came sooner stays.
    item_sent(redrive: Uuid, topic: &str, partition: i32, offset: i64) -> ();
    /// It is not sent, and why. A letter that was queued for it waits for a person now, even one that
    /// only waited for its turn: sent on by itself, it would be refused again and again.
    item_refused(redrive: Uuid, reason: &str) -> ();
    /// The group passed it without a report; a report that came sooner or later stays.
    item_unknown(redrive: Uuid) -> ();
    /// Replaces what this instance's workers say of themselves: service and report. None at all: it ends.
    report_workers(instance: &str, reports: &[(String, String)], now: DateTime<Utc>) -> ();
    /// What workers said at or after `since`, by service.
    worker_reports(since: DateTime<Utc>) -> Vec<WorkerReport>;
    /// Notes what a person wants of a service; the last one counts.
    wish_consumer(service: &str, paused: bool, who: &str, now: DateTime<Utc>) -> ();
    /// What persons want, by service; those that nobody asked anything of are left out.
    consumer_wishes() -> Vec<ConsumerWish>;
    /// Forgets what workers said before then; returns how many.
    prune_reports(before: DateTime<Utc>) -> u64;
    /// Adds a line to the audit.
    audit(
        at: DateTime<Utc>,
        request_id: Uuid,
        who: &str,
        action: &str,
        detail: &str,
        outcome: Option<&str>,
    ) -> ();
    /// The newest lines, newest first.
    audit_rows(limit: u32) -> Vec<AuditRow>;
}
