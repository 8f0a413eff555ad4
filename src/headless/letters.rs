//! `evtop dlq ls`, `causes` and `show`: what failed, whether it is one cause or many, and its bytes.

use std::collections::HashSet;
use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};

use super::ports::{fresh, reason};
use super::table::{Table, count, facts, key, moment, number, text};
use super::{End, Output, Ports, Step, ids, json};
use crate::cli::{DlqListArgs, Exit};
use crate::command::{Focus, LettersFocus, Screen};
use crate::domain::fault::Stage;
use crate::domain::foreign::{Foreign, Hop};
use crate::domain::ids::IdPart;
use crate::domain::letter::{Cause, Letter};
use crate::domain::printable::{visible_bytes, visible_lines};
use crate::snapshot::{LetterDetail, Letters, Snapshot};

/// Letters asked for at once.
pub(super) const PAGE: u32 = 500;
/// How long a letter may stay away once the index answers, before it counts as not there.
const GRACE: Duration = Duration::from_secs(2);

/// Asks for letters and waits for the page that answers.
pub(super) async fn page(
    ports: &mut Ports,
    output: &mut Output<'_>,
    wanted: LettersFocus,
) -> Step<Letters> {
    catch_up(ports).await?;
    let cause = wanted.fingerprint.clone();
    let from = wanted.from;
    let asked = ports.look(Focus {
        screen: Screen::Letters,
        letters: wanted,
        ..Focus::default()
    });
    let answer = |s: &Snapshot| {
        let letters = s
            .letters
            .value
            .as_ref()
            .filter(|_| fresh(&s.letters, asked))?;
        let of_cause = |l: &Letter| cause.as_ref().is_none_or(|c| *c == l.fingerprint);
        let fits = letters.rows_from == from && letters.rows.iter().all(of_cause);
        fits.then(|| letters.clone())
    };
    if let Some(letters) = ports.until(ports.patience, answer).await? {
        return Ok(letters);
    }
    let latest = ports.latest();
    let why = reason(&latest, latest.letters.error.as_deref());
    output.unavailable("dead letters", &why)?;
    Err(End::Said(Exit::Unavailable, format!("dead letters: {why}")))
}

/// The letters of a cluster that is not ours are read by this very process: waits, once, until the index
/// has all of them, but no longer than for any answer.
pub(super) async fn catch_up(ports: &mut Ports) -> Step<()> {
    if ports.caught_up {
        return Ok(());
    }
    ports.caught_up = true;
    ports.look(Focus {
        screen: Screen::Letters,
        ..Focus::default()
    });
    let known = |s: &Snapshot| (!s.stack.name.is_empty()).then_some(s.stack.attached);
    if ports.until(ports.patience, known).await? == Some(true) {
        let all = |s: &Snapshot| (s.letters.value.as_ref()?.unread == Some(0)).then_some(());
        ports.until(ports.patience, all).await?;
    }
    Ok(())
}

pub(super) async fn list(
    args: &DlqListArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let cause = match &args.cause {
        Some(part) => Some(ids::cause(part, &known(ports, output).await?)?),
        None => None,
    };
    let mut seen = HashSet::new();
    let mut table = Table::new(COLUMNS);
    let mut from = 0;
    loop {
        let left = args.limit - u32::try_from(seen.len()).unwrap_or(args.limit);
        let wanted = LettersFocus {
            fingerprint: cause.clone(),
            text: args.text.clone(),
            from,
            rows: left.min(PAGE),
            letter: None,
        };
        let letters = page(ports, output, wanted).await?;
        let got = letters.rows.len() as u64;
        // New letters at the top push others onto the next page: each is shown once.
        let rows: Vec<&Letter> = letters
            .rows
            .iter()
            .take(left as usize)
            .filter(|l| seen.insert(l.id))
            .collect();
        write_letters(&rows, output.json, &mut table, &mut *output.out)?;
        from += got;
        if got == 0 || from >= letters.rows_total || seen.len() >= args.limit as usize {
            return Ok(tell_bounds(&letters, seen.len() as u64, ports, output));
        }
    }
}

/// What the list leaves out is said.
fn tell_bounds(letters: &Letters, shown: u64, ports: &mut Ports, output: &mut Output<'_>) -> Exit {
    if shown < letters.rows_total {
        let total = count(letters.rows_total, "letter");
        output.say(&format!("the newest {shown} of {total}"));
    }
    tell_unread(letters, ports, output)
}

