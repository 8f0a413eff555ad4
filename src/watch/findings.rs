//! What is wrong now, in words with numbers, worst first. A pure function of a snapshot.

use chrono::{DateTime, TimeDelta, Utc};

use crate::snapshot::{
    Consumer, ConsumerState, DependencyState, Finding, GroupLag, Place, Severity, Snapshot,
    VerdictKind,
};

/// An outbox row older than this is worth a word.
const OLD_ROW: TimeDelta = TimeDelta::seconds(5);

/// What somebody sees who starts evtop for the first time, with nothing set.
const DEMO: &str = "a demo, all in this process: orders come, some fail; ? lists the keys";

#[must_use]
pub fn findings(snapshot: &Snapshot) -> Vec<Finding> {
    let mut found = Vec::new();
    if snapshot.stack.embedded {
        found.push(finding(Severity::Note, DEMO.to_owned(), Place::Flow));
    }
    dependencies(snapshot, &mut found);
    for consumer in &snapshot.consumers {
        of_consumer(consumer, snapshot.taken, &mut found);
    }
    for group in snapshot.lag.value.iter().flat_map(|g| g.iter()) {
        of_group(group, snapshot, &mut found);
    }
    of_outbox(snapshot, &mut found);
    of_letters(snapshot, &mut found);
    let totals = snapshot.store.value.as_ref();
    if let Some(text) = totals.and_then(|t| t.held_by.clone()) {
        found.push(finding(Severity::Warn, text, Place::Timeline));
    }
    if let Some(why) = &snapshot.traffic.slowed {
        found.push(finding(
            Severity::Warn,
            format!("traffic is slowed: {why}"),
            Place::Flow,
        ));
    }
    found.sort_by_key(|f| f.severity);
    found
}

fn dependencies(snapshot: &Snapshot, found: &mut Vec<Finding>) {
    for dependency in &snapshot.health {
        let note = dependency.note.as_deref().unwrap_or("no answer");
        match dependency.state {
            DependencyState::Down => {
                let since = dependency
                    .since
                    .map(|at| format!(" for {}", age(snapshot.taken - at)));
                let since = since.unwrap_or_default();
                let name = &dependency.name;
                // Work goes on without Redis, as its note says.
                let (severity, rest) = match name.as_str() {
                    "redis" => (Severity::Warn, ""),
                    _ => (Severity::Bad, "; nothing is dead-lettered for it"),
                };
                found.push(finding(
                    severity,
                    format!("{name} is down{since}: {note}{rest}"),
                    Place::Activity,
                ));
            }
            DependencyState::Off => {
                found.push(finding(
                    Severity::Note,
                    format!("no {} configured: {note}", dependency.name),
                    Place::Flow,
                ));
            }
            DependencyState::Connecting | DependencyState::Up => {}
        }
    }
}

fn of_consumer(consumer: &Consumer, now: DateTime<Utc>, found: &mut Vec<Finding>) {
    let name = consumer.name();
    let place = || Place::Consumer {
        service: consumer.service.clone(),
    };
    let reason = consumer
        .state_reason
        .as_deref()
        .unwrap_or("no reason given");
    let since = consumer.since.map(|at| age(now - at)).unwrap_or_default();
    match consumer.state {
        ConsumerState::Restarting => {
            found.push(finding(
                Severity::Bad,
                format!("{name} broke and is started again: {reason}"),
                place(),
            ));
        }
        ConsumerState::Holding => {
            found.push(finding(
                Severity::Bad,
                format!("{name} holds for {since}: {reason}"),
                place(),
            ));
        }
        ConsumerState::CircuitOpen => {
            found.push(finding(
                Severity::Bad,
                format!(
                    "{name}'s circuit is open for {since}, one event at a time is tried: {reason}"
                ),
                place(),
            ));
        }
        ConsumerState::Paused => {
            found.push(finding(
                Severity::Warn,
                format!("{name} is paused for {since}: r on Consumers resumes it"),
                place(),
            ));
        }
        ConsumerState::Starting | ConsumerState::Running | ConsumerState::Stopped => {}
    }
    if !matches!(
        consumer.state,
        ConsumerState::Holding | ConsumerState::CircuitOpen
    ) {
        for held in &consumer.held {
            let text = format!(
                "{name} retries {}/{} @ {} (attempt {} failed, {} wait behind): {}",
                held.topic, held.partition, held.offset, held.attempts, held.waiting, held.reason
            );
            found.push(finding(Severity::Warn, text, place()));
        }
    }
    let (errors, events) = (consumer.errors_per_s, consumer.events_per_s);
    if let (Some(errors), Some(events)) = (errors, events)
        && errors >= 0.5
        && errors > events
    {
        let last = consumer
            .last_error
            .as_ref()
            .map(|(_, text)| format!(", last: {text}"));
        let last = last.unwrap_or_default();
        let text = format!(
            "{name} mostly fails: {errors:.1} errors/s and {events:.1} events/s done{last}"
        );
        found.push(finding(Severity::Bad, text, place()));
    }
    if let Some(keys) = consumer.blocked_keys.filter(|n| *n > 0) {
        let text = format!(
            "{name} has {keys} {} with an open letter: later events of {} wait behind it",
            plural(keys, "key", "keys"),
            plural(keys, "it", "each")
        );
        found.push(finding(
            Severity::Note,
            text,
            Place::Letters { fingerprint: None },
        ));
    }
}

