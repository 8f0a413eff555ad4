//! Claims in this process, where no Redis is configured. Bounded: when it is full the older half is
//! forgotten, since the inbox stands behind it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use super::{Claim, Terms, key};
use crate::lock::lock;

/// Claims in this process.
#[derive(Clone)]
pub struct Memory {
    terms: Terms,
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

impl Entry {
    /// Until when somebody other than `owner` holds it, if somebody does at `now`.
    fn held(&self, owner: &str, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self {
            Self::Claimed { owner: by, until } if by != owner && *until > now => Some(*until),
            _ => None,
        }
    }
}

const HALF: usize = 50_000;

impl Memory {
    pub(super) fn new(terms: Terms) -> Self {
        Self {
            terms,
            halves: Arc::default(),
        }
    }

    pub(super) fn claim(
        &self,
        consumer: &str,
        ids: &[&str],
        owner: &str,
        now: DateTime<Utc>,
    ) -> Vec<Claim> {
        let mut halves = lock(&self.halves);
        ids.iter()
            .map(|id| {
                let key = key(consumer, id);
                let known = halves.get(&key);
                if matches!(known, Some(Entry::Done { until }) if *until > now) {
                    return Claim::Done;
                }
                if let Some(until) = known.and_then(|entry| entry.held(owner, now)) {
                    return Claim::Busy { until };
                }
                let claimed = Entry::Claimed {
                    owner: owner.to_owned(),
                    until: now + self.terms.lease,
                };
                halves.put(key, claimed);
                Claim::Fresh
            })
            .collect()
    }

    pub(super) fn complete(&self, consumer: &str, ids: &[&str], owner: &str, now: DateTime<Utc>) {
        let mut halves = lock(&self.halves);
        let until = now + self.terms.kept;
        for id in ids {
            let key = key(consumer, id);
            if halves.get(&key).and_then(|e| e.held(owner, now)).is_none() {
                halves.put(key, Entry::Done { until });
            }
        }
    }

    pub(super) fn release(&self, consumer: &str, ids: &[&str], owner: &str) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_bounded() {
        let memory = Memory::new(Terms::default());
        for n in 0..3 * HALF {
            memory.complete("email", &[&n.to_string()], "a", DateTime::UNIX_EPOCH);
        }
        let halves = lock(&memory.halves);
        assert!(halves.new.len() + halves.old.len() <= 2 * HALF);
    }
}
