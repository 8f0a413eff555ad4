//! Takes over operations that nobody drives any more: their process was killed, or a command that did
//! not wait has gone. The rule: whoever drives an operation moves it, so one that stands still is free.
//!
//! Events that waited behind a letter which is resolved by now never failed: when no redrive is left to
//! bring them (it was cancelled), they are sent on from here.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::{Operator, redrive};
use crate::command::{Command, LetterChoice, Request};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};

/// How often operations are looked for that nobody drives.
const LOOK_ROUND: Duration = Duration::from_secs(1);

/// Rounds without any redrive after which waiting events are sent on.
const IDLE_ROUNDS: u32 = 3;

/// Waiting events that are sent on at once.
const MOST: u32 = 500;

/// Looks until stopped. Two that drive the same redrive do no harm, since it keeps its ids.
pub async fn take_over(operator: Arc<Operator>) {
    let mut seen: HashMap<Uuid, ((OperationState, Counts), u32)> = HashMap::new();
    let mut idle = 0;
    loop {
        let unfinished = operator.shared.store.unfinished_operations().await;
        let unfinished = unfinished.unwrap_or_else(|error| {
            tracing::warn!(%error, "unfinished operations can't be read");
            Vec::new()
        });
        seen.retain(|id, _| unfinished.iter().any(|o| o.id == *id));
        let redriving = unfinished.iter().any(|o| o.kind == OperationKind::Redrive);
        idle = if redriving { 0 } else { idle + 1 };
        if idle >= IDLE_ROUNDS {
            send_on(&operator).await;
            idle = 0;
        }
        for operation in unfinished {
            if operator.running().contains_key(&operation.id) {
                continue;
            }
            let now = (operation.state, operation.counts);
            let (last, rounds) = seen.entry(operation.id).or_insert((now, 0));
            *rounds = if *last == now { *rounds + 1 } else { 0 };
            *last = now;
            if *rounds > patience(operation.kind) {
                adopt(&operator, &operation).await;
            }
        }
        tokio::select! {
            () = operator.stop.cancelled() => return,
            () = tokio::time::sleep(LOOK_ROUND) => {}
        }
    }
}

/// Rounds that an operation may stand still; a replay can't be gone on with, so that is longer.
fn patience(kind: OperationKind) -> u32 {
    match kind {
        OperationKind::Redrive => 3,
        OperationKind::Replay | OperationKind::Inject => 30,
    }
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
