//! Drives a redrive to its end, whoever began it, round by round: what is due is sent, the next of a key's queue
//! takes its turn, and it ends when none of its items is left to send or to hear of. All that a round knows it
//! reads from the items, so that a round may fail or its process die anywhere, and the next goes on.

use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::send::send;
use crate::clock;
use crate::domain::operation::OperationState;
use crate::operate::Operator;
use crate::operate::edit::Edit;
use crate::operate::running::{AGAIN, Driver, LEASE};
use crate::operate::settle::Settler;
use crate::store::{Item, Store, StoreError};

/// How often reports are looked for: a key's queue goes on one report at a time.
const LOOK: Duration = Duration::from_millis(50);

/// After how many looks without a report the broker is asked whether the record was passed.
const ASK: u32 = 20;

/// How long to wait after a round that sent nothing and may find something now.
const SOON: Duration = Duration::from_millis(1);

/// Letters that are sent at once.
pub const PAGE: u32 = 100;

/// What became of an item that was to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The broker has it there: topic, partition, offset. `told`: its consumer will report.
    Sent {
        place: (String, i32, i64),
        told: bool,
    },
    /// It can't be sent, and why.
    Refused(String),
    /// The broker did not answer: it is sent again under the same id.
    Unanswered(String),
}

/// What a round came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Round {
    /// So many were sent or refused, or the queue behind a letter had its turn: there may be more at once.
    Moved(usize),
    /// Nothing is to be done until a report comes, or somebody resumes it.
    Idle,
    /// The broker did not answer.
    Down(String),
    /// It is completed.
    Over,
}

/// One round of the redrive `id` under this epoch. `send` is handed the items that are meant to be sent by now, in
/// their order, and tells what became of each.
///
/// # Errors
/// [`StoreError::Lost`] where another process drives it by now, or it is over; else what the store said.
pub async fn round(
    store: &Store,
    (id, epoch): (Uuid, i64),
    page: u32,
    now: DateTime<Utc>,
    send: impl AsyncFnOnce(&[Item]) -> Vec<Fate>,
) -> Result<Round, StoreError> {
    let turn = store.redrive_turn(id, epoch, page).await?;
    if turn.unfollowed {
        store.follow_items(id, epoch).await?;
        return Ok(Round::Moved(0));
    }
    if !turn.due.is_empty() {
        let ids: Vec<Uuid> = turn.due.iter().map(|item| item.redrive_id).collect();
        let held = clock::instant();
        let items = store.items_queued(id, epoch, &ids).await?;
        if items.is_empty() {
            return Ok(Round::Moved(0));
        }
        // Stopped meanwhile, this process may no longer be the one that drives it: it looks anew.
        if held.elapsed() >= LEASE {
            return Ok(Round::Moved(0));
        }
        let fates = send(&items).await;
        return settled(store, &items, fates).await;
    }
    if turn.waiting && !turn.paused && store.refuse_waiting(id, epoch).await? > 0 {
        return Ok(Round::Moved(0));
    }
    if !turn.waiting && !turn.in_flight {
        let state = OperationState::Completed;
        if store.finish_operation(id, epoch, state, None, now).await? {
            return Ok(Round::Over);
        }
        return Ok(Round::Moved(0));
    }
    Ok(Round::Idle)
}

/// Writes down what became of the items.
async fn settled(store: &Store, items: &[Item], fates: Vec<Fate>) -> Result<Round, StoreError> {
    let (mut sent, mut silent, mut refused, mut down) = (Vec::new(), Vec::new(), Vec::new(), None);
    for (item, fate) in items.iter().zip(fates) {
        let id = item.redrive_id;
        match fate {
            Fate::Sent { place, told } => {
                sent.push((id, place.0, place.1, place.2));
                silent.extend((!told).then_some(id));
            }
            Fate::Refused(why) => refused.push((id, why)),
            Fate::Unanswered(why) => down = Some(why),
        }
    }
    let moved = sent.len() + refused.len();
    if !sent.is_empty() {
        store.items_sent(&sent).await?;
    }
    // That it was sent is all that is known where nobody reports.
    for id in silent {
        store.item_unknown(id).await?;
    }
    for (id, why) in refused {
        store.item_refused(id, &why).await?;
    }
    Ok(down.map_or(Round::Moved(moved), Round::Down))
}

/// Drives it until it is over, another's, or the program ends. What it can't do now it tries again.
pub async fn run(operator: &Operator, driver: &Driver) {
    let edit = Edit::of_plan(&driver.plan);
    let (mut settler, mut looks) = (Settler::default(), 0);
    while operator.room(driver).await {
        let next = next(operator, driver, edit.as_ref(), &mut settler, &mut looks).await;
        if !operator.after(next).await {
            return;
        }
    }
}

/// Plays a round. How long to wait after it; `None` when it is over.
async fn next(
    operator: &Operator,
    driver: &Driver,
    edit: Option<&Edit>,
    settler: &mut Settler,
    looks: &mut u32,
) -> Result<Option<Duration>, StoreError> {
    let (store, now) = (&operator.shared.store, operator.shared.clock.now());
    let send = async |items: &[Item]| send(operator, items, edit).await;
    let page = driver.page(PAGE);
    let rest = match round(store, (driver.id, driver.epoch), page, now, send).await? {
        Round::Moved(0) => SOON,
        Round::Moved(sent) => driver.pause(sent),
        Round::Idle => {
            *looks += 1;
            if looks.is_multiple_of(ASK) {
                let open = store.in_flight_items(driver.id).await?;
                settler.look(operator, &open).await?;
            }
            LOOK
        }
        Round::Down(why) => {
            tracing::warn!(why, "a redrive waits");
            AGAIN
        }
        Round::Over => return Ok(None),
    };
    Ok(Some(rest))
}
