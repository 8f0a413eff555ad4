//! Everything that must not be forgotten: events, outbox, inbox, stock, dead letters, operations and
//! the audit. The only user of sqlx. `sql/` has every operation once, compiled for each database;
//! `sqlite/` and `postgres/` have what differs: how to connect, words and types, locks. Whatever belongs
//! together is one transaction here, so that a crash leaves all of it or none.

mod error;
mod failure;
mod postgres;
mod progress;
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
pub use self::progress::{Granted, Item, ItemState, ReplayTurn, Turn, Wish};
pub use self::shard::{Part, Shard};
use self::sqlite::Sqlite;
pub use self::types::{
    Ack, Applied, ConsumerWish, EmailRow, EventCount, EventPage, Expected, LetterPage, OrderRow,
    OutboxSummary, Page, QUEUE_DEPTH, Queued, RedriveRef, Restored, ShardOwner, StockRow,
    StoreSettings, TailHolder, Work, WorkerReport,
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
    /// Forgets which messages were handled before then, and notes that; returns how many.
    prune_inbox(before: DateTime<Utc>) -> u64;
    /// What was handled before this time may be forgotten; `None`: nothing is.
    inbox_forgotten() -> Option<DateTime<Utc>>;
}

// Dead letters.
operations! {
    /// Writes down a failed event and blocks its key. The same letter again is the same row; with
    /// `redrive` it is the report that the redrive failed: parked after the third, else unresolved; with `replay`,
    /// the message's id and the operation that brought it, it is counted there once.
    bury(
        letter: &Letter,
        body: &LetterBody,
        redrive: Option<RedriveRef>,
        replay: Option<(&str, Uuid)>,
    ) -> ();
    /// Lets events wait behind their key's head while the key's block stands; one answer for each. A
    /// queue is never full while its head is being redriven.
    queue_behind(rows: &[(Letter, LetterBody)]) -> Vec<Queued>;
    /// Takes over letters as the dead-letter topic has them. What is known of a letter's fate stays,
    /// unless the topic knows of a later failure.
    index_letters(rows: &[(Letter, LetterBody)]) -> ();
    /// The newest record of each dead-letter partition that a letter stands for.
    letters_indexed() -> Vec<DlqPlace>;
    /// Letters from the `from`-th on, as the filter orders them, and how many match in all; a typed filter and an
    /// order look through the newest alone ([`crate::domain::letter::NEWEST`]).
    letters(filter: &LetterFilter, from: u64, limit: u32) -> (Vec<Letter>, u64);
    /// A letter and its bytes.
    letter(id: Uuid) -> Option<(Letter, LetterBody)>;
    /// How many rows of its key wait behind this letter.
    behind(id: Uuid) -> u64;
    /// A page of at most `limit` letters of those that came after the `after`-th row, 0 for the first page;
    /// for whoever goes through all of them while they change.
    letter_page(filter: &LetterFilter, after: i64, limit: u32, bodies: bool) -> LetterPage;
    /// How many letters a filter looks through: where it is typed, at most [`crate::domain::letter::NEWEST`].
    letters_looked_through(filter: &LetterFilter) -> u64;
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
    /// The row (`seq`) of the newest letter; 0 when there is none.
    newest_letter() -> i64;
    /// How many letters stand in each status; those without are left out.
    letter_counts() -> Vec<(LetterStatus, u64)>;
    /// How many letters failed for the first time in the second of `since` or later, an hour ago at most.
    letters_since(since: DateTime<Utc>) -> u64;
    /// How many keys of this group wait behind a letter.
    blocked_keys(group: &str) -> u64;
    /// Which of these keys are blocked for this group, and by which letter each.
    blocked_heads(group: &str, keys: &[&[u8]]) -> HashMap<Vec<u8>, Uuid>;
    /// Sums up what changed in how many letters and items stand where, so that the next sums are short; forgets
    /// how many failed in each second of more than an hour ago.
    tidy_tallies() -> ();
    /// The row whose turn it is in this key's queue; `None` while a letter that failed is at its head.
    next_behind(group: &str, key: &[u8]) -> Option<Letter>;
    /// Rows that waited and are now the oldest of their key: nothing but a redrive is missing.
    ready_letters(limit: u32) -> Vec<Letter>;
}

