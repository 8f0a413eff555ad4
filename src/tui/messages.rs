//! The messages screen: which topic is read from where, and how one walks through its records. A jump
//! comes from a letter, an event, a sent row or a partition, and goes back to where it came from.

use super::app::App;
use super::cursor::{Cursor, Motion};
use super::moves::scroll;
use super::overlay::{Overlay, StartForm};
use super::rows::{LagKey, OutboxKey};
use super::toast::Tone;
use crate::command::{MessagesFocus, Reading, Screen};
use crate::domain::event_type::EventType;
use crate::domain::filter::Filter;
use crate::domain::message::Message;
use crate::domain::when::{Start, When};
use crate::snapshot::{Messages, SearchState, Topic};

/// Neighbours that are shown before a record one jumps to, and more of them at its page's top.
const BEFORE: i64 = 20;
const EARLIER: i64 = 200;

/// How deep one is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    #[default]
    Topics,
    Records,
    /// One record in full.
    Record,
}

#[derive(Clone, Debug, Default)]
pub struct MessagesView {
    pub level: Level,
    pub topics: Cursor<String>,
    /// The open topic.
    pub topic: Option<String>,
    pub start: Start,
    pub page: u32,
    /// Partition and offset; empty while it follows the newest record.
    pub cursor: Cursor<(i32, i64)>,
    pub scroll: u16,
    /// The record that was asked for, and where one came from to see it.
    pub target: Option<(i32, i64)>,
    pub from: Option<Screen>,
}

impl MessagesView {
    #[must_use]
    pub fn mode(&self) -> Reading {
        match self.start {
            Start::Newest(_) => Reading::Tail,
            _ => Reading::Search,
        }
    }

    #[must_use]
    pub fn following(&self) -> bool {
        self.mode() == Reading::Tail && self.cursor.key().is_none()
    }

    fn begin(&mut self, start: Start) {
        self.start = start;
        self.page = 0;
        self.cursor.clear();
        self.target = None;
        self.scroll = 0;
    }
}

impl App {
    /// The topics to choose from, those of dead letters last.
    #[must_use]
    pub fn topics(&self) -> Vec<&Topic> {
        let all = self.shown.topics.value.iter().flatten();
        let dead = all.filter(|topic| topic.dead_letters);
        let filter = self.topics_filter();
        let topics = self.flow_topics().into_iter().chain(dead);
        topics
            .filter(|t| filter.passes([t.name.as_str()]))
            .collect()
    }

    pub(super) fn topic_keys(&self) -> Vec<String> {
        self.topics().iter().map(|t| t.name.clone()).collect()
    }

    /// Whether topics and records stand beside each other, so that the topic under the cursor is read.
    #[must_use]
    pub fn messages_wide(&self) -> bool {
        self.size.0 >= 116
    }

    /// The topic whose records are shown.
    #[must_use]
    pub fn messages_topic(&self) -> Option<&String> {
        match self.messages.level {
            Level::Topics if self.messages_wide() => self.messages.topics.key(),
            Level::Topics => None,
            Level::Records | Level::Record => self.messages.topic.as_ref(),
        }
    }

    pub(super) fn messages_focus(&self) -> MessagesFocus {
        if self.screen != Screen::Messages {
            return MessagesFocus::default();
        }
        MessagesFocus {
            topic: self.messages_topic().cloned(),
            start: self.messages.start,
            filter: self.messages_filter().clone(),
            mode: self.messages.mode(),
            page: self.messages.page,
        }
    }

    /// What was read, where it is of this topic and this start.
    #[must_use]
    pub fn messages_shown(&self) -> Option<&Messages> {
        let shown = self.shown.messages.value.as_deref()?;
        let same = Some(&shown.asked.topic) == self.messages_topic().cloned().map(Some).as_ref()
            && shown.asked.start == self.messages.start;
        same.then_some(shown)
    }

    pub(super) fn message_keys(&self) -> Vec<(i32, i64)> {
        let rows = self.messages_shown().map(|m| m.rows.iter());
        rows.into_iter().flatten().map(|m| m.place()).collect()
    }

