//! Drives a redrive to its end, whoever began it: sends what is due, waits for the consumers' reports, and
//! lets the next of a key's queue take its turn. What it can't do now it tries again; only a stop of the
//! program leaves it, and then the next start goes on with it.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::send::send;
use super::{redrive_id, reports};
use crate::domain::letter::LetterStatus;
use crate::domain::operation::OperationState;
use crate::operate::Operator;
use crate::operate::edit::Edit;
use crate::store::{Item, StoreError};

/// How often reports are looked for: a key's queue goes on one report at a time.
const LOOK: Duration = Duration::from_millis(50);

/// After how many looks without a report the broker is asked whether the record was passed.
const ASK: u32 = 20;

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

/// Why a redrive does not go on now.
pub(super) enum Halt {
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
