//! `evtop lag`: who is behind, by how much in records and in time, and the verdict.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::{Value, json};

use super::ports::{fresh, reason};
use super::table::{Table, count, number, rate, span, text};
use super::{End, Output, Ports, Step, json};
use crate::cli::{Exit, LagArgs};
use crate::command::{Focus, Screen};
use crate::snapshot::{GroupLag, LagNumbers, PartitionLag, Snapshot, TopicLag, Verdict};

/// How long to wait for rates and times, which take a second look, before going on without.
const SECOND_LOOK: Duration = Duration::from_secs(3);
/// Partitions asked for their lag in time: each is a record fetched.
const TIMED: usize = 200;

pub(super) async fn run(args: &LagArgs, ports: &mut Ports, output: &mut Output<'_>) -> Step<Exit> {
    let snapshot = match read(args, ports).await? {
        Ok(snapshot) => snapshot,
        Err(why) => {
            let latest = ports.latest();
            if latest.lag.value.is_some() {
                lag_rows(&latest, args, output.json, &mut *output.out)?;
                return Err(stale(&why));
            }
            output.unavailable("lag", &why)?;
            return Err(End::Said(Exit::Unavailable, format!("lag: {why}")));
        }
    };
    lag_rows(&snapshot, args, output.json, &mut *output.out)?;
    if let Some(error) = &snapshot.lag.error {
        return Err(stale(error));
    }
    Ok(Exit::Ok)
}

/// What is known of the lag, with rates and times as far as they came in time; else why there is nothing
/// current.
pub(super) async fn read(args: &LagArgs, ports: &mut Ports) -> Step<Result<Snapshot, String>> {
    let focus = Focus {
        screen: Screen::Lag,
        ..Focus::default()
    };
    let asked = ports.look(focus.clone());
    let ready = |s: &Snapshot| fresh(&s.lag, asked).then(|| s.clone());
    let Some(first) = ports.until(ports.kafka.min(ports.patience), ready).await? else {
        let latest = ports.latest();
        return Ok(Err(reason(&latest, latest.lag.error.as_deref())));
    };
    check_group(args, &first)?;

    let behind = rows_behind(args, &first);
    let wanted = behind.len();
    let asked = ports.look(Focus {
        lag_rows: behind,
        ..focus
    });
    let settled = |s: &Snapshot| {
        let done = fresh(&s.lag, asked) && is_settled(args, s, wanted);
        done.then(|| s.clone())
    };
    let found = ports.until(SECOND_LOOK.min(ports.patience), settled);
    Ok(Ok(match found.await? {
        Some(snapshot) => snapshot,
        None => (*ports.latest()).clone(),
    }))
}

fn stale(why: &str) -> End {
    End::Said(Exit::Unavailable, format!("lag is not current: {why}"))
}

pub(super) fn groups<'s>(
    snapshot: &'s Snapshot,
    args: &LagArgs,
) -> impl Iterator<Item = &'s GroupLag> {
    let wanted = args.group.clone();
    let all = snapshot.lag.value.iter().flat_map(|groups| groups.iter());
    all.filter(move |g| wanted.as_ref().is_none_or(|name| *name == g.group))
}

fn check_group(args: &LagArgs, snapshot: &Snapshot) -> Step<()> {
    let Some(name) = &args.group else {
        return Ok(());
    };
    if groups(snapshot, args).next().is_some() {
        return Ok(());
    }
    let known: Vec<&str> = groups(snapshot, &LagArgs::default())
        .map(|g| g.group.as_str())
        .collect();
    let known = match known.len() {
        0 => "there is no group at all".to_owned(),
        1..=20 => format!("known: {}", known.join(", ")),
        n => format!("there are {}: see `evtop lag`", count(n as u64, "group")),
    };
    Err(End::Said(
        Exit::Refused,
        format!("no group is called `{name}`; {known}"),
    ))
}

fn rows_behind(args: &LagArgs, snapshot: &Snapshot) -> Vec<(String, String, i32)> {
    let mut rows = Vec::new();
    for group in groups(snapshot, args) {
        for topic in &group.topics {
            for p in &topic.partitions {
                if p.numbers.lag.is_some_and(|lag| lag > 0) && rows.len() < TIMED {
                    rows.push((group.group.clone(), topic.topic.clone(), p.partition));
                }
            }
        }
    }
    rows
}

