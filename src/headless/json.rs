//! JSON lines for the commands: the exact and harmless writing of them is the domain's.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::Value;

use crate::domain::letter_json;
pub(super) use crate::domain::letter_json::time;

/// Writes one object on one line.
pub(super) fn line(value: &Value, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    out.write_all(letter_json::line(value).as_bytes())
}

/// Whole milliseconds; `null` when unknown.
pub(super) fn millis(duration: Option<Duration>) -> Value {
    duration
        .and_then(|d| u64::try_from(d.as_millis()).ok())
        .into()
}

/// Whole microseconds; `null` when unknown.
pub(super) fn micros(duration: Option<Duration>) -> Value {
    duration
        .and_then(|d| u64::try_from(d.as_micros()).ok())
        .into()
}
