//! Redrive: letters go back to the consumer that failed, and to no other. Each step is written down
//! before it is taken (intent, broker's acknowledgement, consumer's report), so a crash anywhere sends a
//! letter again under the same redrive id, which the inbox absorbs, and never loses one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::choose::{Chosen, choose};
use super::edit::Edit;
use super::{Operator, from_store, refuse};
use crate::command::{Done, LetterChoice, Refusal, RefusalKind};
use crate::domain::letter::{Letter, LetterBody, LetterStatus};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::domain::service::Service;
use crate::failpoint;
use crate::kafka::headers;
use crate::store::{Item, StoreError};

/// How often reports are looked for: a key's queue goes on one report at a time.
const LOOK: Duration = Duration::from_millis(50);

/// How long the record that a letter came from may take to be read.
const SOURCE: Duration = Duration::from_secs(5);

/// After how many looks without a report the broker is asked whether the record was passed.
const ASK: u32 = 20;

/// Plans the operation, writes it down and begins.
pub async fn start(
    operator: &Arc<Operator>,
    id: Uuid,
    choice: &LetterChoice,
    rate: u32,
) -> Result<Done, Refusal> {
    let chosen = choose(operator, choice).await?;
    begin(operator, id, chosen, rate, String::new()).await
}

/// The same for one letter that was edited; `plan` is what is sent in its stead.
pub async fn start_edited(
    operator: &Arc<Operator>,
    id: Uuid,
    letter: Letter,
    what: String,
    plan: String,
) -> Result<Done, Refusal> {
    let chosen = Chosen {
        letters: vec![letter],
        refused: Vec::new(),
        what,
    };
    begin(operator, id, chosen, 0, plan).await
}

async fn begin(
    operator: &Arc<Operator>,
    id: Uuid,
    mut chosen: Chosen,
    rate: u32,
    plan: String,
) -> Result<Done, Refusal> {
    existing(operator, &mut chosen).await?;
    let items: Vec<(Uuid, Uuid)> = chosen
        .letters
        .iter()
        .map(|l| (redrive_id(id, l.id), l.id))
        .collect();
    let total = items.len() as u64;
    let operation = Operation {
        id,
        kind: OperationKind::Redrive,
        state: OperationState::Planned,
        what: chosen.what.clone(),
        target: target(&chosen.letters),
        counts: Counts {
            total,
            ..Counts::default()
        },
        rate_limit: rate,
        by: operator.who.clone(),
        created_at: operator.shared.clock.now(),
        ended_at: None,
        note: left_out(&chosen.refused),
        plan,
    };
    operator
        .shared
        .store
        .create_operation(&operation, &items)
        .await
        .map_err(|e| match e {
            StoreError::Busy(why) => refuse(RefusalKind::Conflict, why),
            other => from_store(&other),
        })?;
    operator.begin(id, move |operator, token| run(operator, id, rate, token));
    Ok(Done::Started {
        operation: id,
        total,
    })
}

/// Leaves out letters whose topic is gone: a broker may make it anew at the first record that is sent
/// there, and what is not ours is not ours to make.
async fn existing(operator: &Operator, chosen: &mut Chosen) -> Result<(), Refusal> {
    if !operator.rules.attached {
        return Ok(());
    }
    let there = operator.observer.topics().await.map_err(|e| {
        let why = format!("nothing was done, the topics can't be listed: {e}");
        refuse(RefusalKind::Unavailable, why)
    })?;
    let is_there = |l: &Letter| l.topic.as_ref().is_some_and(|t| there.contains_key(t));
    let (kept, gone) = std::mem::take(&mut chosen.letters)
        .into_iter()
        .partition(is_there);
    chosen.letters = kept;
    let gone: Vec<Letter> = gone;
    chosen.refused.extend(gone.into_iter().map(|letter| {
        let topic = letter.topic.as_deref().unwrap_or("unknown");
        let why = format!("its topic {topic} is not on this cluster, and none is made there");
        (letter.id, why)
    }));
    match (chosen.letters.first(), chosen.refused.first()) {
        (None, Some((_, why))) => Err(refuse(RefusalKind::Conflict, why.clone())),
        _ => Ok(()),
    }
}

/// Who will get them: the groups that failed where they are ours, else whoever reads the topics.
fn target(letters: &[Letter]) -> String {
    let list = |mut names: Vec<&str>| {
        names.sort_unstable();
        names.dedup();
        names.join(", ")
    };
    let (own, others): (Vec<&Letter>, Vec<&Letter>) = letters.iter().partition(|l| reports(l));
    let groups = list(own.iter().filter_map(|l| l.group.as_deref()).collect());
    let topics = list(others.iter().filter_map(|l| l.topic.as_deref()).collect());
    match (groups.is_empty(), topics.is_empty()) {
        (_, true) => format!("{groups} only"),
        (true, false) => format!("whoever reads {topics}"),
        (false, false) => format!("{groups} only; whoever reads {topics}"),
    }
}

