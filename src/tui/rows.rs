//! Which rows each list has right now: the shown snapshot's, through the screen's filter and what is
//! folded. Cursor moves and views read the same functions, so they can't disagree.

use std::borrow::Cow;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::app::App;
use super::sort::{List, Sorted, values};
use crate::command::Screen;
use crate::domain::filter::{Fields, Resolved};
use crate::domain::letter::{Cause, Letter};
use crate::domain::operation::{AuditRow, Operation};
use crate::domain::position::Position;
use crate::domain::stored::{SentRow, StoredEvent};
use crate::snapshot::{Consumer, Finding, LogLine, Place, Topic};

/// A row of the outbox screen: its three tables are one list to the cursor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxKey {
    Blocked(String),
    Waiting(i64),
    Sent(i64),
}

/// A log line has no id: its time and its place among lines of the same time.
pub type LogKey = (DateTime<Utc>, usize);

/// A finding has no id: where it leads, and its place among those that lead there.
pub type FindingKey = (Place, usize);

/// What one can stand on in the flow: the places of the drawing along an event's way, then the findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlowKey {
    Outbox,
    Topic(String),
    /// A service of ours, or a group of somebody else's.
    Reader(String),
    Letters,
    Store,
    Finding(FindingKey),
}

impl FlowKey {
    /// Keys of one stage stand together.
    pub(super) fn stage(&self) -> u8 {
        match self {
            Self::Outbox => 0,
            Self::Topic(_) => 1,
            Self::Reader(_) => 2,
            Self::Letters => 3,
            Self::Store => 4,
            Self::Finding(_) => 5,
        }
    }
}

/// A row as a filter sees it: its texts, its word, and when.
fn said<'a>(texts: &[&'a str], kind: &'a str, at: DateTime<Utc>) -> Fields<'a> {
    Fields {
        texts: texts.iter().copied().map(Cow::Borrowed).collect(),
        kind: Some(kind),
        at: Some(at),
        ..Fields::default()
    }
}

/// Whether a filter lets a row of the outbox through: key, type and topic, and when.
fn holds(filter: &Resolved, texts: [&str; 3], at: DateTime<Utc>) -> bool {
    let [key, kind, _] = texts;
    filter.holds(&Fields {
        key: Some(Cow::Borrowed(key)),
        ..said(&texts, kind, at)
    })
}

/// An event as a filter sees it.
fn fields<'a>(event: &'a StoredEvent, filter: &Resolved) -> Fields<'a> {
    let texts = [&*event.stream, &*event.event_type, &*event.source_service];
    Fields {
        texts: texts.map(Cow::Borrowed).to_vec(),
        key: Some(Cow::Borrowed(&event.stream)),
        kind: Some(&event.event_type),
        at: Some(event.timestamp),
        value: filter
            .reads_value()
            .then(|| serde_json::from_str(&event.payload).ok())
            .flatten(),
        ..Fields::default()
    }
}

/// The screen that a place is on.
#[must_use]
pub fn screen_of(place: &Place) -> Screen {
    match place {
        Place::Flow => Screen::Flow,
        Place::Lag { .. } => Screen::Lag,
        Place::Consumer { .. } => Screen::Consumers,
        Place::Outbox => Screen::Outbox,
        Place::Letters { .. } => Screen::Letters,
        Place::Timeline => Screen::Timeline,
        Place::Activity => Screen::Activity,
    }
}

impl App {
    #[must_use]
    pub fn findings(&self) -> Vec<(FindingKey, &Finding)> {
        let filter = self.sieve(Screen::Flow).filter();
        let mut rows: Vec<(FindingKey, &Finding)> = Vec::new();
        for finding in &self.shown.findings {
            if filter.passes([finding.text.as_str()]) {
                let nth = rows
                    .iter()
                    .filter(|((p, _), _)| *p == finding.place)
                    .count();
                rows.push(((finding.place.clone(), nth), finding));
            }
        }
        rows
    }

    #[must_use]
    pub fn consumers(&self) -> Vec<&Consumer> {
        let filter = self.sieve(Screen::Consumers).filter();
        let passes = |c: &&Consumer| {
            let fields = Fields {
                texts: vec![Cow::Owned(c.name()), Cow::Borrowed(&c.group)],
                kind: Some(c.state.name()),
                group: Some(&c.group),
                ..Fields::default()
            };
            filter.holds(&fields)
        };
        let mut rows: Vec<_> = self.shown.consumers.iter().filter(passes).collect();
        if let Some(sort) = self.sort(List::Consumers) {
            let value =
                |c: &&Consumer| values::of_consumer(sort.column, &self.consumer_label(c), c);
            rows.sort_by_cached_key(|c| Sorted(sort, value(c)));
        }
        rows
    }

