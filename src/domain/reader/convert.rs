//! Single values of the envelope: versions, ids, times, names.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::domain::decimal;
use crate::domain::describe::{kind, short};
use crate::domain::reject::{Reject, RejectCode};
use crate::domain::time;

/// Whose event it is when nobody says.
const UNKNOWN_SOURCE: &str = "unknown";

/// A schema version: a number with an integral value, or `v?N(.N){0,2}` of which the major part counts.
pub(super) fn version(value: &Value) -> Result<u32, Reject> {
    let malformed = || {
        Reject::envelope(format!(
            "event_version is {}, which is no version",
            short(value)
        ))
    };
    let major = match value {
        Value::Number(number) => decimal::integer(number).ok_or_else(malformed)?,
        Value::String(text) => major(text).ok_or_else(malformed)?,
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => {
            return Err(malformed());
        }
    };
    if major < 1 {
        return Err(malformed());
    }
    u32::try_from(major).map_err(|_| {
        Reject::new(
            RejectCode::UnknownVersion,
            format!("event_version {} is newer than any", short(value)),
        )
    })
}

fn major(text: &str) -> Option<i64> {
    let mut parts = text.strip_prefix('v').unwrap_or(text).split('.');
    let number = |part: &str| {
        let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let leading_zero = part.len() > 1 && part.starts_with('0');
        (plain && !leading_zero).then(|| part.parse().unwrap_or(i64::MAX))
    };
    let major = number(parts.next()?)?;
    let rest: Vec<_> = parts.map(number).collect();
    (rest.len() <= 2 && rest.iter().all(Option::is_some)).then_some(major)
}

/// Whether a version is written as the canonical shape does.
pub(super) fn is_integer(value: &Value) -> bool {
    integer_text(value).is_some()
}

/// An id as text: a text, or an integer as it is written.
pub(super) fn id_text(name: &str, value: &Value) -> Result<String, Reject> {
    match value {
        Value::String(text) => Ok(text.clone()),
        other => integer_text(other).ok_or_else(|| {
            Reject::envelope(format!(
                "{name} must be text or an integer, not {}",
                kind(other)
            ))
        }),
    }
}

/// A number that is written as an integer.
pub(super) fn integer_text(value: &Value) -> Option<String> {
    let Value::Number(number) = value else {
        return None;
    };
    let text = number.as_str();
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits
        .bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.to_owned())
}

pub(super) fn timestamp(value: &Value) -> Result<DateTime<Utc>, Reject> {
    time::from_json(value).ok_or_else(|| {
        Reject::envelope(format!(
            "timestamp is {}, which is no RFC 3339 time between 1970 and 9999",
            short(value)
        ))
    })
}

/// The body's source, else the header's; a blank one says nothing.
pub(super) fn source(value: Option<Value>, header: Option<&str>) -> Result<String, Reject> {
    let said = |text: &str| !text.trim().is_empty();
    match value {
        Some(Value::String(text)) if said(&text) => Ok(text),
        None | Some(Value::String(_)) => Ok(header
            .filter(|text| said(text))
            .unwrap_or(UNKNOWN_SOURCE)
            .to_owned()),
        Some(other) => Err(Reject::envelope(format!(
            "source_service must be text, not {}",
            kind(&other)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (json, expected) in [
            ("1", Some(1)),
            ("2.0", Some(2)),
            ("1e0", Some(1)),
            ("\"1\"", Some(1)),
            ("\"2.1\"", Some(2)),
            ("\"1.0.0\"", Some(1)),
            ("\"v1\"", Some(1)),
            ("\"v12.3.4\"", Some(12)),
            ("\"4294967295\"", Some(u32::MAX)),
            ("0", None),
            ("-1", None),
            ("2.1", None),
            ("\"0.9\"", None),
            ("\"01\"", None),
            ("\"1.02\"", None),
            ("\"1.0.0.0\"", None),
            ("\"1.\"", None),
            ("\"\"", None),
            ("\"v\"", None),
            ("\"V1\"", None),
            ("\"latest\"", None),
            ("true", None),
            ("[1]", None),
            ("4294967296", None),
            ("\"99999999999999999999\"", None),
        ] {
            let value = serde_json::from_str(json).unwrap();
            assert_eq!(version(&value).ok(), expected, "{json}");
        }
    }

    #[test]
    fn a_version_beyond_any_is_unknown_not_malformed() {
        let reject = version(&Value::from("99999999999999999999")).unwrap_err();
        assert_eq!(reject.code, RejectCode::UnknownVersion);
    }
}
