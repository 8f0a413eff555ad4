//! What only a server can show: sessions that idle or die, several starts at once, a
//! restored dump, and that no password gets out.

use std::time::Duration;

use evtop::domain::position::Position;
use evtop::domain::service::Service;
use evtop::domain::stored::{EventFilter, StoredEvent};
use evtop::store::{Applied, Page, Part, Store, StoreSettings};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

use crate::kit::{Kit, REFUSED, cancelled, created, work};
use crate::schema::Schema;

async fn raw(kit: &Kit, name: &str) -> PgConnection {
    let url = format!("{}&application_name={name}", kit.url);
    PgConnection::connect(&url).await.unwrap()
}

async fn after(kit: &Kit, position: Position) -> Vec<StoredEvent> {
    let all = EventFilter::default();
    let page = kit.store.events(&all, Page::After(position), 100).await;
    page.unwrap().rows
}

/// Writes an event that is not committed yet.
async fn late(kit: &Kit, order: &str) -> PgConnection {
    let mut sleeper = raw(kit, "sleeper").await;
    sleeper.execute("BEGIN").await.unwrap();
    let insert = format!(
        "INSERT INTO event_store (event_id, stream, version, event_type, event_version, correlation_id,
             source_service, timestamp, recorded_at, data)
         VALUES ('{}', 'order-{order}', 1, 'OrderCreated', 2, '{}', 'shop', now(), now(), '{{}}')",
        kit.clock.id(),
        kit.clock.id()
    );
    sleeper.execute(AssertSqlSafe(insert)).await.unwrap();
    sleeper
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_late_commit_is_not_passed_and_who_is_late_is_named() {
    let kit = Kit::postgres().await;
    let first = kit.append("O-1").await;
    kit.settled().await;
    let mut sleeper = late(&kit, "O-2").await;
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()")
        .fetch_one(&mut sleeper)
        .await
        .unwrap();
    let third = kit.append("O-3").await;
    assert_eq!(
        after(&kit, first.position).await,
        [],
        "a reader that took the third would never see the second"
    );
    // Another test's transaction may be older than the sleeper's: then that one is named for a moment.
    let holder = loop {
        let holder = kit.store.tail_held_by(Duration::ZERO).await.unwrap();
        match holder {
            Some(holder) if holder.pid == Some(pid) => break holder,
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    };
    assert_eq!(holder.name.as_deref(), Some("sleeper"));
    assert_eq!(holder.state.as_deref(), Some("idle in transaction"));
    assert!(holder.age.is_some() && holder.database.is_some());
    let hour = Duration::from_secs(3_600);
    assert_eq!(kit.store.tail_held_by(hour).await.unwrap(), None);
    assert_eq!(
        kit.store.stream_until("order-O-3", 9).await.unwrap(),
        std::slice::from_ref(&third)
    );
    sleeper.execute("COMMIT").await.unwrap();
    kit_settles(&kit, 3).await;
    let rows = after(&kit, first.position).await;
    assert_eq!(
        rows.iter().map(|r| r.stream.as_str()).collect::<Vec<_>>(),
        ["order-O-2", "order-O-3"]
    );
    assert_eq!(after(&kit, rows[0].position).await, [third]);
}

/// Until so many events can be read: those that a test wrote past the store are in no total.
async fn kit_settles(kit: &Kit, events: u64) {
    let all = EventFilter::default();
    while kit.store.count_events(&all).await.unwrap().count < events {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_prepared_transaction_is_named_too() {
    let kit = Kit::postgres().await;
    let mut sleeper = late(&kit, "O-1").await;
    let name = format!("evtop-test-{}", kit.clock.id());
    let prepare = AssertSqlSafe(format!("PREPARE TRANSACTION '{name}'"));
    if let Err(error) = sleeper.execute(prepare).await {
        // A server may not have it switched on; then nobody can be held up by one.
        assert!(
            error
                .to_string()
                .contains("prepared transactions are disabled"),
            "{error}"
        );
        return;
    }
    kit.append("O-2").await;
    let holder = loop {
        let holder = kit.store.tail_held_by(Duration::ZERO).await.unwrap();
        match holder {
            Some(holder) if holder.state.as_deref() == Some("prepared") => break holder,
            _ => tokio::time::sleep(Duration::from_millis(2)).await,
        }
    };
    let end = AssertSqlSafe(format!("ROLLBACK PREPARED '{name}'"));
    sleeper.execute(end).await.unwrap();
    assert_eq!((holder.pid, holder.name), (None, Some(name)));
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_session_that_is_killed_leaves_nothing() {
    let kit = Kit::postgres().await;
    kit.stock(&[("A", 10)]).await;
    let mut settings = StoreSettings::new(kit.url.clone());
    settings.name = format!("victim {}", kit.clock.id());
    let victim = Store::open(&settings).await.unwrap();
    let mut holder = raw(&kit, "holder").await;
    holder
        .execute("BEGIN; SELECT 1 FROM stock FOR UPDATE")
        .await
        .unwrap();
    let event = created("O-1", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let batch = [work(&envelope, &event)];
    let kill = async {
        let mut killer = raw(&kit, "killer").await;
        loop {
            // Its inbox row is written by now, and it waits for the stock.
            let killed: i64 = sqlx::query_scalar(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
                 WHERE application_name = $1 AND wait_event_type = 'Lock'",
            )
            .bind(&settings.name)
            .fetch_one(&mut killer)
            .await
            .unwrap();
            if killed > 0 {
                break;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    let (done, ()) = tokio::join!(
        victim.apply(Service::Inventory, &batch, kit.now(), &kit.clock),
        kill
    );
    let error = done.unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    holder.execute("ROLLBACK").await.unwrap();
    assert_eq!(kit.levels().await, [("A".into(), 10, 0)]);
    assert_eq!(kit.store.totals().await.unwrap(), (0, Some(0)));
    // The store that lost its session goes on with another.
    let done = victim.apply(Service::Inventory, &batch, kit.now(), &kit.clock);
    assert_eq!(done.await.unwrap(), [Applied::Done]);
    assert_eq!(kit.levels().await, [("A".into(), 9, 1)]);
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_lock_that_stays_is_unavailable() {
    let kit = Kit::postgres().await;
    kit.append("O-1").await;
    let mut settings = StoreSettings::new(kit.url.clone());
    settings.busy_timeout = Duration::from_millis(20);
    let hasty = Store::open(&settings).await.unwrap();
    let mut holder = raw(&kit, "holder").await;
    holder
        .execute("BEGIN; SELECT 1 FROM stream FOR UPDATE")
        .await
        .unwrap();
    let event = [kit.envelope(&cancelled("O-1"))];
    let error = hasty.append_many(&event, true, kit.now()).await;
    assert!(error.unwrap_err().is_unavailable());
    hasty.probe().await.unwrap();
    holder.execute("ROLLBACK").await.unwrap();
    hasty.append_many(&event, true, kit.now()).await.unwrap();
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn starts_at_once_migrate_once() {
    let schema = Schema::new().await;
    let settings = StoreSettings::new(schema.url());
    let opened = futures_util::future::join_all((0..6).map(|_| Store::open(&settings))).await;
    for store in opened {
        let store = store.unwrap();
        assert_eq!(store.kind(), "postgres");
        store.probe().await.unwrap();
        store.close().await;
        assert!(store.probe().await.unwrap_err().is_unavailable());
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn read_only_reads_and_makes_nothing() {
    let schema = Schema::new().await;
    let mut settings = StoreSettings::new(schema.url());
    settings.read_only = true;
    let early = Store::open(&settings).await.unwrap();
    assert!(early.probe().await.is_err(), "no table was made");
    drop(schema);
    let kit = Kit::postgres().await;
    let stored = kit.append("O-1").await;
    settings.url = kit.url.clone();
    let reader = Store::open(&settings).await.unwrap();
    let read = reader.event(stored.position).await.unwrap();
    assert_eq!(read, Some(stored));
    let event = [kit.envelope(&cancelled("O-1"))];
    let error = reader.append_many(&event, true, kit.now()).await;
    assert!(error.unwrap_err().is_unavailable());
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn history_cannot_be_changed() {
    let kit = Kit::postgres().await;
    kit.append("O-1").await;
    let mut raw = raw(&kit, "vandal").await;
    let truncate = [("TRUNCATE event_store", "append-only")];
    for (statement, refused) in REFUSED.into_iter().chain(truncate) {
        let error = raw.execute(statement).await.unwrap_err().to_string();
        assert!(error.contains(refused), "{statement}: {error}");
    }
    assert_eq!(kit.store.totals().await.unwrap().0, 1);
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn other_programs_find_types_of_their_own() {
    let kit = Kit::postgres().await;
    kit.append("O-1").await;
    let mut raw = raw(&kit, "reader").await;
    let row = raw
        .fetch_one(
            "SELECT CAST(pg_typeof(o.id) AS text), CAST(pg_typeof(o.created_at) AS text), o.aggregateid,
                 (SELECT CAST(total AS text) FROM orders), jsonb_typeof(CAST(o.payload AS jsonb))
             FROM outbox o",
        )
        .await
        .unwrap();
    let read = [0, 1, 2, 3, 4].map(|n| row.get::<String, _>(n));
    assert_eq!(
        read,
        ["uuid", "timestamp with time zone", "O-1", "10.00", "object"]
    );
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_restored_store_is_told_and_mended() {
    let kit = Kit::postgres().await;
    for n in 0..5 {
        kit.append(&format!("O-{n}")).await;
    }
    // As a dump of a server that had come further would have it.
    let mut raw = raw(&kit, "restore").await;
    raw.execute(
        "ALTER TABLE event_store DISABLE TRIGGER USER;
         UPDATE event_store SET tx = tx + 1000000000;
         ALTER TABLE event_store ENABLE TRIGGER USER",
    )
    .await
    .unwrap();
    let restored = kit.store.restored().await.unwrap().unwrap();
    assert!(restored.newest_tx > restored.next_tx, "{restored:?}");
    assert_eq!(
        after(&kit, Position::START).await,
        [],
        "nobody sees anything"
    );
    let holder = kit.store.tail_held_by(Duration::ZERO).await.unwrap();
    assert_eq!(holder, None, "no transaction of this server is to blame");
    kit.append("O-5").await;
    assert_eq!(kit.store.mend_restored().await.unwrap(), 6);
    assert_eq!(kit.store.restored().await.unwrap(), None);
    assert_eq!(kit.store.mend_restored().await.unwrap(), 0);
    kit.append("O-6").await;
    kit.settled().await;
    let rows = after(&kit, Position::START).await;
    let streams: Vec<_> = rows.iter().map(|r| r.stream.clone()).collect();
    assert_eq!(
        streams,
        (0..7).map(|n| format!("order-O-{n}")).collect::<Vec<_>>()
    );
    let error = raw.execute("DELETE FROM event_store").await.unwrap_err();
    assert!(error.to_string().contains("append-only"), "guarded again");
}

#[tokio::test]
async fn no_password_gets_out() {
    for url in [
        "postgres://me:hunter2@127.0.0.1:1/x",
        "postgres://me:hunter2@127.0.0.1:notaport/x",
        "postgresql://me:hunter2@127.0.0.1/x?sslmode=hunter2",
        "postgres://me@127.0.0.1:1/x?sslmode=disable&pasword=hunter2",
        "postgress://me:hunter2@127.0.0.1/x",
        "postgres:hunter2",
    ] {
        let settings = StoreSettings::new(url);
        let error = Store::open(&settings).await.unwrap_err();
        for said in [format!("{settings:?}"), format!("{error} {error:?}")] {
            assert!(!said.contains("hunter2"), "{said}");
        }
    }
    let closed = StoreSettings::new("postgres://me:hunter2@127.0.0.1:1/x");
    assert!(Store::open(&closed).await.unwrap_err().is_unavailable());
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_store_says_nothing_of_how_it_connects() {
    let kit = Kit::postgres().await;
    assert_eq!(format!("{:?}", kit.store), "Postgres(Postgres)");
    let shard = kit.store.claim_shard("a", 2, Duration::from_secs(60)).await;
    let shard = shard.unwrap().unwrap();
    assert_eq!(shard.part(), Part { number: 0, of: 2 });
    let said = format!("{shard:?}");
    assert!(
        !said.contains("127.0.0.1") && said.contains("shard: 0"),
        "{said}"
    );
}

/// Drops a future after so many polls, between which the server has time to answer.
async fn given_up<F: Future>(polls: usize, future: F) {
    let mut future = Box::pin(future);
    for _ in 0..polls {
        if futures_util::poll!(&mut future).is_ready() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn what_is_dropped_leaves_no_transaction_open() {
    let kit = Kit::postgres().await;
    let name = format!("evtop dropped {}", std::process::id());
    let mut settings = StoreSettings::new(kit.url.clone());
    settings.name = name.clone();
    let store = Store::open(&settings).await.unwrap();
    let open = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE application_name = '{name}' AND state LIKE 'idle in tran%'"
    );
    let id = kit.clock.id();
    for polls in (0..12).cycle().take(60) {
        // One that reads and one that writes, by connections that are there.
        store.letter(id).await.unwrap();
        store.note(id, None).await.unwrap();
        given_up(polls, store.letter(id)).await;
        given_up(polls, store.note(id, None)).await;
        let mut looks = 0;
        while kit.number(&open).await > 0 {
            looks += 1;
            assert!(
                looks < 100,
                "dropped after {polls} polls, it stays in a transaction"
            );
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}
