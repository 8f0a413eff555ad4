//! Idempotency's fast path: has this consumer handled this event, or is somebody at it? The truth is
//! the inbox row beside the effect. So whatever is lost here (flushed, cut off, an owner that died)
//! costs time, never a duplicate and never an event: without an answer the inbox is asked instead.
//!
//! A claim is [`Claim::Fresh`] for whoever comes first, holds for its lease, and is given up by its
//! owner alone. An effect in the database needs no more than that: a lease that ended early lets two
//! work at one event, and the inbox lets one of them through. So nobody renews a lease, and `Busy` is
//! no reason to wait: see `pipeline::batch`.

mod link;
mod memory;
mod redis;

use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::watch;

pub use self::link::Health;
pub use self::memory::Memory;
pub use self::redis::{Redis, RedisSettings};

/// How long things are remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long a claim holds without being completed.
    pub lease: Duration,
    /// How long a completed event is known.
    pub kept: Duration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(60),
            kept: Duration::from_secs(24 * 60 * 60),
        }
    }
}

/// What a claim found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours now.
    Fresh,
    /// It was handled before.
    Done,
    /// Somebody else is at it until then, or died over it.
    Busy { until: DateTime<Utc> },
}

/// Why there is no answer, in words for a person: go on with the inbox.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DedupeError(String);

/// Where claims are kept. Cheap to clone: clones share what they know.
#[derive(Clone)]
pub enum Dedupe {
    Memory(Memory),
    Redis(Redis),
}

impl Dedupe {
    /// In this process, for the usual terms.
    #[must_use]
    pub fn memory() -> Self {
        Self::memory_for(Terms::default())
    }

    /// In this process.
    #[must_use]
    pub fn memory_for(terms: Terms) -> Self {
        Self::Memory(Memory::new(terms))
    }

    /// In Redis. Returns at once and connects in a task of its own, again and again: needs a runtime.
    #[must_use]
    pub fn redis(settings: RedisSettings) -> Self {
        Self::Redis(Redis::start(settings))
    }

    /// Claims all of `ids` for `owner`, in one round trip; the answers stand in their order. Claiming
    /// again what one owns already is `Fresh`, with a new lease.
    pub async fn claim(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Claim>, DedupeError> {
        match self {
            Self::Memory(memory) => Ok(memory.claim(consumer, ids, owner, now)),
            Self::Redis(redis) => redis.claim(consumer, ids, owner, now).await,
        }
    }

    /// Notes that `ids` are handled, where nobody else holds them: who does will learn it from the
    /// inbox. Only for what is committed.
    pub async fn complete(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
        now: DateTime<Utc>,
    ) -> Result<(), DedupeError> {
        match self {
            Self::Memory(memory) => {
                memory.complete(consumer, ids, owner, now);
                Ok(())
            }
            Self::Redis(redis) => redis.complete(consumer, ids, owner).await,
        }
    }

    /// Gives `owner`'s claims up, so that the next delivery is `Fresh` at once.
    pub async fn release(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
    ) -> Result<(), DedupeError> {
        match self {
            Self::Memory(memory) => {
                memory.release(consumer, ids, owner);
                Ok(())
            }
            Self::Redis(redis) => redis.release(consumer, ids, owner).await,
        }
    }

    /// How its server is, and news of that; `None` where there is no server.
    #[must_use]
    pub fn health(&self) -> Option<watch::Receiver<Health>> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis.health()),
        }
    }

    /// Connects afresh and asks for an answer; writes nothing. Where it is, and the round trip; `None`
    /// where there is no server.
    pub async fn probe(&self) -> Option<Result<(String, Duration), DedupeError>> {
        match self {
            Self::Memory(_) => None,
            Self::Redis(redis) => Some(redis.probe().await),
        }
    }
}

fn key(consumer: &str, id: &str) -> String {
    format!("idempotency:{consumer}:{id}")
}
