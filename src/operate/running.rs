//! Operations that this process drives: claimed under an epoch, said to be alive, and let go. One that ends with
//! the program is left unfinished, for any other to go on with at once.
//!
//! Whether another still drives an operation is told by the database's clock alone: processes' clocks differ.

use std::collections::HashSet;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Asked, Operator, from_store, redrive, refuse, replay};
use crate::command::{Done, Refusal, RefusalKind};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::lock::lock;
use crate::store::{Granted, StoreError, Wish};

/// How often whoever drives an operation says so.
const BEAT: Duration = Duration::from_secs(1);

/// How long a driver must be silent before another takes its operation over.
pub const SILENCE: Duration = Duration::from_secs(10);

/// How long after it last held an operation a driver may still send: well before another could take it over.
pub const LEASE: Duration = Duration::from_secs(8);

/// How long a driver waits after the store or the broker did not answer.
pub const AGAIN: Duration = Duration::from_secs(1);

/// What a driver of an operation works with.
#[derive(Clone, Debug)]
pub struct Driver {
    pub id: Uuid,
    /// What is written under an earlier one is refused.
    pub epoch: i64,
    /// Records a second at most; 0 is without limit.
    pub rate: u32,
    /// The operation's frozen parameters.
    pub plan: String,
    /// It is over, or another's.
    pub lost: CancellationToken,
}

impl Driver {
    /// How many records are sent at once: those of 50 ms, and no more than `most`.
    #[must_use]
    pub fn page(&self, most: u32) -> u32 {
        match self.rate {
            0 => most,
            rate => rate.div_ceil(20).clamp(1, most),
        }
    }

    /// How long to wait after so many records.
    #[must_use]
    pub fn pause(&self, sent: usize) -> Duration {
        match self.rate {
            0 => Duration::ZERO,
            rate => Duration::from_secs_f64(sent as f64 / f64::from(rate)),
        }
    }
}

impl Operator {
    /// A new operation of so many records, asked for here and now, that nobody has begun.
    pub(super) fn planned(&self, asked: Asked<'_>, kind: OperationKind, total: u64) -> Operation {
        Operation {
            id: asked.id,
            kind,
            state: OperationState::Planned,
            what: String::new(),
            target: String::new(),
            counts: Counts {
                total,
                ..Counts::default()
            },
            rate_limit: 0,
            by: asked.who.to_owned(),
            created_at: self.shared.clock.now(),
            ended_at: None,
            note: None,
            paused: false,
            plan: String::new(),
            given_up: false,
        }
    }

    /// Refuses what nobody would carry out: who asks goes away at once, and nobody else is there.
    pub(super) async fn somebody_drives(&self, asked: Asked<'_>) -> Result<(), Refusal> {
        if !asked.leaves {
            return Ok(());
        }
        let drivers = self.shared.store.drivers(SILENCE).await;
        match drivers.map_err(|e| from_store(&e))? {
            0 => Err(refuse(
                RefusalKind::Unavailable,
                "nobody would carry it out: leave --no-wait out, or start `evtop` or `evtop run` on this stack first",
            )),
            _ => Ok(()),
        }
    }

    /// Writes an operation down with its items; then it is driven from here, unless who asked goes away.
    pub(super) async fn begin(
        self: &Arc<Self>,
        asked: Asked<'_>,
        operation: &Operation,
        items: &[(Uuid, Uuid)],
    ) -> Result<Done, Refusal> {
        self.somebody_drives(asked).await?;
        if !asked.leaves {
            self.running().insert(operation.id);
        }
        let owner = (!asked.leaves).then_some(self.shared.owner.as_str());
        let operation = &Operation {
            state: match owner {
                Some(_) => OperationState::Running,
                None => OperationState::Planned,
            },
            ..operation.clone()
        };
        let created = self.shared.store.create_operation(operation, items, owner);
        if let Err(error) = created.await {
            self.running().remove(&operation.id);
            return Err(from_store(&error));
        }
        if !asked.leaves {
            self.drive(operation, Some(1));
        }
        Ok(Done::Started {
            operation: operation.id,
            total: operation.counts.total,
        })
    }

