//! A store of its own for each test, a clock that stands, and events and letters to put in.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use evtop::clock::Clock;
use evtop::domain::envelope::Envelope;
use evtop::domain::event::{
    Event, Item, OrderCancelled, OrderCreated, PaymentFailed, PaymentMethod, PaymentProcessed,
    PaymentStatus,
};
use evtop::domain::fault::Stage;
use evtop::domain::fingerprint::fingerprint;
use evtop::domain::foreign::Family;
use evtop::domain::letter::{DlqPlace, Letter, LetterBody, LetterStatus};
use evtop::domain::money::Money;
use evtop::domain::operation::{Counts, Operation, OperationKind, OperationState};
use evtop::domain::service::Service;
use evtop::domain::stored::{EventFilter, StoredEvent};
use evtop::store::{Applied, RedriveRef, Store, StoreError, StoreSettings, Work};
use serde_json::Map;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Row as _};
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::schema::Schema;

/// The epoch of whoever drives an operation first.
pub const EPOCH: i64 = 1;

/// Noon of a day.
pub const NOON: i64 = 1_769_860_800;

/// What neither database lets anybody do, and the words of its refusal.
pub const REFUSED: [(&str, &str); 5] = [
    ("UPDATE event_store SET data = ''", "append-only"),
    ("DELETE FROM event_store", "append-only"),
    ("UPDATE audit SET who = ''", "append-only"),
    ("DELETE FROM audit", "append-only"),
    ("UPDATE outbox SET topic = ''", "inserted and deleted only"),
];

pub struct Kit {
    pub store: Store,
    pub clock: Clock,
    pub url: String,
    raw: Mutex<Option<Raw>>,
    place: Place,
}

