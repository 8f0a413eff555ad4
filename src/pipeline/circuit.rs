//! A service's circuit ("circuit breaker": Nygard, Release It!). When half of the last twenty events
//! fail in the transient kind, the trouble is not theirs: the service stops, one event at a time is
//! tried now and then, and the first that works lets all go on. The dead letters stay for events that
//! are to blame themselves.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// Outcomes that are judged together.
pub const WINDOW: usize = 20;

/// Tries of one event while the circuit is open, beside its usual attempts. After these it is a letter
/// after all: an event that takes the whole service for down would hold its partition forever.
pub const TRIES: u32 = 20;

const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// What may be handed to handlers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pass {
    All,
    /// One event, as a try.
    One,
    /// Nothing until then; `None`: until the try at work ends.
    Nothing(Option<Instant>),
}

/// One service's circuit in one process.
#[derive(Debug, Default)]
pub struct Circuit {
    /// The newest outcomes, oldest first; true is a transient failure.
    outcomes: VecDeque<bool>,
    open: Option<Open>,
}

#[derive(Debug)]
struct Open {
    why: String,
    /// When the next try is due.
    due: Instant,
    trying: bool,
    pause: Duration,
}

impl Circuit {
    #[must_use]
    pub fn pass(&self, now: Instant) -> Pass {
        match &self.open {
            None => Pass::All,
            Some(open) if open.trying => Pass::Nothing(None),
            Some(open) if open.due <= now => Pass::One,
            Some(open) => Pass::Nothing(Some(open.due)),
        }
    }

    /// Why it is open.
    #[must_use]
    pub fn open(&self) -> Option<&str> {
        self.open.as_ref().map(|open| open.why.as_str())
    }

    /// The one event is on its way.
    pub fn begin_try(&mut self) {
        if let Some(open) = &mut self.open {
            open.trying = true;
        }
    }

    /// The try is over. Where it said nothing of the service (an event handled before, a partition taken
    /// away), the next one is due at once.
    pub fn end_try(&mut self) {
        if let Some(open) = &mut self.open {
            open.trying = false;
        }
    }

    /// That many events were answered, be it by a refusal: the service works.
    pub fn works(&mut self, events: usize) {
        if self.open.as_ref().is_some_and(|open| open.trying) {
            *self = Self::default();
        }
        for _ in 0..events.min(WINDOW) {
            self.note(false);
        }
    }

    /// An event failed in the transient kind.
    pub fn fails(&mut self, now: Instant, reason: &str) {
        if let Some(open) = &mut self.open {
            if open.trying {
                open.pause = (open.pause * 2).min(LONGEST_PAUSE);
                open.due = now + open.pause;
            }
            return;
        }
        self.note(true);
        let failed = self.outcomes.iter().filter(|failed| **failed).count();
        if self.outcomes.len() == WINDOW && failed * 2 >= WINDOW {
            self.outcomes.clear();
            self.open = Some(Open {
                why: format!("{failed} of the last {WINDOW} tries failed, the last with {reason}"),
                due: now + FIRST_PAUSE,
                trying: false,
                pause: FIRST_PAUSE,
            });
        }
    }

    /// A person says that all is well again.
    pub fn close(&mut self) {
        *self = Self::default();
    }

    fn note(&mut self, failed: bool) {
        if self.outcomes.len() == WINDOW {
            self.outcomes.pop_front();
        }
        self.outcomes.push_back(failed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const SECOND: Duration = Duration::from_secs(1);

    fn opened(now: Instant) -> Circuit {
        let mut circuit = Circuit::default();
        for _ in 0..WINDOW {
            circuit.fails(now, "timeout");
        }
        circuit
    }

    #[test]
    fn it_opens_when_half_of_at_least_twenty_fail() {
        let now = clock::instant();
        let mut circuit = Circuit::default();
        for _ in 0..WINDOW - 1 {
            circuit.fails(now, "timeout");
            assert_eq!(circuit.pass(now), Pass::All, "too few to judge");
        }
        circuit.fails(now, "timeout");
        assert_eq!(circuit.pass(now), Pass::Nothing(Some(now + SECOND)));
        assert_eq!(
            circuit.open(),
            Some("20 of the last 20 tries failed, the last with timeout")
        );

        let mut circuit = Circuit::default();
        circuit.works(1_000);
        for _ in 0..WINDOW / 2 - 1 {
            circuit.fails(now, "timeout");
        }
        assert!(circuit.open().is_none(), "less than half");
        circuit.works(1);
        circuit.fails(now, "timeout");
        assert!(circuit.open().is_some());
    }

    #[test]
    fn one_try_at_a_time_and_ever_rarer() {
        let now = clock::instant();
        let mut circuit = opened(now);
        let mut at = now + SECOND;
        for pause in [2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(circuit.pass(at), Pass::One);
            circuit.begin_try();
            assert_eq!(circuit.pass(at), Pass::Nothing(None));
            circuit.fails(at, "timeout");
            circuit.end_try();
            at += SECOND * pause;
            assert_eq!(circuit.pass(at - SECOND), Pass::Nothing(Some(at)));
        }
    }

    #[test]
    fn a_try_that_works_closes_it_and_one_that_says_nothing_does_not() {
        let now = clock::instant();
        let mut circuit = opened(now);
        circuit.begin_try();
        circuit.end_try();
        assert_eq!(circuit.pass(now + SECOND), Pass::One);
        circuit.works(3);
        assert!(circuit.open().is_some(), "from before it opened");
        circuit.begin_try();
        circuit.works(1);
        circuit.end_try();
        assert_eq!(circuit.pass(now), Pass::All);
        circuit.fails(now, "timeout");
        assert!(circuit.open().is_none(), "it judges anew");
    }
}
