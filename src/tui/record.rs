//! The way from a letter, an event, a sent row or a partition to its record among its neighbours; esc
//! comes back.

use uuid::Uuid;

use super::app::App;
use super::messages::Level;
use super::rows::OutboxKey;
use crate::command::Screen;
use crate::domain::event_type::EventType;
use crate::domain::when::{Start, When};
use crate::snapshot::Messages;

/// Neighbours that are shown before the record.
const BEFORE: i64 = 20;

impl App {
    /// Where the record of what is under the cursor stands.
    pub(super) fn record_place(&self) -> Result<Jump, &'static str> {
        match self.screen {
            Screen::Letters => {
                let letter = self
                    .letter_here()
                    .ok_or("There is no letter under the cursor")?;
                match (&letter.topic, letter.partition, letter.offset, &letter.dlq) {
                    (Some(topic), Some(partition), Some(offset), _) => {
                        Ok(Jump::at(topic, partition, offset))
                    }
                    (.., Some(dlq)) => Ok(Jump::at(&dlq.topic, dlq.partition, dlq.offset)),
                    _ => Err("Nothing says where this letter's record stands"),
                }
            }
            Screen::Lag => {
                let row = self.lag_here().ok_or("There is no row under the cursor")?;
                let (Some(topic), Some(partition)) = (row.topic, row.partition) else {
                    return Err("A group or a topic is no single place: unfold it to a partition");
                };
                match partition.committed {
                    Some(offset) => Ok(Jump::at(&topic.topic, partition.partition, offset)),
                    None => Err(
                        "This group has committed no offset here, so there is no record to go to",
                    ),
                }
            }
            Screen::Outbox => {
                let sent = self.shown.outbox.value.iter().flat_map(|o| &o.sent);
                let here = self.outbox_here();
                let here = here.ok_or("There is no row under the cursor")?;
                let OutboxKey::Sent(seq) = here else {
                    return Err("Only a row that was sent has a record");
                };
                let row = sent.into_iter().find(|row| row.seq == seq);
                let row = row.ok_or("There is no row under the cursor")?;
                Ok(Jump::at(&row.topic, row.partition, row.offset))
            }
            _ => {
                let event = self
                    .event_here()
                    .ok_or("There is no event under the cursor")?;
                let mut sent = self.shown.outbox.value.iter().flat_map(|o| &o.sent);
                if let Some(row) = sent.find(|row| row.id == event.event_id) {
                    return Ok(Jump::at(&row.topic, row.partition, row.offset));
                }
                let kind = EventType::from_name(&event.event_type);
                let topic = kind
                    .ok_or("Nobody knows the topic of an event of this type")?
                    .topic();
                // Sent after it was written down, on a clock that may be another.
                let since = event.recorded_at - chrono::TimeDelta::seconds(2);
                Ok(Jump {
                    topic: topic.to_owned(),
                    start: Start::Time(When::At(since)),
                    target: None,
                    filter: by_id(event.event_id),
                })
            }
        }
    }

    /// Whether a record is looked for whose place nobody has noted.
    #[must_use]
    pub fn seeks_record(&self) -> bool {
        let filter = self.messages_filter().text();
        let id = filter.strip_prefix("header.event_id=");
        let came = self.messages.from.is_some() && self.messages.level > Level::Topics;
        came && id.is_some_and(|id| Uuid::try_parse(id).is_ok())
    }

    /// Once the record of an event was found by its id, it is shown among its neighbours.
    pub(super) fn settle_sought(&mut self) {
        // An answer to the filter before has other rows.
        let asked = |m: &&Messages| {
            self.seeks_record() && m.asked.filter == *self.messages_filter().filter()
        };
        let found = self.messages_shown().filter(asked);
        let Some(place @ (partition, offset)) = found.and_then(|m| Some(m.rows.first()?.place()))
        else {
            return;
        };
        self.messages.begin(around(partition, offset));
        self.messages.cursor.set(place);
        self.messages.target = Some(place);
        self.set_filter(String::new());
    }

    /// Goes to the record of what is under the cursor, among its neighbours.
    pub(super) fn jump_to_record(&mut self) {
        let Ok(jump) = self.record_place() else {
            return;
        };
        let from = self.screen;
        self.screen = Screen::Messages;
        self.messages.begin(jump.start);
        self.messages.topics.set(jump.topic.clone());
        self.messages.topic = Some(jump.topic);
        self.messages.level = Level::Records;
        self.messages.target = jump.target;
        self.messages.from = Some(from);
        if let Some(place) = jump.target {
            self.messages.cursor.set(place);
        }
        self.set_filter(jump.filter);
    }
}

/// The filter that lets exactly this event's record through. Others name its id too, as their cause: in
/// their value.
fn by_id(event: Uuid) -> String {
    format!("header.event_id={event}")
}

/// From a little before a record.
fn around(partition: i32, offset: i64) -> Start {
    Start::Offset {
        partition,
        offset: (offset - BEFORE).max(0),
    }
}

/// A record's place, and what to read around it.
pub(super) struct Jump {
    topic: String,
    start: Start,
    target: Option<(i32, i64)>,
    filter: String,
}

impl Jump {
    fn at(topic: &str, partition: i32, offset: i64) -> Self {
        Self {
            topic: topic.to_owned(),
            start: around(partition, offset),
            target: Some((partition, offset)),
            filter: String::new(),
        }
    }
}