/// A connection beside the store.
enum Raw {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// Where the tables are; gone with it.
enum Place {
    Folder(#[expect(dead_code, reason = "held for its end")] tempfile::TempDir),
    Schema(#[expect(dead_code, reason = "held for its end")] Schema),
}

impl Kit {
    pub async fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", folder.path().join("evtop.db").display());
        Self::open(url, Place::Folder(folder)).await
    }

    /// A schema of its own on the server that `EVTOP_STACK_POSTGRES` names.
    pub async fn postgres() -> Self {
        let schema = Schema::new().await;
        let url = schema.url();
        Self::open(url, Place::Schema(schema)).await
    }

    /// Another, empty, on the same kind of store.
    pub async fn fresh(&self) -> Self {
        match self.place {
            Place::Folder(_) => Self::sqlite().await,
            Place::Schema(_) => Self::postgres().await,
        }
    }

    async fn open(url: String, place: Place) -> Self {
        let store = Store::open(&StoreSettings::new(url.clone())).await.unwrap();
        Self {
            store,
            clock: Clock::fixed(DateTime::from_timestamp(NOON, 0).unwrap()),
            url,
            raw: Mutex::default(),
            place,
        }
    }

    /// Waits until readers see all that is committed: on PostgreSQL any open transaction of the server
    /// may hold them up, another test's too.
    pub async fn settled(&self) {
        let all = EventFilter::default();
        while self.store.count_events(&all).await.unwrap().count
            < self.store.totals().await.unwrap().0
        {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The same database, opened as another process would.
    pub async fn another(&self) -> Store {
        Store::open(&StoreSettings::new(self.url.clone()))
            .await
            .unwrap()
    }

    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    pub fn tick(&self, seconds: u64) -> DateTime<Utc> {
        self.clock.advance(Duration::from_secs(seconds));
        self.clock.now()
    }

    pub async fn stock(&self, stock: &[(&str, i64)]) {
        let stock: Vec<_> = stock.iter().map(|(p, n)| ((*p).to_owned(), *n)).collect();
        self.store.seed_stock(&stock).await.unwrap();
    }

    /// Product, available, reserved.
    pub async fn levels(&self) -> Vec<(String, i64, i64)> {
        let rows = self.store.stock().await.unwrap();
        rows.into_iter()
            .map(|r| (r.product_id, r.available, r.reserved))
            .collect()
    }

    pub fn envelope(&self, event: &Event) -> Envelope {
        envelope(event, self.clock.id(), self.now())
    }

    pub async fn apply(&self, service: Service, work: &[Work<'_>]) -> Vec<Applied> {
        self.store
            .apply(service, work, self.now(), &self.clock)
            .await
            .unwrap()
    }

    /// An order's first event.
    pub async fn append(&self, order: &str) -> StoredEvent {
        let event = [self.envelope(&created(order, &[("A", 1)]))];
        let stored = self.store.append_many(&event, true, self.now()).await;
        stored.unwrap().remove(0)
    }

    /// Ends an operation as it stands, completed where nothing of it is left; `false` where it was over.
    pub async fn complete(&self, operation: Uuid) -> bool {
        self.claim(operation).await;
        if let Err(error) = self.store.follow_items(operation, EPOCH).await {
            assert_eq!(error, StoreError::Lost);
            return false;
        }
        let now = self.now();
        for state in [OperationState::Completed, OperationState::Failed] {
            let end = self
                .store
                .finish_operation(operation, EPOCH, state, None, now);
            if end.await.unwrap() {
                return true;
            }
        }
        unreachable!("what fails needs nothing to be done");
    }

    /// Drives an operation from here, under the first epoch.
    pub async fn claim(&self, operation: Uuid) {
        let claim = self
            .store
            .claim_operation(operation, "kit", Duration::from_secs(10));
        let epoch = claim.await.unwrap();
        assert!(epoch.is_none_or(|epoch| epoch == EPOCH));
    }

    /// Whether an item is meant to be sent now.
    pub async fn queued(&self, redrive: Uuid) -> bool {
        let Some(item) = self.store.item(redrive).await.unwrap() else {
            return false;
        };
        let queued = self
            .store
            .items_queued(item.operation_id, EPOCH, &[redrive])
            .await;
        !queued.unwrap().is_empty()
    }

    /// The broker has it there.
    pub async fn sent(&self, redrive: Uuid, partition: i32, offset: i64) {
        let sent = [(redrive, "order-events".to_owned(), partition, offset)];
        self.store.items_sent(&sent).await.unwrap();
    }

    /// What may be sent now of an operation.
    pub async fn due(&self, operation: Uuid) -> Vec<evtop::store::Item> {
        let turn = self.store.redrive_turn(operation, EPOCH, 10).await;
        turn.unwrap().due
    }

    /// Hands one event in, keyed by its order, as a redrive where one is given.
    pub async fn apply_one(
        &self,
        service: Service,
        envelope: &Envelope,
        event: &Event,
        redrive: Option<RedriveRef>,
    ) -> Applied {
        let mut work = work(envelope, event);
        work.redrive = redrive;
        self.apply(service, &[work]).await.remove(0)
    }

    /// A letter of this event for the inventory, at an offset.
    pub fn letter(&self, envelope: &Envelope, offset: i64) -> Letter {
        let (group, topic) = ("inventory-service", envelope.event_type.topic());
        Letter {
            id: Uuid::new_v5(
                &Uuid::NAMESPACE_URL,
                format!("{group}/{topic}/0/{offset}").as_bytes(),
            ),
            status: LetterStatus::Unresolved,
            family: Family::Evtop,
            group: Some(group.into()),
            topic: Some(topic.into()),
            partition: Some(0),
            offset: Some(offset),
            key: Some(envelope.key()),
            event_id: Some(envelope.event_id),
            event_type: Some(envelope.event_type.name().into()),
            correlation_id: Some(envelope.correlation_id),
            stage: Some(Stage::Handle),
            code: "timeout".into(),
            message: format!("gateway 10.0.0.{offset} did not answer"),
            fingerprint: fingerprint(
                group,
                "handle",
                "timeout",
                "gateway 10.0.0.1 did not answer",
            ),
            attempts: Some(4),
            first_failed_at: self.now(),
            last_failed_at: self.now(),
            redrives: 0,
            outcome: None,
            blocked_by: None,
            note: None,
            reason: None,
            dlq: Some(DlqPlace {
                topic: format!("{topic}-{group}-dlt"),
                partition: 0,
                offset,
            }),
        }
    }

    pub async fn status(&self, letter: &Letter) -> LetterStatus {
        self.store
            .letter(letter.id)
            .await
            .unwrap()
            .unwrap()
            .0
            .status
    }

    pub fn operation(&self, kind: OperationKind) -> Operation {
        Operation {
            id: self.clock.id(),
            kind,
            state: OperationState::Running,
            what: "cause a1b2 (timeout)".into(),
            target: "inventory-service only".into(),
            counts: Counts::default(),
            rate_limit: 10,
            by: "ada".into(),
            created_at: self.now(),
            ended_at: None,
            note: None,
            paused: false,
            plan: "{}".into(),
            given_up: false,
        }
    }

    /// A running redrive of these letters; returns its redrive ids.
    pub async fn redrive(&self, letters: &[&Letter]) -> (Uuid, Vec<Uuid>) {
        let operation = self.operation(OperationKind::Redrive);
        let items: Vec<_> = letters.iter().map(|l| (self.clock.id(), l.id)).collect();
        self.store
            .create_operation(&operation, &items, None)
            .await
            .unwrap();
        self.claim(operation.id).await;
        (
            operation.id,
            items.into_iter().map(|(redrive, _)| redrive).collect(),
        )
    }

    /// Queued, sent and acknowledged.
    pub async fn send(&self, redrive: Uuid) {
        assert!(self.queued(redrive).await);
        self.sent(redrive, 0, 99).await;
    }

    /// Makes the last beat of an operation's driver so much older, by the database's clock.
    pub async fn ago(&self, operation: Uuid, time: Duration) {
        let statement =
            format!("UPDATE operation SET beat_at = beat_at - {{}} WHERE id = '{operation}'");
        self.run(&statement, time.as_secs()).await;
    }

    /// Waits until what was dropped half-way is done or undone: the database has been handed it, and whoever looks
    /// before that sees one half of it and then the other.
    pub async fn at_rest(&self) {
        for rows in [
            "operation SET owner = owner",
            "dead_letter SET note = note",
            "operation_item SET error = error",
        ] {
            self.run(&format!("UPDATE {rows}"), 0).await;
        }
    }

    /// Runs a statement in which `{}` stands for so many seconds.
    pub async fn run(&self, statement: &str, seconds: u64) {
        match self.place {
            Place::Folder(_) => {
                let statement = statement.replace("{}", &format!("{seconds}000000"));
                let file = self.url.strip_prefix("sqlite:").unwrap();
                let options = SqliteConnectOptions::new().filename(file);
                let mut raw = options.connect().await.unwrap();
                sqlx::query(AssertSqlSafe(statement))
                    .execute(&mut raw)
                    .await
                    .unwrap();
            }
            Place::Schema(_) => {
                let statement = statement.replace("{}", &format!("interval '{seconds} seconds'"));
                let mut raw = PgConnection::connect(&self.url).await.unwrap();
                sqlx::query(AssertSqlSafe(statement))
                    .execute(&mut raw)
                    .await
                    .unwrap();
            }
        }
    }

    /// The rows of a statement whose columns are whole numbers, read past the store by a connection of its own.
    pub async fn numbers(&self, statement: &str) -> Vec<Vec<i64>> {
        let statement = AssertSqlSafe(statement.to_owned());
        let mut raw = self.raw.lock().await;
        if raw.is_none() {
            *raw = Some(match self.place {
                Place::Folder(_) => {
                    let file = self.url.strip_prefix("sqlite:").unwrap();
                    let options = SqliteConnectOptions::new().filename(file);
                    Raw::Sqlite(options.connect().await.unwrap())
                }
                Place::Schema(_) => Raw::Postgres(PgConnection::connect(&self.url).await.unwrap()),
            });
        }
        match raw.as_mut().unwrap() {
            Raw::Sqlite(raw) => {
                let rows = sqlx::query(statement).fetch_all(raw).await.unwrap();
                let row = |row: &SqliteRow| (0..row.len()).map(|n| row.get(n)).collect();
                rows.iter().map(row).collect()
            }
            Raw::Postgres(raw) => {
                let rows = sqlx::query(statement).fetch_all(raw).await.unwrap();
                let row = |row: &PgRow| (0..row.len()).map(|n| row.get(n)).collect();
                rows.iter().map(row).collect()
            }
        }
    }

    /// The one number that a statement gives.
    pub async fn number(&self, statement: &str) -> i64 {
        self.numbers(statement).await[0][0]
    }

    /// An operation's counts, by counting its items.
    pub async fn counted(&self, operation: Uuid) -> Counts {
        let of = |what: &str| format!("count(CASE WHEN {what} THEN 1 END)");
        let columns = [
            "count(*)".to_owned(),
            of("state IN ('in_flight', 'settled')"),
            of("outcome = 'ok'"),
            of("outcome = 'failed_again'"),
            of("outcome = 'duplicate'"),
            of("outcome = 'unknown'"),
            of("state = 'refused'"),
            of("state = 'left'"),
        ];
        let columns = columns.join(", ");
        let statement =
            format!("SELECT {columns} FROM operation_item WHERE operation_id = '{operation}'");
        let rows = self.numbers(&statement).await;
        let n: Vec<u64> = rows[0].iter().map(|n| n.unsigned_abs()).collect();
        Counts {
            total: n[0],
            sent: n[1],
            ok: n[2],
            failed_again: n[3],
            duplicate: n[4],
            unknown: n[5],
            refused: n[6],
            left: n[7],
        }
    }

    /// What is summed up agrees with what is there, and each key is blocked by the oldest of its open letters.
    pub async fn sums_and_heads_agree(&self) -> Result<(), String> {
        const OPEN: &str = "status NOT IN ('resolved', 'archived') AND family = 'evtop'";
        let letters = "SELECT fingerprint, status, count(*) FROM dead_letter GROUP BY 1, 2";
        let letter_sums =
            "SELECT fingerprint, status, sum(n) FROM letter_tally GROUP BY 1, 2 HAVING sum(n) <> 0";
        let items = "SELECT operation_id, state, coalesce(outcome, ''), count(*) FROM operation_item GROUP BY 1, 2, 3";
        let item_sums = "SELECT operation_id, state, coalesce(outcome, ''), sum(n) FROM item_tally
                         GROUP BY 1, 2, 3 HAVING sum(n) <> 0";
        let differ = |a: &str, b: &str| {
            format!("(SELECT count(*) FROM (SELECT * FROM ({a}) x EXCEPT SELECT * FROM ({b}) y) z)")
        };
        let head = format!(
            "SELECT o.id FROM dead_letter o WHERE o.consumer = b.consumer AND o.key = b.key AND o.{OPEN}
             ORDER BY o.seq LIMIT 1"
        );
        let checks = [
            ("letters by the tally", differ(letter_sums, letters)),
            ("letters without the tally", differ(letters, letter_sums)),
            ("items by the tally", differ(item_sums, items)),
            ("items without the tally", differ(items, item_sums)),
            (
                "blocks whose head is not the oldest open letter",
                format!("(SELECT count(*) FROM key_block b WHERE b.head_id IS DISTINCT FROM ({head}))"),
            ),
            (
                "open letters whose key is not blocked",
                format!(
                    "(SELECT count(*) FROM dead_letter d WHERE length(d.key) > 0 AND d.{OPEN} AND NOT EXISTS
                         (SELECT 1 FROM key_block b WHERE b.consumer = d.consumer AND b.key = d.key))"
                ),
            ),
            (
                "heads that wait for their turn and are not ready",
                "(SELECT count(*) FROM key_block b JOIN dead_letter d ON d.id = b.head_id
                  WHERE d.status = 'blocked' AND NOT b.ready)"
                    .to_owned(),
            ),
        ];
        let columns: Vec<&str> = checks.iter().map(|(_, check)| check.as_str()).collect();
        let found = self
            .numbers(&format!("SELECT {}", columns.join(", ")))
            .await
            .remove(0);
        let wrong = checks.iter().zip(found).filter(|(_, n)| *n != 0);
        let wrong: Vec<String> = wrong.map(|((what, _), n)| format!("{n} {what}")).collect();
        let mut counts = Vec::new();
        let of = |status: &LetterStatus| {
            let status = status.name();
            format!("count(CASE WHEN status = '{status}' THEN 1 END)")
        };
        let columns: Vec<String> = LetterStatus::ALL.iter().map(of).collect();
        let statement = format!("SELECT {} FROM dead_letter", columns.join(", "));
        let there = self.numbers(&statement).await.remove(0);
        let told = self.store.letter_counts().await.unwrap();
        for (status, is) in LetterStatus::ALL.into_iter().zip(there) {
            let told = told
                .iter()
                .find(|(s, _)| *s == status)
                .map_or(0, |(_, n)| *n);
            if is.unsigned_abs() != told {
                counts.push(format!("{told} letters {status:?}, and there are {is}"));
            }
        }
        match [wrong, counts].concat() {
            none if none.is_empty() => Ok(()),
            wrong => Err(wrong.join("; ")),
        }
    }

    pub async fn counts(&self, operation: Uuid) -> Counts {
        self.store
            .operation(operation)
            .await
            .unwrap()
            .unwrap()
            .counts
    }
}

pub fn envelope(event: &Event, id: Uuid, at: DateTime<Utc>) -> Envelope {
    Envelope {
        event_id: id,
        event_type: event.event_type(),
        event_version: event.event_type().newest_version(),
        timestamp: at,
        source_service: "shop".into(),
        correlation_id: Uuid::new_v5(&Uuid::NAMESPACE_OID, event.order_id().as_bytes()),
        causation_id: None,
        aggregate_id: event.order_id().into(),
        data: event.data(),
        metadata: Map::new(),
        extra: Map::new(),
    }
}

pub fn work<'a>(envelope: &'a Envelope, event: &'a Event) -> Work<'a> {
    Work {
        envelope,
        event,
        message_id: envelope.event_id.to_string(),
        redrive: None,
        replay: None,
        key: Some(envelope.key()),
    }
}

pub fn created(order: &str, items: &[(&str, u32)]) -> Event {
    let items: Vec<Item> = items
        .iter()
        .map(|(product, quantity)| Item {
            product_id: (*product).into(),
            product_name: Some((*product).into()),
            quantity: *quantity,
            price: Money::from_cents(1_000),
        })
        .collect();
    let cents = items.iter().map(|i| i64::from(i.quantity) * 1_000).sum();
    Event::OrderCreated(OrderCreated {
        order_id: order.into(),
        customer_id: "C-1".into(),
        customer_email: Some("ada@example.com".into()),
        customer_phone: None,
        currency: "EUR".into(),
        shipping_address: None,
        items,
        total_amount: Money::from_cents(cents),
    })
}

/// An order that the email service refuses.
pub fn nameless(order: &str) -> Event {
    let mut event = created(order, &[("A", 1)]);
    if let Event::OrderCreated(created) = &mut event {
        created.customer_email = None;
    }
    event
}

pub fn cancelled(order: &str) -> Event {
    Event::OrderCancelled(OrderCancelled {
        order_id: order.into(),
        reason: "changed my mind".into(),
        refund_amount: Money::ZERO,
    })
}

pub fn declined(order: &str) -> Event {
    Event::PaymentFailed(PaymentFailed {
        order_id: order.into(),
        amount: Money::from_cents(1_000),
        reason: "declined".into(),
    })
}

pub fn paid(order: &str) -> Event {
    Event::PaymentProcessed(PaymentProcessed {
        order_id: order.into(),
        payment_id: "P-1".into(),
        amount: Money::from_cents(1_000),
        payment_method: PaymentMethod::Paypal,
        status: PaymentStatus::Approved,
    })
}

pub fn body() -> LetterBody {
    LetterBody {
        value: Some(vec![0, 159, 146, 150, b'{']),
        headers: vec![
            ("event_type".into(), Some(b"OrderCreated".to_vec())),
            ("x".into(), None),
        ],
    }
}

pub fn seconds(n: i64) -> TimeDelta {
    TimeDelta::seconds(n)
}

/// Polls a future so many times and drops it, as a cancelled task would.
pub async fn drop_after<F: Future>(polls: usize, future: F) -> bool {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if futures_util::poll!(&mut future).is_ready() {
            return true;
        }
        tokio::task::yield_now().await;
    }
    false
}
