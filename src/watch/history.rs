//! Figures over time: rates from counters, and rings of the last minutes.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::snapshot::Series;

/// Over how long a rate is measured: long enough to be calm, short enough to be now.
const SPAN: Duration = Duration::from_secs(5);

/// Events a second of a counter that only grows.
#[derive(Debug, Default)]
pub struct Rate {
    readings: VecDeque<(Instant, u64)>,
}

impl Rate {
    /// Takes a reading in. A counter that went back began anew: what came before does not count.
    pub fn push(&mut self, now: Instant, count: u64) {
        if self.readings.back().is_some_and(|(_, last)| count < *last) {
            self.readings.clear();
        }
        // Of a counter that stands still two readings say all: there may be ten thousand.
        if self.readings.len() > 1 && self.readings.iter().all(|(_, before)| *before == count) {
            let (first, last) = (0, self.readings.len() - 1);
            if let Some(early) = now.checked_sub(SPAN) {
                self.readings[first].0 = self.readings[first].0.max(early);
            }
            self.readings[last].0 = now;
            self.readings.drain(1..last);
            return;
        }
        self.readings.push_back((now, count));
        while self.readings.len() > 2
            && self
                .readings
                .get(1)
                .is_some_and(|(at, _)| now.duration_since(*at) >= SPAN)
        {
            self.readings.pop_front();
        }
    }

    /// Forgets everything: the source did not answer, so the next reading starts anew.
    pub fn gap(&mut self) {
        self.readings.clear();
    }

    /// `None` until two readings lie apart.
    #[must_use]
    pub fn per_s(&self) -> Option<f64> {
        let (first, last) = (self.readings.front()?, self.readings.back()?);
        let seconds = last.0.duration_since(first.0).as_secs_f64();
        (seconds > 0.05).then(|| (last.1 - first.1) as f64 / seconds)
    }
}

/// Says when the next point of a history is due, however often one looks.
#[derive(Debug)]
pub struct Pace {
    step: Duration,
    last: Option<Instant>,
}

impl Pace {
    #[must_use]
    pub fn new(step: Duration) -> Self {
        Self { step, last: None }
    }

    /// `None`: it is too soon. Else how many points were missed since the last one: those are gaps.
    pub fn tick(&mut self, now: Instant) -> Option<usize> {
        let missed = match self.last {
            None => 0,
            Some(last) => {
                let steps = now.duration_since(last).as_secs_f64() / self.step.as_secs_f64();
                if steps < 0.75 {
                    return None;
                }
                (steps.round() as usize).saturating_sub(1)
            }
        };
        self.last = Some(now);
        Some(missed)
    }
}

/// The newest points of one figure, one a step.
#[derive(Debug)]
pub struct Ring {
    /// NaN is a gap: half the size of an `Option`, and there may be ten thousand rings.
    points: VecDeque<f32>,
    step: Duration,
    most: usize,
}

impl Ring {
    /// Keeps `most` points that are `step` apart.
    #[must_use]
    pub fn new(step: Duration, most: usize) -> Self {
        Self {
            points: VecDeque::new(),
            step,
            most,
        }
    }

    /// Forgets all points.
    pub fn clear(&mut self) {
        self.points = VecDeque::new();
    }

    /// Adds a point after as many gaps, where its [`Pace`] says that one is due.
    pub fn push(&mut self, due: Option<usize>, point: Option<f64>) {
        let Some(missed) = due else { return };
        let gaps = std::iter::repeat_n(f32::NAN, missed.min(self.most));
        let point = point.map_or(f32::NAN, |p| p as f32);
        self.points.extend(gaps.chain([point]));
        let over = self.points.len().saturating_sub(self.most);
        self.points.drain(..over);
    }

    /// The last `most` points.
    #[must_use]
    pub fn series(&self, most: usize) -> Series {
        let skip = self.points.len().saturating_sub(most);
        Series {
            step: self.step,
            points: self
                .points
                .iter()
                .skip(skip)
                .map(|point| Some(*point).filter(|p| !p.is_nan()))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn after(start: Instant, seconds: f64) -> Instant {
        start + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn a_rate_needs_two_readings_and_survives_a_reset() {
        let start = crate::clock::instant();
        let mut rate = Rate::default();
        assert_eq!(rate.per_s(), None);
        rate.push(start, 100);
        assert_eq!(rate.per_s(), None);
        rate.push(after(start, 2.0), 140);
        assert_eq!(rate.per_s(), Some(20.0));
        rate.push(after(start, 3.0), 5);
        assert_eq!(rate.per_s(), None);
        rate.push(after(start, 4.0), 15);
        assert_eq!(rate.per_s(), Some(10.0));
    }

    #[test]
    fn a_rate_after_a_pause_is_that_of_the_last_seconds() {
        let start = crate::clock::instant();
        let mut rate = Rate::default();
        for second in 0..60 {
            rate.push(after(start, f64::from(second)), 7);
        }
        assert_eq!((rate.per_s(), rate.readings.len()), (Some(0.0), 2));
        rate.push(after(start, 60.0), 47);
        let per_s = rate.per_s().unwrap();
        assert!((per_s - 40.0 / 6.0).abs() < 0.01, "{per_s}");
    }

    proptest! {
        #[test]
        fn a_rate_is_never_negative(counts in prop::collection::vec(0u64..1_000, 0..50)) {
            let start = crate::clock::instant();
            let mut rate = Rate::default();
            for (n, count) in counts.into_iter().enumerate() {
                rate.push(after(start, n as f64 * 0.3), count);
                prop_assert!(rate.per_s().is_none_or(|r| r >= 0.0));
            }
        }

        #[test]
        fn a_ring_keeps_the_newest(points in prop::collection::vec(prop::option::of(0.0f64..9.0), 0..40)) {
            let mut ring = Ring::new(SECOND, 10);
            for point in &points {
                ring.push(Some(0), *point);
            }
            let kept: Vec<Option<f32>> = points.iter().rev().take(10).rev().map(|p| p.map(|p| p as f32)).collect();
            prop_assert_eq!(ring.series(99).points.to_vec(), kept);
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn looking_more_often_adds_no_points_and_silence_leaves_gaps() {
        let start = crate::clock::instant();
        let (mut pace, mut ring) = (Pace::new(SECOND), Ring::new(SECOND, 100));
        for (seconds, point) in [
            (0.0, 1.0),
            (0.2, 9.0),
            (0.5, 9.0),
            (1.02, 2.0),
            (1.1, 9.0),
            (5.0, 3.0),
        ] {
            ring.push(pace.tick(after(start, seconds)), Some(point));
        }
        let points: Vec<_> = ring.series(99).points.to_vec();
        assert_eq!(points, [Some(1.0), Some(2.0), None, None, None, Some(3.0)]);
    }
}
