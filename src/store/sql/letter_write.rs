//! Writing dead letters, and the block that each open one puts on its key. A key's letters and its
//! block change in the same transaction, so a block stands exactly while a letter of its key is open.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use sqlx::QueryBuilder;
use uuid::Uuid;

use super::codec::{Id, at, count, headers_text, id, json, list, part, sql, text, uuid};
use super::{Connection, Db, Driver, apply, items, locks};
use crate::domain::edit::EDIT_OF;
use crate::domain::fault::Stage;
use crate::domain::letter::{Letter, LetterBody, LetterStatus, RedriveOutcome};
use crate::domain::retry::MAX_REDRIVES;
use crate::store::{QUEUE_DEPTH, Queued, RedriveRef, StoreError};

/// Stands for a number that is unknown; an unknown text is empty. No attempt yet is 0 attempts.
const NONE: i32 = -1;

/// Rows of one INSERT: well below SQLite's limit of bound values.
const ROWS: usize = 200;

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
            items::settle(&mut tx, &[(redrive.redrive, RedriveOutcome::FailedAgain)]).await?;
        }
        heads(&mut tx, &list([letter.id])?).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(in crate::store) async fn queue_behind(
        &self,
        rows: &[(Letter, LetterBody)],
    ) -> Result<Vec<Queued>, StoreError> {
        let mut tx = self.begin().await?;
        // Letters before blocks, as everywhere: so all are written down as waiting, and those that need not wait
        // are taken out again once their keys' blocks are held.
        let ids = list(rows.iter().map(|(letter, _)| letter.id))?;
        locks::letters(&mut tx, &ids).await?;
        let known = known(&mut tx, rows.iter().map(|(letter, _)| letter.id)).await?;
        let mut fresh: BTreeMap<Uuid, (Letter, &LetterBody)> = BTreeMap::new();
        for (letter, body) in rows {
            if key(letter).is_some() && !known.contains(&letter.id) {
                let mut letter = letter.clone();
                letter.status = LetterStatus::Blocked;
                fresh.entry(letter.id).or_insert((letter, body));
            }
        }
        // In the order in which they came: that is their keys' order.
        let order: Vec<&(Letter, &LetterBody)> = {
            let mut seen = HashSet::new();
            let firsts = rows.iter().filter(|(letter, _)| seen.insert(letter.id));
            firsts
                .filter_map(|(letter, _)| fresh.get(&letter.id))
                .collect()
        };
        let mut new: HashSet<Uuid> = HashSet::new();
        for chunk in order.chunks(ROWS) {
            let mut query = insert(chunk.iter().map(|(letter, _)| letter));
            query.push(" ON CONFLICT (id) DO NOTHING RETURNING id");
            let ids: Vec<Id> = query.build_query_scalar().fetch_all(&mut *tx).await?;
            for id in ids {
                new.insert(uuid(id)?);
            }
        }
        let mut keys: BTreeMap<&str, BTreeSet<&[u8]>> = BTreeMap::new();
        for (letter, _) in rows {
            if let Some(key) = key(letter) {
                let group = letter.group.as_deref().unwrap_or_default();
                keys.entry(group).or_default().insert(key);
            }
        }
        for (group, keys) in &keys {
            locks::blocks(&mut tx, group, keys).await?;
        }
        let mut queues: HashMap<Place<'_>, Option<Queue>> = HashMap::new();
        let mut answers = Vec::with_capacity(rows.len());
        let (mut waiting, mut out) = (Vec::new(), Vec::new());
        for (letter, body) in rows {
            let Some(key) = key(letter) else {
                answers.push(Queued::Released);
                continue;
            };
            let place = (letter.group.as_deref().unwrap_or_default(), key);
            let queue = match queues.entry(place) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(free) => {
                    let mine = order.iter().filter(|(l, _)| {
                        new.contains(&l.id)
                            && (l.group_name(), l.key.as_deref()) == (place.0, Some(place.1))
                    });
                    let mine = mine.count() as u64;
                    free.insert(queue(&mut tx, place, mine).await?)
                }
            };
            let first = new.remove(&letter.id);
            let Some(queue) = queue else {
                out.extend(first.then_some(letter.id));
                answers.push(Queued::Released);
                continue;
            };
            if !first {
                answers.push(if out.contains(&letter.id) {
                    Queued::Full
                } else {
                    Queued::Queued
                });
            } else if queue.depth >= QUEUE_DEPTH && !queue.redriven {
                out.push(letter.id);
                answers.push(Queued::Full);
            } else {
                queue.depth += 1;
                waiting.push((letter, body, queue.head));
                answers.push(Queued::Queued);
            }
        }
        if !out.is_empty() {
            sqlx::query(sql(
                "DELETE FROM dead_letter WHERE id IN (SELECT {id 0} FROM {rows 1})",
            ))
            .bind(list(out)?)
            .execute(&mut *tx)
            .await?;
        }
        for chunk in waiting.chunks(ROWS) {
            sqlx::query(sql(
                "UPDATE dead_letter SET blocked_by = w.head
                 FROM (SELECT {id 0} AS id, {id 1} AS head FROM {rows 1}) w WHERE dead_letter.id = w.id",
            ))
            .bind(json(&chunk.iter().map(|(l, _, head)| (l.id, *head)).collect::<Vec<_>>())?)
            .execute(&mut *tx)
            .await?;
            insert_bodies(
                &mut tx,
                chunk.iter().map(|(letter, body, _)| (*letter, *body)),
            )
            .await?;
        }
        tx.commit().await?;
        Ok(answers)
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

