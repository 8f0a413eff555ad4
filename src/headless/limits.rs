//! `evtop check`: a line for each limit that was given, and an exit code for cron and CI. What is unknown
//! is never all right, and says why.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;

use super::ports::{fresh, reason};
use super::table::{Table, number, span};
use super::{Output, Ports, Step, json, lag, letters};
use crate::cli::{CheckArgs, Exit, LagArgs};
use crate::command::{Focus, Screen};
use crate::snapshot::{GroupLag, Letters, Outbox, Part, PartitionLag, Snapshot};

/// What was measured against a limit. Times are in milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// The rule's flag, without its dashes.
    pub rule: &'static str,
    pub unit: Unit,
    /// As far as it is known.
    pub value: Option<u64>,
    pub limit: u64,
    pub verdict: Limit,
    /// Where the value was found, or why nothing is known.
    pub why: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Count,
    Millis,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    Ok,
    /// It could not be read, or only a part of it, which is within the limit.
    Unknown,
    /// There is no such thing on this stack.
    Absent,
    Over,
}

impl Limit {
    /// Its word, on screen and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Absent => "absent",
            Self::Over => "over",
        }
    }
}

/// What was found, before it is held against its limit.
struct Found {
    value: Option<u64>,
    why: String,
    /// Whether `value` is all of it. Of a part it is known only that the whole is no less.
    whole: bool,
}

impl Found {
    fn unknown(why: impl Into<String>) -> Self {
        Self {
            value: None,
            why: why.into(),
            whole: false,
        }
    }

    fn against(self, rule: &'static str, unit: Unit, limit: u64) -> Measured {
        let verdict = match self.value {
            Some(value) if value > limit => Limit::Over,
            Some(_) if self.whole => Limit::Ok,
            _ => Limit::Unknown,
        };
        Measured {
            rule,
            unit,
            value: self.value,
            limit,
            verdict,
            why: self.why,
        }
    }
}

pub(super) async fn run(
    args: &CheckArgs,
    ports: &mut Ports,
    output: &mut Output<'_>,
) -> Step<Exit> {
    let mut lines = Vec::new();
    lines.extend(lag_lines(args, ports).await?);
    if let Some(limit) = args.max_dead_letters {
        let found = match dead_letters(ports).await? {
            Ok(letters) => open_letters(&letters, limit),
            Err(why) => Found::unknown(why),
        };
        lines.push(found.against("max-dead-letters", Unit::Count, limit));
    }
    lines.extend(outbox_lines(args, ports).await?);
    limit_rows(&lines, output.json, &mut *output.out)?;
    let worst = lines.iter().map(|line| line.verdict).max();
    Ok(match worst {
        None | Some(Limit::Ok) => Exit::Ok,
        Some(Limit::Unknown) => Exit::Unavailable,
        Some(Limit::Absent) => Exit::Refused,
        Some(Limit::Over) => Exit::Partial,
    })
}

async fn lag_lines(args: &CheckArgs, ports: &mut Ports) -> Step<Vec<Measured>> {
    if args.max_lag.is_none() && args.max_lag_time.is_none() {
        return Ok(Vec::new());
    }
    let wanted = LagArgs {
        group: args.group.clone(),
        partitions: false,
    };
    let read = lag::read(&wanted, ports).await?;
    let found = |of: fn(&[&GroupLag]) -> Found| match &read {
        Ok(snapshot) => of(&lag::groups(snapshot, &wanted).collect::<Vec<_>>()),
        Err(why) => Found::unknown(why.clone()),
    };
    let lag = args
        .max_lag
        .map(|limit| found(most_behind).against("max-lag", Unit::Count, limit));
    let time = args
        .max_lag_time
        .map(|limit| found(longest_behind).against("max-lag-time", Unit::Millis, millis(limit)));
    Ok(lag.into_iter().chain(time).collect())
}

fn partitions(group: &GroupLag) -> impl Iterator<Item = (&str, &PartitionLag)> {
    let topics = group.topics.iter();
    topics.flat_map(|t| t.partitions.iter().map(|p| (t.topic.as_str(), p)))
}

/// The group with the most records to go.
fn most_behind(groups: &[&GroupLag]) -> Found {
    let mut found = Found::unknown("there is no group");
    let mut unknown = None;
    for group in groups {
        let known = partitions(group).filter_map(|(_, p)| p.numbers.lag).sum();
        if partitions(group).any(|(_, p)| p.numbers.lag.is_none()) {
            unknown = unknown.or_else(|| Some(nothing_known(group)));
        }
        if found.value.is_none_or(|most| known > most) {
            found.value = Some(known);
            found.why = format!("group {}", group.group);
        }
    }
    settle(found, unknown)
}

/// The partition whose oldest record to go is the oldest.
fn longest_behind(groups: &[&GroupLag]) -> Found {
    let mut found = Found::unknown("there is no group");
    let mut unknown = None;
    for group in groups {
        for (topic, p) in partitions(group) {
            let place = || format!("group {}, {topic}/{}", group.group, p.partition);
            let age = match (p.numbers.lag, p.numbers.time) {
                (Some(0), _) => Duration::ZERO,
                (Some(_), Some(age)) => age,
                (Some(_), None) => {
                    let why = || format!("{}: the time of its next record is unknown", place());
                    unknown = unknown.or_else(|| Some(why()));
                    continue;
                }
                (None, _) => {
                    unknown = unknown.or_else(|| Some(nothing_known(group)));
                    continue;
                }
            };
            if found.value.is_none_or(|most| millis(age) > most) {
                found.value = Some(millis(age));
                found.why = place();
            }
        }
    }
    settle(found, unknown)
}