    /// The index of the record that is looked at.
    #[must_use]
    pub fn message_at(&self) -> Option<usize> {
        let keys = self.message_keys();
        let last = keys.len().checked_sub(1)?;
        let usual = match self.messages.mode() {
            Reading::Tail => last,
            _ => 0,
        };
        Some(self.messages.cursor.index(&keys).unwrap_or(usual))
    }

    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        let at = self.message_at()?;
        self.messages_shown()?.rows.get(at).map(AsRef::as_ref)
    }

    pub(super) fn settle_messages(&mut self) {
        let rows = self.topic_keys();
        if self.messages.level == Level::Topics {
            self.messages.topics.settle_from(&rows, 0);
        }
        let Some(state) = self.messages_shown().map(|m| m.state) else {
            return;
        };
        let rows = self.message_keys();
        let Some(key) = self.messages.cursor.key().copied() else {
            return;
        };
        // While it is read the row may still come.
        if state == SearchState::Reading || rows.is_empty() || rows.contains(&key) {
            if rows.contains(&key) {
                self.messages.cursor.settle(&rows);
            }
            return;
        }
        let after = rows
            .iter()
            .find(|(p, offset)| *p == key.0 && *offset >= key.1);
        let near = after.or(match self.messages.mode() {
            Reading::Tail => rows.first(),
            _ => rows.last(),
        });
        if let Some(near) = near {
            self.messages.cursor.set(*near);
        }
    }

    pub(super) fn open_message(&mut self) {
        match self.messages.level {
            Level::Topics => {
                let Some(topic) = self.messages.topics.key().cloned() else {
                    return;
                };
                self.messages.topic = Some(topic);
                self.messages.level = Level::Records;
            }
            Level::Records => {
                let Some(place) = self.message().map(Message::place) else {
                    return;
                };
                // One record stays while it is read.
                self.messages.cursor.set(place);
                self.messages.level = Level::Record;
                self.messages.scroll = 0;
            }
            Level::Record => {}
        }
    }

    /// One step back; whether there was one. `leaves`: also to the screen that one came from.
    pub(super) fn close_message(&mut self, leaves: bool) -> bool {
        match self.messages.level {
            Level::Record => {
                self.messages.level = Level::Records;
                self.messages.scroll = 0;
            }
            Level::Records if leaves && !self.messages_filter().text().is_empty() => return false,
            Level::Records => {
                if let Some(screen) = self.messages.from.take_if(|_| leaves) {
                    self.messages.begin(Start::default());
                    self.messages.level = Level::Topics;
                    self.go(screen);
                } else if leaves && self.messages.start != Start::default() {
                    self.messages.begin(Start::default());
                } else {
                    self.messages.begin(Start::default());
                    self.messages.level = Level::Topics;
                }
            }
            Level::Topics => return false,
        }
        true
    }

    pub(super) fn step_messages(&mut self, motion: Motion) {
        match self.messages.level {
            Level::Topics => {
                let rows = self.topic_keys();
                self.messages.topics.step(&rows, motion);
            }
            Level::Records => self.step_records(motion),
            Level::Record => scroll(&mut self.messages.scroll, motion),
        }
    }

    fn step_records(&mut self, motion: Motion) {
        let rows = self.message_keys();
        let (Some(at), Some(state)) = (self.message_at(), self.messages_shown().map(|m| m.state))
        else {
            return;
        };
        let last = rows.len() - 1;
        self.messages.scroll = 0;
        match (motion, self.messages.mode()) {
            (Motion::Bottom, Reading::Tail) => self.messages.cursor.clear(),
            (Motion::Down | Motion::PageDown(_), Reading::Tail) if at == last => {
                self.messages.cursor.clear();
            }
            (Motion::Down | Motion::PageDown(_) | Motion::Bottom, _) if at == last => match state {
                SearchState::More => {
                    self.messages.page += 1;
                    self.messages.cursor.clear();
                }
                SearchState::End if motion == Motion::Bottom => {
                    self.messages.begin(Start::default())
                }
                _ => {}
            },
            (Motion::Up | Motion::PageUp(_), _) if at == 0 => self.look_earlier(rows[0]),
            _ => {
                self.messages.cursor.set(rows[at]);
                self.messages.cursor.step(&rows, motion);
            }
        }
    }

    /// More of what stands before, where one looks at one partition.
    fn look_earlier(&mut self, (partition, offset): (i32, i64)) {
        let place = self.messages_shown().and_then(|m| m.partitions.first());
        let (Start::Offset { .. }, Some(place)) = (self.messages.start, place) else {
            return;
        };
        if place.from > place.first {
            self.messages.begin(Start::Offset {
                partition,
                offset: (place.from - EARLIER).max(place.first),
            });
            self.messages.cursor.set((partition, offset));
        }
    }

    /// Begins to read from what was typed; or says how to write it.
    pub(super) fn start_messages(&mut self, form: StartForm) {
        match Start::parse(form.input.value()) {
            Ok(start) => {
                if self.messages.level == Level::Topics {
                    self.open_message();
                }
                self.messages.level = self.messages.level.min(Level::Records);
                self.messages.begin(start);
            }
            Err(sentence) => {
                self.toasts.say(Tone::Hint, sentence);
                self.overlay = Some(Overlay::Start(form));
            }
        }
    }

    /// Where the record of what is under the cursor stands.
    pub(super) fn record_place(&self) -> Result<Jump, &'static str> {
        match self.screen {
            Screen::Letters => {
                let letters = self.letters();
                let here = self
                    .letters
                    .letter
                    .key()
                    .ok_or("There is no letter under the cursor")?;
                let letter = letters.iter().find(|l| l.id == *here);
                let letter = letter.ok_or("There is no letter under the cursor")?;
                match (&letter.topic, letter.partition, letter.offset, &letter.dlq) {
                    (Some(topic), Some(partition), Some(offset), _) => {
                        Ok(Jump::at(topic, partition, offset))
                    }
                    (.., Some(dlq)) => Ok(Jump::at(&dlq.topic, dlq.partition, dlq.offset)),
                    _ => Err("Nothing says where this letter's record stands"),
                }
            }
            Screen::Lag => {
                let Some(LagKey::Partition(group, topic, partition)) = self.lag.cursor.key() else {
                    return Err("A group or a topic is no single place: unfold it to a partition");
                };
                let groups = self.shown.lag.value.iter().flat_map(|g| g.iter());
                let topics = groups.filter(|g| g.group == *group).flat_map(|g| &g.topics);
                let rows = topics
                    .filter(|t| t.topic == *topic)
                    .flat_map(|t| &t.partitions);
                let row = rows.into_iter().find(|p| p.partition == *partition);
                match row.and_then(|p| p.committed) {
                    Some(offset) => Ok(Jump::at(topic, *partition, offset)),
                    None => Err(
                        "This group has committed no offset here, so there is no record to go to",
                    ),
                }
            }
            Screen::Outbox => {
                let sent = self.shown.outbox.value.iter().flat_map(|o| &o.sent);
                let Some(OutboxKey::Sent(seq)) = self.outbox.key() else {
                    return Err("Only a row that was sent has a record");
                };
                let row = sent.into_iter().find(|row| row.seq == *seq);
                let row = row.ok_or("There is no row under the cursor")?;
                Ok(Jump::at(&row.topic, row.partition, row.offset))
            }
            _ => {
                let here = self.event_key();
                let events = self.events();
                let event = events.iter().find(|e| Some(e.position) == here);
                let event = event.ok_or("There is no event under the cursor")?;
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
                    filter: event.event_id.to_string(),
                })
            }
        }
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

    /// The filter of the records, whatever the cursor is in.
    #[must_use]
    pub fn messages_filter(&self) -> &Filter {
        self.filter_of(Screen::Messages.tab().0)
    }

    fn topics_filter(&self) -> &Filter {
        self.filter_of(App::TOPICS)
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
            start: Start::Offset {
                partition,
                offset: (offset - BEFORE).max(0),
            },
            target: Some((partition, offset)),
            filter: String::new(),
        }
    }
}
