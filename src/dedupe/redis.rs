//! Claims in Redis, so that all instances see them. Each call is one script and one round trip, however
//! many ids it has; the script is known to the server by its hash and handed over when it is not.
//! Redis keeps the time of leases: clocks of instances need not agree.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use redis::{FromRedisValue, Script};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use super::link::{Health, Link};
use super::{Claim, DedupeError, Terms, key};

pub(super) static CLAIM: LazyLock<Script> =
    LazyLock::new(|| Script::new(include_str!("claim.lua")));
static COMPLETE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("complete.lua")));
static RELEASE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("release.lua")));

/// Where Redis is and how long one waits for it.
#[derive(Clone)]
pub struct RedisSettings {
    /// `redis://user:password@host:port/db`, or `rediss://` for TLS.
    pub url: String,
    /// PEM of the authorities to trust with TLS; `None`: those of this machine.
    pub ca: Option<PathBuf>,
    /// How long a call may take before one goes on without it.
    pub timeout: Duration,
    pub terms: Terms,
}

/// Without the address, which may hold a password.
impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings")
            .field("ca", &self.ca)
            .field("timeout", &self.timeout)
            .field("terms", &self.terms)
            .finish_non_exhaustive()
    }
}

/// Claims in Redis.
#[derive(Clone)]
pub struct Redis {
    link: Arc<Link>,
    terms: Terms,
    _keeper: Arc<Keeper>,
}

/// The task that keeps the connection; ends with the last clone.
struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Redis {
    pub(super) fn start(settings: RedisSettings) -> Self {
        let terms = settings.terms;
        let link = Arc::new(Link::new(settings));
        let keeper = tokio::spawn(Arc::clone(&link).keep());
        Self {
            link,
            terms,
            _keeper: Arc::new(Keeper(keeper.abort_handle())),
        }
    }

    pub(super) async fn claim(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
        now: DateTime<Utc>,
    ) -> Result<Vec<Claim>, DedupeError> {
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let lease = Some(self.terms.lease);
        let answers: Vec<i64> = self.run(&CLAIM, consumer, ids, owner, lease).await?;
        let claim = |answer: i64| match answer {
            0 => Claim::Fresh,
            ..0 => Claim::Done,
            ms => Claim::Busy {
                until: now + TimeDelta::milliseconds(ms),
            },
        };
        Ok(answers.into_iter().map(claim).collect())
    }

    pub(super) async fn complete(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
    ) -> Result<(), DedupeError> {
        let kept = Some(self.terms.kept);
        self.run(&COMPLETE, consumer, ids, owner, kept).await
    }

    pub(super) async fn release(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
    ) -> Result<(), DedupeError> {
        self.run(&RELEASE, consumer, ids, owner, None).await
    }

    /// Runs a script over the keys of `ids`; none, nothing to do.
    async fn run<T: FromRedisValue + Default>(
        &self,
        script: &Script,
        consumer: &str,
        ids: &[&str],
        owner: &str,
        term: Option<Duration>,
    ) -> Result<T, DedupeError> {
        if ids.is_empty() {
            return Ok(T::default());
        }
        let mut call = script.arg(format!("claimed:{owner}"));
        for id in ids {
            call.key(key(consumer, id));
        }
        if let Some(term) = term {
            call.arg(u64::try_from(term.as_millis()).unwrap_or(u64::MAX));
        }
        self.link.ask(&call).await
    }

    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.link.health()
    }

    pub(super) async fn probe(&self) -> Result<(String, Duration), DedupeError> {
        self.link.probe().await
    }
}
