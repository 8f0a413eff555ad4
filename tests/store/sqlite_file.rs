//! What only a file can show: triggers, two starts at once, read-only, and another writer's lock.

use std::time::Duration;

use evtop::domain::stored::EventFilter;
use evtop::store::{Page, Store, StoreSettings};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Executor};

use crate::kit::{Kit, REFUSED, created};

async fn raw(kit: &Kit) -> SqliteConnection {
    let path = kit.url.strip_prefix("sqlite:").unwrap();
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .unwrap()
}

#[tokio::test]
async fn history_cannot_be_changed() {
    let kit = Kit::sqlite().await;
    kit.append("O-1").await;
    kit.store
        .audit(kit.now(), kit.clock.id(), "ada", "inject", "", None)
        .await
        .unwrap();
    let mut raw = raw(&kit).await;
    for (statement, refused) in REFUSED {
        let error = raw.execute(statement).await.unwrap_err().to_string();
        assert!(error.contains(refused), "{statement}: {error}");
    }
    assert_eq!(kit.store.totals().await.unwrap().0, 1);
}

#[tokio::test]
async fn an_open_transaction_that_dies_leaves_nothing() {
    let kit = Kit::sqlite().await;
    let mut dying = raw(&kit).await;
    dying
        .execute("BEGIN IMMEDIATE; INSERT INTO stock VALUES ('A', 1, 0)")
        .await
        .unwrap();
    assert!(
        kit.levels().await.is_empty(),
        "readers do not wait and do not see it"
    );
    drop(dying);
    kit.stock(&[("B", 1)]).await;
    assert_eq!(kit.levels().await, [("B".into(), 1, 0)]);
}

#[tokio::test]
async fn a_lock_that_stays_is_unavailable() {
    let kit = Kit::sqlite().await;
    let mut settings = StoreSettings::new(kit.url.clone());
    settings.busy_timeout = Duration::from_millis(20);
    let hasty = Store::open(&settings).await.unwrap();
    let mut holder = raw(&kit).await;
    holder.execute("BEGIN IMMEDIATE").await.unwrap();
    let event = [kit.envelope(&created("O-1", &[("A", 1)]))];
    let error = hasty
        .append_many(&event, true, kit.now())
        .await
        .unwrap_err();
    assert!(error.is_unavailable(), "{error}");
    hasty.probe().await.unwrap();
    holder.execute("ROLLBACK").await.unwrap();
    kit.store
        .append_many(&event, true, kit.now())
        .await
        .unwrap();
}

#[tokio::test]
async fn two_starts_at_once_migrate_once() {
    let folder = tempfile::tempdir().unwrap();
    let settings = StoreSettings::new(format!(
        "sqlite://{}",
        folder.path().join("new.db").display()
    ));
    let opened = futures_util::future::join_all((0..6).map(|_| Store::open(&settings))).await;
    for store in opened {
        let store = store.unwrap();
        assert_eq!(store.kind(), "sqlite");
        store.close().await;
        assert!(store.probe().await.unwrap_err().is_unavailable());
    }
}

#[tokio::test]
async fn read_only_reads_and_makes_nothing() {
    let kit = Kit::sqlite().await;
    let event = [kit.envelope(&created("O-1", &[("A", 1)]))];
    kit.store
        .append_many(&event, true, kit.now())
        .await
        .unwrap();
    let mut settings = StoreSettings::new(kit.url.clone());
    settings.read_only = true;
    let reader = Store::open(&settings).await.unwrap();
    let page = reader
        .events(&EventFilter::default(), Page::Newest, 10)
        .await
        .unwrap();
    assert_eq!(page.rows.len(), 1);
    assert!(reader.append_many(&event, true, kit.now()).await.is_err());
    settings.url = format!("{}.not-there", kit.url);
    assert!(Store::open(&settings).await.unwrap_err().is_unavailable());
}

#[tokio::test]
async fn unknown_urls_are_named() {
    for url in ["mysql:x", "nothing", "sqlite:", "sqlite::memory:"] {
        let error = Store::open(&StoreSettings::new(url)).await.unwrap_err();
        assert!(
            !error.is_unavailable() && error.to_string().contains("sqlite:path"),
            "{error}"
        );
    }
}
