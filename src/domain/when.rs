//! Times and places as they are typed: a moment, or how long ago; and where reading a topic begins.

use std::fmt;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

/// A time as it was typed; how long ago counts from the moment it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    At(DateTime<Utc>),
    Ago(Duration),
}

impl When {
    /// The moment meant, seen from `now`.
    #[must_use]
    pub fn at(self, now: DateTime<Utc>) -> DateTime<Utc> {
        match self {
            Self::At(at) => at,
            Self::Ago(ago) => now - ago,
        }
    }

    /// RFC 3339, or a whole number of seconds, minutes, hours or days ago.
    ///
    /// # Errors
    /// How to write it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Ok(at) = DateTime::parse_from_rfc3339(text) {
            return Ok(Self::At(at.to_utc()));
        }
        let ago = || {
            let unit = match text.chars().last()? {
                's' => 1,
                'm' => 60,
                'h' => 3_600,
                'd' => 86_400,
                _ => return None,
            };
            let number: u32 = text[..text.len() - 1].parse().ok()?;
            Some(Duration::from_secs(u64::from(number) * unit))
        };
        // A century is far before any event and well within what a date can hold.
        match ago() {
            Some(ago) if ago.as_secs() <= 3_155_760_000 => Ok(Self::Ago(ago)),
            _ => Err("write 2026-05-01T12:00:00Z, or how long ago: 90s, 15m, 2h, 1d".to_owned()),
        }
    }
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
        for text in [
            "",
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

    proptest! {
        #[test]
        fn any_text_is_a_start_or_a_sentence(text in any::<String>()) {
            let _ = Start::parse(&text);
        }
    }
}
