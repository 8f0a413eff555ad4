//! The outbox: how much waits and since when, always; its rows only when looked at.

use std::time::Duration;

use super::board::{Board, within};
use super::history::{Rate, Ring};
use super::sources::Sources;
use crate::clock;
use crate::command::{Focus, Screen};
use crate::pipeline::Shared;
use crate::snapshot::{Outbox, Relay};
use crate::store::StoreError;

/// Rows of each list.
const ROWS: u32 = 100;

/// What is remembered between two polls.
pub struct OutboxWatch {
    rate: Rate,
    pending: Ring,
    rates: Ring,
}

impl OutboxWatch {
    #[must_use]
    pub fn new(points: usize) -> Self {
        Self {
            rate: Rate::default(),
            pending: Ring::new(points),
            rates: Ring::new(points),
        }
    }

    pub async fn poll(&mut self, sources: &Sources, board: &Board, focus: &Focus) {
        let read = within(sources.timeout, read(sources, focus)).await;
        let pending = read.as_ref().ok().map(|o| o.pending as f64);
        self.rate
            .push(clock::instant(), sources.shared.relay.published.get());
        self.pending.push(pending);
        self.rates.push(self.rate.per_s());
        let read = read.map(|outbox| self.dress(&sources.shared, outbox, sources.workers));
        board.outbox.take_in(read, sources.clock.now());
    }

    /// Adds what the relay of this process knows of itself.
    fn dress(&self, shared: &Shared, outbox: Outbox, workers: bool) -> Outbox {
        let status = shared.relay.status();
        let relays = if workers {
            vec![Relay {
                shard: "all".into(),
                owner: shared.owner.clone(),
                state: status.state,
                last_error: status.last_error,
            }]
        } else {
            Vec::new()
        };
        let second = Duration::from_secs(1);
        Outbox {
            published: workers.then(|| shared.relay.published.get()),
            publish_per_s: self.rate.per_s().filter(|_| workers),
            delay: shared.relay.delay.percentiles(),
            relays,
            pending_history: self.pending.series(second, usize::MAX),
            rate_history: self.rates.series(second, usize::MAX),
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
