//! `evtop consumers`: what the services do, here or, as they last said, in the processes that run them.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::ports::reason;
use super::table::{Table, number, rate, span};
use super::{End, Output, Ports, Step, json};
use crate::cli::Exit;
use crate::command::{Focus, Screen};
use crate::snapshot::{Consumer, HeldPartition, Percentiles, Snapshot};

/// How long to wait for a first rate before going on without.
const SECOND_LOOK: Duration = Duration::from_secs(3);

pub(super) async fn run(ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    ports.look(Focus {
        screen: Screen::Consumers,
        ..Focus::default()
    });
    let any = |s: &Snapshot| (!s.consumers.is_empty()).then_some(());
    if ports.until(ports.patience, any).await?.is_none() {
        let latest = ports.latest();
        let mut why = reason(&latest, None);
        if !latest.stack.workers && latest.store.value.is_some() {
            why =
                "no process has run workers here in the last ten minutes: `evtop run` does".into();
        }
        output.unavailable("consumers", &why)?;
        return Err(End::Said(Exit::Unavailable, format!("consumers: {why}")));
    }
    let measured = |s: &Snapshot| {
        let all = s.consumers.iter().all(|c| c.events_per_s.is_some());
        all.then_some(())
    };
    ports
        .until(SECOND_LOOK.min(ports.patience), measured)
        .await?;
    consumer_rows(&ports.latest(), output.json, &mut *output.out)?;
    Ok(Exit::Ok)
}

const COLUMNS: &[(&str, bool)] = &[
    ("SERVICE", false),
    ("GROUP", false),
    ("INSTANCE", false),
    ("STATE", false),
    ("EVENTS/s", true),
    ("ERRORS/s", true),
    ("P50", true),
    ("P95", true),
    ("P99", true),
    ("IN FLIGHT", true),
    ("HANDLED", true),
    ("RETRIES", true),
    ("DEAD", true),
    ("DUPLICATES", true),
    ("BLOCKED KEYS", true),
    ("PARTITIONS", true),
    ("REASON", false),
];

/// A row for each service, and for each process that runs it.
pub fn consumer_rows(
    snapshot: &Snapshot,
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    if json {
        let mut lines = snapshot.consumers.iter().map(object);
        return lines.try_for_each(|object| json::line(&object, out));
    }
    let rows = snapshot.consumers.iter().map(cells).collect();
    Table::new(COLUMNS).write(rows, out)
}

fn cells(c: &Consumer) -> Vec<String> {
    vec![
        c.service.clone(),
        c.group.clone(),
        c.instance.clone().unwrap_or_else(|| "here".to_owned()),
        c.state.name().to_owned(),
        rate(c.events_per_s),
        rate(c.errors_per_s),
        span(c.latency.map(|l| l.p50)),
        span(c.latency.map(|l| l.p95)),
        span(c.latency.map(|l| l.p99)),
        c.in_flight.to_string(),
        c.handled.to_string(),
        c.retries.to_string(),
        c.dead.to_string(),
        c.duplicates.to_string(),
        number(c.blocked_keys),
        c.assigned.len().to_string(),
        why(c),
    ]
}

/// The state's reason, else the partition that waits longest, else nothing.
fn why(c: &Consumer) -> String {
    let held = |h: &HeldPartition| {
        format!(
            "{}/{} waits at {}: {} ({} behind it)",
            h.topic, h.partition, h.offset, h.reason, h.waiting
        )
    };
    c.state_reason
        .clone()
        .or_else(|| c.held.iter().min_by_key(|h| h.since).map(held))
        .unwrap_or_default()
}

fn object(c: &Consumer) -> Value {
    let held: Vec<Value> = c
        .held
        .iter()
        .map(|h| {
            json!({
                "topic": h.topic,
                "partition": h.partition,
                "offset": h.offset,
                "attempts": h.attempts,
                "since": json::time(Some(h.since)),
                "due": json::time(h.due),
                "reason": h.reason,
                "waiting": h.waiting,
            })
        })
        .collect();
    let assigned: Vec<Value> = c
        .assigned
        .iter()
        .map(|(topic, partition)| json!({ "topic": topic, "partition": partition }))
        .collect();
    json!({
        "instance": c.instance,
        "service": c.service,
        "group": c.group,
        "topics": c.topics,
        "state": c.state.name(),
        "reason": c.state_reason,
        "since": json::time(c.since),
        "events_per_s": c.events_per_s,
        "errors_per_s": c.errors_per_s,
        "latency": latency(c.latency),
        "in_flight": c.in_flight,
        "handled": c.handled,
        "retries": c.retries,
        "dead": c.dead,
        "duplicates": c.duplicates,
        "skipped": c.skipped,
        "restarts": c.restarts,
        "blocked_keys": c.blocked_keys,
        "assigned": assigned,
        "held": held,
        "faults": c.faults,
        "last_error": c.last_error.as_ref().map(|(_, text)| text),
        "last_error_at": json::time(c.last_error.as_ref().map(|(at, _)| *at)),
    })
}

/// Percentiles in microseconds; `null` when nothing was measured.
pub(super) fn latency(percentiles: Option<Percentiles>) -> Value {
    percentiles.map_or(Value::Null, |p| {
        json!({
            "p50_us": json::micros(Some(p.p50)),
            "p95_us": json::micros(Some(p.p95)),
            "p99_us": json::micros(Some(p.p99)),
        })
    })
}