fn of_group(group: &GroupLag, snapshot: &Snapshot, found: &mut Vec<Finding>) {
    for topic in &group.topics {
        for partition in &topic.partitions {
            let (severity, word) = match partition.verdict.kind {
                VerdictKind::Stalled => (Severity::Bad, "stuck"),
                VerdictKind::AtRisk => (Severity::Bad, "at risk"),
                VerdictKind::Rewound => (Severity::Warn, "rewound"),
                VerdictKind::Growing => (Severity::Warn, "falling behind"),
                // A paused consumer has a finding of its own.
                VerdictKind::Stopped | VerdictKind::Ok | VerdictKind::Unknown => continue,
            };
            let behind = partition
                .numbers
                .lag
                .map(|l| format!("{l} behind, "))
                .unwrap_or_default();
            let error = snapshot
                .consumers
                .iter()
                .find(|c| c.group == group.group)
                .and_then(|c| {
                    c.held
                        .iter()
                        .find(|h| h.topic == topic.topic && h.partition == partition.partition)
                })
                .map(|h| format!(", last error: {}", h.reason))
                .unwrap_or_default();
            let text = format!(
                "{} {word} on {}/{}: {behind}{}{error}",
                group.group, topic.topic, partition.partition, partition.verdict.reason
            );
            let place = Place::Lag {
                group: group.group.clone(),
                topic: Some(topic.topic.clone()),
                partition: Some(partition.partition),
            };
            found.push(finding(severity, text, place));
        }
    }
}

fn of_outbox(snapshot: &Snapshot, found: &mut Vec<Finding>) {
    let Some(outbox) = &snapshot.outbox.value else {
        return;
    };
    if let Some(oldest) = outbox.oldest.filter(|at| snapshot.taken - *at > OLD_ROW) {
        let text = format!(
            "the outbox waits: {} pending, the oldest for {}",
            outbox.pending,
            age(snapshot.taken - oldest)
        );
        found.push(finding(Severity::Bad, text, Place::Outbox));
    }
    if let Some(first) = outbox.blocked.first() {
        let count = outbox.blocked.len() as u64;
        let text = format!(
            "{count} {} can't be published, the first is {}: {}",
            plural(count, "key", "keys"),
            first.aggregate_id,
            first.error
        );
        found.push(finding(Severity::Bad, text, Place::Outbox));
    }
}

fn of_letters(snapshot: &Snapshot, found: &mut Vec<Finding>) {
    let Some(letters) = &snapshot.letters.value else {
        return;
    };
    if letters.open == 0 {
        return;
    }
    let newest = letters.causes.iter().map(|c| c.last).max();
    let newest = newest
        .map(|at| format!(", newest {} ago", age(snapshot.taken - at)))
        .unwrap_or_default();
    let text = format!(
        "{} dead {} in {} {}{newest}, +{}/min",
        letters.open,
        plural(letters.open, "letter", "letters"),
        letters.causes_total,
        plural(letters.causes_total, "cause", "causes"),
        letters.last_minute
    );
    found.push(finding(
        Severity::Warn,
        text,
        Place::Letters { fingerprint: None },
    ));
}

fn finding(severity: Severity, text: String, place: Place) -> Finding {
    Finding {
        severity,
        text,
        place,
    }
}

fn plural(count: u64, one: &'static str, many: &'static str) -> &'static str {
    if count == 1 { one } else { many }
}

/// How long something has lasted: no finding is news each second once it is older than a minute.
fn age(age: TimeDelta) -> String {
    let seconds = age.num_seconds().max(0);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        _ => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Dependency;

    fn texts(snapshot: &Snapshot) -> Vec<(Severity, String)> {
        let all = findings(snapshot).into_iter();
        all.map(|f| (f.severity, f.text)).collect()
    }

    #[test]
    fn the_demo_says_what_it_is_and_a_stack_of_ones_own_does_not() {
        let mut snapshot = Snapshot::default();
        assert_eq!(texts(&snapshot), []);
        snapshot.stack.embedded = true;
        assert_eq!(texts(&snapshot), [(Severity::Note, DEMO.to_owned())]);
    }

    #[test]
    fn the_worst_comes_first() {
        let mut snapshot = Snapshot::default();
        snapshot.stack.embedded = true;
        snapshot.health = [
            ("redis", DependencyState::Off),
            ("kafka", DependencyState::Down),
        ]
        .map(|(name, state)| Dependency {
            name: name.into(),
            state,
            note: Some("why".into()),
            latency: None,
            since: None,
        })
        .into();
        let said = texts(&snapshot).into_iter().map(|(_, text)| text);
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                "kafka is down: why; nothing is dead-lettered for it",
                DEMO,
                "no redis configured: why"
            ]
        );
    }
}
