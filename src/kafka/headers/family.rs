//! Reads the headers that other frameworks put on their dead letters. One table says which names each
//! uses and how each value is written: a number is decoded as its family writes it, never guessed from
//! its length. Repeated headers are a record's way: the first original is where it came from, the last
//! exception why it is here. A header that makes no sense is unknown; no record is ever refused.

mod decode;
mod table;

pub(super) use decode::decimal;
use decode::{Known, decode};
use table::Fact::{
    self, Attempts, Cause, Class, FailedAt, Group, Message, Offset, Partition, Stack, Stage,
    Timestamp, Topic,
};
use table::{As, Row, TABLE};

use super::{
    DLQ_ID, ORIGINAL_OFFSET, ORIGINAL_PARTITION, ORIGINAL_TIMESTAMP, ORIGINAL_TOPIC, in_value,
    restored,
};
use crate::domain::filter::Resolved;
use crate::domain::foreign::{Failed, Family, Foreign, Hop, Origin, topic_name};
use crate::domain::letter::{Letter, LetterBody};
use crate::domain::record::{Headers, header, header_text};

/// What the record says of its failure, by its headers or else by its value.
#[must_use]
pub fn foreign(headers: &Headers, value: Option<&[u8]>) -> Foreign {
    if header(headers, DLQ_ID).is_none() {
        return told(headers, value);
    }
    // It failed again after we had sent it: the first original headers are ours, and still right.
    let (ours, theirs) = split(headers);
    let mut it = told(&theirs, value);
    if let Some(topic) = header_text(&ours, ORIGINAL_TOPIC).and_then(topic_name) {
        let first = told(&ours, None).origin;
        it.origin = Origin {
            topic: Some(topic),
            group: it.origin.group,
            ..first
        };
    }
    it
}

/// The first header of each name that a redrive writes, and the others.
fn split(headers: &Headers) -> (Headers, Headers) {
    let mut left = vec![
        ORIGINAL_TOPIC,
        ORIGINAL_PARTITION,
        ORIGINAL_OFFSET,
        ORIGINAL_TIMESTAMP,
    ];
    headers.iter().cloned().partition(|(name, _)| {
        let at = left.iter().position(|n| n == name);
        at.map(|at| left.swap_remove(at)).is_some()
    })
}

fn told(headers: &Headers, value: Option<&[u8]>) -> Foreign {
    match TABLE.iter().find(|row| row.is_on(headers)) {
        Some(row) => row.read(headers),
        None => in_value::read(headers, value).unwrap_or(Foreign {
            family: Family::Unknown,
            ..Foreign::default()
        }),
    }
}

/// The record as it was before `family` wrote it down: without the headers that a failure, a redrive or a
/// replay added, and out of the wrapper that [`Family::InValue`] puts around it.
#[must_use]
pub fn unwrapped(family: Family, body: &LetterBody) -> LetterBody {
    let headers = restored(&body.headers).into_iter();
    let event = match family {
        Family::InValue => body.value.as_deref().and_then(in_value::event),
        _ => None,
    };
    LetterBody {
        value: event.or_else(|| body.value.clone()),
        headers: headers.filter(|(n, _)| !is_of(family, n)).collect(),
    }
}

/// Whether a letter passes a filter, which sees the record as it was before it failed. The body is only
/// looked at where [`Resolved::reads_body`] says so.
#[must_use]
pub fn passes(filter: &Resolved, letter: &Letter, body: &LetterBody) -> bool {
    let body = filter.reads_body().then(|| unwrapped(letter.family, body));
    filter.holds(&letter.fields(body.as_ref()))
}

/// Whether this family put a header of that name there.
fn is_of(family: Family, name: &str) -> bool {
    if family == Family::InValue {
        return in_value::COUNTERS.contains(&name);
    }
    let row = TABLE.iter().find(|row| row.family == family);
    row.is_some_and(|row| row.all().any(|(n, _, _)| *n == name))
}

impl Row {
    fn all(&self) -> impl Iterator<Item = &(&'static str, Fact, As)> {
        self.names.iter().chain(self.lent)
    }

    fn is_on(&self, headers: &Headers) -> bool {
        let has = |name: &str| headers.iter().any(|(n, _)| n == name);
        let found = self.names.iter().filter(|(name, _, _)| has(name));
        found.take(self.least).count() == self.least
    }

    fn read(&self, headers: &Headers) -> Foreign {
        let first = |fact| self.pick(headers, fact, |series| series.first().copied());
        let last = |fact| self.pick(headers, fact, |series| series.last().copied());
        Foreign {
            family: self.family,
            origin: Origin {
                topic: first(Topic).and_then(Known::topic),
                partition: first(Partition).and_then(Known::partition),
                offset: first(Offset).and_then(Known::number),
                group: last(Group).and_then(Known::text),
                timestamp: first(Timestamp).and_then(Known::time),
            },
            error: Failed {
                class: last(Class).and_then(Known::text),
                cause: last(Cause).and_then(Known::text),
                message: last(Message).and_then(Known::text),
                stack: last(Stack).and_then(Known::text),
            },
            stage: last(Stage).and_then(Known::text),
            attempts: last(Attempts).and_then(Known::count),
            failed_at: last(FailedAt).and_then(Known::time),
            hops: self.hops(headers),
        }
    }

    /// The fact under the first of its names that tells it.
    fn pick<'a>(
        &self,
        headers: &'a Headers,
        fact: Fact,
        of: fn(&Series<'a>) -> Option<Option<&'a [u8]>>,
    ) -> Option<Known> {
        self.all()
            .filter(|(_, f, _)| *f == fact)
            .find_map(|(name, _, form)| {
                let series = series(headers, name);
                decode(of(&series)??, *form)
            })
    }

    /// The whole way: series of one length belong together; one of another length can't be told apart.
    fn hops(&self, headers: &Headers) -> Vec<Hop> {
        let all = |fact| {
            self.all()
                .filter(|(_, f, _)| *f == fact)
                .map(|(name, _, form)| {
                    let series = series(headers, name).into_iter();
                    series
                        .map(|v| v.and_then(|v| decode(v, *form)))
                        .collect::<Vec<_>>()
                })
                .find(|series| !series.is_empty())
                .unwrap_or_default()
        };
        let (topics, partitions, offsets) = (all(Topic), all(Partition), all(Offset));
        let (times, classes) = (all(Timestamp), all(Class));
        let len = topics.len().max(partitions.len()).max(offsets.len());
        let at = |series: &[Option<Known>], hop: usize| match series.len() == len {
            true => series[hop].clone(),
            false => None,
        };
        (0..len)
            .map(|hop| Hop {
                topic: at(&topics, hop).and_then(Known::topic),
                partition: at(&partitions, hop).and_then(Known::partition),
                offset: at(&offsets, hop).and_then(Known::number),
                timestamp: at(&times, hop).and_then(Known::time),
                class: at(&classes, hop).and_then(Known::text),
            })
            .collect()
    }
}

/// All values of one name, in wire order.
type Series<'a> = Vec<Option<&'a [u8]>>;

fn series<'a>(headers: &'a Headers, name: &str) -> Series<'a> {
    headers
        .iter()
        .filter(|(n, _)| n == name)
        .map(|(_, v)| v.as_deref())
        .collect()
}

#[cfg(test)]
mod tests;
