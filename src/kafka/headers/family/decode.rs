//! A header's value, read as its family writes it. What makes no sense is `None`.

use chrono::{DateTime, Utc};

use super::table::As::{
    self, Address, BigInt, Connector, Date, Decimal, Int, IntOrByte, Long, Millis, Retries, Text,
    Throwable,
};
use crate::domain::foreign::{TEXT_BYTES, address, cut, topic_name};
use crate::domain::time;

/// A value that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Text(String),
    /// Not negative.
    Number(i64),
    Time(DateTime<Utc>),
}

impl Known {
    pub(super) fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(cut(&text, TEXT_BYTES)),
            Self::Number(_) | Self::Time(_) => None,
        }
    }

    pub(super) fn topic(self) -> Option<String> {
        topic_name(&self.text()?)
    }

    pub(super) fn number(self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Text(_) | Self::Time(_) => None,
        }
    }

    pub(super) fn partition(self) -> Option<i32> {
        self.number()?.try_into().ok()
    }

    /// Something that was delivered was so at least once.
    pub(super) fn count(self) -> Option<u32> {
        self.number()?.try_into().ok().filter(|n| *n > 0)
    }

    pub(super) fn time(self) -> Option<DateTime<Utc>> {
        match self {
            Self::Time(at) => Some(at),
            Self::Number(millis) => time::from_millis(millis),
            Self::Text(_) => None,
        }
    }
}

pub(super) fn decode(bytes: &[u8], form: As) -> Option<Known> {
    let text = || std::str::from_utf8(bytes).ok().filter(|t| !t.is_empty());
    let number = |number: Option<i64>| number.filter(|n| *n >= 0).map(Known::Number);
    match form {
        Text => text().map(|t| Known::Text(t.to_owned())),
        Address => text().and_then(address).map(Known::Text),
        Connector => text().map(|t| Known::Text(format!("connect-{t}"))),
        Throwable => text().map(|t| Known::Text(t.split(": ").next().unwrap_or(t).to_owned())),
        Int => number(bytes.try_into().ok().map(i32::from_be_bytes).map(i64::from)),
        Long => number(bytes.try_into().ok().map(i64::from_be_bytes)),
        BigInt => number(big_int(bytes)),
        IntOrByte => match bytes {
            [one] => number(Some(i64::from(i8::from_be_bytes([*one])))),
            _ => decode(bytes, Int),
        },
        Decimal | Millis => number(text().and_then(decimal)),
        Retries => number(text().and_then(decimal).and_then(|n| n.checked_add(1))),
        Date => text().and_then(date).map(Known::Time),
    }
}

/// Digits alone: no sign, no blank.
pub fn decimal(text: &str) -> Option<i64> {
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok())?
}

fn big_int(bytes: &[u8]) -> Option<i64> {
    let first = *bytes.first().filter(|_| bytes.len() <= 16)?;
    let start = i128::from(i8::from_be_bytes([first]));
    let all = bytes[1..]
        .iter()
        .fold(start, |n, b| (n << 8) | i128::from(*b));
    all.try_into().ok()
}

fn date(text: &str) -> Option<DateTime<Utc>> {
    if let Some(at) = time::parse(text) {
        return Some(at);
    }
    // NServiceBus: a colon before the microseconds, and a blank before the Z.
    let (whole, fraction) = (text.get(..19)?, text.get(19..)?.strip_prefix(':')?);
    time::parse(&format!("{whole}.{}Z", fraction.strip_suffix(" Z")?))
}
