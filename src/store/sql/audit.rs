//! The audit: who asked for what, and what came of it. Lines are added and never changed.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Db;
use super::codec::{self, id, text};
use crate::domain::operation::AuditRow;
use crate::store::StoreError;

impl Db {
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
            "INSERT INTO audit (at, request_id, who, action, detail, outcome) VALUES ($1, $2, $3, $4, $5, $6)",
        )
        .bind(codec::at(at))
        .bind(id(request_id))
        .bind(who)
        .bind(action)
        .bind(text(detail))
        .bind(outcome.map(text))
        .execute(&self.write)
        .await?;
        Ok(())
    }

    pub(in crate::store) async fn audit_rows(
        &self,
        limit: u32,
    ) -> Result<Vec<AuditRow>, StoreError> {
        self.first(
            "SELECT id, at, request_id, who, action, detail, outcome FROM audit ORDER BY id DESC LIMIT $1",
            limit,
            |c| {
                Ok(AuditRow {
                    id: c.get()?,
                    at: c.time()?,
                    request_id: c.uuid()?,
                    who: c.get()?,
                    action: c.get()?,
                    detail: c.get()?,
                    outcome: c.get()?,
                })
            },
        )
        .await
    }
}