// Operations and audit.
operations! {
    /// Writes an operation down with its frozen items, each a redrive id and a letter's id. `owner` drives it from
    /// here on, under epoch 1; without one it is anybody's.
    /// [`StoreError::Busy`] when an unfinished redrive holds a dead-letter topic of these letters.
    create_operation(
        operation: &Operation,
        items: &[(Uuid, Uuid)],
        owner: Option<&str>,
    ) -> ();
    /// One operation with its counts of this moment.
    operation(id: Uuid) -> Option<Operation>;
    /// Unfinished ones first, then the newest.
    operations(limit: u32) -> Vec<Operation>;
    /// How many redrives are not over.
    unfinished_redrives() -> u64;
    /// The unfinished ones that nobody drives, or whose driver has been silent for so long by the database's clock,
    /// with that driver; oldest first.
    undriven_operations(silence: Duration) -> Vec<(Operation, Option<String>)>;
    /// Makes this process the one that drives an operation, unless another does that was heard of since `silence`.
    /// Returns the epoch under which it drives, or `None`.
    claim_operation(id: Uuid, owner: &str, silence: Duration) -> Option<i64>;
    /// Says that it is being driven; false when another drives it by now, or it is over.
    beat(id: Uuid, epoch: i64) -> bool;
    /// Lets another drive it at once.
    release_operation(id: Uuid, epoch: i64) -> ();
    /// Says that this process takes over what nobody drives.
    driver_beat(instance: &str) -> ();
    /// Says that it no longer does.
    driver_gone(instance: &str) -> ();
    /// How many processes take over what nobody drives, by what they said since `silence`.
    drivers(silence: Duration) -> u64;
    /// Pauses, resumes or cancels an operation, by its state of this moment. Cancelled, it is over: what was not
    /// sent is left, and what is on its way is settled as it comes in.
    ask_operation(id: Uuid, wish: Wish, now: DateTime<Utc>) -> Granted;
    /// Ends an operation; a note replaces the earlier one. To complete, nothing may be left to do: else false.
    /// [`StoreError::Lost`] where another drives it.
    finish_operation(
        id: Uuid,
        epoch: i64,
        state: OperationState,
        note: Option<&str>,
        now: DateTime<Utc>,
    ) -> bool;
    /// How a replay stands, for who drives it under this epoch; else [`StoreError::Lost`].
    replay_turn(id: Uuid, epoch: i64) -> ReplayTurn;
    /// Keeps that a replay came from where `progress` says first to where it says then, and counts what was done
    /// between the two; the first note stays. False where it does not stand there any more: a page whose writing
    /// seemed to fail was written after all, and counts once.
    /// [`StoreError::Lost`] where another drives it; and where it is over, though what was sent by then counts.
    advance_replay(
        id: Uuid,
        epoch: i64,
        progress: (&str, &str),
        by: &Counts,
        note: Option<&str>,
    ) -> bool;
    /// Replays that are over and of which reports may still come, with how far each came.
    unsettled_replays() -> Vec<(Operation, String)>;
    /// No more reports of this replay are awaited; with `given_up`, what nobody reported is unknown.
    settle_replay(id: Uuid, given_up: bool) -> ();
    /// What to do next in a redrive, for who drives it under this epoch; else [`StoreError::Lost`]. At most
    /// `limit` items are due.
    redrive_turn(operation: Uuid, epoch: i64, limit: u32) -> Turn;
    /// Marks those of these items and their letters as meant to be sent whose turn it is, and counts the redrives,
    /// once; returns them in their order. Of what no longer wants a redrive the item is refused. None while paused.
    /// [`StoreError::Lost`] where another drives it: then nothing may be sent.
    items_queued(operation: Uuid, epoch: i64, redrives: &[Uuid]) -> Vec<Item>;
    /// The broker acknowledged each there: redrive id, topic, partition, offset. A report that came sooner stays.
    items_sent(sent: &[(Uuid, String, i32, i64)]) -> ();
    /// After letters are resolved, the heads of the queues behind them are added to the operation; returns how many.
    follow_items(operation: Uuid, epoch: i64) -> u64;
    /// Refuses what waits behind a letter that this operation will not send and nobody else is sending; returns
    /// how many.
    refuse_waiting(operation: Uuid, epoch: i64) -> u64;
    /// One item.
    item(redrive: Uuid) -> Option<Item>;
    /// The items that are sent, or meant to be, and not reported.
    in_flight_items(operation: Uuid) -> Vec<Item>;
    /// The same of all operations that are over, oldest first.
    items_left_behind(limit: u32) -> Vec<Item>;
    /// It is not sent, and why: its redrive does not count. A letter that was queued for it waits for a person
    /// now, even one that only waited for its turn: sent on by itself, it would be refused again and again.
    item_refused(redrive: Uuid, reason: &str) -> ();
    /// Nobody will report it any more; a report that came sooner or later stays.
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
