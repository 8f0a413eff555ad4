//! Where idempotency's fast path is kept. Without an address it is this process's memory.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::secret::Secret;

/// `[redis]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Redis {
    /// `redis://…` or `rediss://…`; empty: idempotency is kept in memory.
    pub url: Secret,
    /// How long a batch waits for an answer before it goes on with the inbox alone.
    pub timeout_ms: u64,
    /// A PEM file of authorities for `rediss://`; empty: those of this machine.
    pub ca: PathBuf,
}

impl Default for Redis {
    fn default() -> Self {
        Self {
            url: Secret::default(),
            timeout_ms: 250,
            ca: PathBuf::new(),
        }
    }
}