    /// Drives an operation in the background, under this epoch or as soon as it is nobody else's.
    pub(super) fn drive(self: &Arc<Self>, operation: &Operation, epoch: Option<i64>) {
        let (id, kind) = (operation.id, operation.kind);
        let (rate, plan) = (operation.rate_limit, operation.plan.clone());
        self.running().insert(id);
        let this = Arc::clone(self);
        self.tasks.spawn(async move {
            let epoch = match epoch {
                Some(epoch) => Some(epoch),
                None => this.claim(id).await,
            };
            if let Some(epoch) = epoch {
                let driver = Driver {
                    id,
                    epoch,
                    rate,
                    plan,
                    lost: CancellationToken::new(),
                };
                let work = async {
                    match kind {
                        OperationKind::Redrive => redrive::run(&this, &driver).await,
                        OperationKind::Replay => replay::run(&this, &driver).await,
                    }
                };
                tokio::select! {
                    () = work => {}
                    () = this.beat(&driver) => {}
                }
                // Where it is over or another's, this changes nothing.
                if let Err(error) = this.shared.store.release_operation(id, epoch).await {
                    tracing::debug!(%error, "an operation can't be let go; its silence will tell");
                }
            }
            this.running().remove(&id);
        });
    }

    /// The epoch under which this process drives it; `None` when another does, or it is over.
    async fn claim(&self, id: Uuid) -> Option<i64> {
        loop {
            let store = &self.shared.store;
            match store.claim_operation(id, &self.shared.owner, SILENCE).await {
                Ok(epoch) => return epoch,
                Err(error) => tracing::warn!(%error, "an operation can't be claimed yet"),
            }
            if !self.rest(AGAIN).await {
                return None;
            }
        }
    }

    /// Says, for as long as it is polled, that this process drives the operation.
    async fn beat(&self, driver: &Driver) {
        loop {
            match self.shared.store.beat(driver.id, driver.epoch).await {
                Ok(true) => {}
                // What is under way is settled before the driver looks again, and finds it lost.
                Ok(false) => driver.lost.cancel(),
                Err(error) => tracing::debug!(%error, "a beat can't be written"),
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Waits; false when the program ends first.
    pub(super) async fn rest(&self, time: Duration) -> bool {
        tokio::select! {
            () = self.stop.cancelled() => false,
            () = tokio::time::sleep(time) => true,
        }
    }

    /// Waits as long as a round of an operation says; one that the store failed is tried again. False when it is
    /// over or another's, or the program ends.
    pub(super) async fn after(&self, round: Result<Option<Duration>, StoreError>) -> bool {
        match round {
            Ok(Some(Duration::ZERO)) => true,
            Ok(Some(rest)) => self.rest(rest).await,
            Ok(None) | Err(StoreError::Lost) => false,
            Err(error) => {
                tracing::warn!(%error, "an operation waits for the database");
                self.rest(AGAIN).await
            }
        }
    }

    /// Waits while the embedded broker is full, since that would drop what nobody has read. False when the
    /// program ends, or the operation is another's or over.
    pub(super) async fn room(&self, driver: &Driver) -> bool {
        while self.shared.full().is_some() && !driver.lost.is_cancelled() {
            if !self.rest(Duration::from_millis(100)).await {
                return false;
            }
        }
        !self.stop.is_cancelled() && !driver.lost.is_cancelled()
    }

    /// Asks something of an operation, wherever it runs: its state of this moment answers.
    pub(super) async fn wish(&self, operation: Uuid, wish: Wish) -> Result<Done, Refusal> {
        let store = &self.shared.store;
        let now = self.shared.clock.now();
        let granted = store.ask_operation(operation, wish, now).await;
        match granted.map_err(|e| from_store(&e))? {
            Granted::Yes => Ok(match wish {
                Wish::Pause => Done::OperationPaused { operation },
                Wish::Resume => Done::OperationResumed { operation },
                Wish::Cancel => Done::Cancelled { operation },
            }),
            Granted::Over(state) => Err(refuse(
                RefusalKind::Conflict,
                format!("the operation is already {}", state.name()),
            )),
            Granted::Missing => Err(refuse(
                RefusalKind::NotFound,
                format!("there is no operation {operation}: see `evtop ops`"),
            )),
        }
    }

    /// Writes down what the program does of its own accord, under its own name.
    pub(super) async fn audit_own(&self, id: Uuid, action: &str, detail: &str, outcome: &str) {
        let now = self.shared.clock.now();
        let store = &self.shared.store;
        let who = self.own_name();
        let row = store.audit(now, id, &who, action, detail, Some(outcome));
        if let Err(error) = row.await {
            tracing::error!(%error, "what evtop did by itself could not be written to the audit log");
        }
    }

    /// What is driven here.
    pub(super) fn running(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        lock(&self.running)
    }
}
