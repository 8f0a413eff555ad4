//! Letters, causes and one letter in full, as rows or JSON: what failed, whether it is one cause or many,
//! and its bytes.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::json;
use super::table::{Table, count, facts, key, moment, number, text};
use crate::domain::fault::Stage;
use crate::domain::foreign::{Foreign, Hop};
use crate::domain::letter::{Cause, Letter};
use crate::domain::letter_json;
use crate::domain::printable::{visible_bytes, visible_lines};
use crate::domain::record::name_shown;
use crate::snapshot::LetterDetail;

pub(super) const COLUMNS: &[(&str, bool)] = &[
    ("ID", false),
    ("STATUS", false),
    ("LAST FAILED", false),
    ("GROUP", false),
    ("FROM", false),
    ("KEY", false),
    ("TYPE", false),
    ("CODE", false),
    ("ATTEMPTS", true),
    ("REDRIVES", true),
    ("MESSAGE", false),
];

/// A row for each letter, as given.
pub fn letter_rows(
    letters: &[Letter],
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let rows: Vec<&Letter> = letters.iter().collect();
    write_letters(&rows, json, &mut Table::new(COLUMNS), out)
}

pub(super) fn write_letters(
    letters: &[&Letter],
    json: bool,
    table: &mut Table,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    if json {
        let mut objects = letters.iter().map(|l| Value::Object(letter_json::facts(l)));
        return objects.try_for_each(|object| json::line(&object, out));
    }
    table.write(letters.iter().map(|l| cells(l)).collect(), out)
}

fn cells(l: &Letter) -> Vec<String> {
    vec![
        l.id.to_string(),
        l.status.name().to_owned(),
        moment(Some(l.last_failed_at)),
        l.group_name().to_owned(),
        l.from(),
        key(l.key.as_deref()),
        text(l.event_type.as_deref()),
        l.code.clone(),
        number(l.attempts),
        l.redrives.to_string(),
        l.message.clone(),
    ]
}

const CAUSES: &[(&str, bool)] = &[
    ("CAUSE", false),
    ("OPEN", true),
    ("PARKED", true),
    ("REDRIVING", true),
    ("FIRST", false),
    ("LAST", false),
    ("GROUP", false),
    ("CODE", false),
    ("MESSAGE", false),
];

/// A row for each cause, as given.
pub fn cause_rows(causes: &[Cause], json: bool, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    if !json {
        let cells = |c: &Cause| {
            vec![
                c.fingerprint.clone(),
                c.count.to_string(),
                c.parked.to_string(),
                c.redriving.to_string(),
                moment(Some(c.first)),
                moment(Some(c.last)),
                c.group.clone().unwrap_or_else(|| "unknown".to_owned()),
                c.code.clone(),
                c.title.clone(),
            ]
        };
        return Table::new(CAUSES).write(causes.iter().map(cells).collect(), out);
    }
    causes.iter().try_for_each(|c| {
        let object = json!({
            "fingerprint": c.fingerprint,
            "group": c.group,
            "code": c.code,
            "title": c.title,
            "open": c.count,
            "parked": c.parked,
            "redriving": c.redriving,
            "first": json::time(Some(c.first)),
            "last": json::time(Some(c.last)),
            "per_minute": c.per_minute,
        });
        json::line(&object, out)
    })
}

/// What another framework says beyond what the index has.
fn foreign_object(it: &Foreign) -> Value {
    let hop = |hop: &Hop| {
        json!({
            "topic": hop.topic,
            "partition": hop.partition,
            "offset": hop.offset,
            "timestamp": json::time(hop.timestamp),
            "class": hop.class,
        })
    };
    json!({
        "origin_timestamp": json::time(it.origin.timestamp),
        "class": it.error.class,
        "cause": it.error.cause,
        "stack": it.error.stack,
        "stage": it.stage,
        "headers_copied": it.family.copies_headers(),
        "hops": it.hops.iter().map(hop).collect::<Vec<_>>(),
    })
}

