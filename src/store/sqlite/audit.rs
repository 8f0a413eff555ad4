//! The audit: who asked for what, and what came of it. Lines are added and never changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Sqlite;
use super::codec::{Columns, micros};
use crate::domain::operation::AuditRow;
use crate::store::StoreError;

impl Sqlite {
    pub(in crate::store) async fn audit(
        &self,
        at: DateTime<Utc>,
        request_id: Uuid,
        who: &str,
        action: &str,
        detail: &str,
        outcome: Option<&str>,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO audit (at, request_id, who, action, detail, outcome) VALUES (?, ?, ?, ?, ?, ?)",
        )
        .bind(micros(at))
        .bind(request_id.to_string())
        .bind(who)
        .bind(action)
        .bind(detail)
        .bind(outcome)
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn audit_rows(
        &self,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let rows = sqlx::query(
            "SELECT id, at, request_id, who, action, detail, outcome FROM audit ORDER BY id DESC LIMIT ?",
        )
        .bind(limit)
        .fetch_all(&self.read)
        .await?;
        rows.iter()
            .map(|row| {
                let mut c = Columns::of(row);
                Ok(AuditRow {
                    id: c.get()?,
                    at: c.time()?,
                    request_id: c.uuid()?,
                    who: c.get()?,
                    action: c.get()?,
                    detail: c.get()?,
                    outcome: c.get()?,
                })
            })
            .collect()
    }
}
