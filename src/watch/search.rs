//! What was found so far in a topic that is looked at: rows up to a bound, and how far each partition is
//! read. Pure: records come in, what is shown goes out.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use crate::command::{MessagesFocus, Reading};
use crate::domain::message::Message;
use crate::domain::record::Record;
use crate::domain::when::Start;
use crate::kafka::browse::Seen;
use crate::kafka::consumer::Place;
use crate::snapshot::{Messages, SearchState};

/// Rows by time, and those of one partition alone by offset.
type Order = (Option<DateTime<Utc>>, i32, i64);

/// What was found so far.
pub(super) struct Search {
    /// All but the rows.
    pub(super) now: Messages,
    rows: BTreeMap<Order, Arc<Message>>,
    bytes: usize,
    /// Beside `now.partitions`: each was read to its end.
    pub(super) ended: Vec<bool>,
    /// Partitions of the topic that are accounted for.
    pub(super) known: usize,
    pub(super) dirty: bool,
}

impl Search {
    pub(super) fn new(asked: MessagesFocus) -> Self {
        Self {
            now: Messages {
                asked,
                ..Messages::default()
            },
            rows: BTreeMap::new(),
            bytes: 0,
            ended: Vec::new(),
            known: 0,
            dirty: true,
        }
    }

    /// This search with its next page, if that is what is asked.
    pub(super) fn next_page(mut self, asked: &MessagesFocus) -> Option<Self> {
        let page = self.now.asked.page.checked_add(1)?;
        let next = MessagesFocus {
            page,
            ..self.now.asked.clone()
        };
        if next != *asked || self.now.state != SearchState::More {
            return None;
        }
        self.now.asked = next;
        self.now.state = SearchState::Reading;
        self.now.dropped += self.rows.len() as u64;
        self.rows.clear();
        self.bytes = 0;
        self.dirty = true;
        Some(self)
    }

    pub(super) fn places(&self) -> Vec<(Place, i64)> {
        let topic = self.now.asked.topic.clone().unwrap_or_default();
        let open = self.now.partitions.iter().zip(&self.ended);
        // A search asks only what is not done; whoever follows reads on everywhere.
        open.filter(|(_, ended)| !**ended || self.now.asked.mode != Reading::Search)
            .map(|(p, _)| ((topic.clone(), p.partition), p.next))
            .collect()
    }

    pub(super) fn reads(&self) -> bool {
        matches!(
            self.now.state,
            SearchState::Reading | SearchState::Following
        )
    }

    pub(super) fn take(&mut self, seen: Seen) {
        match seen {
            Seen::End(partition) => {
                if let Some(at) = self.at(partition) {
                    self.ended[at] = true;
                    // What is left up to the end is nothing that one reads, such as a transaction's markers.
                    let place = &mut self.now.partitions[at];
                    place.next = place.next.max(place.end);
                    self.dirty = true;
                }
            }
            Seen::Record(record) => self.take_record(record),
        }
        self.judge();
    }

    fn at(&self, partition: i32) -> Option<usize> {
        self.now
            .partitions
            .iter()
            .position(|p| p.partition == partition)
    }

    fn take_record(&mut self, record: Record) {
        let Some(at) = self.at(record.partition) else {
            return;
        };
        let place = &mut self.now.partitions[at];
        if record.offset < place.next {
            return;
        }
        if self.now.asked.mode == Reading::Search && record.offset >= place.end {
            self.ended[at] = true;
            return;
        }
        let early = self.now.since.is_some() && record.timestamp < self.now.since;
        // Where times could not be looked up, everything before is read past.
        let before = early && self.now.asked.page == 0 && place.from == place.next;
        place.next = record.offset + 1;
        place.end = place.end.max(place.next);
        self.dirty = true;
        if before {
            place.from = place.next;
            return;
        }
        self.now.searched += 1;
        if let Some(message) = Message::passing(record, &self.now.asked.filter) {
            self.now.matched += 1;
            self.bytes += message.weight();
            let alone = matches!(self.now.asked.start, Start::Offset { .. });
            let time = message.record.timestamp.filter(|_| !alone);
            let (partition, offset) = message.place();
            self.rows
                .insert((time, partition, offset), Arc::new(message));
        }
        if self.now.asked.mode == Reading::Tail {
            while self.rows.len() > Messages::MOST
                || (self.bytes > Messages::MOST_BYTES && self.rows.len() > 1)
            {
                if let Some((_, gone)) = self.rows.pop_first() {
                    self.bytes -= gone.weight();
                    self.now.dropped += 1;
                }
            }
        }
    }

    /// How it stands.
    pub(super) fn judge(&mut self) {
        let before = self.now.state;
        if !self.reads() {
            return;
        }
        for (place, ended) in self.now.partitions.iter().zip(&mut self.ended) {
            *ended |= place.next >= place.end;
        }
        let done = self.ended.iter().all(|ended| *ended);
        let full = self.rows.len() >= Messages::MOST || self.bytes >= Messages::MOST_BYTES;
        self.now.state = match self.now.asked.mode {
            Reading::Search if done => SearchState::End,
            Reading::Search | Reading::Stream if full => SearchState::More,
            _ if done => SearchState::Following,
            _ => before,
        };
        self.dirty |= self.now.state != before;
    }

    pub(super) fn shown(&self) -> Arc<Messages> {
        Arc::new(Messages {
            rows: self.rows.values().cloned().collect(),
            ..self.now.clone()
        })
    }
}
