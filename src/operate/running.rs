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
            plan: String::new(),
        }
    }

    /// Asks an operation to stop, wherever it runs.
    pub(super) async fn cancel(&self, operation: Uuid) -> Result<Done, Refusal> {
        let found = self
            .shared
            .store
            .operation(operation)
            .await
            .map_err(|e| from_store(&e))?;
        let Some(found) = found else {
            return Err(refuse(
                RefusalKind::NotFound,
                format!("there is no operation {operation}: see `evtop ops`"),
            ));
        };
        if found.state.is_over() {
            let state = found.state.name();
            return Err(refuse(
                RefusalKind::Conflict,
                format!("the operation is already {state}"),
            ));
        }
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

    /// Waits while the embedded broker is full, since it would drop what nobody has read. Returns when
    /// there is room, or when the operation should end.
    pub(super) async fn room(&self, operation: Uuid, token: &CancellationToken) {
        while self.shared.full().is_some()
            && !self.stop.is_cancelled()
            && !self.cancelled(operation, token).await
        {
            tokio::select! {
                () = self.stop.cancelled() => {}
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
        }
    }

    /// What runs here, and what stops it.
    pub(super) fn running(&self) -> MutexGuard<'_, HashMap<Uuid, CancellationToken>> {
        lock(&self.running)
    }
}
