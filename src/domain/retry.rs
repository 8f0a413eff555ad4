//! When a failed event is tried again, and when no more.

use std::time::Duration;

/// How often a dead letter may be redriven before it is parked.
pub const MAX_REDRIVES: u32 = 3;

const FIRST: Duration = Duration::from_secs(1);
const CAP: Duration = Duration::from_secs(60);

/// How long to wait after that many failed attempts: 1, 2, 4 s … and never more than 60 s, of which
/// half is fixed and half random ("equal jitter": AWS Architecture Blog, "Exponential Backoff And
/// Jitter"), so that a crowd that failed together does not come back together.
///
/// `jitter` is a random number from 0 to 1; before the first attempt there is nothing to wait for.
#[must_use]
pub fn delay(after_attempt: u32, jitter: f64) -> Duration {
    let Some(doublings) = after_attempt.checked_sub(1) else {
        return Duration::ZERO;
    };
    let full = FIRST
        .saturating_mul(2_u32.saturating_pow(doublings))
        .min(CAP);
    let half = full / 2;
    let jitter = if jitter.is_nan() {
        0.0
    } else {
        jitter.clamp(0.0, 1.0)
    };
    half + half.mul_f64(jitter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_up_to_the_cap() {
        let seconds = |n| delay(n, 1.0).as_secs_f64();
        assert_eq!(
            [0, 1, 2, 3, 6, 7, 8, u32::MAX].map(seconds),
            [0.0, 1.0, 2.0, 4.0, 32.0, 60.0, 60.0, 60.0]
        );
    }

    #[test]
    fn half_is_random() {
        assert_eq!(delay(2, 0.0), Duration::from_secs(1));
        assert_eq!(delay(2, 0.5), Duration::from_millis(1500));
        for odd in [f64::NAN, -3.0, f64::NEG_INFINITY] {
            assert_eq!(delay(2, odd), Duration::from_secs(1));
        }
        assert_eq!(delay(2, f64::INFINITY), Duration::from_secs(2));
    }
}