    /// How a consumer is called: with its instance only where several run the service.
    #[must_use]
    pub fn consumer_label(&self, consumer: &Consumer) -> String {
        let all = self.shown.consumers.iter();
        if all.filter(|c| c.service == consumer.service).count() > 1 {
            let here = || format!("{} (here)", consumer.service);
            consumer
                .instance
                .as_ref()
                .map_or_else(here, |_| consumer.name())
        } else {
            consumer.service.clone()
        }
    }

    #[must_use]
    pub fn outbox_rows(&self) -> Vec<OutboxKey> {
        let Some(outbox) = &self.shown.outbox.value else {
            return Vec::new();
        };
        let filter = self.sieve(Screen::Outbox).filter();
        let blocked = outbox
            .blocked
            .iter()
            .filter(|b| {
                let fields = Fields {
                    texts: [&*b.aggregate_id, &*b.error].map(Cow::Borrowed).to_vec(),
                    key: Some(Cow::Borrowed(&b.aggregate_id)),
                    ..Fields::default()
                };
                filter.holds(&fields)
            })
            .map(|b| OutboxKey::Blocked(b.aggregate_id.clone()));
        let waiting = outbox
            .head
            .iter()
            .filter(|r| {
                holds(
                    filter,
                    [&r.aggregate_id, &r.event_type, &r.topic],
                    r.created_at,
                )
            })
            .map(|r| OutboxKey::Waiting(r.seq));
        let passes = |r: &&SentRow| {
            holds(
                filter,
                [&r.aggregate_id, &r.event_type, &r.topic],
                r.sent_at,
            )
        };
        let mut sent: Vec<_> = outbox.sent.iter().filter(passes).collect();
        if let Some(sort) = self.sort(List::Sent) {
            sent.sort_by_cached_key(|r| Sorted(sort, values::of_sent(sort.column, r)));
        }
        let sent = sent.into_iter().map(|r| OutboxKey::Sent(r.seq));
        blocked.chain(waiting).chain(sent).collect()
    }

    /// Causes are not filtered here: the letters' filter is the index's work.
    #[must_use]
    pub fn causes(&self) -> Vec<&Cause> {
        let letters = self.shown.letters.value.iter();
        let asked = letters.filter(|l| l.archived == self.letters.archived);
        let mut rows: Vec<_> = asked.flat_map(|l| &l.causes).collect();
        if let Some(sort) = self.sort(List::Causes) {
            rows.sort_by_cached_key(|c| Sorted(sort, values::of_cause(sort.column, c)));
        }
        rows
    }

    /// The letters of the cause that is looked at. What the index still answers for another is left out.
    #[must_use]
    pub fn letters(&self) -> Vec<&Letter> {
        let cause = self.letters.fingerprint();
        let asked = self.shown.letters.value.iter();
        let asked = asked.filter(|l| l.archived == self.letters.archived);
        let rows = asked.flat_map(|l| &l.rows);
        rows.filter(|letter| cause.is_none_or(|cause| letter.fingerprint == *cause))
            .collect()
    }

    /// Oldest first. While the store looks something else up, its page may still be the one before, so
    /// every row is asked again.
    #[must_use]
    pub fn events(&self) -> Vec<&StoredEvent> {
        self.listed_events().collect()
    }

    /// The same, each judged when it is asked for.
    pub(super) fn listed_events(&self) -> impl DoubleEndedIterator<Item = &StoredEvent> {
        let filter = self.sieve(Screen::Timeline).filter();
        let wanted = self.timeline_filter();
        let passes = self.looks_up() || filter.is_empty();
        let rows = self.shown.timeline.value.iter().flat_map(|t| &t.rows);
        rows.filter(move |e| wanted.matches(e))
            .filter(move |e| passes || filter.holds(&fields(e, filter)))
    }

