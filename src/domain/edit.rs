//! A letter's value changed by hand: whether it can be read now, and what makes it a new event. The rule:
//! an edited event has an id of its own, or the inbox would take it for the one that failed; everything
//! else stands as it was written.

use serde_json::Value;
use uuid::Uuid;

use super::letter::{Letter, LetterBody};
use super::reader::{self, Limits};
use super::record::{Headers, Record};
use super::service::Service;

/// The header that says which event, or letter where the event had no id, an edited one stands for.
pub const EDIT_OF: &str = "evtop-edit-of";

/// What can be said of a value while it is typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It fits the event's schema.
    Event { event_type: &'static str },
    /// It is JSON, and of a topic whose schema is not ours to know.
    Json,
    /// It is no JSON, and neither was what failed: another program's own format.
    Text,
    /// It can't be sent, with the reason; for JSON with its line and column.
    Bad { why: String, at: Option<Place> },
}

/// A place in a text; both count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

impl Verdict {
    #[must_use]
    pub fn is_bad(&self) -> bool {
        matches!(self, Self::Bad { .. })
    }
}

/// The text that a person edits: indented where it is JSON.
///
/// # Errors
/// Why there is nothing to edit, as a sentence.
pub fn editable(body: &LetterBody) -> Result<String, String> {
    let Some(value) = body.value.as_deref() else {
        return Err("it has no value, so there is nothing to edit".to_owned());
    };
    let text = std::str::from_utf8(value).map_err(|error| {
        format!(
            "its value is no text from byte {} on, so it can't be edited: export it, mend it and send it by hand",
            error.valid_up_to()
        )
    })?;
    Ok(match reader::parse(text) {
        Ok(object) => {
            serde_json::to_string_pretty(&Value::Object(object)).unwrap_or_else(|_| text.to_owned())
        }
        Err(_) => text.to_owned(),
    })
}

/// Judges a value for this letter, whose record had these headers.
#[must_use]
pub fn judge(letter: &Letter, headers: &Headers, before: Option<&[u8]>, text: &str) -> Verdict {
    if let Err(error) = reader::syntax(text) {
        let was_json = before
            .and_then(|value| std::str::from_utf8(value).ok())
            .is_some_and(|text| reader::syntax(text).is_ok());
        if !was_json && !is_ours(letter) {
            return Verdict::Text;
        }
        return Verdict::Bad {
            at: error.1,
            why: error.0,
        };
    }
    if !is_ours(letter) {
        return Verdict::Json;
    }
    // A checksum is made anew when it is sent, so what it says while it is typed counts for nothing.
    let stamped = reader::stamped(text).unwrap_or_else(|| text.to_owned());
    match reader::read(&record(letter, headers, &stamped), &Limits::default()) {
        Ok(read) => Verdict::Event {
            event_type: read.envelope.event_type.name(),
        },
        Err(reject) => Verdict::Bad {
            why: reject.reason,
            at: None,
        },
    }
}

/// The value and headers as a new event of this id.
///
/// # Errors
/// Why it can't be sent, as a sentence.
pub fn renewed(
    letter: &Letter,
    headers: &Headers,
    before: Option<&[u8]>,
    text: &str,
    id: Uuid,
) -> Result<(Vec<u8>, Headers), String> {
    if let Verdict::Bad { why, at } = judge(letter, headers, before, text) {
        let place = at.map_or(String::new(), |at| {
            format!(" (line {}, column {})", at.line, at.column)
        });
        return Err(format!("{why}{place}"));
    }
    let mut headers: Headers = headers
        .iter()
        .filter(|(name, _)| name != EDIT_OF)
        .cloned()
        .collect();
    let of = letter.event_id.unwrap_or(letter.id);
    headers.push((EDIT_OF.to_owned(), Some(of.to_string().into_bytes())));
    let told = id.to_string();
    let mut found = false;
    for (name, value) in &mut headers {
        if name.eq_ignore_ascii_case("event_id") || name.eq_ignore_ascii_case("ce_id") {
            *value = Some(told.clone().into_bytes());
            found = true;
        }
    }
    // Another program's value keeps its bytes: which field is its id is not ours to guess.
    if !is_ours(letter)
        && reader::read(&record(letter, &headers, text), &Limits::default()).is_err()
    {
        return Ok((text.as_bytes().to_vec(), headers));
    }
    let mut object = reader::parse(text).map_err(|reject| reject.reason)?;
    let mut named = false;
    for name in ["event_id", "eventId"] {
        if let Some(value) = object.get_mut(name).filter(|value| !value.is_null()) {
            *value = told.clone().into();
            named = true;
        }
    }
    if object.get("specversion").is_some_and(|v| !v.is_null()) {
        object.insert("id".to_owned(), told.clone().into());
        named = true;
    }
    if !named && !found {
        headers.push(("event_id".to_owned(), Some(told.into_bytes())));
    }
    let text = Value::Object(object).to_string();
    let text = reader::stamped(&text).unwrap_or(text);
    let sent = record(letter, &headers, &text);
    match reader::read_envelope(&sent, &Limits::default()) {
        Ok((envelope, _)) if envelope.event_id == id => Ok((text.into_bytes(), headers)),
        Ok(_) => Err("its id stands where evtop can't change it".to_owned()),
        Err(reject) => Err(reject.reason),
    }
}

