//! The inbox: which messages a consumer has handled. Its row and the effect are one transaction, which
//! is what makes an effect happen once.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::sqlite::SqliteConnection;

use super::Sqlite;
use super::codec::{json, micros};
use crate::store::StoreError;

/// Claims messages; returns those that nobody had handled.
pub(super) async fn claim(
    connection: &mut SqliteConnection,
    consumer: &str,
    ids: &[&str],
    now: DateTime<Utc>,
) -> Result<HashSet<String>, StoreError> {
    let fresh: Vec<String> = sqlx::query_scalar(
        "INSERT INTO inbox (consumer, message_id, at) SELECT ?1, value, ?2 FROM json_each(?3) WHERE true
         ON CONFLICT DO NOTHING RETURNING message_id",
    )
    .bind(consumer)
    .bind(micros(now))
    .bind(json(ids)?)
    .fetch_all(connection)
    .await?;
    Ok(fresh.into_iter().collect())
}

/// Gives claims back: these messages were not handled after all.
pub(super) async fn unclaim(
    connection: &mut SqliteConnection,
    consumer: &str,
    ids: &[&str],
) -> Result<(), StoreError> {
    sqlx::query(
        "DELETE FROM inbox WHERE consumer = ? AND message_id IN (SELECT value FROM json_each(?))",
    )
    .bind(consumer)
    .bind(json(ids)?)
    .execute(connection)
    .await?;
    Ok(())
}

/// Which of these messages were handled.
pub(super) async fn handled(
    connection: &mut SqliteConnection,
    consumer: &str,
    ids: &[&str],
) -> Result<HashSet<String>, StoreError> {
    let handled: Vec<String> = sqlx::query_scalar(
        "SELECT message_id FROM inbox
         WHERE consumer = ? AND message_id IN (SELECT value FROM json_each(?))",
    )
    .bind(consumer)
    .bind(json(ids)?)
    .fetch_all(connection)
    .await?;
    Ok(handled.into_iter().collect())
}

impl Sqlite {
    pub(in crate::store) async fn handled(
        &self,
        group: &str,
        ids: &[&str],
    ) -> Result<HashSet<String>, StoreError> {
        handled(&mut *self.read.acquire().await?, group, ids).await
    }

    pub(in crate::store) async fn prune_inbox(
        &self,
        before: DateTime<Utc>,
    ) -> Result<u64, StoreError> {
        self.prune(
            "DELETE FROM inbox WHERE (consumer, message_id) IN
                 (SELECT consumer, message_id FROM inbox WHERE at < ? LIMIT ?)",
            before,
        )
        .await
    }
}
