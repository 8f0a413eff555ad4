//! What a transaction locks before it reads what it will change. Several instances write at once, and
//! each statement sees what was committed when it began (READ COMMITTED): so first the lock, then, in a
//! statement of its own, the look. Rows are locked in one order everywhere, lest two wait for each other.
//! A kind of row is locked after those before it in this file.

use std::collections::BTreeSet;

use sqlx::postgres::PgConnection;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use super::Connection;
use super::sql::codec::{hex, list, sql};
use crate::domain::service::{Needs, Service};
use crate::store::StoreError;

/// Orders are locked by these many buckets, so that a batch takes a bounded number of locks.
const BUCKETS: u64 = 128;
/// Numbers of advisory locks beside the buckets of orders.
const WINDOWS: i32 = 1_000;
const REDRIVES: i32 = 1_001;
const INDEXING: i32 = 1_002;

/// Takes advisory locks until the transaction ends. Their first number is the schema's: two evtops in
/// one database have nothing to do with each other.
async fn advisory(connection: &mut PgConnection, numbers: &[i32]) -> Result<(), StoreError> {
    sqlx::query(
        "SELECT pg_advisory_xact_lock(hashtext('evtop ' || current_schema()), n) FROM unnest($1) AS n",
    )
    .bind(numbers)
    .execute(connection)
    .await?;
    Ok(())
}

async fn run(
    connection: &mut PgConnection,
    statement: &'static str,
    rows: &str,
) -> Result<(), StoreError> {
    sqlx::query(sql(statement))
        .bind(rows)
        .execute(connection)
        .await?;
    Ok(())
}

/// What a service's decisions read: the orders whose reservations may be made or released, which may
/// have no row yet; for analytics all windows, since most events meet in the newest.
pub(super) async fn decisions(
    connection: &mut Connection,
    service: Service,
    needs: &Needs,
) -> Result<(), StoreError> {
    let numbers: Vec<i32> = match service {
        Service::Email => return Ok(()),
        Service::Analytics => vec![WINDOWS],
        Service::Inventory => {
            let bucket = |order: &String| (xxh3_64(order.as_bytes()) % BUCKETS) as i32;
            let buckets: BTreeSet<i32> = needs.reservations.iter().map(bucket).collect();
            buckets.into_iter().collect()
        }
    };
    advisory(connection, &numbers).await
}

/// The stock of these products.
pub(super) async fn stock(
    connection: &mut Connection,
    products: &BTreeSet<String>,
) -> Result<(), StoreError> {
    let lock = "SELECT 1 FROM stock WHERE product_id IN (SELECT {text 0} FROM {rows 1})
                ORDER BY product_id FOR UPDATE";
    run(connection, lock, &list(products)?).await
}

/// One redrive is written down at a time: whether another holds its topic is no row's lock.
pub(super) async fn redrives(connection: &mut Connection) -> Result<(), StoreError> {
    advisory(connection, &[REDRIVES]).await
}

/// One look's letters are taken over at a time: they are written in the order in which they came.
pub(super) async fn indexing(connection: &mut Connection) -> Result<(), StoreError> {
    advisory(connection, &[INDEXING]).await
}

/// An operation.
pub(super) async fn operation(
    connection: &mut Connection,
    operation: Uuid,
) -> Result<(), StoreError> {
    sqlx::query("SELECT 1 FROM operation WHERE id = $1 FOR UPDATE")
        .bind(operation)
        .execute(connection)
        .await?;
    Ok(())
}

/// These letters.
pub(super) async fn letters(connection: &mut Connection, ids: &str) -> Result<(), StoreError> {
    let lock = "SELECT 1 FROM dead_letter WHERE id IN (SELECT {id 0} FROM {rows 1}) ORDER BY id FOR UPDATE";
    run(connection, lock, ids).await
}

/// The letters of these items.
pub(super) async fn letters_of(
    connection: &mut Connection,
    redrives: &str,
) -> Result<(), StoreError> {
    let lock = "SELECT 1 FROM dead_letter WHERE id IN
                    (SELECT letter_id FROM operation_item WHERE redrive_id IN (SELECT {id 0} FROM {rows 1}))
                ORDER BY id FOR UPDATE";
    run(connection, lock, redrives).await
}

/// An item and, before it, its letter.
pub(super) async fn item(connection: &mut Connection, redrive: Uuid) -> Result<(), StoreError> {
    for lock in [
        "SELECT 1 FROM dead_letter WHERE id =
             (SELECT letter_id FROM operation_item WHERE redrive_id = $1) FOR UPDATE",
        "SELECT 1 FROM operation_item WHERE redrive_id = $1 FOR UPDATE",
    ] {
        sqlx::query(lock)
            .bind(redrive)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

/// These items.
pub(super) async fn items(connection: &mut Connection, redrives: &str) -> Result<(), StoreError> {
    let lock = "SELECT 1 FROM operation_item WHERE redrive_id IN (SELECT {id 0} FROM {rows 1})
                ORDER BY redrive_id FOR UPDATE";
    run(connection, lock, redrives).await
}

/// The blocks of a group's keys: while they are held, none is lifted and none moves to another head.
pub(super) async fn blocks(
    connection: &mut Connection,
    group: &str,
    keys: &BTreeSet<&[u8]>,
) -> Result<(), StoreError> {
    sqlx::query(sql(
        "SELECT 1 FROM key_block WHERE consumer = $1
             AND {whole key} = ANY (ARRAY(SELECT {whole_bytes 0} FROM {rows 2})) ORDER BY consumer, key FOR UPDATE",
    ))
    .bind(group)
    .bind(list(keys.iter().map(|key| hex(key)))?)
    .execute(connection)
    .await?;
    Ok(())
}

/// The blocks of these letters' keys.
pub(super) async fn blocks_of(
    connection: &mut Connection,
    letters: &str,
) -> Result<(), StoreError> {
    let lock = "SELECT 1 FROM key_block WHERE (consumer, {whole key}) IN
                    (SELECT consumer, {whole key} FROM dead_letter WHERE id IN (SELECT {id 0} FROM {rows 1}))
                ORDER BY consumer, key FOR UPDATE";
    run(connection, lock, letters).await
}