/// The same as lines.
fn foreign_lines(it: &Foreign) -> Vec<(&'static str, String)> {
    let mut lines = vec![("written by", it.family.title().to_owned())];
    let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
    if it.error.cause.is_some() {
        lines.push(("exception", word(&it.error.class)));
    }
    if let Some(stage) = &it.stage {
        lines.push(("its stage", stage.clone()));
    }
    if it.hops.len() > 1 {
        lines.extend(it.hops.iter().map(|hop| {
            let number = |n: Option<i64>| n.map_or("–".to_owned(), |n| n.to_string());
            let partition = number(hop.partition.map(i64::from));
            let at = format!("{}/{partition} @ {}", word(&hop.topic), number(hop.offset));
            ("by way of", at)
        }));
    }
    if let Some(stack) = &it.error.stack {
        lines.push(("stack", stack.clone()));
    }
    lines
}

/// One letter with its headers and bytes.
pub fn letter_detail(
    detail: &LetterDetail,
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let (l, body) = (&detail.letter, &detail.body);
    if json {
        let mut object = letter_json::full(l, body);
        object.insert("behind".to_owned(), detail.behind.into());
        let waiting = detail
            .waiting
            .iter()
            .map(|l| Value::Object(letter_json::facts(l)));
        object.insert("waiting".to_owned(), waiting.collect());
        object.insert("gone_on".to_owned(), detail.gone_on.into());
        if let Some(foreign) = &detail.foreign {
            object.insert("foreign".to_owned(), foreign_object(foreign));
        }
        return json::line(&Value::Object(object), out);
    }
    let place =
        |d: &crate::domain::letter::DlqPlace| format!("{}/{} @ {}", d.topic, d.partition, d.offset);
    let mut lines = vec![
        ("id", l.id.to_string()),
        ("status", l.status.name().to_owned()),
        ("group", l.group_name().to_owned()),
        ("from", l.from()),
        ("dead letter", number(l.dlq.as_ref().map(place))),
        ("key", key(l.key.as_deref())),
        ("event", number(l.event_id)),
        ("type", text(l.event_type.as_deref())),
        ("correlation", number(l.correlation_id)),
        ("cause", l.fingerprint.clone()),
        ("stage", number(l.stage.map(Stage::name))),
        ("code", l.code.clone()),
        ("message", l.message.clone()),
        ("attempts", number(l.attempts)),
        ("first failed", moment(Some(l.first_failed_at))),
        ("last failed", moment(Some(l.last_failed_at))),
        ("redrives", l.redrives.to_string()),
        ("outcome", text(l.outcome.map(|o| o.name()))),
        ("blocked by", number(l.blocked_by)),
        ("behind it", count(detail.behind, "event")),
    ];
    lines.extend(detail.waiting.iter().map(|it| {
        let kind = text(it.event_type.as_deref());
        ("waits", format!("{}  {}  {kind}", it.id, it.from()))
    }));
    let more = detail.behind.saturating_sub(detail.waiting.len() as u64);
    if more > 0 && !detail.waiting.is_empty() {
        lines.push(("waits", format!("{more} more")));
    }
    if detail.gone_on > 0 {
        let gone = count(detail.gone_on, "later event");
        lines.push((
            "order",
            format!("{gone} of its key went on since it was archived"),
        ));
    }
    lines.extend(l.archived_because().map(|why| ("archived", why.to_owned())));
    lines.extend(l.note.clone().map(|note| ("note", note)));
    lines.extend(detail.foreign.iter().flat_map(foreign_lines));
    let headers = body.headers.iter();
    lines.extend(headers.map(|(name, value)| {
        let name = name_shown(name);
        ("header", format!("{name}: {}", key(value.as_deref())))
    }));
    facts(&lines, out)?;
    writeln!(out)?;
    match body.value.as_deref() {
        None => writeln!(out, "(no value)"),
        Some(value) => match std::str::from_utf8(value) {
            Ok(text) => writeln!(out, "{}", visible_lines(text)),
            Err(_) => writeln!(out, "{}", visible_bytes(value)),
        },
    }
}
