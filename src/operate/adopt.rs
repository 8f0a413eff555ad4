//! What a screen or `evtop run` does by itself, under the program's own name: takes over operations that nobody
//! drives any more (their process was killed, or a command did not wait), settles what ended ones left in flight,
//! and sends on events that waited behind a letter which is done with by now. Commands that come and go do none
//! of it.

use std::sync::Arc;
use std::time::Duration;

use super::running::SILENCE;
use super::settle::Settler;
use super::{Asked, Operator};
use crate::command::{Command, LetterChoice, REDRIVE_RATE};
use crate::store::StoreError;

/// How often operations are looked for that nobody drives.
const LOOK_ROUND: Duration = Duration::from_secs(1);

/// Rounds after which this process says that it is there, and sums are tidied: each is a write.
const BEAT_ROUNDS: u32 = 3;
const TIDY_ROUNDS: u32 = 15;

/// Rounds without any redrive after which waiting events are sent on.
const IDLE_ROUNDS: u32 = 3;

/// Waiting events that are sent on at once.
const MOST: u32 = 500;

/// Looks until stopped, and says so, since a command that does not wait must know that somebody does.
pub async fn take_over(operator: Arc<Operator>) {
    let store = &operator.shared.store;
    let (mut letters, mut replays) = (Settler::default(), Settler::default());
    let mut idle = 0;
    for round in 0u32.. {
        match look(&operator, round, &mut letters, &mut replays).await {
            Ok(redriving) => idle = if redriving { 0 } else { idle + 1 },
            Err(error) => tracing::warn!(%error, "unfinished operations can't be read"),
        }
        if idle >= IDLE_ROUNDS {
            send_on(&operator).await;
            idle = 0;
        }
        if !operator.rest(LOOK_ROUND).await {
            break;
        }
    }
    if let Err(error) = store.driver_gone(&operator.shared.owner).await {
        tracing::debug!(%error, "others will take this process for gone a little later");
    }
}

/// Takes over what nobody drives. Returns whether there is any unfinished redrive.
async fn look(
    operator: &Arc<Operator>,
    round: u32,
    letters: &mut Settler,
    replays: &mut Settler,
) -> Result<bool, StoreError> {
    let store = &operator.shared.store;
    if round.is_multiple_of(BEAT_ROUNDS) {
        store.driver_beat(&operator.shared.owner).await?;
    }
    for (operation, driver) in store.undriven_operations(SILENCE).await? {
        if operator.running().contains(&operation.id) {
            continue;
        }
        let (kind, id) = (operation.kind.name(), operation.id);
        let (action, why) = match driver {
            Some(gone) => ("take-over", format!("{gone} had fallen silent")),
            None => ("resume", "nobody drove it".to_owned()),
        };
        tracing::info!(%id, kind, why, "taken over");
        operator
            .audit_own(id, action, &format!("{kind} of {}", operation.what), &why)
            .await;
        operator.drive(&operation, None);
    }
    letters.look_behind(operator).await?;
    replays.look_at_replays(operator).await?;
    if round.is_multiple_of(TIDY_ROUNDS) {
        store.tidy_tallies().await?;
    }
    Ok(store.unfinished_redrives().await? > 0)
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
        rate: REDRIVE_RATE,
    };
    let who = operator.own_name();
    let asked = Asked {
        id: operator.shared.clock.id(),
        who: &who,
        leaves: false,
    };
    let result = operator.through_gate(asked, &command).await;
    tracing::info!(
        count = ready.len(),
        ok = result.is_ok(),
        "sent on what waited behind letters that are done with"
    );
}
