//! Takes over operations that nobody drives any more: their process was killed, or a command that did
//! not wait has gone. The rule: whoever drives an operation says so each second, so a silent one is free.
//!
//! Events that waited behind a letter which is resolved by now never failed: when no redrive is left to
//! bring them (it was cancelled), they are sent on from here.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::{Operator, redrive};
use crate::command::{Command, LetterChoice, Request};
use crate::domain::operation::{Operation, OperationKind, OperationState};
use crate::store::StoreError;

/// How often operations are looked for that nobody drives.
const LOOK_ROUND: Duration = Duration::from_secs(1);

/// How long an operation must be silent before it is taken over.
const SILENCE: TimeDelta = TimeDelta::seconds(10);

/// Rounds without any redrive after which waiting events are sent on.
const IDLE_ROUNDS: u32 = 3;

/// Waiting events that are sent on at once.
const MOST: u32 = 500;

/// Looks until stopped. Two that drive the same redrive do no harm, since it keeps its ids.
pub async fn take_over(operator: Arc<Operator>) {
    let mut before = HashSet::new();
    let mut idle = 0;
    loop {
        match look(&operator, &before).await {
            Ok((silent, redriving)) => {
                before = silent;
                idle = if redriving { 0 } else { idle + 1 };
            }
            Err(error) => tracing::warn!(%error, "unfinished operations can't be read"),
        }
        if idle >= IDLE_ROUNDS {
            send_on(&operator).await;
            idle = 0;
        }
        tokio::select! {
            () = operator.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_ROUND) => {}
        }
    }
}

/// Takes over what was silent in the look `before` too: after a pause of the machine or the store, one
/// that is driven has a round's time to say so. Returns what is silent now, and whether there is any
/// unfinished redrive.
async fn look(
    operator: &Arc<Operator>,
    before: &HashSet<Uuid>,
) -> Result<(HashSet<Uuid>, bool), StoreError> {
    let store = &operator.shared.store;
    let unfinished = store.unfinished_operations().await?;
    let redriving = unfinished.iter().any(|o| o.kind == OperationKind::Redrive);
    if unfinished.is_empty() {
        return Ok((HashSet::new(), false));
    }
    let since = operator.shared.clock.now() - SILENCE;
    let mut silent = store.silent_operations(since).await?;
    silent.retain(|o| !operator.running().contains_key(&o.id));
    for operation in silent.iter().filter(|o| before.contains(&o.id)) {
        adopt(operator, operation).await;
    }
    Ok((silent.iter().map(|o| o.id).collect(), redriving))
}

/// Brings on what waits behind nothing any more, through the gate as everything that writes.
async fn send_on(operator: &Arc<Operator>) {
    let ready = match operator.shared.store.ready_letters(MOST).await {
        Ok(ready) if ready.is_empty() => return,
        Ok(ready) => ready,
        Err(error) => {
            tracing::warn!(%error, "waiting events can't be read");
            return;
        }
    };
    let command = Command::Redrive {
        letters: LetterChoice::Ids(ready.iter().map(|letter| letter.id).collect()),
        rate: 0,
    };
    let id = operator.shared.clock.id();
    let outcome = operator.answer(Request { id, command }).await;
    tracing::info!(
        count = ready.len(),
        ok = outcome.result.is_ok(),
        "sent on what waited behind resolved letters"
    );
}

async fn adopt(operator: &Arc<Operator>, operation: &Operation) {
    let (id, rate) = (operation.id, operation.rate_limit);
    tracing::info!(%id, kind = operation.kind.name(), "taken over: nobody drove it");
    if operation.kind == OperationKind::Redrive {
        operator.begin(id, move |operator, token| {
            redrive::run(operator, id, rate, token)
        });
        return;
    }
    let note = "evtop ended while it ran: what was sent is sent, start it again for the rest";
    let failed = operator.shared.store.set_operation_state(
        id,
        OperationState::Failed,
        Some(note),
        operator.shared.clock.now(),
    );
    if let Err(error) = failed.await {
        tracing::warn!(%error, "an interrupted operation could not be closed");
    }
}
