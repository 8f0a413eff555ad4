//! What observers ask: the handles, and how long they wait.

use std::sync::Arc;
use std::time::Duration;

use crate::clock::Clock;
use crate::kafka::offsets::Observer;
use crate::pipeline::{Pipeline, Shared};
use crate::store::Store;

/// Handles to everything that can be observed.
#[derive(Clone)]
pub struct Sources {
    pub clock: Clock,
    pub store: Store,
    pub observer: Observer,
    pub shared: Arc<Shared>,
    pub pipeline: Option<Arc<Pipeline>>,
    /// Whether this process runs workers.
    pub workers: bool,
    /// The cluster is not ours: it has no outbox, event store or services that could be asked.
    pub attached: bool,
    /// Groups of our services; none on a cluster that is not ours.
    pub groups: Vec<String>,
    /// How often queries are made, and how long one may take.
    pub every: Duration,
    pub timeout: Duration,
    pub history: Duration,
}
