//! Figures that jump without meaning anything, held still: a line over SSH should carry news, not noise.
//! A rise is shown at once, a fall once it has lasted.

use std::collections::BTreeMap;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

/// How long a figure stays after the last time it was as high.
const KEPT: TimeDelta = TimeDelta::seconds(30);

/// The worst recent round trip of each dependency.
#[derive(Clone, Debug, Default)]
pub struct Latencies {
    seen: BTreeMap<String, Vec<(DateTime<Utc>, Duration)>>,
}

impl Latencies {
    /// A probe's answer, as a snapshot of this time shows it.
    pub fn see(&mut self, name: &str, at: DateTime<Utc>, latency: Duration) {
        let seen = self.seen.entry(name.to_owned()).or_default();
        // What is no worse than the newest can never be the worst again.
        seen.retain(|(then, it)| at - *then < KEPT && *it > latency);
        seen.push((at, latency));
    }

    /// What the last half minute's probes stayed below: 1, 2 or 5 and so many zeros, in ms.
    #[must_use]
    pub fn below(&self, name: &str) -> Option<Duration> {
        let worst = self.seen.get(name)?.iter().map(|(_, it)| *it).max()?;
        let mut step = Duration::from_millis(1);
        loop {
            for factor in [1, 2, 5] {
                if worst < step * factor {
                    return Some(step * factor);
                }
            }
            step *= 10;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_stands_still_and_a_change_does_not() {
        let start = DateTime::<Utc>::default();
        let mut latencies = Latencies::default();
        let mut shown = Vec::new();
        let mut see = |second: i64, us: u64| {
            latencies.see(
                "kafka",
                start + TimeDelta::seconds(second),
                Duration::from_micros(us),
            );
            let below = latencies.below("kafka").expect("seen");
            if shown.last() != Some(&below) {
                shown.push(below);
            }
        };
        for second in 0..60 {
            see(second, 280 + second.unsigned_abs() * 7 % 600);
        }
        see(60, 48_000);
        for second in 61..120 {
            see(second, 300 + second.unsigned_abs() * 7 % 600);
        }
        assert_eq!(shown, [1, 50, 1].map(Duration::from_millis));
        assert_eq!(latencies.below("redis"), None);
    }
}
