//! Is a partition's lag all right? The rules are Burrow's (linkedin/Burrow, `evaluator/caching.go`),
//! evaluated when they are read and not when offsets were committed, so a consumer that died is seen;
//! each verdict names the rule and the numbers that made it.

use std::borrow::Cow;
use std::time::Duration;

use crate::snapshot::{Verdict, VerdictKind};

/// What one poll saw of a partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    pub committed: Option<i64>,
    pub end: Option<i64>,
}

/// What some polls in a row saw alike, and how many.
pub type Run = (Sample, usize);

/// What is known of a partition: the newest run of samples is last.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    pub runs: &'a [Run],
    pub first: Option<i64>,
    /// How long the committed offset has not moved while being watched.
    pub unmoved: Option<Duration>,
    /// Its consumer was paused by a person.
    pub paused: bool,
}

/// Polls in a row without a move that make a stall, and the time they must span.
const STALL_POLLS: usize = 6;
const STALL_TIME: Duration = Duration::from_secs(10);

/// Share of what the log holds that is unread: beyond it retention may win the race.
const RISK: f64 = 0.8;

#[must_use]
pub fn verdict(facts: Facts<'_>) -> Verdict {
    let Some((
        Sample {
            committed,
            end: Some(end),
        },
        _,
    )) = facts.runs.last().copied()
    else {
        return say(VerdictKind::Unknown, "the broker has not answered yet");
    };
    let Some(committed) = committed else {
        return if Some(end) == facts.first {
            say(VerdictKind::Ok, "nothing to read")
        } else {
            say(VerdictKind::Unknown, "never committed here")
        };
    };
    let lag = (end - committed).max(0);
    if let Some(first) = facts.first.filter(|first| committed < *first) {
        let lost = first - committed;
        return say(
            VerdictKind::AtRisk,
            format!("{lost} records were deleted before they were read"),
        );
    }
    if lag == 0 {
        return say(VerdictKind::Ok, "at the end");
    }
    if let Some(from) = rewound(facts.runs, committed) {
        return say(
            VerdictKind::Rewound,
            format!("went back from {from} to {committed}"),
        );
    }
    if facts.paused {
        return say(VerdictKind::Stopped, paused(u64::try_from(lag).ok()));
    }
    if let Some(unmoved) = facts.unmoved.filter(|t| *t >= STALL_TIME) {
        let polls = still(facts.runs, committed);
        if polls >= STALL_POLLS {
            let seconds = unmoved.as_secs();
            return say(
                VerdictKind::Stalled,
                format!("offset unmoved for {seconds} s, {polls} polls"),
            );
        }
    }
    if let Some(first) = facts.first.filter(|first| *first > 0) {
        let share = lag as f64 / (end - first).max(1) as f64;
        if share >= RISK {
            let percent = (share * 100.0).round();
            return say(
                VerdictKind::AtRisk,
                format!("{percent} % of what the log keeps is unread"),
            );
        }
    }
    if let Some((from, to, polls)) = growing(facts.runs) {
        return say(
            VerdictKind::Growing,
            format!("{from} to {to} in {polls} polls"),
        );
    }
    let moved = facts
        .runs
        .iter()
        .any(|(s, _)| s.committed != Some(committed));
    let reason = if moved { BEHIND_MOVING } else { "behind" };
    say(VerdictKind::Ok, format!("{lag} {reason}"))
}

/// What is said of a consumer that a person paused.
pub fn paused(lag: Option<u64>) -> String {
    let behind = lag.map(|lag| format!(", {lag} behind"));
    format!("paused by a person{}", behind.unwrap_or_default())
}

/// What is said of lag that is worked off, or grows by chance.
pub const BEHIND_MOVING: &str = "behind, moving";

/// The offset it went back from, if no later commit has reached it again.
fn rewound(runs: &[Run], now: i64) -> Option<i64> {
    let highest = runs.iter().filter_map(|(s, _)| s.committed).max()?;
    (highest > now).then_some(highest)
}

/// How many of the newest samples show this very offset.
fn still(runs: &[Run], committed: i64) -> usize {
    runs.iter()
        .rev()
        .take_while(|(s, _)| s.committed == Some(committed))
        .map(|(_, times)| times)
        .sum()
}

