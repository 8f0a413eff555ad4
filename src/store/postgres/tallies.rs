//! How many letters and items stand where: triggers write each change as a row, so that no writer waits for
//! another; the sum of the rows is the number.

use super::Postgres;
use crate::store::StoreError;

/// Rows that are left alone: a sum over so many costs nothing, and each summing up rewrites them.
const FEW: i64 = 2_000;
/// Rows that are summed up at once.
const MOST: i64 = 50_000;

impl Postgres {
    /// Puts the sum in place of many rows. What another process is summing up is left to it.
    pub(in crate::store) async fn tidy_tallies(&self) -> Result<(), StoreError> {
        for statement in [
            "WITH gone AS (DELETE FROM letter_tally WHERE (SELECT count(*) FROM letter_tally) > $1 AND id IN
                 (SELECT id FROM letter_tally ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
                 RETURNING fingerprint, status, n)
             INSERT INTO letter_tally (fingerprint, status, n)
             SELECT fingerprint, status, sum(n) FROM gone GROUP BY 1, 2 HAVING sum(n) <> 0",
            "WITH gone AS (DELETE FROM item_tally WHERE (SELECT count(*) FROM item_tally) > $1 AND id IN
                 (SELECT id FROM item_tally ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
                 RETURNING operation_id, state, outcome, n)
             INSERT INTO item_tally (operation_id, state, outcome, n)
             SELECT operation_id, state, outcome, sum(n) FROM gone GROUP BY 1, 2, 3 HAVING sum(n) <> 0",
            "WITH gone AS (DELETE FROM block_tally WHERE (SELECT count(*) FROM block_tally) > $1 AND id IN
                 (SELECT id FROM block_tally ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
                 RETURNING consumer, n)
             INSERT INTO block_tally (consumer, n)
             SELECT consumer, sum(n) FROM gone GROUP BY 1 HAVING sum(n) <> 0",
            "WITH gone AS (DELETE FROM letter_second WHERE (SELECT count(*) FROM letter_second) > $1 AND id IN
                 (SELECT id FROM letter_second ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED)
                 RETURNING second, fingerprint, n)
             INSERT INTO letter_second (second, fingerprint, n)
             SELECT second, fingerprint, sum(n) FROM gone
             WHERE second > now() - interval '1 hour' GROUP BY 1, 2 HAVING sum(n) <> 0",
        ] {
            sqlx::query(statement)
                .bind(FEW)
                .bind(MOST)
                .execute(&self.write)
                .await?;
        }
        Ok(())
    }
}
