//! Writing dead letters: buried by a consumer, or indexed from a dead-letter topic.

use std::collections::HashSet;

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{at, headers_text, id, list, part, text};
use super::key_queue::heads;
use super::{Connection, Db, Driver, apply, item_ends, locks};
use crate::domain::edit::EDIT_OF;
use crate::domain::fault::Stage;
use crate::domain::letter::{Letter, LetterBody, LetterStatus, RedriveOutcome};
use crate::domain::retry::MAX_REDRIVES;
use crate::store::{RedriveRef, StoreError};

/// Stands for a number that is unknown; an unknown text is empty. No attempt yet is 0 attempts.
const NONE: i32 = -1;

/// Rows of one INSERT: well below SQLite's limit of bound values.
pub(super) const ROWS: usize = 200;

/// Where a failure that was not known of leaves a letter.
const FAILED: &str = "CASE WHEN {greatest}(dead_letter.redrives, excluded.redrives) >= ";
const FAILED_END: &str = " THEN 'parked' ELSE 'unresolved' END";

/// The newest failure's facts.
const FACTS: &str = "event_id = coalesce(excluded.event_id, dead_letter.event_id),
    event_type = coalesce(excluded.event_type, dead_letter.event_type),
    stage = excluded.stage, code = excluded.code, message = excluded.message,
    fingerprint = excluded.fingerprint, attempts = {greatest}(dead_letter.attempts, excluded.attempts),
    last_failed_at = {greatest}(dead_letter.last_failed_at, excluded.last_failed_at),
    redrives = {greatest}(dead_letter.redrives, excluded.redrives)";

/// The newest copy's place: copies of a letter may stand twice in the topic.
const PLACE: &str = "dlq_topic = excluded.dlq_topic, dlq_partition = excluded.dlq_partition,
    dlq_offset = excluded.dlq_offset";

impl Db {
    pub(in crate::store) async fn bury(
        &self,
        letter: &Letter,
        body: &LetterBody,
        redrive: Option<RedriveRef>,
        replay: Option<(&str, Uuid)>,
    ) -> Result<(), StoreError> {
        let mut letter = letter.clone();
        if redrive.is_some() {
            // What the insert says where the row is gone; the upsert says the same of one that is there.
            letter.outcome = Some(RedriveOutcome::FailedAgain);
            letter.status = if letter.redrives >= MAX_REDRIVES {
                LetterStatus::Parked
            } else {
                LetterStatus::Unresolved
            };
        }
        let mut tx = self.begin().await?;
        if let Some((message, operation)) = replay {
            let group = letter.group.as_deref().unwrap_or_default();
            apply::count_failed(&mut tx, group, message, operation, letter.last_failed_at).await?;
        }
        let mut query = insert(std::iter::once(&letter));
        query.push(" ON CONFLICT (id) DO UPDATE SET status = CASE WHEN ");
        query.push_bind(redrive.is_some());
        // A queued row that fails has become a letter itself; a closed one that fails later is open again.
        query.push(
            " OR dead_letter.status = 'blocked' OR (dead_letter.status IN ('resolved', 'archived')
                AND excluded.last_failed_at > dead_letter.last_failed_at) THEN ",
        );
        query.push(part(FAILED)).push(MAX_REDRIVES).push(FAILED_END);
        query.push(" ELSE dead_letter.status END, outcome = coalesce(excluded.outcome, dead_letter.outcome),");
        query.push(part(
            " blocked_by = NULL, first_failed_at = CASE dead_letter.status WHEN 'blocked'
                THEN excluded.first_failed_at ELSE {least}(dead_letter.first_failed_at, excluded.first_failed_at) END, ",
        ));
        query.push(part(FACTS));
        if letter.dlq.is_some() {
            query.push(", ").push(PLACE);
        }
        query.build().execute(&mut *tx).await?;
        insert_bodies(&mut tx, std::iter::once((&letter, body))).await?;
        if let Some(redrive) = redrive {
            item_ends::settle(&mut tx, &[(redrive.redrive, RedriveOutcome::FailedAgain)]).await?;
        }
        heads(&mut tx, &list([letter.id])?).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(in crate::store) async fn index_letters(
        &self,
        rows: &[(Letter, LetterBody)],
    ) -> Result<(), StoreError> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut tx = self.begin().await?;
        // One at a time, and those that are there in their order: new ones are written as they came, since that
        // is their keys' order.
        locks::indexing(&mut tx).await?;
        let ids = list(rows.iter().map(|(letter, _)| letter.id))?;
        locks::letters(&mut tx, &ids).await?;
        for chunk in chunks(rows) {
            let mut query = insert(chunk.iter().map(|(letter, _)| letter));
            // SET sees the row as it was, so every column may ask whether the copy is newer.
            query.push(" ON CONFLICT (id) DO UPDATE SET ");
            query.push(PLACE);
            let newer = "excluded.last_failed_at > dead_letter.last_failed_at";
            query
                .push(", status = CASE WHEN ")
                .push(newer)
                .push(" THEN ");
            query.push(part(FAILED)).push(MAX_REDRIVES).push(FAILED_END);
            query.push(" ELSE dead_letter.status END");
            for column in ["event_id", "event_type"] {
                query.push(format_args!(
                    ", {column} = CASE WHEN {newer} THEN coalesce(excluded.{column}, dead_letter.{column})
                         ELSE dead_letter.{column} END"
                ));
            }
            query.push(", blocked_by = CASE WHEN ");
            query
                .push(newer)
                .push(" THEN NULL ELSE dead_letter.blocked_by END");
            for column in [
                "stage",
                "code",
                "message",
                "fingerprint",
                "attempts",
                "outcome",
            ] {
                query.push(format_args!(
                    ", {column} = CASE WHEN {newer} THEN excluded.{column} ELSE dead_letter.{column} END"
                ));
            }
            query.push(part(
                ", last_failed_at = {greatest}(dead_letter.last_failed_at, excluded.last_failed_at),
                redrives = {greatest}(dead_letter.redrives, excluded.redrives)",
            ));
            query.build().execute(&mut *tx).await?;
            insert_bodies(&mut tx, chunk.iter().map(|(letter, body)| (letter, body))).await?;
        }
        heads(&mut tx, &ids).await?;
        tx.commit().await?;
        Ok(())
    }
}