fn is_ours(letter: &Letter) -> bool {
    letter.group.as_deref().is_some_and(Service::is_ours)
}

fn record(letter: &Letter, headers: &Headers, text: &str) -> Record {
    Record {
        topic: letter.topic.clone().unwrap_or_default(),
        partition: letter.partition.unwrap_or_default(),
        offset: letter.offset.unwrap_or_default(),
        timestamp: Some(letter.first_failed_at),
        key: letter.key.clone(),
        value: Some(text.as_bytes().to_vec()),
        headers: headers.clone(),
    }
}

/// One line of a comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    Same(&'a str),
    Gone(&'a str),
    New(&'a str),
}

/// Compares line by line; what is common keeps its order (longest common subsequence). Texts of so many
/// lines that the table would be large are compared from both ends only.
#[must_use]
pub fn diff<'a>(before: &'a str, after: &'a str) -> Vec<Line<'a>> {
    const CELLS: usize = 1_000_000;
    let (old, new): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
    let head = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[head..]
        .iter()
        .rev()
        .zip(new[head..].iter().rev())
        .take_while(|(a, b)| a == b)
        .count();
    let (a, b) = (&old[head..old.len() - tail], &new[head..new.len() - tail]);
    let mut lines: Vec<Line<'a>> = old[..head].iter().map(|l| Line::Same(l)).collect();
    if a.len() * b.len() > CELLS {
        lines.extend(a.iter().map(|l| Line::Gone(l)));
        lines.extend(b.iter().map(|l| Line::New(l)));
    } else {
        let width = b.len() + 1;
        let mut longest = vec![0_usize; (a.len() + 1) * width];
        for i in (0..a.len()).rev() {
            for j in (0..b.len()).rev() {
                longest[i * width + j] = if a[i] == b[j] {
                    longest[(i + 1) * width + j + 1] + 1
                } else {
                    longest[(i + 1) * width + j].max(longest[i * width + j + 1])
                };
            }
        }
        let (mut i, mut j) = (0, 0);
        while i < a.len() || j < b.len() {
            if i < a.len() && j < b.len() && a[i] == b[j] {
                lines.push(Line::Same(a[i]));
                (i, j) = (i + 1, j + 1);
            } else if j == b.len()
                || (i < a.len() && longest[(i + 1) * width + j] >= longest[i * width + j + 1])
            {
                lines.push(Line::Gone(a[i]));
                i += 1;
            } else {
                lines.push(Line::New(b[j]));
                j += 1;
            }
        }
    }
    lines.extend(old[old.len() - tail..].iter().map(|l| Line::Same(l)));
    lines
}

/// Sets `path=value` in a JSON text: names and list places joined by dots, the value as JSON where it is
/// that, else as text.
///
/// # Errors
/// Which part of the path does not stand there, as a sentence.
pub fn set(text: &str, assignment: &str) -> Result<String, String> {
    let (path, value) = assignment
        .split_once('=')
        .ok_or_else(|| format!("write path=value, not `{assignment}`"))?;
    let value: Value = if reader::syntax(value).is_ok() {
        serde_json::from_str(value).unwrap_or_else(|_| value.into())
    } else {
        value.into()
    };
    let object = reader::parse(text).map_err(|reject| reject.reason)?;
    let mut root = Value::Object(object);
    let mut at = &mut root;
    let parts: Vec<&str> = path.split('.').collect();
    for (depth, part) in parts.iter().enumerate() {
        let last = depth + 1 == parts.len();
        let missing = || format!("there is no `{}` in the value", parts[..=depth].join("."));
        at = match at {
            Value::Object(map) if last || map.contains_key(*part) => {
                map.entry((*part).to_owned()).or_insert(Value::Null)
            }
            Value::Array(list) => part
                .parse()
                .ok()
                .and_then(|n: usize| list.get_mut(n))
                .ok_or_else(missing)?,
            _ => return Err(missing()),
        };
    }
    *at = value;
    serde_json::to_string_pretty(&root).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests;
