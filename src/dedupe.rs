//! Idempotency's fast path: has this consumer handled this event, or is somebody at it? The truth is
//! the inbox row beside the effect; losing what is here costs time, never a duplicate.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::lock::lock;

/// How long a claim holds without being completed.
pub const LEASE: Duration = Duration::from_secs(60);

/// How long a completed event is remembered.
pub const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// What a claim found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Claim {
    /// It is ours now.
    Fresh,
    /// It was handled before.
    Done,
    /// Somebody else is at it until then.
    Busy { until: DateTime<Utc> },
}

/// Where claims are kept.
#[derive(Clone)]
pub enum Dedupe {
    Memory(Memory),
}

impl Dedupe {
    #[must_use]
    pub fn memory() -> Self {
        Self::Memory(Memory::default())
    }

    /// Claims all of `ids` for `owner`, in one round trip; the answers stand in their order. Claiming
    /// again what one owns already is `Fresh`.
    #[must_use]
    pub fn claim(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
        now: DateTime<Utc>,
    ) -> Vec<Claim> {
        match self {
            Self::Memory(memory) => memory.claim(consumer, ids, owner, now),
        }
    }

    /// Notes that `ids` are handled.
    pub fn complete(&self, consumer: &str, ids: &[&str], now: DateTime<Utc>) {
        match self {
            Self::Memory(memory) => memory.complete(consumer, ids, now),
        }
    }

    /// Gives claims up, so that the next delivery is `Fresh` at once.
    pub fn release(&self, consumer: &str, ids: &[&str], owner: &str) {
        match self {
            Self::Memory(memory) => memory.release(consumer, ids, owner),
        }
    }
}

/// Claims in this process. Bounded: when it is full the older half is forgotten, since the inbox
/// stands behind it.
#[derive(Clone, Default)]
pub struct Memory {
    halves: Arc<Mutex<Halves>>,
}

#[derive(Default)]
struct Halves {
    new: HashMap<String, Entry>,
    old: HashMap<String, Entry>,
}

#[derive(Clone)]
enum Entry {
    Claimed { owner: String, until: DateTime<Utc> },
    Done { until: DateTime<Utc> },
}

const HALF: usize = 50_000;

impl Memory {
    fn claim(&self, consumer: &str, ids: &[&str], owner: &str, now: DateTime<Utc>) -> Vec<Claim> {
        let mut halves = lock(&self.halves);
        ids.iter()
            .map(|id| {
                let key = key(consumer, id);
                match halves.get(&key) {
                    Some(Entry::Done { until }) if *until > now => Claim::Done,
                    Some(Entry::Claimed {
                        owner: other,
                        until,
                    }) if other != owner && *until > now => Claim::Busy { until: *until },
                    _ => {
                        let claimed = Entry::Claimed {
                            owner: owner.to_owned(),
                            until: now + LEASE,
                        };
                        halves.put(key, claimed);
                        Claim::Fresh
                    }
                }
            })
            .collect()
    }

    fn complete(&self, consumer: &str, ids: &[&str], now: DateTime<Utc>) {
        let mut halves = lock(&self.halves);
        for id in ids {
            halves.put(key(consumer, id), Entry::Done { until: now + KEPT });
        }
    }

    fn release(&self, consumer: &str, ids: &[&str], owner: &str) {
        let mut halves = lock(&self.halves);
        for id in ids {
            let key = key(consumer, id);
            if matches!(halves.get(&key), Some(Entry::Claimed { owner: o, .. }) if o == owner) {
                halves.new.remove(&key);
                halves.old.remove(&key);
            }
        }
    }
}

impl Halves {
    fn get(&self, key: &str) -> Option<&Entry> {
        self.new.get(key).or_else(|| self.old.get(key))
    }

    fn put(&mut self, key: String, entry: Entry) {
        if self.new.len() >= HALF && !self.new.contains_key(&key) {
            self.old = std::mem::take(&mut self.new);
        }
        self.new.insert(key, entry);
    }
}

fn key(consumer: &str, id: &str) -> String {
    format!("idempotency:{consumer}:{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(seconds, 0).unwrap()
    }

    #[test]
    fn a_claim_is_exclusive_until_its_lease_ends() {
        let dedupe = Dedupe::memory();
        assert_eq!(dedupe.claim("email", &["e"], "a", at(0)), [Claim::Fresh]);
        assert_eq!(dedupe.claim("email", &["e"], "a", at(1)), [Claim::Fresh]);
        let until = at(1) + LEASE;
        assert_eq!(
            dedupe.claim("email", &["e"], "b", at(2)),
            [Claim::Busy { until }]
        );
        assert_eq!(dedupe.claim("other", &["e"], "b", at(2)), [Claim::Fresh]);
        assert_eq!(dedupe.claim("email", &["e"], "b", at(62)), [Claim::Fresh]);
    }

    #[test]
    fn done_is_done_for_a_day_and_a_release_frees() {
        let dedupe = Dedupe::memory();
        let _ = dedupe.claim("email", &["e", "f"], "a", at(0));
        dedupe.complete("email", &["e"], at(0));
        dedupe.release("email", &["e", "f"], "a");
        assert_eq!(
            dedupe.claim("email", &["e", "f"], "b", at(1)),
            [Claim::Done, Claim::Fresh]
        );
        assert_eq!(
            dedupe.claim("email", &["e"], "b", at(86_401)),
            [Claim::Fresh]
        );
    }

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::default();
        for n in 0..3 * HALF {
            memory.complete("email", &[&n.to_string()], at(0));
        }
        let halves = lock(&memory.halves);
        assert!(halves.new.len() + halves.old.len() <= 2 * HALF);
    }
}
