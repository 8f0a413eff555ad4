//! Operations that run here: begun, said to be alive, told to stop. One that ends with the program is left
//! unfinished and is no cancel.

use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{Operator, from_store, refuse};
use crate::command::{Done, Refusal, RefusalKind};
use crate::domain::operation::{Counts, Operation, OperationKind, OperationState};
use crate::lock::lock;

/// How often whoever drives an operation says so.
const BEAT: Duration = Duration::from_secs(1);

impl Operator {
    /// A new operation of so many records, asked for here and now, that nobody has begun.
    pub(super) fn planned(&self, id: Uuid, kind: OperationKind, total: u64) -> Operation {
        Operation {
            id,
            kind,
            state: OperationState::Planned,
            what: String::new(),
            target: String::new(),
            counts: Counts {
                total,
                ..Counts::default()
            },
            rate_limit: 0,
            by: self.who.clone(),
            created_at: self.shared.clock.now(),
            ended_at: None,
            note: None,
            paused: false,
            plan: String::new(),
        }
    }

    /// Asks an operation to stop, wherever it runs.
    pub(super) async fn cancel(&self, operation: Uuid) -> Result<Done, Refusal> {
        self.unfinished(operation).await?;
        self.shared
            .store
            .request_cancel(operation)
            .await
            .map_err(|e| from_store(&e))?;
        if let Some(token) = self.running().get(&operation) {
            token.cancel();
        }
        Ok(Done::Cancelled { operation })
    }

    /// Asks an operation to stand still or to go on, wherever it runs.
    pub(super) async fn pause(&self, operation: Uuid, paused: bool) -> Result<Done, Refusal> {
        let found = self.unfinished(operation).await?;
        if paused && found.state == OperationState::Draining {
            return Err(refuse(
                RefusalKind::Conflict,
                "all of it is sent already, and only reports are awaited: pause the consumer instead",
            ));
        }
        let store = &self.shared.store;
        let moved = store.pause_operation(operation, paused).await;
        if !moved.map_err(|e| from_store(&e))? {
            return Err(over(OperationState::Completed));
        }
        Ok(if paused {
            Done::OperationPaused { operation }
        } else {
            Done::OperationResumed { operation }
        })
    }

    /// The operation, if there is something of it left to do.
    async fn unfinished(&self, operation: Uuid) -> Result<Operation, Refusal> {
        let found = self.shared.store.operation(operation).await;
        let Some(found) = found.map_err(|e| from_store(&e))? else {
            return Err(refuse(
                RefusalKind::NotFound,
                format!("there is no operation {operation}: see `evtop ops`"),
            ));
        };
        if found.state.is_over() {
            return Err(over(found.state));
        }
        Ok(found)
    }

    /// Starts an operation's runner in the background.
    pub(super) fn begin<F>(
        self: &Arc<Self>,
        operation: Uuid,
        run: impl FnOnce(Arc<Self>, CancellationToken) -> F,
    ) where
        F: Future<Output = ()> + Send + 'static,
    {
        // No child of `stop`: the program's end leaves an operation unfinished, and is no cancel.
        let token = CancellationToken::new();
        self.running().insert(operation, token.clone());
        let this = Arc::clone(self);
        let work = run(Arc::clone(self), token);
        self.tasks.spawn(async move {
            tokio::select! {
                () = work => {}
                () = this.beat(operation) => {}
            }
            this.running().remove(&operation);
        });
    }

    /// Says, for as long as it is polled, that this process drives the operation: no other takes it over.
    async fn beat(&self, operation: Uuid) {
        loop {
            let now = self.shared.clock.now();
            if let Err(error) = self.shared.store.beat(operation, now).await {
                tracing::debug!(%error, "a beat can't be written");
            }
            tokio::time::sleep(BEAT).await;
        }
    }

    /// Whether the operation should stop: asked for here, or by another process.
    pub(super) async fn cancelled(&self, operation: Uuid, token: &CancellationToken) -> bool {
        token.is_cancelled()
            || self
                .shared
                .store
                .cancel_requested(operation)
                .await
                .unwrap_or(false)
    }

    /// Waits while the operation is to stand still, and while the embedded broker is full, since that would
    /// drop what nobody has read. Returns when it may go on, or should end.
    pub(super) async fn room(&self, operation: Uuid, token: &CancellationToken) {
        while (self.shared.full().is_some() || self.paused(operation).await)
            && !self.stop.is_cancelled()
            && !self.cancelled(operation, token).await
        {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    /// Whether somebody wants it to stand still. A store that does not answer has not said so.
    async fn paused(&self, operation: Uuid) -> bool {
        let asked = self.shared.store.pause_requested(operation).await;
        asked.unwrap_or(false)
    }

    /// What runs here, and what stops it.
    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        lock(&self.running)
    }
}

fn over(state: OperationState) -> Refusal {
    let text = format!("the operation is already {}", state.name());
    refuse(RefusalKind::Conflict, text)
}
