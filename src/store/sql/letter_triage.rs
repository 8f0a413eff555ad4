//! What a person decides about letters: put away, taken back, noted. A key's block follows in the same
//! transaction, as it does for a letter that is resolved.

use uuid::Uuid;

use super::codec::{Id, id, list, sql, text, uuid};
use super::key_queue::heads;
use super::{Db, Tx, locks};
use crate::domain::retry::MAX_REDRIVES;
use crate::store::StoreError;

impl Db {
    pub(in crate::store) async fn archive(
        &self,
        ids: &[Uuid],
        reason: &str,
        behind: bool,
    ) -> Result<(u64, u64), StoreError> {
        let mut tx = self.begin().await?;
        let wanted = list(ids.iter().copied())?;
        let mut all = ids.to_vec();
        if behind {
            let rows: Vec<Id> = sqlx::query_scalar(sql(
                "SELECT DISTINCT d.id FROM dead_letter h JOIN dead_letter d ON d.consumer = h.consumer
                     AND {whole d.key} = {whole h.key} AND d.status = 'blocked' AND d.seq > h.seq
                     AND d.status NOT IN ('resolved', 'archived') AND d.family = 'evtop'
                 WHERE h.id IN (SELECT {id 0} FROM {rows 1}) AND h.family = 'evtop'
                     AND h.status IN ('unresolved', 'parked', 'blocked')",
            ))
            .bind(&wanted)
            .fetch_all(&mut *tx)
            .await?;
            for row in rows {
                all.push(uuid(row)?);
            }
        }
        let all = list(all)?;
        locks::letters(&mut tx, &all).await?;
        let put_away = async |tx: &mut Tx, letters: &str, statuses: &str| {
            sqlx::query(sql(
                "UPDATE dead_letter SET status = 'archived', reason = $2
                 WHERE id IN (SELECT {id 0} FROM {rows 1}) AND {find}($3, status) > 0",
            ))
            .bind(letters)
            .bind(text(reason))
            .bind(statuses)
            .execute(&mut **tx)
            .await
            .map(|done| done.rows_affected())
        };
        let letters = put_away(&mut tx, &wanted, "unresolved parked blocked").await?;
        let waiting = put_away(&mut tx, &all, "blocked").await?;
        heads(&mut tx, &all).await?;
        tx.commit().await?;
        Ok((letters, waiting))
    }

    pub(in crate::store) async fn unarchive(&self, ids: &[Uuid]) -> Result<u64, StoreError> {
        let mut tx = self.begin().await?;
        let wanted = list(ids.iter().copied())?;
        locks::letters(&mut tx, &wanted).await?;
        // What only waited waits again, and goes on when nothing stands before it.
        let back = sqlx::query(sql(
            "UPDATE dead_letter SET status = CASE WHEN blocked_by IS NOT NULL THEN 'blocked'
                 WHEN redrives >= $2 THEN 'parked' ELSE 'unresolved' END
             WHERE id IN (SELECT {id 0} FROM {rows 1}) AND status = 'archived'",
        ))
        .bind(wanted.clone())
        .bind(i64::from(MAX_REDRIVES))
        .execute(&mut *tx)
        .await?;
        // The oldest open letter of a key is its head, and that may be one that came back.
        heads(&mut tx, &wanted).await?;
        tx.commit().await?;
        Ok(back.rows_affected())
    }

    pub(in crate::store) async fn note(
        &self,
        letter: Uuid,
        note: Option<&str>,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let noted = sqlx::query("UPDATE dead_letter SET note = $2 WHERE id = $1")
            .bind(id(letter))
            .bind(note.map(text))
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(noted.rows_affected() > 0)
    }
}