/// Cuts letters into statements' worth. No letter stands twice in one: an upsert would meet its own row.
fn chunks(mut rows: &[(Letter, LetterBody)]) -> Vec<&[(Letter, LetterBody)]> {
    let mut chunks = Vec::new();
    while !rows.is_empty() {
        let mut seen = HashSet::new();
        let end = rows
            .iter()
            .take(ROWS)
            .take_while(|(letter, _)| seen.insert(letter.id))
            .count();
        let (chunk, rest) = rows.split_at(end);
        chunks.push(chunk);
        rows = rest;
    }
    chunks
}

/// The INSERT of index rows, without its end.
pub(super) fn insert<'a>(letters: impl Iterator<Item = &'a Letter>) -> QueryBuilder<Driver> {
    let mut query = QueryBuilder::<Driver>::new(
        "INSERT INTO dead_letter (id, status, consumer, topic, partition, \"offset\", key, event_id, event_type,
             correlation_id, stage, code, message, fingerprint, attempts, first_failed_at, last_failed_at,
             redrives, outcome, blocked_by, dlq_topic, dlq_partition, dlq_offset, family) ",
    );
    query.push_values(letters, |mut row, letter| {
        let dlq = letter.dlq.as_ref();
        row.push_bind(id(letter.id))
            .push_bind(letter.status.name())
            .push_bind(text(letter.group.as_deref().unwrap_or_default()))
            .push_bind(text(letter.topic.as_deref().unwrap_or_default()))
            .push_bind(letter.partition.unwrap_or(NONE))
            .push_bind(letter.offset.unwrap_or(NONE.into()))
            .push_bind(letter.key.clone())
            .push_bind(letter.event_id.map(id))
            .push_bind(letter.event_type.as_deref().map(text))
            .push_bind(letter.correlation_id.map(id))
            .push_bind(letter.stage.map_or("", Stage::name))
            .push_bind(text(&letter.code))
            .push_bind(text(&letter.message))
            .push_bind(letter.fingerprint.clone())
            .push_bind(letter.attempts.map_or(i64::from(NONE), i64::from))
            .push_bind(at(letter.first_failed_at))
            .push_bind(at(letter.last_failed_at))
            .push_bind(i64::from(letter.redrives))
            .push_bind(letter.outcome.map(RedriveOutcome::name))
            .push_bind(letter.blocked_by.map(id))
            .push_bind(dlq.map(|d| d.topic.clone()))
            .push_bind(dlq.map(|d| d.partition))
            .push_bind(dlq.map(|d| d.offset))
            .push_bind(letter.family.name());
    });
    query
}

/// The bytes of letters; those that are there stay: a redriven copy has the same, but for an edited one,
/// whose failure is of its own bytes.
pub(super) async fn insert_bodies<'a>(
    connection: &mut Connection,
    rows: impl Iterator<Item = (&'a Letter, &'a LetterBody)>,
) -> Result<(), StoreError> {
    let edited = |body: &LetterBody| body.headers.iter().any(|(name, _)| name == EDIT_OF);
    let (new, same): (Vec<_>, Vec<_>) = rows.partition(|(_, body)| edited(body));
    if !same.is_empty() {
        bodies(connection, same, "DO NOTHING").await?;
    }
    if !new.is_empty() {
        let set = "DO UPDATE SET value = excluded.value, headers = excluded.headers";
        bodies(connection, new, set).await?;
    }
    Ok(())
}

async fn bodies(
    connection: &mut Connection,
    rows: Vec<(&Letter, &LetterBody)>,
    twice: &'static str,
) -> Result<(), StoreError> {
    let mut query =
        QueryBuilder::<Driver>::new("INSERT INTO dead_letter_body (id, value, headers) ");
    query.push_values(rows, |mut row, (letter, body)| {
        row.push_bind(id(letter.id))
            .push_bind(body.value.clone())
            .push_bind(headers_text(&body.headers));
    });
    query.push(" ON CONFLICT (id) ").push(twice);
    query.build().execute(connection).await?;
    Ok(())
}