    #[must_use]
    pub fn operations(&self) -> Vec<&Operation> {
        let filter = self.sieve(Screen::Activity).filter();
        let rows = self.shown.activity.operations.iter();
        let passes = |o: &&Operation| {
            let texts = [o.kind.name(), &*o.what, &*o.target, &*o.by];
            filter.holds(&said(&texts, o.state.name(), o.created_at))
        };
        let mut rows: Vec<_> = rows.filter(passes).collect();
        if let Some(sort) = self.sort(List::Operations) {
            rows.sort_by_cached_key(|o| Sorted(sort, values::of_operation(sort.column, o)));
        }
        rows
    }

    #[must_use]
    pub fn audit(&self) -> Vec<&AuditRow> {
        let filter = self.sieve(Screen::Activity).filter();
        let rows = self.shown.activity.audit.iter();
        let passes =
            |a: &&AuditRow| filter.holds(&said(&[&a.action, &a.detail, &a.who], &a.action, a.at));
        let mut rows: Vec<_> = rows.filter(passes).collect();
        if let Some(sort) = self.sort(List::Audit) {
            rows.sort_by_cached_key(|a| Sorted(sort, values::of_audit(sort.column, a)));
        }
        rows
    }

    /// Newest last. A line's type is its level.
    #[must_use]
    pub fn log(&self) -> Vec<(LogKey, &LogLine)> {
        let filter = self.sieve(Screen::Activity).filter();
        let mut rows: Vec<(LogKey, &LogLine)> = Vec::new();
        for line in self.shown.activity.log.iter() {
            let nth = match rows.last() {
                Some(((at, nth), _)) if *at == line.at => nth + 1,
                _ => 0,
            };
            let fields = said(&[&line.target, &line.text], line.level.name(), line.at);
            if filter.holds(&fields) {
                rows.push(((line.at, nth), line));
            }
        }
        rows
    }

    pub(super) fn flow_keys(&self) -> Vec<FlowKey> {
        let topics = self.flow_topics().into_iter();
        let readers = self.flow_readers().into_iter();
        let findings = self.findings().into_iter();
        std::iter::once(FlowKey::Outbox)
            .chain(topics.map(|t| FlowKey::Topic(t.name.clone())))
            .chain(readers.map(|name| FlowKey::Reader(name.to_owned())))
            .chain([FlowKey::Letters, FlowKey::Store])
            .chain(findings.map(|(key, _)| FlowKey::Finding(key)))
            .collect()
    }

    /// The flow's topics, those that somebody reads first; topics of dead letters are shown with the letters.
    #[must_use]
    pub fn flow_topics(&self) -> Vec<&Topic> {
        let all = self.shown.topics.value.iter().flatten();
        let consumers = &self.shown.consumers;
        let read = |topic: &&Topic| consumers.iter().any(|c| c.topics.contains(&topic.name));
        let flow = all.filter(|topic| !topic.dead_letters);
        let (mut first, others): (Vec<_>, Vec<_>) = flow.partition(read);
        first.extend(others);
        first
    }

    /// Our consumers; where no workers run, the groups of the cluster.
    #[must_use]
    pub fn flow_readers(&self) -> Vec<&str> {
        let groups = self.shown.lag.value.iter().flat_map(|groups| groups.iter());
        if self.shown.consumers.is_empty() {
            return groups.map(|g| g.group.as_str()).collect();
        }
        let consumers = self.shown.consumers.iter();
        consumers.map(|c| c.service.as_str()).collect()
    }

    pub(super) fn consumer_keys(&self) -> Vec<String> {
        self.consumers().iter().map(|c| c.name()).collect()
    }

    pub(super) fn cause_keys(&self) -> Vec<String> {
        self.causes()
            .iter()
            .map(|c| c.fingerprint.clone())
            .collect()
    }

    pub(super) fn letter_keys(&self) -> Vec<Uuid> {
        self.letters().iter().map(|l| l.id).collect()
    }

    pub(super) fn event_keys(&self) -> Vec<Position> {
        self.events().iter().map(|e| e.position).collect()
    }

    pub(super) fn operation_keys(&self) -> Vec<Uuid> {
        self.operations().iter().map(|o| o.id).collect()
    }

    pub(super) fn audit_keys(&self) -> Vec<i64> {
        self.audit().iter().map(|a| a.id).collect()
    }

    pub(super) fn log_keys(&self) -> Vec<LogKey> {
        self.log().into_iter().map(|(key, _)| key).collect()
    }
}
