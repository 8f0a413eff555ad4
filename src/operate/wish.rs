//! Pausing and resuming a service: a wish in the store, which every instance that runs it follows.

use super::{Operator, from_store, no_service};
use crate::command::{Done, Refusal};
use crate::domain::service::Service;

/// Writes the wish down; where the service runs here it is followed at once.
pub async fn wish(operator: &Operator, name: &str, paused: bool) -> Result<Done, Refusal> {
    let known = |s: &Service| s.row().name == name || s.row().group == name;
    let found = Service::ALL.into_iter().find(known);
    let service = found.ok_or_else(|| no_service(name))?;
    let written = match &operator.pipeline {
        Some(pipeline) => pipeline.wish(service, paused, &operator.who).await,
        None => {
            let (store, now) = (&operator.shared.store, operator.shared.clock.now());
            let name = service.row().name;
            store.wish_consumer(name, paused, &operator.who, now).await
        }
    };
    written.map_err(|e| from_store(&e))?;
    let service = service.row().name.to_owned();
    Ok(if paused {
        Done::ConsumerPaused { service }
    } else {
        Done::ConsumerResumed { service }
    })
}
