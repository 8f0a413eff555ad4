//! Back-pressure for the embedded broker, which drops its oldest batches without a word once a
//! partition holds 5 MiB: what the slowest group has not read yet is counted as it is sent, and the
//! relay holds before anything could be lost.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;

use crate::kafka::embedded::RETAINED_BYTES;

/// Unread bytes at which the relay holds: a fifth is left for what is on its way.
const HOLD_AT: u64 = RETAINED_BYTES / 5 * 4;

/// Unread bytes at which the traffic generator slows down.
const SLOW_AT: u64 = RETAINED_BYTES / 5 * 2;

/// Records are counted in runs of this many, which is exact enough and keeps the list short.
const RUN: u64 = 64;

/// Runs that are remembered of a partition that no group reads.
const MOST_UNREAD_RUNS: usize = 1_024;

/// Bytes sent and not yet read by every group, by partition.
#[derive(Debug, Default)]
pub struct Pressure {
    partitions: BTreeMap<(String, i32), Partition>,
}

#[derive(Debug, Default)]
struct Partition {
    /// (last offset, records, bytes) of runs, oldest first.
    runs: VecDeque<(i64, u64, u64)>,
    bytes: u64,
    /// Empty until a group was seen to read here: what nobody reads can't be lost to anybody.
    slowest: String,
}

/// A partition that is fuller than it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tight {
    pub topic: String,
    pub partition: i32,
    pub unread: u64,
    /// The group that holds it back.
    pub group: String,
    /// Nothing more may be sent.
    pub hold: bool,
}

impl fmt::Display for Tight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.unread as f64 / (1024.0 * 1024.0);
        write!(
            f,
            "{} has {mib:.1} MiB of {}/{} unread and the embedded broker keeps 5",
            self.group, self.topic, self.partition
        )
    }
}

impl Pressure {
    /// A record of `bytes` was acknowledged at this place.
    pub fn sent(&mut self, topic: &str, partition: i32, offset: i64, bytes: u64) {
        let key = (topic.to_owned(), partition);
        let entry = self.partitions.entry(key).or_default();
        entry.bytes += bytes;
        match entry.runs.back_mut() {
            Some((last, records, sum)) if *records < RUN => {
                *last = (*last).max(offset);
                *records += 1;
                *sum += bytes;
            }
            _ => entry.runs.push_back((offset, 1, bytes)),
        }
        if entry.slowest.is_empty()
            && entry.runs.len() > MOST_UNREAD_RUNS
            && let Some((_, _, bytes)) = entry.runs.pop_front()
        {
            entry.bytes -= bytes;
        }
    }

    /// The slowest group has committed `offset` here (`None`: nothing yet).
    pub fn read(&mut self, topic: &str, partition: i32, offset: Option<i64>, group: &str) {
        let Some(entry) = self.partitions.get_mut(&(topic.to_owned(), partition)) else {
            return;
        };
        group.clone_into(&mut entry.slowest);
        while let Some((last, _, bytes)) = entry.runs.front()
            && offset.is_some_and(|at| *last < at)
        {
            entry.bytes -= bytes;
            entry.runs.pop_front();
        }
    }

    /// The fullest partition, if any is full enough to act on.
    #[must_use]
    pub fn tight(&self) -> Option<Tight> {
        let (key, fullest) = self
            .partitions
            .iter()
            .filter(|(_, p)| !p.slowest.is_empty())
            .max_by_key(|(_, p)| p.bytes)?;
        (fullest.bytes >= SLOW_AT).then(|| Tight {
            topic: key.0.clone(),
            partition: key.1,
            unread: fullest.bytes,
            group: fullest.slowest.clone(),
            hold: fullest.bytes >= HOLD_AT,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_that_nobody_reads_holds_nobody() {
        let mut pressure = Pressure::default();
        for offset in 0..1_000_000 {
            pressure.sent("inventory-events", 0, offset, 1024);
        }
        assert_eq!(pressure.tight(), None);
        let runs = &pressure.partitions[&("inventory-events".to_owned(), 0)].runs;
        assert!(runs.len() <= MOST_UNREAD_RUNS);
    }

    #[test]
    fn unread_bytes_hold_and_reading_frees() {
        let mut pressure = Pressure::default();
        pressure.sent("t", 0, -1, 0);
        pressure.read("t", 0, None, "slow");
        for offset in 0..4_300 {
            pressure.sent("t", 0, offset, 1024);
        }
        let tight = pressure.tight().unwrap();
        assert!(tight.hold);
        assert_eq!(tight.unread, 4_300 * 1024);
        pressure.read("t", 0, Some(1_000), "slow");
        let tight = pressure.tight().unwrap();
        assert!(!tight.hold && tight.unread <= 3_364 * 1024, "{tight:?}");
        assert_eq!(tight.group, "slow");
        pressure.read("t", 0, Some(4_300), "slow");
        assert_eq!(pressure.tight(), None);
    }

    #[test]
    fn nothing_read_frees_nothing() {
        let mut pressure = Pressure::default();
        pressure.sent("t", 0, 0, HOLD_AT);
        pressure.read("t", 0, None, "never");
        assert!(pressure.tight().unwrap().hold);
    }
}