/// Whether rates are known, and as many times as were asked for (some may have caught up).
fn is_settled(args: &LagArgs, snapshot: &Snapshot, wanted: usize) -> bool {
    let partitions = || {
        groups(snapshot, args)
            .flat_map(|g| &g.topics)
            .flat_map(|t| &t.partitions)
    };
    let rates = partitions().all(|p| p.numbers.rate_in.is_some() || p.end.is_none());
    let times = partitions().filter(|p| p.numbers.time.is_some()).count();
    rates && times >= wanted
}

const COLUMNS: &[(&str, bool)] = &[
    ("GROUP", false),
    ("TOPIC", false),
    ("PARTITION", true),
    ("COMMITTED", true),
    ("END", true),
    ("LAG", true),
    ("TIME", true),
    ("IN/s", true),
    ("OUT/s", true),
    ("ETA", true),
    ("VERDICT", false),
    ("REASON", false),
];

/// A row for each topic of each group, or for each partition.
pub fn lag_rows(
    snapshot: &Snapshot,
    args: &LagArgs,
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    let mut rows = Vec::new();
    for group in groups(snapshot, args) {
        for topic in &group.topics {
            let partitions = topic.partitions.iter().map(Some);
            let none = std::iter::once(None);
            let wanted: Vec<Option<&PartitionLag>> = if args.partitions {
                partitions.collect()
            } else {
                none.collect()
            };
            for partition in wanted {
                if json {
                    json::line(&object(group, topic, partition), out)?;
                } else {
                    rows.push(cells(group, topic, partition));
                }
            }
        }
    }
    if json {
        return Ok(());
    }
    Table::new(COLUMNS).write(rows, out)
}

fn figures<'a>(
    topic: &'a TopicLag,
    partition: Option<&'a PartitionLag>,
) -> (&'a LagNumbers, &'a Verdict) {
    match partition {
        Some(p) => (&p.numbers, &p.verdict),
        None => (&topic.numbers, &topic.verdict),
    }
}

/// Where a whole topic stands is the sum of its partitions, unknown when one is.
fn offsets(topic: &TopicLag, partition: Option<&PartitionLag>) -> (Option<i64>, Option<i64>) {
    match partition {
        Some(p) => (p.committed, p.end),
        None => {
            let all = &topic.partitions;
            (
                all.iter()
                    .map(|p| p.committed)
                    .sum::<Option<i64>>()
                    .filter(|_| !all.is_empty()),
                all.iter()
                    .map(|p| p.end)
                    .sum::<Option<i64>>()
                    .filter(|_| !all.is_empty()),
            )
        }
    }
}

fn cells(group: &GroupLag, topic: &TopicLag, partition: Option<&PartitionLag>) -> Vec<String> {
    let (numbers, verdict) = figures(topic, partition);
    let (committed, end) = offsets(topic, partition);
    vec![
        group.group.clone(),
        topic.topic.clone(),
        partition.map_or_else(
            || format!("all {}", topic.partitions.len()),
            |p| p.partition.to_string(),
        ),
        number(committed),
        number(end),
        number(numbers.lag),
        span(numbers.time),
        rate(numbers.rate_in),
        rate(numbers.rate_out),
        span(numbers.eta),
        verdict.kind.name().to_owned(),
        text(Some(&*verdict.reason)),
    ]
}

fn object(group: &GroupLag, topic: &TopicLag, partition: Option<&PartitionLag>) -> Value {
    let (numbers, verdict) = figures(topic, partition);
    let (committed, end) = offsets(topic, partition);
    json!({
        "group": group.group,
        "ours": group.ours,
        "state": group.state,
        "topic": topic.topic,
        "partition": partition.map(|p| p.partition),
        "partitions": topic.partitions.len(),
        "first": partition.and_then(|p| p.first),
        "committed": committed,
        "end": end,
        "moved_at": json::time(partition.and_then(|p| p.moved_at)),
        "owner": partition.and_then(|p| p.owner.as_deref()),
        "lag": numbers.lag,
        "time_ms": json::millis(numbers.time),
        "rate_in": numbers.rate_in,
        "rate_out": numbers.rate_out,
        "eta_ms": json::millis(numbers.eta),
        "verdict": verdict.kind.name().replace(' ', "_"),
        "reason": verdict.reason,
    })
}
