//! The outbox: how much waits and since when, always; its rows only when looked at.

use std::time::Duration;

use super::board::{Board, within};
use super::history::{Pace, Rate, Ring};
use super::sources::Sources;
use crate::clock;
use crate::command::{Focus, Screen};
use crate::pipeline::Shared;
use crate::snapshot::{Outbox, Relay};
use crate::store::{Part, StoreError};

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
        if let Ok(outbox) = &read
            && let due @ Some(_) = self.pace.tick(now)
        {
            self.pending.push(due, Some(outbox.pending as f64));
            self.rates
                .push(due, self.rate.per_s().filter(|_| sources.workers));
        }
        let read = read.map(|outbox| self.dress(&sources.shared, outbox, sources.workers));
        board.outbox.take_in(read, sources.clock.now());
    }

    /// Adds what the relay of this process knows of itself.
    fn dress(&self, shared: &Shared, outbox: Outbox, workers: bool) -> Outbox {
        let name = |part: Option<Part>| match part {
            Some(Part { of: 1, .. }) => "all".to_owned(),
            Some(part) => format!("{} of {}", part.number + 1, part.of),
            None => "–".to_owned(),
        };
        let relays = shared.relay.status().into_iter().map(|status| Relay {
            shard: name(status.part),
            owner: shared.owner.clone(),
            state: status.state,
            last_error: status.last_error,
        });
        let relays = relays.filter(|_| workers).collect();
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

async fn read(sources: &Sources, focus: &Focus) -> Result<Outbox, StoreError> {
    let store = &sources.store;
    let summary = store.outbox_summary().await?;
    let blocked = store.outbox_blocked().await?;
    let (head, sent) = if focus.screen == Screen::Outbox {
        (
            store.outbox_head(ROWS).await?,
            store.outbox_sent_newest(ROWS).await?,
        )
    } else {
        (Vec::new(), Vec::new())
    };
    Ok(Outbox {
        pending: summary.pending,
        oldest: summary.oldest,
        blocked,
        head,
        sent,
        ..Outbox::default()
    })
}
