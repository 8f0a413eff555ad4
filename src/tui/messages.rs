//! The messages screen: which topic is read from where, and how one walks through its records.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::app::App;
use super::cursor::{Cursor, Motion};
use super::moves::scroll;
use super::overlay::{Overlay, StartForm};
use super::sieve::Sieve;
use super::sort::{List, Sorted, values};
use super::toast::Tone;
use crate::command::{MessagesFocus, Reading, Screen};
use crate::domain::message::Message;
use crate::domain::when::Start;
use crate::snapshot::{Messages, SearchState, Topic};

/// How many records more are read at the top of one partition.
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
    /// The record that is open: it stays while others come.
    pub opened: Option<Arc<Message>>,
    /// The record that was asked for, and where one came from to see it.
    pub target: Option<(i32, i64)>,
    pub from: Option<Screen>,
    /// By topic, partition and offset.
    pub marked: BTreeMap<(String, i32, i64), Arc<Message>>,
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

    pub(super) fn begin(&mut self, start: Start) {
        self.start = start;
        self.page = 0;
        self.cursor.clear();
        self.opened = None;
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
        let filter = self.topics_filter().filter();
        let topics = self.flow_topics().into_iter().chain(dead);
        let mut rows: Vec<_> = topics
            .filter(|t| filter.passes([t.name.as_str()]))
            .collect();
        if let Some(sort) = self.sort(List::Topics) {
            rows.sort_by_cached_key(|t| Sorted(sort, values::of_topic(sort.column, t)));
        }
        rows
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
            Level::Topics if self.messages_wide() => self.topic_here(),
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
            filter: self.messages_filter().filter().clone(),
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
        if let Some(opened) = self.opened_message() {
            return keys.iter().position(|key| *key == opened.place());
        }
        Some(self.messages.cursor.index(&keys).unwrap_or(usual))
    }

    fn opened_message(&self) -> Option<&Arc<Message>> {
        let opened = self.messages.opened.as_ref();
        opened.filter(|_| self.messages.level == Level::Record)
    }

    /// The record that is open, else the one that is looked at.
    #[must_use]
    pub fn message(&self) -> Option<&Message> {
        self.message_row().map(AsRef::as_ref)
    }

    /// The same, to be kept.
    pub(super) fn message_row(&self) -> Option<&Arc<Message>> {
        let looked_at = || self.messages_shown()?.rows.get(self.message_at()?);
        self.opened_message().or_else(looked_at)
    }

    /// Whether a record has a mark.
    #[must_use]
    pub fn is_marked(&self, it: &Message) -> bool {
        let (partition, offset) = it.place();
        let key = (it.record.topic.clone(), partition, offset);
        self.messages.marked.contains_key(&key)
    }

    pub(super) fn settle_messages(&mut self) {
        let rows = self.topic_keys();
        if self.messages.level == Level::Topics {
            self.messages.topics.settle_from(&rows, 0);
        }
        let Some(state) = self.messages_shown().map(|m| m.state) else {
            return;
        };
        if self.messages.level == Level::Record {
            return;
        }
        if self.seeks_record() {
            return self.settle_sought();
        }
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
                let Some(topic) = self.topic_here().cloned() else {
                    return;
                };
                self.messages.topic = Some(topic);
                self.messages.level = Level::Records;
            }
            Level::Records => {
                let Some(message) = self.message_row().cloned() else {
                    return;
                };
                self.messages.cursor.set(message.place());
                self.messages.opened = Some(message);
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
                self.messages.opened = None;
                self.settle_messages();
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
                    if self.seeks_record() {
                        self.clear_filter(Screen::Messages);
                    }
                    self.messages.from = None;
                    self.messages.begin(Start::default());
                    self.messages.level = Level::Topics;
                }
            }
            Level::Topics => return false,
        }
        true
    }

    /// The record that a filter found stays when its neighbours come.
    pub(super) fn hold_message(&mut self) {
        let place = self.message().map(Message::place);
        let found = !self.messages.following() && self.messages.level == Level::Records;
        if let Some(place) = place.filter(|_| found) {
            self.messages.cursor.set(place);
            if self.messages.from.is_some() {
                self.messages.target = Some(place);
            }
        }
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

    /// The filter of the records, whatever the cursor is in.
    #[must_use]
    pub fn messages_filter(&self) -> &Sieve {
        self.filter_of(Screen::Messages.tab().0)
    }

    pub(super) fn topics_filter(&self) -> &Sieve {
        self.filter_of(App::TOPICS)
    }
}
