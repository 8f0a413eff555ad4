//! The outbox: how much waits and since when, always; its rows only when looked at.

use std::time::Duration;

use chrono::TimeDelta;

use super::board::{Board, within};
use super::history::{Pace, Rate, Ring};
use super::sources::Sources;
use crate::clock;
use crate::command::{Focus, Screen};
use crate::pipeline::Shared;
use crate::snapshot::{Outbox, Relay};
use crate::store::{Part, ShardOwner, StoreError};

/// Rows of each list.
const ROWS: u32 = 100;

/// What is remembered between two polls.
pub struct OutboxWatch {
    pace: Pace,
    rate: Rate,
    pending: Ring,
    rates: Ring,
}

impl OutboxWatch {
    #[must_use]
    pub fn new(step: Duration, points: usize) -> Self {
        Self {
            pace: Pace::new(step),
            rate: Rate::default(),
            pending: Ring::new(step, points),
            rates: Ring::new(step, points),
        }
    }

    pub async fn poll(&mut self, sources: &Sources, board: &Board, focus: &Focus) {
        let read = within(sources.timeout, read(sources, focus)).await;
        let now = clock::instant();
        self.rate.push(now, sources.shared.relay.published.get());
        // What failed to be read leaves a gap.
        if let Ok((outbox, _)) = &read
            && let due @ Some(_) = self.pace.tick(now)
        {
            self.pending.push(due, Some(outbox.pending as f64));
            self.rates
                .push(due, self.rate.per_s().filter(|_| sources.workers));
        }
        let read = read.map(|(outbox, owners)| {
            let relays = relays(sources, &owners);
            self.dress(&sources.shared, outbox, relays, sources.workers)
        });
        board.outbox.take_in(read, sources.clock.now());
    }

    /// Adds what the relay of this process knows of itself.
    fn dress(&self, shared: &Shared, outbox: Outbox, relays: Vec<Relay>, workers: bool) -> Outbox {
        Outbox {
            published: workers.then(|| shared.relay.published.get()),
            publish_per_s: self.rate.per_s().filter(|_| workers),
            delay: shared.relay.delay.percentiles(),
            relays,
            pending_history: self.pending.series(usize::MAX),
            rate_history: self.rates.series(usize::MAX),
            ..outbox
        }
    }
}

fn name(part: Option<Part>) -> String {
    match part {
        Some(Part { of: 1, .. }) => "all".to_owned(),
        Some(part) => format!("{} of {}", part.number + 1, part.of),
        None => "–".to_owned(),
    }
}

/// The relays by shard: those of this process, which know best what they do; then, of the shards that
/// these don't have, who else has each.
fn relays(sources: &Sources, owners: &[ShardOwner]) -> Vec<Relay> {
    let shared = &sources.shared;
    let own = if sources.workers {
        shared.relay.status()
    } else {
        Vec::new()
    };
    let now = sources.clock.now();
    let theirs = owners
        .iter()
        .filter(|shard| own.iter().all(|status| status.part != Some(shard.part)))
        .map(|shard| {
            let (owner, silent) = shard.owner.clone().unzip();
            let relay = Relay {
                shard: name(Some(shard.part)),
                owner,
                heard: silent
                    .and_then(|silent| now.checked_sub_signed(TimeDelta::from_std(silent).ok()?)),
                ..Relay::default()
            };
            (Some(shard.part.number), relay)
        });
    let mine = own.iter().map(|status| {
        let relay = Relay {
            shard: name(status.part),
            owner: Some(shared.owner.clone()),
            state: Some(status.state.clone()),
            last_error: status.last_error.clone(),
            ..Relay::default()
        };
        (status.part.map(|part| part.number), relay)
    });
    let mut all: Vec<(Option<u32>, Relay)> = mine.chain(theirs).collect();
    // Those that only stand by come last.
    all.sort_by_key(|(number, _)| number.unwrap_or(u32::MAX));
    all.into_iter().map(|(_, relay)| relay).collect()
}

/// What the store says of the outbox, and who relays it.
async fn read(sources: &Sources, focus: &Focus) -> Result<(Outbox, Vec<ShardOwner>), StoreError> {
    let store = &sources.store;
    let summary = store.outbox_summary().await?;
    let blocked = store.outbox_blocked().await?;
    let (head, sent, owners) = if focus.screen == Screen::Outbox {
        (
            store.outbox_head(ROWS).await?,
            store.outbox_sent_newest(ROWS).await?,
            store.shard_owners().await?,
        )
    } else {
        (Vec::new(), Vec::new(), Vec::new())
    };
    let outbox = Outbox {
        pending: summary.pending,
        oldest: summary.oldest,
        blocked,
        head,
        sent,
        ..Outbox::default()
    };
    Ok((outbox, owners))
}
