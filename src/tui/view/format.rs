//! Numbers and times as words of steady width: the unit is always there, unknown is `–`.

use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::snapshot::Percentiles;

/// What is not known.
pub const UNKNOWN: &str = "–";

/// `48 213`: digits in threes.
#[must_use]
pub fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

/// A count in seven cells at most: `999 999`, `24.7 M`. The exact one stands where there is room.
#[must_use]
pub fn short(n: u64) -> String {
    match n {
        0..1_000_000 => count(n),
        1_000_000..1_000_000_000 => format!("{:.1} M", n as f64 / 1e6),
        _ => format!("{:.1} G", n as f64 / 1e9),
    }
}

/// A count without a blank: `312`, `212k`.
#[must_use]
pub fn badge(n: u64) -> String {
    match n {
        0..10_000 => n.to_string(),
        10_000..10_000_000 => format!("{}k", n / 1_000),
        _ => format!("{}M", n / 1_000_000),
    }
}

/// `1 cause`, `2 causes`.
#[must_use]
pub fn plural(n: u64, one: &str) -> String {
    format!("{} {one}{}", count(n), if n == 1 { "" } else { "s" })
}

/// An offset: the same, with its sign.
#[must_use]
pub fn offset(n: Option<i64>) -> String {
    match n {
        Some(n) if n < 0 => format!("-{}", count(n.unsigned_abs())),
        Some(n) => count(n.unsigned_abs()),
        None => UNKNOWN.to_owned(),
    }
}

#[must_use]
pub fn maybe_short(n: Option<u64>) -> String {
    n.map_or_else(|| UNKNOWN.to_owned(), short)
}

#[must_use]
pub fn maybe(n: Option<u64>) -> String {
    n.map_or_else(|| UNKNOWN.to_owned(), count)
}

/// `20.4`, `1 204`; without its `/s`, which stands in the heading or behind.
#[must_use]
pub fn rate(rate: Option<f64>) -> String {
    match rate {
        Some(r) if r.is_finite() && r >= 999.95 => count(r.round() as u64),
        Some(r) if r.is_finite() => format!("{:.1}", r.max(0.0)),
        _ => UNKNOWN.to_owned(),
    }
}

/// `20.4/s`.
#[must_use]
pub fn per_second(r: Option<f64>) -> String {
    match r {
        Some(_) => format!("{}/s", rate(r)),
        None => UNKNOWN.to_owned(),
    }
}

/// `340 µs`, `6.2 ms`, `41 ms`, `1.2 s`, `41 s`, `12 min`, `3 h 05`, `4 d`.
#[must_use]
pub fn span(d: Duration) -> String {
    let (us, secs) = (d.as_micros(), d.as_secs());
    match us {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{us} µs"),
        1_000..9_950 => format!("{:.1} ms", us as f64 / 1e3),
        9_950..999_500 => format!("{:.0} ms", us as f64 / 1e3),
        999_500..59_950_000 if secs < 10 => format!("{:.1} s", us as f64 / 1e6),
        _ if secs < 120 => format!("{secs} s"),
        _ if secs < 7_200 => format!("{} min", secs / 60),
        _ if secs < 172_800 => format!("{} h {:02}", secs / 3_600, secs / 60 % 60),
        _ => format!("{} d", secs / 86_400),
    }
}

#[must_use]
pub fn maybe_span(d: Option<Duration>) -> String {
    d.map_or_else(|| UNKNOWN.to_owned(), span)
}

/// A round bound: `1 ms`, `50 ms`, `2 s`.
#[must_use]
pub fn bound(d: Duration) -> String {
    match d.as_millis() {
        ms @ 0..1_000 => format!("{ms} ms"),
        ms => format!("{} s", ms / 1_000),
    }
}

/// How long something has lasted, calm enough to be on screen all the time: whole seconds in the first
/// minute, minutes from then on.
#[must_use]
pub fn seconds(d: Duration) -> String {
    match d.as_secs() {
        secs @ 0..60 => format!("{secs} s"),
        60..120 => "1 min".to_owned(),
        secs => span(Duration::from_secs(secs)),
    }
}

/// An age as calm as that: `now`, `3 s ago`, `4 min ago`.
#[must_use]
pub fn ago(age: Duration) -> String {
    match age.as_secs() {
        0 => "now".to_owned(),
        _ => format!("{} ago", seconds(age)),
    }
}

/// `12:04`.
#[must_use]
pub fn minute(at: DateTime<Utc>) -> String {
    at.format("%H:%M").to_string()
}

/// `12:04:31`.
#[must_use]
pub fn clock(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S").to_string()
}

/// `12:04:31.120`.
#[must_use]
pub fn clock_ms(at: DateTime<Utc>) -> String {
    at.format("%H:%M:%S%.3f").to_string()
}

/// `12:04:31` of today, else `2026-11-20 12:04:31`.
#[must_use]
pub fn day_or_clock(at: DateTime<Utc>, today: DateTime<Utc>) -> String {
    if at.date_naive() == today.date_naive() {
        return clock(at);
    }
    at.format("%Y-%m-%d %H:%M:%S").to_string()
}

/// `2026-11-21 12:04:31.120`.
#[must_use]
pub fn date_time(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// `p50 6 ms  p95 14 ms  p99 22 ms`, or what is known of it.
#[must_use]
pub fn percentiles(p: Option<Percentiles>) -> [(&'static str, String); 3] {
    let part = |d: Option<Duration>| maybe_span(d);
    [
        ("p50", part(p.map(|p| p.p50))),
        ("p95", part(p.map(|p| p.p95))),
        ("p99", part(p.map(|p| p.p99))),
    ]
}

/// `312 B`, `4.1 KiB`, `8.0 MiB`.
#[must_use]
pub fn bytes(n: usize) -> String {
    match n {
        0..1_024 => format!("{n} B"),
        1_024..1_048_576 => format!("{:.1} KiB", n as f64 / 1_024.0),
        _ => format!("{:.1} MiB", n as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_they_should() {
        assert_eq!(count(48_213), "48 213");
        assert_eq!(count(1_000_000), "1 000 000");
        assert_eq!(count(7), "7");
        assert_eq!(rate(None), "–");
        assert_eq!(rate(Some(1_204.4)), "1 204");
        let spans = [
            340,
            6_200,
            41_000,
            999_700,
            1_200_000,
            41_000_000,
            150_000_000,
        ];
        let spans = spans.map(|us| span(Duration::from_micros(us)));
        assert_eq!(
            spans,
            [
                "340 µs", "6.2 ms", "41 ms", "1.0 s", "1.2 s", "41 s", "2 min"
            ]
        );
        assert_eq!(span(Duration::from_secs(3 * 3_600 + 300)), "3 h 05");
        assert_eq!(bytes(4_200), "4.1 KiB");
    }
}
