//! The only reader of time. Everything else is handed a [`Clock`], so a test can hold time still and
//! a replayed run makes the same ids.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, SubsecRound, Utc};
use uuid::{NoContext, Timestamp, Uuid};

use crate::lock::lock;

/// Where the time comes from: the machine, or a hand that a test moves.
#[derive(Clone, Debug)]
pub enum Clock {
    System,
    Fixed(Arc<Mutex<DateTime<Utc>>>),
}

impl Clock {
    /// A clock that stands at `at` until [`Clock::advance`] moves it.
    #[must_use]
    pub fn fixed(at: DateTime<Utc>) -> Self {
        Self::Fixed(Arc::new(Mutex::new(at)))
    }

    /// Wall time in UTC, cut to microseconds: the precision of an event's `timestamp`.
    #[must_use]
    pub fn now(&self) -> DateTime<Utc> {
        match self {
            #[expect(clippy::disallowed_methods, reason = "this is the one place")]
            Self::System => Utc::now().trunc_subsecs(6),
            Self::Fixed(at) => *lock(at),
        }
    }

    /// Moves a fixed clock on; the machine's clock takes no orders.
    pub fn advance(&self, by: Duration) {
        if let Self::Fixed(at) = self {
            *lock(at) += by;
        }
    }

    /// A UUIDv7 whose time is this clock's.
    #[must_use]
    pub fn id(&self) -> Uuid {
        let now = self.now();
        let seconds = u64::try_from(now.timestamp()).unwrap_or_default();
        Uuid::new_v7(Timestamp::from_unix(
            NoContext,
            seconds,
            now.timestamp_subsec_nanos(),
        ))
    }
}

/// A monotonic reading, for measuring how long something took. Never shown as a time.
#[must_use]
pub fn instant() -> Instant {
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    Instant::now()
}
