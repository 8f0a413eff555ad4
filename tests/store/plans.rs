//! What is asked in every batch and by every poll reads no table whole, however many letters there are: the
//! statements themselves are caught as they run, and the database tells how it would carry each out.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;

use chrono::TimeDelta;
use evtop::domain::letter::{LetterFilter, LetterStatus};
use evtop::domain::operation::{OperationKind, redrive_id};
use evtop::domain::service::Service;
use evtop::store::{RedriveRef, Store, StoreSettings};
use sqlx::postgres::PgConnection;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _, Row as _};
use tracing::Instrument as _;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use uuid::Uuid;

use crate::kit::{EPOCH, Kit, body, cancelled, created, work};
use crate::many::{self, GROUP};

/// Enough that a plan for few rows is none for these: PostgreSQL weighs what it reads, SQLite's plans are the same
/// for any number.
const MANY: u32 = 60_000;
const FEW: u32 = 5_000;

/// Tables that must not be read whole.
const LARGE: [&str; 4] = ["dead_letter", "key_block", "operation_item", "inbox"];

/// By the database that was asked.
static CAUGHT: Mutex<BTreeSet<(&str, String)>> = Mutex::new(BTreeSet::new());

/// Catches statements from the driver's log, those of this test alone: others run beside it.
struct Catch;

impl<S: tracing::Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Catch {
    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        struct Statement(String);
        impl Visit for Statement {
            fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
                if field.name() == "db.statement" {
                    self.0 = format!("{value:?}");
                }
            }
            fn record_str(&mut self, field: &Field, value: &str) {
                if field.name() == "db.statement" {
                    value.clone_into(&mut self.0);
                }
            }
        }
        let spans = context.event_scope(event).into_iter().flatten();
        let asked = spans.map(|span| span.name());
        let asked = asked
            .filter(|name| ["sqlite", "postgres"].contains(name))
            .last();
        if let (Some(database), "sqlx::query") = (asked, event.metadata().target()) {
            let mut statement = Statement(String::new());
            event.record(&mut statement);
            let text = statement.0.trim().to_owned();
            if !text.is_empty() {
                CAUGHT.lock().unwrap().insert((database, text));
            }
        }
    }
}

/// A redrive of a thousand letters, on its way.
async fn redrive(kit: &Kit) -> (Uuid, Vec<Uuid>) {
    let operation = kit.operation(OperationKind::Redrive);
    let filter = LetterFilter {
        statuses: vec![LetterStatus::Unresolved],
        ..LetterFilter::default()
    };
    let letters = kit.store.letters(&filter, 0, 1_000).await.unwrap().0;
    let items: Vec<_> = letters
        .iter()
        .map(|l| (redrive_id(operation.id, l.id), l.id))
        .collect();
    let create = kit.store.create_operation(&operation, &items, Some("kit"));
    create.await.unwrap();
    (operation.id, items.into_iter().map(|(id, _)| id).collect())
}

/// Everything that a batch, a driver's round and a poll ask.
async fn ask_all(kit: &Kit, store: &Store) {
    let (operation, redrives) = redrive(kit).await;
    let key = |n: u32| format!("K-{n}").into_bytes();
    let keys: Vec<Vec<u8>> = (0..100).map(|n| key(n * 37)).collect();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    store.blocked_heads(GROUP, &keys).await.unwrap();
    // A batch with a redriven event, one that waits, and one that fails.
    kit.stock(&[("A", 10)]).await;
    let (event, other) = (created("K-5", &[("A", 1)]), cancelled("K-15"));
    let (envelope, behind) = (kit.envelope(&event), kit.envelope(&other));
    let head = kit.letter(&envelope, 50_001);
    store.bury(&head, &body(), None, None).await.unwrap();
    let mut redriven = work(&envelope, &event);
    redriven.redrive = Some(RedriveRef {
        letter: head.id,
        redrive: redrives[900],
    });
    let batch = [redriven, work(&behind, &other)];
    let applied = store.apply(Service::Inventory, &batch, kit.now(), &kit.clock);
    applied.await.unwrap();
    let waits = kit.letter(&behind, 50_002);
    store
        .queue_behind(&[(waits.clone(), body())])
        .await
        .unwrap();
    store
        .index_letters(&[(kit.letter(&behind, 50_003), body())])
        .await
        .unwrap();
    // A driver's round.
    store.redrive_turn(operation, EPOCH, 100).await.unwrap();
    let queued = store
        .items_queued(operation, EPOCH, &redrives[..100])
        .await
        .unwrap();
    let sent: Vec<_> = queued
        .iter()
        .map(|i| (i.redrive_id, "order-events".to_owned(), 0, i.seq))
        .collect();
    store.items_sent(&sent).await.unwrap();
    store.item_unknown(redrives[0]).await.unwrap();
    store
        .item_refused(redrives[500], "too large")
        .await
        .unwrap();
    store.follow_items(operation, EPOCH).await.unwrap();
    store.refuse_waiting(operation, EPOCH).await.unwrap();
    store.in_flight_items(operation).await.unwrap();
    store.items_left_behind(100).await.unwrap();
    store
        .undriven_operations(Duration::from_secs(10))
        .await
        .unwrap();
    store.unfinished_redrives().await.unwrap();
    store.ready_letters(500).await.unwrap();
    // A poll.
    store.newest_letter().await.unwrap();
    store.letter_counts().await.unwrap();
    store.blocked_keys(GROUP).await.unwrap();
    store
        .letters_since(kit.now() - TimeDelta::minutes(1))
        .await
        .unwrap();
    store.operations(50).await.unwrap();
    let archived = LetterFilter {
        statuses: vec![LetterStatus::Archived],
        ..LetterFilter::default()
    };
    for filter in [LetterFilter::default(), archived] {
        let causes = store.causes(&filter, 200, kit.now()).await.unwrap().0;
        store.letters(&filter, 0, 100).await.unwrap();
        let of_cause = LetterFilter {
            fingerprint: causes.first().map(|c| c.fingerprint.clone()),
            ..filter
        };
        store.letters(&of_cause, 0, 100).await.unwrap();
    }
    store.letter(head.id).await.unwrap();
    store.behind(head.id).await.unwrap();
    store.letters_behind(head.id, 20).await.unwrap();
    store.gone_on(&[head.id]).await.unwrap();
    store.letters_indexed().await.unwrap();
}