/// A group and a key.
type Place<'a> = (&'a str, &'a [u8]);

fn key(letter: &Letter) -> Option<&[u8]> {
    letter.key.as_deref().filter(|key| !key.is_empty())
}

/// Which of these letters there are.
async fn known(
    connection: &mut Connection,
    letters: impl Iterator<Item = Uuid>,
) -> Result<HashSet<Uuid>, StoreError> {
    let known: Vec<Id> = sqlx::query_scalar(sql(
        "SELECT id FROM dead_letter WHERE id IN (SELECT {id 0} FROM {rows 1})",
    ))
    .bind(list(letters)?)
    .fetch_all(connection)
    .await?;
    known.into_iter().map(uuid).collect()
}

/// A key that is not free.
struct Queue {
    head: Uuid,
    /// The head is on its way to its consumer, which meets it after everything that came before: to
    /// hold now would keep the two apart for ever, so the queue may grow until then.
    redriven: bool,
    /// How many wait.
    depth: u64,
}

/// `None` when the key is free. `mine`: so many of its waiting rows were written just now, and don't count.
async fn queue(
    connection: &mut Connection,
    (group, key): Place<'_>,
    mine: u64,
) -> Result<Option<Queue>, StoreError> {
    let row: Option<(Id, bool, i64)> = sqlx::query_as(sql(
        "SELECT b.head_id, EXISTS (SELECT 1 FROM dead_letter h
                                   WHERE h.id = b.head_id AND h.status IN ('queued', 'in_flight')),
             (SELECT count(*) FROM dead_letter d
              WHERE d.consumer = b.consumer AND {whole d.key} = {whole b.key} AND d.status = 'blocked'
                  AND d.status NOT IN ('resolved', 'archived') AND d.family = 'evtop')
         FROM key_block b WHERE b.consumer = $1 AND {whole b.key} = {whole $2}",
    ))
    .bind(group)
    .bind(key)
    .fetch_optional(connection)
    .await?;
    row.map(|(head, redriven, depth)| {
        Ok(Queue {
            head: uuid(head)?,
            redriven,
            depth: count(depth).saturating_sub(mine),
        })
    })
    .transpose()
}

/// The INSERT of index rows, without its end.
fn insert<'a>(letters: impl Iterator<Item = &'a Letter>) -> QueryBuilder<Driver> {
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
async fn insert_bodies<'a>(
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

/// Puts the blocks of these letters' keys right: a key with an open letter is blocked, and the oldest of them is
/// its head; a key without is free. What another program wrote down holds no key of ours: its later events have
/// long gone by. The letters are locked by now, their blocks are locked here.
pub(super) async fn heads(connection: &mut Connection, letters: &str) -> Result<(), StoreError> {
    locks::blocks_of(connection, letters).await?;
    for statement in [
        // The update changes nothing and holds the block: it can't be lifted before these letters are seen.
        "INSERT INTO key_block (consumer, key, head_id, since)
         SELECT consumer, key, id, last_failed_at FROM (
             SELECT consumer, key, id, last_failed_at,
                 row_number() OVER (PARTITION BY consumer, key ORDER BY seq) AS nth
             FROM dead_letter
             WHERE id IN (SELECT {id 0} FROM {rows 1}) AND length(key) > 0
                 AND status NOT IN ('resolved', 'archived') AND family = 'evtop'
         ) AS open
         WHERE nth = 1 ORDER BY consumer, key
         ON CONFLICT (consumer, {whole key}) DO UPDATE SET since = key_block.since",
        "DELETE FROM key_block WHERE (consumer, {whole key}) IN
             (SELECT consumer, {whole key} FROM dead_letter WHERE id IN (SELECT {id 0} FROM {rows 1}))
         AND NOT EXISTS (SELECT 1 FROM dead_letter d WHERE d.consumer = key_block.consumer
                         AND {whole d.key} = {whole key_block.key} AND d.status NOT IN ('resolved', 'archived')
                         AND d.family = 'evtop')",
        // In a statement of its own, which sees what was committed while a block was waited for.
        "UPDATE key_block SET head_id = h.id, ready = h.status = 'blocked'
         FROM (SELECT k.consumer, k.place, d.id, d.status FROM (
                   SELECT DISTINCT l.consumer, {whole l.key} AS place, (
                       SELECT min(o.seq) FROM dead_letter o WHERE o.consumer = l.consumer
                           AND {whole o.key} = {whole l.key} AND o.status NOT IN ('resolved', 'archived')
                           AND o.family = 'evtop') AS seq
                   FROM dead_letter l WHERE l.id IN (SELECT {id 0} FROM {rows 1}) AND length(l.key) > 0) k
               JOIN dead_letter d ON d.seq = k.seq) h
         WHERE key_block.consumer = h.consumer AND {whole key_block.key} = h.place
             AND (key_block.head_id <> h.id OR key_block.ready <> (h.status = 'blocked'))",
    ] {
        sqlx::query(sql(statement)).bind(letters).execute(&mut *connection).await?;
    }
    Ok(())
}
