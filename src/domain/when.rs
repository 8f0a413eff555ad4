//! Times and places as they are typed: a moment, or how long ago; and where reading a topic begins.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, NaiveTime, SecondsFormat, Utc};

/// A time as it was typed; how long ago counts from the moment it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(DateTime<Utc>),
    /// On the day, in UTC, on which it is asked.
    Today(NaiveTime),
    Ago(Duration),
}

impl When {
    /// The moment meant, seen from `now`.
    #[must_use]
    pub fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Today(time) => now.date_naive().and_time(time).and_utc(),
            Self::Ago(ago) => now - ago,
        }
    }

    /// RFC 3339, a time of this day in UTC, or a whole number of seconds, minutes, hours or days ago.
    ///
    /// # Errors
    /// How to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let mut forms = ["%H:%M:%S%.f", "%H:%M"].into_iter();
        if let Some(time) = forms.find_map(|form| NaiveTime::parse_from_str(text, form).ok()) {
            return Ok(Self::Today(time));
        }
        span(text).map(Self::Ago).map_err(|_| {
            "write 2026-05-01T12:00:00Z, 12:04 (today, UTC), or how long ago: 90s, 15m, 2h, 1d"
                .to_owned()
        })
    }
}

/// A whole number and its unit: milliseconds, seconds, minutes, hours or days. A century at most: far before
/// any event, and well within what a date can hold.
///
/// # Errors
/// How to write it.
pub fn span(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let unit_ms = match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    };
    let number: Option<u64> = number.parse().ok();
    let ms = number
        .zip(unit_ms)
        .and_then(|(n, unit)| n.checked_mul(unit));
    ms.filter(|ms| *ms <= 3_155_760_000_000)
        .map(Duration::from_millis)
        .ok_or_else(|| "write a number and its unit: 500ms, 60s, 15m, 2h, 1d".to_owned())
}

/// Where reading a topic begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// So many records before the end, in each partition.
    Newest(u32),
    /// One partition alone, from this offset on.
    Offset {
        partition: i32,
        offset: i64,
    },
    Time(When),
    Beginning,
}

impl Start {
    /// The most records of a partition that "newest" may mean.
    pub const MOST: u32 = 1_000_000;

    /// `newest:N`, `offset:P:O`, `time:T` or `beginning`; and shorter `N`, `P:O` and a time by itself.
    ///
    /// # Errors
    /// How to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let newest = |n: &str| {
            let n: u32 = n.parse().ok()?;
            (1..=Self::MOST).contains(&n).then_some(Self::Newest(n))
        };
        let offset = |text: &str| {
            let (partition, offset) = text.split_once([':', '@'])?;
            let (partition, offset) = (partition.trim().parse().ok()?, offset.trim().parse().ok()?);
            (partition >= 0 && offset >= 0).then_some(Self::Offset { partition, offset })
        };
        let found = match text.split_once(':') {
            Some(("newest", n)) => newest(n),
            Some(("offset", place)) => offset(place),
            Some(("time", time)) => return When::parse(time).map(Self::Time),
            _ if text == "beginning" => Some(Self::Beginning),
            _ => newest(text)
                .or_else(|| offset(text))
                .or_else(|| When::parse(text).ok().map(Self::Time)),
        };
        found.ok_or_else(|| {
            "write newest:500, offset:2:4812 (partition, offset), time:15m, \
             time:2026-05-01T12:00:00Z, or beginning"
                .to_owned()
        })
    }
}

/// What a screen has room for.
impl Default for Start {
    fn default() -> Self {
        Self::Newest(500)
    }
}

/// As it is typed.
impl fmt::Display for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Newest(n) => write!(f, "newest:{n}"),
            Self::Offset { partition, offset } => write!(f, "offset:{partition}:{offset}"),
            Self::Time(When::At(at)) => {
                write!(
                    f,
                    "time:{}",
                    at.to_rfc3339_opts(SecondsFormat::AutoSi, true)
                )
            }
            Self::Time(When::Today(time)) => write!(f, "time:{time}"),
            Self::Time(When::Ago(ago)) => write!(f, "time:{}s", ago.as_secs()),
            Self::Beginning => f.write_str("beginning"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_start_reads_as_it_is_written_and_in_short() {
        for text in [
            "newest:500",
            "offset:2:4812",
            "time:90s",
            "time:2026-05-01T12:00:00Z",
            "time:12:04:31",
            "time:00:00:00.250",
            "beginning",
        ] {
            assert_eq!(Start::parse(text).expect(text).to_string(), text);
        }
        assert_eq!(Start::parse(" 20"), Ok(Start::Newest(20)));
        assert_eq!(Start::parse("2:4812"), Start::parse("offset:2:4812"));
        assert_eq!(Start::parse("2 @ 4812"), Start::parse("offset:2:4812"));
        assert_eq!(Start::parse("15m"), Start::parse("time:900s"));
        assert_eq!(
            Start::parse("2026-05-01T12:00:00Z"),
            Start::parse("time:2026-05-01T12:00:00Z")
        );
        assert_eq!(Start::parse("time:12:04"), Start::parse("12:04:00"));
        for text in [
            "",
            "time:24:00",
            "time:12:60",
            "newest:0",
            "newest:9999999",
            "offset:1",
            "offset:-1:3",
            "time:soon",
            "soon",
        ] {
            assert!(Start::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_time_of_day_is_of_the_day_it_is_asked_on() {
        let now: DateTime<Utc> = "2026-05-01T12:30:00Z".parse().expect("a time");
        let at = |text: &str| When::parse(text).expect(text).at(now).to_rfc3339();
        assert_eq!(at("12:04"), "2026-05-01T12:04:00+00:00");
        assert_eq!(at("12:04:31.5"), "2026-05-01T12:04:31.500+00:00");
        assert_eq!(at("23:59"), "2026-05-01T23:59:00+00:00");
        assert_eq!(at("45m"), "2026-05-01T11:45:00+00:00");
    }

    proptest! {
        #[test]
        fn any_text_is_a_start_or_a_sentence(text in any::<String>()) {
            let _ = Start::parse(&text);
        }
    }
}
