//! What persons want of the services, as the store keeps it: every instance that runs workers follows,
//! and a restart keeps it. The rule: one wish is read and followed at a time, so that an older answer of
//! the store never undoes a newer wish.

use super::Pipeline;
use crate::domain::service::Service;
use crate::store::{ConsumerWish, StoreError};

impl Pipeline {
    /// Writes down that a service shall stand still or go on, and follows at once where it runs here.
    pub async fn wish(&self, service: Service, paused: bool, who: &str) -> Result<(), StoreError> {
        let _turn = self.wishes.lock().await;
        let shared = &self.shared;
        let now = shared.clock.now();
        let name = service.row().name;
        shared.store.wish_consumer(name, paused, who, now).await?;
        if let Some(worker) = self.worker(name) {
            worker.set_paused(paused);
        }
        Ok(())
    }

    /// Does as was wished, here or in another process.
    pub async fn follow_wishes(&self) -> Result<(), StoreError> {
        let _turn = self.wishes.lock().await;
        let wishes = self.shared.store.consumer_wishes().await?;
        for worker in &self.workers {
            if let Some(paused) = wished(&wishes, worker.service) {
                worker.set_paused(paused);
            }
        }
        Ok(())
    }
}

/// Whether somebody wants it to stand still; `None` where nobody asked.
pub(super) fn wished(wishes: &[ConsumerWish], service: Service) -> Option<bool> {
    let name = service.row().name;
    let of = wishes.iter().find(|wish| wish.service == name);
    of.map(|wish| wish.paused)
}
