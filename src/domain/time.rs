//! Times on the wire: RFC 3339 with some tolerance, or seconds since 1970. Kept to microseconds.

use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use serde_json::Value;

use super::decimal::{Decimal, Scaled};

/// From this number on, an epoch is in milliseconds: as seconds it would be the year 5138.
const MILLIS_FROM: i64 = 100_000_000_000;
/// 9999-12-31T23:59:59.999999Z in microseconds.
const LAST_MICROS: i64 = 253_402_300_799_999_999;

/// The wire form: RFC 3339 in UTC with microseconds, `2026-01-31T10:00:00.000000Z`.
#[must_use]
pub fn format(at: DateTime<Utc>) -> String {
    at.to_rfc3339_opts(SecondsFormat::Micros, true)
}

/// A JSON text or number as a time; `None` when it is neither or outside the years 1970 to 9999.
#[must_use]
pub fn from_json(value: &Value) -> Option<DateTime<Utc>> {
    match value {
        Value::String(text) => parse(text),
        Value::Number(number) => epoch(number.as_str()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

/// Seconds since 1970, or milliseconds from 10¹¹ on.
fn epoch(text: &str) -> Option<DateTime<Utc>> {
    let number = Decimal::json(text)?;
    let whole = |places| match number.scaled(places) {
        Scaled::Exact(value) | Scaled::Cut(value) => Some(value),
        Scaled::TooLarge => None,
    };
    let micros = if whole(0)? >= MILLIS_FROM {
        whole(3)?
    } else {
        whole(6)?
    };
    in_range(DateTime::from_timestamp_micros(micros)?)
}

/// RFC 3339, also with a blank or a lower-case `t` for the `T` and without zone (UTC then).
#[must_use]
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let bytes = text.as_bytes();
    let marks = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
    if !text.is_ascii() || bytes.len() < 19 {
        return None;
    }
    if marks
        .iter()
        .any(|(i, allowed)| !allowed.as_bytes().contains(&bytes[*i]))
    {
        return None;
    }
    let number = |from: usize, to: usize| digits(&text[from..to]);
    let date = NaiveDate::from_ymd_opt(
        number(0, 4)?.try_into().ok()?,
        number(5, 7)?,
        number(8, 10)?,
    )?;
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let (micros, zone) = fraction(&text[19..])?;
    // A leap second is the last microsecond before it: it sorts right and stays in its day.
    let (second, micros) = if second == 60 {
        (59, 999_999)
    } else {
        (second, micros)
    };
    let local = date
        .and_hms_micro_opt(hour, minute, second, micros)?
        .and_utc();
    in_range(local.checked_sub_signed(offset(zone)?)?)
}

/// Digits after the point in microseconds, and what follows them.
fn fraction(rest: &str) -> Option<(u32, &str)> {
    let Some(rest) = rest.strip_prefix('.') else {
        return Some((0, rest));
    };
    let end = rest
        .bytes()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(rest.len());
    let (digits, zone) = rest.split_at(end);
    let micros = digits
        .bytes()
        .chain([b'0'; 6])
        .take(6)
        .fold(0, |sum, digit| sum * 10 + u32::from(digit - b'0'));
    (!digits.is_empty()).then_some((micros, zone))
}

fn offset(zone: &str) -> Option<TimeDelta> {
    let bytes = zone.as_bytes();
    match bytes {
        [] | [b'Z' | b'z'] => Some(TimeDelta::zero()),
        [sign @ (b'+' | b'-'), _, _, b':', _, _] => {
            let (hours, minutes) = (digits(&zone[1..3])?, digits(&zone[4..6])?);
            let delta = TimeDelta::minutes(i64::from(hours * 60 + minutes));
            (hours < 24 && minutes < 60).then_some(if *sign == b'-' { -delta } else { delta })
        }
        _ => None,
    }
}

fn digits(text: &str) -> Option<u32> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())
        .flatten()
}

/// Milliseconds since 1970, as records and headers carry them; `None` beyond the years 1970 to 9999. Nothing further
/// inside adds to a time that a database or the calendar could not hold.
#[must_use]
pub fn from_millis(millis: i64) -> Option<DateTime<Utc>> {
    in_range(DateTime::from_timestamp_millis(millis)?)
}

/// A time from outside, if it is within the years 1970 to 9999.
#[must_use]
pub fn in_range(at: DateTime<Utc>) -> Option<DateTime<Utc>> {
    (0..=LAST_MICROS)
        .contains(&at.timestamp_micros())
        .then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn milliseconds_beyond_the_calendar_are_no_time() {
        for millis in [
            i64::MIN,
            -62_135_596_800_001,
            -1,
            253_402_300_800_000,
            i64::MAX,
        ] {
            assert_eq!(from_millis(millis), None, "{millis}");
        }
        for millis in [0, 1_700_000_000_123, 253_402_300_799_999] {
            assert_eq!(
                from_millis(millis).map(|at| at.timestamp_millis()),
                Some(millis)
            );
        }
    }

    #[test]
    fn reads_what_producers_write() {
        for (json, expected) in [
            ("\"2026-01-31T10:00:00Z\"", "2026-01-31T10:00:00.000000Z"),
            ("\"2026-01-31 10:00:00.5\"", "2026-01-31T10:00:00.500000Z"),
            (
                "\"2026-01-31t10:00:00.123456789z\"",
                "2026-01-31T10:00:00.123456Z",
            ),
            (
                "\"2026-01-31T10:00:00+02:00\"",
                "2026-01-31T08:00:00.000000Z",
            ),
            (
                "\"2026-01-31T10:00:00-00:30\"",
                "2026-01-31T10:30:00.000000Z",
            ),
            ("\"2016-12-31T23:59:60Z\"", "2016-12-31T23:59:59.999999Z"),
            (
                "\"9999-12-31T23:59:59.999999Z\"",
                "9999-12-31T23:59:59.999999Z",
            ),
            ("1700000000", "2023-11-14T22:13:20.000000Z"),
            ("1700000000.123456", "2023-11-14T22:13:20.123456Z"),
            ("1700000000123", "2023-11-14T22:13:20.123000Z"),
            ("1.7e9", "2023-11-14T22:13:20.000000Z"),
            ("0", "1970-01-01T00:00:00.000000Z"),
        ] {
            let value = serde_json::from_str(json).unwrap();
            assert_eq!(
                from_json(&value).map(format).as_deref(),
                Some(expected),
                "{json}"
            );
        }
    }

    #[test]
    fn refuses_the_rest() {
        for json in [
            "\"\"",
            "\"2026-01-31\"",
            "\"2026-01-31T10:00Z\"",
            "\"2026-02-30T10:00:00Z\"",
            "\"2026-01-31T24:00:00Z\"",
            "\"2026-01-31T10:00:61Z\"",
            "\"2026-01-31T10:00:00.Z\"",
            "\"2026-01-31T10:00:00+0200\"",
            "\"2026-01-31T10:00:00+24:00\"",
            "\"2026-01-31T10:00:00 Z\"",
            "\"1969-12-31T23:59:59Z\"",
            "\"1970-01-01T00:00:00+00:01\"",
            "\"9999-12-31T23:59:59-01:00\"",
            "\"１９７０-01-01T00:00:00\"",
            "\"1700000000\"",
            "-1",
            "1e300",
            "253402300800000",
            "true",
        ] {
            let value = serde_json::from_str(json).unwrap();
            assert_eq!(from_json(&value), None, "{json}");
        }
    }
}
