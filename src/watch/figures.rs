//! Lag figures from others: what is left to do at this rate, and what a group's rows come to.

use std::time::Duration;

use super::verdict::{BEHIND_MOVING, paused};
use crate::snapshot::{LagNumbers, Series, Verdict, VerdictKind};

/// Lag over the net rate, while more goes out than comes in.
pub fn eta(lag: Option<u64>, rate_in: Option<f64>, rate_out: Option<f64>) -> Option<Duration> {
    let (lag, net) = (lag?, rate_out? - rate_in?);
    if lag == 0 {
        return Some(Duration::ZERO);
    }
    let seconds = lag as f64 / net;
    (net > 0.01 && seconds < 1e9).then(|| Duration::from_secs_f64(seconds))
}

/// Sums what can be summed; lag in time and ETA are the worst. One unknown makes a sum unknown.
pub fn sum<'a>(rows: impl Iterator<Item = &'a LagNumbers> + Clone) -> LagNumbers {
    let lag = rows.clone().try_fold(0u64, |sum, n| n.lag.map(|l| sum + l));
    let rate = |pick: fn(&LagNumbers) -> Option<f64>| {
        rows.clone()
            .try_fold(0.0, |sum, n| pick(n).map(|r| sum + r))
    };
    let (rate_in, rate_out) = (rate(|n| n.rate_in), rate(|n| n.rate_out));
    // A row that is behind and was not asked for its time makes the worst unknown.
    let unasked = rows.clone().any(|n| n.lag != Some(0) && n.time.is_none());
    let time = rows
        .clone()
        .filter_map(|n| n.time)
        .max()
        .filter(|_| !unasked);
    LagNumbers {
        lag,
        time,
        rate_in,
        rate_out,
        eta: eta(lag, rate_in, rate_out),
        history: Series::default(),
    }
}

/// The worst verdict below, or how far behind it is in all when there is nothing wrong.
pub fn worst<'a>(rows: impl Iterator<Item = &'a Verdict>, lag: Option<u64>) -> Verdict {
    let mut moving = false;
    let seen = rows.inspect(|v| moving |= v.reason.ends_with(BEHIND_MOVING));
    let worst = seen.max_by_key(|v| v.kind).cloned().unwrap_or_default();
    let reason = match (worst.kind, lag) {
        (VerdictKind::Ok, Some(lag @ 1..)) if moving => format!("{lag} {BEHIND_MOVING}"),
        (VerdictKind::Ok, Some(lag @ 1..)) => format!("{lag} behind"),
        // What stands in one place stands in all.
        (VerdictKind::Stopped, lag) => paused(lag),
        _ => return worst,
    };
    Verdict {
        reason: reason.into(),
        ..worst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(lag: Option<u64>, rate_in: Option<f64>, rate_out: Option<f64>) -> LagNumbers {
        LagNumbers {
            lag,
            rate_in,
            rate_out,
            ..LagNumbers::default()
        }
    }

    #[test]
    fn an_eta_needs_more_going_out_than_coming_in() {
        assert_eq!(
            eta(Some(100), Some(5.0), Some(15.0)),
            Some(Duration::from_secs(10))
        );
        assert_eq!(eta(Some(100), Some(15.0), Some(5.0)), None);
        assert_eq!(eta(Some(0), Some(9.0), Some(0.0)), Some(Duration::ZERO));
        assert_eq!(eta(None, Some(1.0), Some(2.0)), None);
    }

    #[test]
    fn one_unknown_makes_a_sum_unknown() {
        let known = [
            row(Some(3), Some(1.0), Some(2.0)),
            row(Some(4), Some(1.0), None),
        ];
        let sum = sum(known.iter());
        assert_eq!(
            (sum.lag, sum.rate_in, sum.rate_out),
            (Some(7), Some(2.0), None)
        );
    }

    #[test]
    fn the_worst_verdict_speaks_for_all() {
        let say = |kind, reason: &'static str| Verdict {
            kind,
            reason: reason.into(),
        };
        let rows = [
            say(VerdictKind::Ok, "9 behind, moving"),
            say(VerdictKind::Ok, "at the end"),
            say(VerdictKind::Stalled, "unmoved"),
        ];
        assert_eq!(worst(rows.iter(), Some(9)).reason, "unmoved");
        assert_eq!(worst(rows[..2].iter(), Some(9)).reason, "9 behind, moving");
        assert_eq!(worst(rows[1..2].iter(), Some(9)).reason, "9 behind");
        let stopped = [say(VerdictKind::Stopped, "paused by a person, 4 behind")];
        let all = worst(stopped.iter(), Some(9));
        assert_eq!(all.reason, "paused by a person, 9 behind");
        assert_eq!(worst(stopped.iter(), None).reason, "paused by a person");
    }
}