/// Whether its group is one of ours, so that what becomes of it is reported.
fn reports(letter: &Letter) -> bool {
    letter.group.as_deref().is_some_and(Service::is_ours)
}

/// The id under which a letter is sent in an operation: the same after a crash.
fn redrive_id(operation: Uuid, letter: Uuid) -> Uuid {
    Uuid::new_v5(&operation, letter.as_bytes())
}

fn left_out(refused: &[(Uuid, String)]) -> Option<String> {
    let (_, first) = refused.first()?;
    Some(format!("{} left out; the first: {first}", refused.len()))
}

/// Drives an operation to its end, whoever began it.
pub async fn run(operator: Arc<Operator>, id: Uuid, rate: u32, token: CancellationToken) {
    loop {
        match drive(&operator, id, rate, &token).await {
            Ok(state) => {
                let now = operator.shared.clock.now();
                match operator
                    .shared
                    .store
                    .set_operation_state(id, state, None, now)
                    .await
                {
                    Ok(_) => return,
                    Err(error) => tracing::warn!(%error, "an operation's end can't be written"),
                }
            }
            // Stopped with the program: it stays unfinished and goes on at the next start.
            Err(Halt::Stopped) => return,
            Err(Halt::Down(why)) => tracing::warn!(why, "a redrive waits"),
        }
        tokio::select! {
            () = operator.stop.cancelled() => return,
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

enum Halt {
    Stopped,
    Down(String),
}

impl From<StoreError> for Halt {
    fn from(error: StoreError) -> Self {
        Self::Down(error.to_string())
    }
}

async fn drive(
    operator: &Operator,
    id: Uuid,
    rate: u32,
    token: &CancellationToken,
) -> Result<OperationState, Halt> {
    let store = &operator.shared.store;
    // First of all, or one that never gets further than this could not be cancelled.
    if operator.cancelled(id, token).await {
        return Ok(OperationState::Cancelled);
    }
    let now = || operator.shared.clock.now();
    store
        .set_operation_state(id, OperationState::Running, None, now())
        .await?;
    let plan = store.operation(id).await?.map(|o| o.plan);
    let edit = plan.and_then(|plan| Edit::of_plan(&plan));
    // What was reported while nobody looked is followed too.
    let mut flying: HashSet<Uuid> = store
        .sent_items(id)
        .await?
        .iter()
        .map(|i| i.redrive_id)
        .collect();
    let mut waited: HashMap<Uuid, u32> = HashMap::new();
    let mut looks = 0u32;
    let mut draining = false;
    loop {
        for item in store.next_items(id, 100).await? {
            operator.room(id, token).await;
            if operator.stop.is_cancelled() {
                return Err(Halt::Stopped);
            }
            if operator.cancelled(id, token).await {
                return Ok(OperationState::Cancelled);
            }
            if send(operator, &item, edit.as_ref()).await? {
                flying.insert(item.redrive_id);
            }
            if rate > 0 {
                tokio::select! {
                    () = operator.stop.cancelled() => return Err(Halt::Stopped),
                    () = tokio::time::sleep(Duration::from_secs(1) / rate) => {}
                }
            }
        }
        let open = store.in_flight_items(id).await?;
        let still: HashSet<Uuid> = open.iter().map(|i| i.redrive_id).collect();
        let mut more = false;
        for settled in flying.difference(&still) {
            more |= follow(operator, id, *settled).await?;
        }
        flying = still;
        if more {
            continue;
        }
        if flying.is_empty() {
            return Ok(OperationState::Completed);
        }
        // Once: a look comes each 50 ms, and the state is a write that all others wait for.
        if !draining {
            store
                .set_operation_state(id, OperationState::Draining, None, now())
                .await?;
            draining = true;
        }
        looks += 1;
        if looks.is_multiple_of(ASK) {
            give_up_on_passed(operator, &open, &mut waited).await?;
        }
        tokio::select! {
            () = operator.stop.cancelled() => return Err(Halt::Stopped),
            () = tokio::time::sleep(LOOK) => {}
        }
        if operator.cancelled(id, token).await {
            return Ok(OperationState::Cancelled);
        }
    }
}

/// Sends one letter; `false` when there is nothing to wait for.
async fn send(operator: &Operator, item: &Item, edit: Option<&Edit>) -> Result<bool, Halt> {
    let store = &operator.shared.store;
    if !store.item_queued(item.redrive_id).await? {
        // Refused there and then, or reported meanwhile: nothing is to be sent.
        return Ok(true);
    }
    failpoint::pass("redrive.queued");
    let Some((letter, body)) = store.letter(item.letter_id).await? else {
        store
            .item_refused(item.redrive_id, "the letter is gone")
            .await?;
        return Ok(false);
    };
    let (letter, body) = match rehydrated(operator, letter, body).await {
        Ok(whole) => whole,
        Err(why) => {
            store.item_refused(item.redrive_id, &why).await?;
            return Ok(false);
        }
    };
    let record = match edit.filter(|edit| edit.letter == letter.id) {
        Some(edit) => edit.record(&letter, &body, item.redrive_id),
        None => headers::redrive(&letter, &body, item.redrive_id)
            .ok_or_else(|| "nothing on it says which topic it came from".to_owned()),
    };
    let record = match record {
        Ok(record) => record,
        Err(why) => {
            store.item_refused(item.redrive_id, &why).await?;
            return Ok(false);
        }
    };
    match operator.shared.producer.send(&record).await {
        Ok(place) => {
            failpoint::pass("redrive.acked");
            operator.shared.delivered(&record, place);
            store
                .item_sent(
                    item.redrive_id,
                    &record.topic,
                    place.partition,
                    place.offset,
                )
                .await?;
            Ok(true)
        }
        Err(error) if error.is_unavailable() => Err(Halt::Down(error.to_string())),
        Err(error) => {
            store
                .item_refused(item.redrive_id, &error.to_string())
                .await?;
            Ok(false)
        }
    }
}

/// The record as it was: two frameworks leave headers behind, so theirs is fetched from its source. Once
/// retention has removed that, what the letter has must do, unless it has no value.
async fn rehydrated(
    operator: &Operator,
    letter: Letter,
    body: LetterBody,
) -> Result<(Letter, LetterBody), String> {
    if letter.family.copies_headers() {
        return Ok((letter, body));
    }
    let (Some(topic), Some(partition), Some(offset)) =
        (&letter.topic, letter.partition, letter.offset)
    else {
        return Ok((letter, body));
    };
    let place = (topic.clone(), partition);
    let found = operator.observer.record_at(place, offset, SOURCE).await;
    match found {
        Ok(Some(record)) if record.offset == offset => {
            let body = LetterBody {
                value: record.value,
                headers: record.headers,
            };
            let key = record.key;
            Ok((Letter { key, ..letter }, body))
        }
        Ok(_) | Err(_) if body.value.is_some() => Ok((letter, body)),
        Ok(_) => Err(format!(
            "{} kept no value, and {topic}/{partition} no longer has the record {offset}",
            letter.family.title()
        )),
        Err(error) => Err(format!(
            "{} kept no value, and its record can't be read: {error}",
            letter.family.title()
        )),
    }
}

/// After a letter is done, the next event of its key's queue takes its turn. `true` when there is one.
async fn follow(operator: &Operator, operation: Uuid, redrive: Uuid) -> Result<bool, Halt> {
    let store = &operator.shared.store;
    let Some(item) = store.item(redrive).await? else {
        return Ok(false);
    };
    let Some((letter, _)) = store.letter(item.letter_id).await? else {
        return Ok(false);
    };
    let Some(group) = letter.group.as_deref() else {
        return Ok(false);
    };
    if letter.status != LetterStatus::Resolved || letter.family.is_foreign() {
        return Ok(false);
    }
    let Some(next) = store
        .next_behind(group, letter.key.as_deref().unwrap_or_default())
        .await?
    else {
        return Ok(false);
    };
    // False when it had its turn in this operation: it is not sent twice under one id.
    let redrive = redrive_id(operation, next.id);
    Ok(store.add_item(operation, redrive, next.id).await?)
}

/// A record that its group has passed without a report stays unknown: no one will report it any more.
async fn give_up_on_passed(
    operator: &Operator,
    open: &[Item],
    waited: &mut HashMap<Uuid, u32>,
) -> Result<(), Halt> {
    let mut offsets: HashMap<(String, String, i32), Option<i64>> = HashMap::new();
    for item in open {
        let (Some((topic, partition, offset)), Some((letter, _))) = (
            item.place.clone(),
            operator.shared.store.letter(item.letter_id).await?,
        ) else {
            continue;
        };
        // Nobody reports for a group of others, or to the file beside a cluster of others: that it was sent
        // is all that is known.
        let told = |_: &String| reports(&letter) && !operator.rules.attached;
        let Some(group) = letter.group.clone().filter(told) else {
            operator.shared.store.item_unknown(item.redrive_id).await?;
            continue;
        };
        let place = (group.clone(), topic.clone(), partition);
        let committed = match offsets.get(&place) {
            Some(known) => *known,
            None => {
                let at = vec![(topic, partition)];
                let answer = operator.observer.committed(&group, at).await;
                let committed = answer.ok().and_then(|c| c.first().copied().flatten());
                *offsets.entry(place).or_insert(committed)
            }
        };
        let count = waited.entry(item.redrive_id).or_default();
        *count = if committed.is_some_and(|at| at > offset) {
            *count + 1
        } else {
            0
        };
        // The report comes before the offset, so one more look would do; a slow database gets a few.
        if *count >= 3 {
            operator.shared.store.item_unknown(item.redrive_id).await?;
        }
    }
    Ok(())
}
