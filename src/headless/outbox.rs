//! `evtop outbox`: what waits to be published, what can't be, and what was.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::consumers::latency;
use super::ports::{fresh, reason};
use super::table::{Table, facts, moment, number, rate, span};
use super::{End, Output, Ports, Step, json};
use crate::cli::Exit;
use crate::command::{Focus, Screen};
use crate::domain::stored::{BlockedKey, OutboxRow, SentRow};
use crate::snapshot::{Outbox, Relay, Snapshot};

pub(super) async fn run(ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let asked = ports.look(Focus {
        screen: Screen::Outbox,
        ..Focus::default()
    });
    let ready = |s: &Snapshot| fresh(&s.outbox, asked).then_some(());
    let found = ports.until(ports.patience, ready).await?;
    let snapshot = ports.latest();
    if let Some(outbox) = &snapshot.outbox.value {
        outbox_rows(outbox, output.json, &mut *output.out)?;
    }
    if found.is_some() {
        return Ok(Exit::Ok);
    }
    let why = reason(&snapshot, snapshot.outbox.error.as_deref());
    let sentence = if snapshot.outbox.value.is_some() {
        format!("the outbox is not current: {why}")
    } else {
        output.unavailable("outbox", &why)?;
        format!("outbox: {why}")
    };
    Err(End::Said(Exit::Unavailable, sentence))
}

const BLOCKED: &[(&str, bool)] = &[
    ("BLOCKED KEY", false),
    ("HEAD", true),
    ("ATTEMPTS", true),
    ("NEXT TRY", false),
    ("ERROR", false),
];
const WAITING: &[(&str, bool)] = &[
    ("WAITING", true),
    ("SINCE", false),
    ("TYPE", false),
    ("KEY", false),
    ("TOPIC", false),
    ("EVENT", false),
];
const SENT: &[(&str, bool)] = &[
    ("SENT", true),
    ("AT", false),
    ("DELAY", true),
    ("TYPE", false),
    ("KEY", false),
    ("TO", false),
];

/// Totals first, then blocked keys, the oldest waiting rows and the newest sent ones. In JSON each
/// object says which it is under `kind`.
pub fn outbox_rows(outbox: &Outbox, json: bool, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    if json {
        return objects(outbox, out);
    }
    let mut lines = vec![
        ("pending", outbox.pending.to_string()),
        ("oldest", moment(outbox.oldest)),
        ("published", number(outbox.published)),
        ("published/s", rate(outbox.publish_per_s)),
        ("delay p50", span(outbox.delay.map(|d| d.p50))),
        ("delay p99", span(outbox.delay.map(|d| d.p99))),
    ];
    for relay in &outbox.relays {
        let error = relay.last_error.as_ref();
        let error = error.map(|(at, text)| format!(", last error {}: {text}", moment(Some(*at))));
        let error = error.unwrap_or_default();
        lines.push(("relay", format!("{}{error}", told(relay))));
    }
    facts(&lines, out)?;
    let mut section = |columns, rows: Vec<Vec<String>>| {
        if rows.is_empty() {
            return Ok(());
        }
        writeln!(out)?;
        Table::new(columns).write(rows, out)
    };
    section(BLOCKED, outbox.blocked.iter().map(blocked).collect())?;
    section(WAITING, outbox.head.iter().map(waiting).collect())?;
    section(SENT, outbox.sent.iter().map(sent).collect())
}

/// Who relays a shard, and what is known of how.
fn told(relay: &Relay) -> String {
    let Some(owner) = &relay.owner else {
        return format!("{} by nobody: it is not sent", relay.shard);
    };
    let state = match (&relay.state, relay.heard) {
        (Some(state), _) => state.clone(),
        (None, Some(at)) => format!("last heard {}", moment(Some(at))),
        (None, None) => "unknown".to_owned(),
    };
    format!("{} by {owner}: {state}", relay.shard)
}

fn blocked(b: &BlockedKey) -> Vec<String> {
    vec![
        b.aggregate_id.clone(),
        b.head_seq.to_string(),
        b.attempts.to_string(),
        b.until
            .map_or_else(|| "parked".to_owned(), |at| moment(Some(at))),
        b.error.clone(),
    ]
}

fn waiting(row: &OutboxRow) -> Vec<String> {
    vec![
        row.seq.to_string(),
        moment(Some(row.created_at)),
        row.event_type.clone(),
        row.aggregate_id.clone(),
        row.topic.clone(),
        row.id.to_string(),
    ]
}

fn sent(row: &SentRow) -> Vec<String> {
    vec![
        row.seq.to_string(),
        moment(Some(row.sent_at)),
        span((row.sent_at - row.created_at).to_std().ok()),
        row.event_type.clone(),
        row.aggregate_id.clone(),
        format!("{}/{} @ {}", row.topic, row.partition, row.offset),
    ]
}

fn objects(outbox: &Outbox, out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let relays: Vec<Value> = outbox
        .relays
        .iter()
        .map(|r| {
            json!({
                "shard": r.shard,
                "owner": r.owner,
                "state": r.state,
                "heard": json::time(r.heard),
                "last_error": r.last_error.as_ref().map(|(_, text)| text),
                "last_error_at": json::time(r.last_error.as_ref().map(|(at, _)| *at)),
            })
        })
        .collect();
    let totals = json!({
        "kind": "outbox",
        "pending": outbox.pending,
        "oldest": json::time(outbox.oldest),
        "published": outbox.published,
        "publish_per_s": outbox.publish_per_s,
        "delay": latency(outbox.delay),
        "relays": relays,
    });
    json::line(&totals, out)?;
    for b in &outbox.blocked {
        let object = json!({
            "kind": "blocked",
            "key": b.aggregate_id,
            "head_seq": b.head_seq,
            "attempts": b.attempts,
            "until": json::time(b.until),
            "parked": b.until.is_none(),
            "error": b.error,
        });
        json::line(&object, out)?;
    }
    for row in &outbox.head {
        let object = json!({
            "kind": "waiting",
            "seq": row.seq,
            "event_id": row.id,
            "aggregate_type": row.aggregate_type,
            "key": row.aggregate_id,
            "event_type": row.event_type,
            "topic": row.topic,
            "created_at": json::time(Some(row.created_at)),
            "value": row.payload,
        });
        json::line(&object, out)?;
    }
    for row in &outbox.sent {
        let object = json!({
            "kind": "sent",
            "seq": row.seq,
            "event_id": row.id,
            "key": row.aggregate_id,
            "event_type": row.event_type,
            "topic": row.topic,
            "partition": row.partition,
            "offset": row.offset,
            "created_at": json::time(Some(row.created_at)),
            "sent_at": json::time(Some(row.sent_at)),
        });
        json::line(&object, out)?;
    }
    Ok(())
}