/// Says what the index has yet to read. Where nobody but this process reads it, not to know how much that
/// is means that Kafka did not answer.
fn tell_unread(letters: &Letters, ports: &mut Ports, output: &mut Output<'_>) -> Exit {
    let latest = ports.latest();
    match letters.unread {
        None if latest.stack.attached => {
            let why = reason(&latest, None);
            output.say(&format!(
                "these are the letters of an earlier look, the dead-letter topics could not be read: {why}"
            ));
            Exit::Unavailable
        }
        Some(unread @ 1..) => {
            output.say(&unread_words(unread));
            Exit::Ok
        }
        None | Some(0) => Exit::Ok,
    }
}

fn unread_words(unread: u64) -> String {
    format!(
        "the index has yet to read {} of the dead-letter topics",
        count(unread, "record")
    )
}

/// The causes there are, and a letter.
pub(super) async fn known(ports: &mut Ports, output: &mut Output<'_>) -> Step<Letters> {
    let wanted = LettersFocus {
        rows: 1,
        ..LettersFocus::default()
    };
    page(ports, output, wanted).await
}

pub(super) async fn causes(ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let letters = known(ports, output).await?;
    cause_rows(&letters.causes, output.json, &mut *output.out)?;
    let shown = letters.causes.len() as u64;
    if shown < letters.causes_total {
        output.say(&format!(
            "the worst {shown} of {} causes",
            letters.causes_total
        ));
    }
    Ok(tell_unread(&letters, ports, output))
}

pub(super) async fn show(part: &IdPart, ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let id = ids::letter(part, ports, output).await?;
    let wanted = LettersFocus {
        rows: 1,
        letter: Some(id),
        ..LettersFocus::default()
    };
    let letters = page(ports, output, wanted).await?;
    let found = |s: &Snapshot| s.letter.clone().filter(|detail| detail.letter.id == id);
    match ports.until(GRACE.min(ports.patience), found).await? {
        Some(detail) => {
            letter_detail(&detail, output.json, &mut *output.out)?;
            Ok(Exit::Ok)
        }
        None => {
            let more = letters.unread.filter(|n| *n > 0).map(unread_words);
            let more = more.unwrap_or_else(|| "`evtop dlq ls` lists them".to_owned());
            let sentence = format!("no letter has the id {id}; {more}");
            Err(End::Said(Exit::Refused, sentence))
        }
    }
}

const COLUMNS: &[(&str, bool)] = &[
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

fn write_letters(
    letters: &[&Letter],
    json: bool,
    table: &mut Table,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    if json {
        let mut objects = letters.iter().map(|l| Value::Object(object(l)));
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

fn object(l: &Letter) -> Map<String, Value> {
    let mut object = json::object(json!({
        "id": l.id,
        "status": l.status.name(),
        "family": l.family.name(),
        "group": l.group,
        "topic": l.topic,
        "partition": l.partition,
        "offset": l.offset,
    }));
    json::bytes(&mut object, "key", l.key.as_deref());
    object.extend(json::object(json!({
        "event_id": l.event_id,
        "event_type": l.event_type,
        "correlation_id": l.correlation_id,
        "stage": l.stage.map(Stage::name),
        "code": l.code,
        "message": l.message,
        "fingerprint": l.fingerprint,
        "attempts": l.attempts,
        "first_failed_at": json::time(Some(l.first_failed_at)),
        "last_failed_at": json::time(Some(l.last_failed_at)),
        "redrives": l.redrives,
        "outcome": l.outcome.map(|o| o.name()),
        "blocked_by": l.blocked_by,
        "dlq_topic": l.dlq.as_ref().map(|d| &d.topic),
        "dlq_partition": l.dlq.as_ref().map(|d| d.partition),
        "dlq_offset": l.dlq.as_ref().map(|d| d.offset),
    })));
    object
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
        let mut object = object(l);
        object.insert("behind".to_owned(), detail.behind.into());
        let headers = body.headers.iter().map(|(name, value)| {
            let mut header = json::object(json!({ "name": name }));
            json::bytes(&mut header, "value", value.as_deref());
            Value::Object(header)
        });
        object.insert("headers".to_owned(), headers.collect());
        if let Some(foreign) = &detail.foreign {
            object.insert("foreign".to_owned(), foreign_object(foreign));
        }
        json::bytes(&mut object, "value", body.value.as_deref());
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
    lines.extend(detail.foreign.iter().flat_map(foreign_lines));
    let headers = body.headers.iter();
    lines.extend(
        headers.map(|(name, value)| ("header", format!("{name}: {}", key(value.as_deref())))),
    );
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
