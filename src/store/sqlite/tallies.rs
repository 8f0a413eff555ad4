//! How many letters and items stand where: triggers keep the sums.

use super::Sqlite;
use crate::store::StoreError;

impl Sqlite {
    /// Drops what is nothing, and seconds of more than an hour ago.
    pub(in crate::store) async fn tidy_tallies(&self) -> Result<(), StoreError> {
        for statement in [
            "DELETE FROM letter_tally WHERE n = 0",
            "DELETE FROM item_tally WHERE n = 0",
            "DELETE FROM letter_second WHERE second < (unixepoch() - 3600) * 1000000",
        ] {
            sqlx::query(statement).execute(&self.write).await?;
        }
        Ok(())
    }
}
