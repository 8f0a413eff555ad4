//! The block that an open letter puts on its key, and the events that wait behind it. A key's letters and its
//! block change in the same transaction, so a block stands exactly while a letter of its key is open.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use uuid::Uuid;

use super::codec::{Id, count, json, list, sql, uuid};
use super::letter_write::{ROWS, insert, insert_bodies};
use super::{Connection, Db, locks};
use crate::domain::letter::{Letter, LetterBody, LetterStatus};
use crate::store::{QUEUE_DEPTH, Queued, StoreError};

impl Db {
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