fn nothing_known(group: &GroupLag) -> String {
    let unknown = partitions(group).find(|(_, p)| p.numbers.lag.is_none());
    unknown.map_or_else(
        || format!("group {}", group.group),
        |(topic, p)| {
            let reason = &p.verdict.reason;
            format!("group {}, {topic}/{}: {reason}", group.group, p.partition)
        },
    )
}

fn settle(mut found: Found, unknown: Option<String>) -> Found {
    found.whole = found.value.is_some() && unknown.is_none();
    match unknown {
        Some(unknown) if found.value.is_some() => found.why += &format!("; {unknown}"),
        Some(unknown) => found.why = unknown,
        None => {}
    }
    found
}

async fn dead_letters(ports: &mut Ports) -> Step<Result<Letters, String>> {
    letters::catch_up(ports).await?;
    let asked = ports.look(Focus {
        screen: Screen::Letters,
        ..Focus::default()
    });
    let answer = |s: &Snapshot| {
        let letters = s.letters.value.as_ref();
        letters.filter(|_| fresh(&s.letters, asked)).cloned()
    };
    if let Some(mut letters) = ports.until(ports.patience, answer).await? {
        // Where others index them, not to know what they have yet to read is no reason for doubt.
        if !ports.latest().stack.attached {
            letters.unread = letters.unread.or(Some(0));
        }
        return Ok(Ok(letters));
    }
    let latest = ports.latest();
    Ok(Err(reason(&latest, latest.letters.error.as_deref())))
}

/// Each record that is not read yet is one more letter at most.
fn open_letters(letters: &Letters, limit: u64) -> Found {
    let why = match letters.unread {
        Some(unread) if letters.open.saturating_add(unread) <= limit || unread == 0 => {
            String::new()
        }
        Some(unread) => format!("{unread} records of the dead-letter topics are not read yet"),
        None => "the dead-letter topics could not be read".to_owned(),
    };
    Found {
        value: Some(letters.open),
        whole: why.is_empty(),
        why,
    }
}

async fn outbox_lines(args: &CheckArgs, ports: &mut Ports) -> Step<Vec<Measured>> {
    if args.max_outbox.is_none() && args.max_outbox_age.is_none() {
        return Ok(Vec::new());
    }
    let asked = ports.look(Focus {
        screen: Screen::Outbox,
        ..Focus::default()
    });
    let ready = |s: &Snapshot| {
        let there = fresh(&s.outbox, asked) || s.stack.absent(Part::Outbox).is_some();
        there.then(|| s.clone())
    };
    let found = ports.until(ports.patience, ready).await?;
    let absent = found.as_ref().and_then(|s| s.stack.absent(Part::Outbox));
    let current = found.filter(|_| absent.is_none());
    let why = match absent {
        Some((why, _)) => why.to_owned(),
        None => reason(&ports.latest(), ports.latest().outbox.error.as_deref()),
    };
    let line = |rule, unit, limit, of: fn(&Snapshot, &Outbox) -> Found| {
        let outbox = current
            .as_ref()
            .and_then(|s| Some((s, s.outbox.value.as_ref()?)));
        let found = outbox.map_or_else(|| Found::unknown(why.clone()), |(s, o)| of(s, o));
        let mut line = found.against(rule, unit, limit);
        if absent.is_some() {
            line.verdict = Limit::Absent;
        }
        line
    };
    let rows = args.max_outbox.map(|limit| {
        line("max-outbox", Unit::Count, limit, |_, outbox| Found {
            value: Some(outbox.pending),
            why: String::new(),
            whole: true,
        })
    });
    let age = args.max_outbox_age.map(|limit| {
        let limit = millis(limit);
        line("max-outbox-age", Unit::Millis, limit, |snapshot, outbox| {
            let age = outbox.oldest.map(|at| snapshot.taken - at);
            let age = age.map_or(Duration::ZERO, |age| age.to_std().unwrap_or_default());
            Found {
                value: Some(millis(age)),
                why: String::new(),
                whole: true,
            }
        })
    });
    Ok(rows.into_iter().chain(age).collect())
}

fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

const COLUMNS: &[(&str, bool)] = &[
    ("RULE", false),
    ("MEASURED", true),
    ("LIMIT", true),
    ("RESULT", false),
    ("WHY", false),
];

/// A line for each limit, in the order of the help.
pub fn limit_rows(
    lines: &[Measured],
    json: bool,
    out: &mut (impl Write + ?Sized),
) -> io::Result<()> {
    if json {
        return lines.iter().try_for_each(|line| {
            let unit = match line.unit {
                Unit::Count => "count",
                Unit::Millis => "ms",
            };
            let object = json!({
                "rule": line.rule,
                "unit": unit,
                "measured": line.value,
                "limit": line.limit,
                "result": line.verdict.name(),
                "ok": line.verdict == Limit::Ok,
                "why": line.why,
            });
            json::line(&object, out)
        });
    }
    let shown = |unit, value: Option<u64>| match unit {
        Unit::Count => number(value),
        Unit::Millis => span(value.map(Duration::from_millis)),
    };
    let rows = lines.iter().map(|line| {
        vec![
            line.rule.to_owned(),
            shown(line.unit, line.value),
            shown(line.unit, Some(line.limit)),
            line.verdict.name().to_owned(),
            line.why.clone(),
        ]
    });
    Table::new(COLUMNS).write(rows.collect(), out)
}