pub async fn nothing_that_is_asked_all_the_time_reads_all(kit: Kit) {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let catch = tracing_subscriber::registry().with(Catch);
        tracing::subscriber::set_global_default(catch).unwrap();
    });
    let sqlite = kit.url.starts_with("sqlite:");
    many::letters(&kit.url, if sqlite { FEW } else { MANY }).await;
    let mut settings = StoreSettings::new(kit.url.clone());
    settings.statements = true;
    let store = Store::open(&settings).await.unwrap();
    let asked = match sqlite {
        true => tracing::info_span!("sqlite"),
        false => tracing::info_span!("postgres"),
    };
    ask_all(&kit, &store).instrument(asked).await;
    store.close().await;
    let caught = CAUGHT.lock().unwrap().clone().into_iter();
    let caught: Vec<String> = caught
        .filter(|(database, _)| *database == store.kind())
        .map(|(_, statement)| statement)
        .collect();
    assert!(caught.len() > 40, "{} statements were caught", caught.len());
    let mut whole = Vec::new();
    for statement in caught {
        for line in plan(&kit, &statement).await {
            if reads_all(&line) {
                whole.push(format!("{line}\n    in {statement}"));
            }
        }
    }
    assert!(whole.is_empty(), "{}", whole.join("\n"));
}

/// Whether a line of a plan says that a large table is read whole.
fn reads_all(line: &str) -> bool {
    let named = |line: &str, before: &str| {
        let table = line.split_once(before).map(|(_, rest)| rest);
        let table = table.and_then(|rest| rest.split_whitespace().next());
        table.is_some_and(|table| LARGE.contains(&table))
    };
    // SQLite: an index that is read in its order stops at the LIMIT; without one, all is read.
    let sqlite = named(line, "SCAN ") && !line.contains("USING INDEX");
    named(line, "Seq Scan on ") || sqlite
}

/// How the database would carry a statement out, whatever its values.
async fn plan(kit: &Kit, statement: &str) -> Vec<String> {
    let first = statement.split_whitespace().next().unwrap_or_default();
    // Advisory locks read nothing.
    let reads = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"].contains(&first);
    if !reads || statement.contains("advisory") {
        return Vec::new();
    }
    if let Some(file) = kit.url.strip_prefix("sqlite:") {
        let mut raw = SqliteConnectOptions::new()
            .filename(file)
            .connect()
            .await
            .unwrap();
        let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
        let rows = raw.fetch_all(explain).await.unwrap();
        return rows.iter().map(|row| row.get("detail")).collect();
    }
    let values = (1..100)
        .take_while(|n| statement.contains(&format!("${n}")))
        .count();
    let mut raw = PgConnection::connect(&kit.url).await.unwrap();
    let nulls = vec!["NULL"; values].join(", ");
    let execute = match values {
        0 => "EXPLAIN EXECUTE it".to_owned(),
        _ => format!("EXPLAIN EXECUTE it({nulls})"),
    };
    raw.execute("SET plan_cache_mode = force_generic_plan")
        .await
        .unwrap();
    raw.execute(AssertSqlSafe(format!("PREPARE it AS {statement}")))
        .await
        .unwrap();
    let rows = raw.fetch_all(AssertSqlSafe(execute)).await.unwrap();
    rows.iter().map(|row| row.get(0)).collect()
}
