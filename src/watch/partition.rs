//! One partition of one group over time: what was seen of it, and the row that this makes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use super::figures::eta;
use super::history::{Rate, Ring};
use super::verdict::{Facts, Run, Sample, verdict};
use crate::kafka::offsets::Bounds;
use crate::snapshot::{LagNumbers, PartitionLag};

/// Samples that a verdict looks at.
const WINDOW: usize = 60;

/// How long the time of a record is remembered that could not be read, or that stays the next one.
const PEEKED: Duration = Duration::from_secs(5);

/// What is remembered of a partition between two polls.
pub struct Partition {
    /// At most [`WINDOW`] samples in all.
    runs: VecDeque<Run>,
    moved: Option<(Instant, DateTime<Utc>)>,
    out: Rate,
    history: Ring,
    peeked: Option<(i64, Option<DateTime<Utc>>, Instant)>,
}

/// What one poll knows of a partition.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pub now: Instant,
    pub at: DateTime<Utc>,
    /// See [`super::history::Pace::tick`].
    pub due: Option<usize>,
    pub committed: Option<i64>,
    pub bounds: Bounds,
    pub rate_in: Option<f64>,
    /// Its consumer was paused by a person.
    pub paused: bool,
    /// Its history is kept. Of ten thousand only those that somebody looks at have one.
    pub remembered: bool,
}

impl Partition {
    #[must_use]
    pub fn new(history: Ring) -> Self {
        Self {
            runs: VecDeque::new(),
            moved: None,
            out: Rate::default(),
            history,
            peeked: None,
        }
    }

    /// Takes a poll in and makes the row of it; owner and lag in time are left open.
    pub fn see(&mut self, partition: i32, seen: Seen) -> PartitionLag {
        let Seen {
            now,
            at,
            committed,
            bounds,
            ..
        } = seen;
        if self
            .runs
            .back()
            .is_none_or(|(last, _)| last.committed != committed)
        {
            self.moved = Some((now, at));
        }
        self.sample(seen);
        // Where nothing was ever written there is nothing to commit, and nothing behind.
        let empty = bounds.first.is_some() && bounds.first == bounds.end;
        match committed.or(bounds.end.filter(|_| empty)) {
            Some(offset) => self.out.push(now, offset.max(0) as u64),
            None => self.out.gap(),
        }
        let lag = match (committed, bounds.end) {
            (Some(at), Some(end)) => Some((end - at).max(0) as u64),
            _ => empty.then_some(0),
        };
        if seen.remembered {
            self.history.push(seen.due, lag.map(|l| l as f64));
        } else {
            self.history.clear();
        }
        let verdict = verdict(Facts {
            runs: self.runs.make_contiguous(),
            first: bounds.first,
            unmoved: self.moved.map(|(since, _)| now.duration_since(since)),
            paused: seen.paused,
        });
        let rate_out = self.out.per_s();
        PartitionLag {
            partition,
            first: bounds.first,
            end: bounds.end,
            committed,
            moved_at: self.moved.map(|(_, at)| at),
            numbers: LagNumbers {
                lag,
                time: (lag == Some(0)).then_some(Duration::ZERO),
                rate_in: seen.rate_in,
                rate_out,
                eta: eta(lag, seen.rate_in, rate_out),
                history: self.history.series(usize::MAX),
            },
            verdict,
            owner: None,
        }
    }

    /// A look that comes before its time replaces the one before: verdicts count polls.
    fn sample(&mut self, seen: Seen) {
        let sample = Sample {
            committed: seen.committed,
            end: seen.bounds.end,
        };
        if seen.due.is_none() {
            self.drop_newest();
        }
        match self.runs.back_mut() {
            Some((last, times)) if *last == sample => *times += 1,
            _ => self.runs.push_back((sample, 1)),
        }
        let samples: usize = self.runs.iter().map(|(_, times)| times).sum();
        if samples > WINDOW
            && let Some((_, times)) = self.runs.front_mut()
        {
            *times -= 1;
            if *times == 0 {
                self.runs.pop_front();
            }
        }
    }

    fn drop_newest(&mut self) {
        if let Some((_, times)) = self.runs.back_mut() {
            *times -= 1;
            if *times == 0 {
                self.runs.pop_back();
            }
        }
    }

    /// The next record's time, if it is known and fresh: `Some(None)` could not be read.
    #[must_use]
    pub fn peeked(&self, committed: i64, now: Instant) -> Option<Option<DateTime<Utc>>> {
        let (offset, stamp, when) = self.peeked?;
        (offset == committed && now.duration_since(when) < PEEKED).then_some(stamp)
    }

    pub fn remember(&mut self, committed: i64, stamp: Option<DateTime<Utc>>, now: Instant) {
        self.peeked = Some((committed, stamp, now));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::VerdictKind;

    fn look(
        partition: &mut Partition,
        seconds: f64,
        due: Option<usize>,
        committed: Option<i64>,
        end: i64,
    ) -> PartitionLag {
        partition.see(
            0,
            Seen {
                now: crate::clock::instant() + Duration::from_secs_f64(seconds),
                at: DateTime::UNIX_EPOCH,
                due,
                committed,
                bounds: Bounds {
                    first: Some(0),
                    end: Some(end),
                },
                rate_in: None,
                paused: false,
                remembered: true,
            },
        )
    }

    fn partition() -> Partition {
        Partition::new(Ring::new(Duration::from_secs(1), 60))
    }

    #[test]
    fn an_empty_partition_is_not_behind_and_an_unread_one_is_unknown() {
        let mut empty = partition();
        assert_eq!(look(&mut empty, 0.0, Some(0), None, 0).numbers.lag, Some(0));
        let mut unread = partition();
        let row = look(&mut unread, 0.0, Some(0), None, 5);
        assert_eq!((row.numbers.lag, row.numbers.time), (None, None));
        assert_eq!(row.verdict.kind, VerdictKind::Unknown);
    }

    #[test]
    fn looking_more_often_makes_no_stall() {
        let mut partition = partition();
        look(&mut partition, 0.0, Some(0), Some(3), 9);
        for n in 0..50 {
            look(&mut partition, 11.0 + f64::from(n) * 0.01, None, Some(3), 9);
        }
        let row = look(&mut partition, 12.0, Some(0), Some(3), 9);
        assert_eq!(row.verdict.kind, VerdictKind::Ok, "{:?}", row.verdict);
        assert_eq!(row.numbers.history.points.len(), 2);
    }
}