/// Lag at both ends of the window and its polls, if it never shrank between two polls and grew by a tenth
/// and ten.
fn growing(runs: &[Run]) -> Option<(i64, i64, usize)> {
    let lags: Vec<(i64, usize)> = runs
        .iter()
        .filter_map(|(s, times)| Some((s.end? - s.committed?, *times)))
        .collect();
    let ((first, _), (last, _)) = (*lags.first()?, *lags.last()?);
    let known: usize = lags.iter().map(|(_, times)| times).sum();
    let never_shrank = lags.windows(2).all(|pair| pair[1].0 >= pair[0].0);
    let polls = runs.iter().map(|(_, times)| times).sum();
    (known >= STALL_POLLS && never_shrank && last >= first + 10 && last * 10 > first * 11)
        .then_some((first, last, polls))
}

fn say(kind: VerdictKind, reason: impl Into<Cow<'static, str>>) -> Verdict {
    Verdict {
        kind,
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn runs(samples: &[Sample]) -> Vec<Run> {
        let alike = samples.chunk_by(|a, b| a == b);
        alike.map(|run| (run[0], run.len())).collect()
    }

    fn judge(samples: &[(i64, i64)], first: i64, unmoved: u64) -> Verdict {
        let samples: Vec<Sample> = samples
            .iter()
            .map(|(c, e)| Sample {
                committed: Some(*c),
                end: Some(*e),
            })
            .collect();
        verdict(Facts {
            runs: &runs(&samples),
            first: Some(first),
            unmoved: Some(Duration::from_secs(unmoved)),
            paused: false,
        })
    }

    #[test]
    fn at_the_end_is_ok_however_long_unmoved() {
        assert_eq!(judge(&[(5, 5); 20], 0, 3_600).kind, VerdictKind::Ok);
    }

    #[test]
    fn unmoved_with_lag_is_stalled_and_says_for_how_long() {
        let verdict = judge(&[(5, 90); 8], 0, 41);
        assert_eq!(verdict.kind, VerdictKind::Stalled);
        assert_eq!(verdict.reason, "offset unmoved for 41 s, 8 polls");
        assert_eq!(judge(&[(5, 90); 5], 0, 41).kind, VerdictKind::Ok);
    }

    #[test]
    fn lag_that_only_grows_is_growing() {
        let samples: Vec<_> = (0..8).map(|n| (n, n * 20)).collect();
        assert_eq!(judge(&samples, 0, 0).kind, VerdictKind::Growing);
    }

    #[test]
    fn a_rewind_lasts_until_the_offset_is_reached_again() {
        assert_eq!(
            judge(&[(50, 90), (10, 90)], 0, 0).kind,
            VerdictKind::Rewound
        );
        assert_eq!(
            judge(&[(50, 90), (10, 90), (55, 90)], 0, 0).kind,
            VerdictKind::Ok
        );
    }

    #[test]
    fn what_was_deleted_unread_is_told() {
        let verdict = judge(&[(10, 500)], 30, 0);
        assert_eq!(verdict.kind, VerdictKind::AtRisk);
        assert_eq!(
            verdict.reason,
            "20 records were deleted before they were read"
        );
    }

    #[test]
    fn unknown_is_not_ok() {
        let none = Facts {
            runs: &[],
            first: None,
            unmoved: None,
            paused: false,
        };
        assert_eq!(verdict(none).kind, VerdictKind::Unknown);
        let never = [Sample {
            committed: None,
            end: Some(4),
        }];
        let never = Facts {
            runs: &runs(&never),
            first: Some(0),
            ..none
        };
        assert_eq!(verdict(never).kind, VerdictKind::Unknown);
    }

    proptest! {
        #[test]
        fn any_facts_get_a_verdict_with_a_reason(
            samples in prop::collection::vec((prop::option::of(0i64..100), prop::option::of(0i64..100)), 0..20),
            first in prop::option::of(0i64..50), unmoved in prop::option::of(0u64..100), paused: bool,
        ) {
            let samples: Vec<Sample> =
                samples.into_iter().map(|(committed, end)| Sample { committed, end }).collect();
            let unmoved = unmoved.map(Duration::from_secs);
            let verdict = verdict(Facts { runs: &runs(&samples), first, unmoved, paused });
            prop_assert!(!verdict.reason.is_empty());
        }
    }
}
