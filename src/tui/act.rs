//! What each action does to the screen, and which command it asks for.

use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::app::{App, Depth, Pane};
use super::cursor::Motion;
use super::overlay::{Confirm, Faults, Filter, Inject, Overlay, Replay};
use super::rows::{LagKey, OutboxKey};
use super::toast::Tone;
use crate::command::{Anchor, Command, EventChoice, LetterChoice, Screen};
use crate::domain::stored::EventFilter;
use crate::snapshot::{Place, short_id};

/// The steps of "show news less often"; the first shows everything.
const EVERY: [u64; 6] = [0, 500, 1_000, 2_000, 5_000, 10_000];

impl App {
    pub(super) fn act(&mut self, action: Action) -> Option<Command> {
        if let Some(reason) = self.why_not(action) {
            self.toasts.say(Tone::Hint, reason);
            return None;
        }
        let page = self.page();
        match action {
            Action::Go(screen) => self.go(screen),
            Action::NextScreen => self.go(neighbour(self.screen, 1)),
            Action::PreviousScreen => self.go(neighbour(self.screen, Screen::ALL.len() - 1)),
            Action::Up => self.step(Motion::Up),
            Action::Down => self.step(Motion::Down),
            Action::PageUp => self.step(Motion::PageUp(page)),
            Action::PageDown => self.step(Motion::PageDown(page)),
            Action::Top => self.step(Motion::Top),
            Action::Bottom => self.step(Motion::Bottom),
            Action::Left => self.sideways(false),
            Action::Right => self.sideways(true),
            Action::Open => self.open(),
            Action::Back => self.back(),
            Action::Mark => self.mark(),
            Action::MarkAll => self.mark_all(),
            Action::Raw => self.timeline.raw = !self.timeline.raw,
            Action::Correlation => self.follow_correlation(),
            Action::Freeze => self.freeze(),
            Action::Faster => self.refresh(-1),
            Action::Slower => self.refresh(1),
            Action::Theme => self.theme = self.theme.next(),
            Action::Help => self.overlay = Some(Overlay::Help { scroll: 0 }),
            Action::Filter => {
                let filter = Filter::new(self.filter(self.screen).to_owned());
                self.overlay = Some(Overlay::Filter(filter));
            }
            Action::Inject => self.overlay = Some(Overlay::Inject(Inject::new())),
            Action::Quit => self.quit = true,
            Action::Redrive => self.ask_redrive(),
            Action::RedriveMany => self.ask_redrive_many(),
            Action::Replay => return self.ask_replay(false),
            Action::ReplayMany => return self.ask_replay(true),
            Action::PauseConsumer => self.ask_pause(),
            Action::ResumeConsumer => {
                let service = self.consumers.cursor.key()?.clone();
                return Some(Command::ResumeConsumer { service });
            }
            Action::Faults => self.ask_faults(),
            Action::CancelOperation => self.ask_cancel(),
            Action::TrafficDown => return Some(self.traffic(false)),
            Action::TrafficUp => return Some(self.traffic(true)),
        }
        None
    }

    fn go(&mut self, screen: Screen) {
        self.screen = screen;
        self.settle();
    }

    fn step(&mut self, motion: Motion) {
        match self.screen {
            Screen::Flow => {
                let rows = self.finding_keys();
                self.flow.step(&rows, motion);
            }
            Screen::Lag => {
                let rows = self.lag_keys();
                self.lag.cursor.step(&rows, motion);
            }
            Screen::Consumers => {
                let rows = self.consumer_keys();
                self.consumers.cursor.step(&rows, motion);
            }
            Screen::Outbox => {
                let rows = self.outbox_rows();
                self.outbox.step(&rows, motion);
            }
            Screen::Letters => self.step_letters(motion),
            Screen::Timeline => self.step_timeline(motion),
            Screen::Activity => self.step_activity(motion),
        }
    }

    fn step_letters(&mut self, motion: Motion) {
        match self.letters.depth {
            Depth::Causes => {
                let rows = self.cause_keys();
                self.letters.cause.step(&rows, motion);
                self.letters.letter.clear();
                self.letters.from = 0;
                let rows = self.letter_keys();
                self.letters.letter.settle(&rows);
            }
            Depth::Letters => {
                let rows = self.letter_keys();
                self.letters.letter.step(&rows, motion);
                self.letters.scroll = 0;
                self.move_letter_window(&rows);
            }
            Depth::Detail => scroll(&mut self.letters.scroll, motion),
        }
    }

    /// Asks for other letters when the cursor comes near the end of those that are here.
    fn move_letter_window(&mut self, rows: &[uuid::Uuid]) {
        const NEAR: usize = 8;
        let Some(letters) = &self.shown.letters.value else {
            return;
        };
        let Some(at) = self.letters.letter.index(rows) else {
            return;
        };
        let end = letters.rows_from + letters.rows.len() as u64;
        let low = at < NEAR && letters.rows_from > 0;
        let high = at + NEAR > rows.len() && end < letters.rows_total;
        if low || high {
            let half = letters.rows.len() as u64 / 2;
            self.letters.from = (letters.rows_from + at as u64).saturating_sub(half);
        }
    }

    fn step_timeline(&mut self, motion: Motion) {
        if self.timeline.open {
            scroll(&mut self.timeline.scroll, motion);
            return;
        }
        let rows = self.event_keys();
        let Some(last) = rows.len().checked_sub(1) else {
            return;
        };
        let (at_start, at_end) = match &self.shown.timeline.value {
            Some(timeline) => (timeline.at_start, timeline.at_end),
            None => (true, true),
        };
        let at = self.timeline.cursor.index(&rows).unwrap_or(last);
        self.timeline.scroll = 0;
        match motion {
            Motion::Bottom => {
                self.timeline.anchor = Anchor::Newest;
                self.timeline.cursor.clear();
            }
            Motion::Down | Motion::PageDown(_) if at == last && at_end => {
                self.timeline.anchor = Anchor::Newest;
                self.timeline.cursor.clear();
            }
            // The neighbour page shares one row with this one, so the cursor keeps its row.
            Motion::Down | Motion::PageDown(_) if at == last => {
                self.timeline.cursor.set(rows[last]);
                self.timeline.anchor = Anchor::After(rows[last.saturating_sub(1)]);
            }
            Motion::Up | Motion::PageUp(_) | Motion::Top if at == 0 && !at_start => {
                self.timeline.cursor.set(rows[0]);
                self.timeline.anchor = Anchor::Before(rows[1.min(last)]);
            }
            _ => {
                if self.timeline.cursor.key().is_none() {
                    self.timeline.cursor.set(rows[last]);
                }
                self.timeline.cursor.step(&rows, motion);
                // Hold the page still while it is read.
                if self.timeline.anchor == Anchor::Newest && !at_start {
                    self.timeline.anchor = Anchor::After(rows[0]);
                }
            }
        }
    }

    fn step_activity(&mut self, motion: Motion) {
        match self.activity.pane {
            Pane::Operations => {
                let rows = self.operation_keys();
                self.activity.operation.step(&rows, motion);
            }
            Pane::Audit => {
                let rows = self.audit_keys();
                self.activity.audit.step(&rows, motion);
            }
            Pane::Log => {
                let rows = self.log_keys();
                let Some(last) = rows.last() else { return };
                if self.activity.log.key().is_none() {
                    self.activity.log.set(*last);
                }
                self.activity.log.step(&rows, motion);
                if self.activity.log.key() == Some(last) {
                    self.activity.log.clear();
                }
            }
        }
    }

    fn sideways(&mut self, right: bool) {
        match self.screen {
            Screen::Lag => self.fold(right),
            Screen::Activity => {
                self.activity.pane = match (self.activity.pane, right) {
                    (Pane::Operations, true) | (Pane::Log, false) => Pane::Audit,
                    (Pane::Audit, true) | (Pane::Operations, false) => Pane::Log,
                    (Pane::Log, true) | (Pane::Audit, false) => Pane::Operations,
                };
            }
            Screen::Letters | Screen::Timeline | Screen::Consumers if right => self.open(),
            Screen::Letters if self.letters.depth > Depth::Causes => self.back(),
            Screen::Timeline if self.timeline.open => self.timeline.open = false,
            Screen::Consumers => self.consumers.open = false,
            _ => {}
        }
    }

    fn fold(&mut self, unfold: bool) {
        let Some(key) = self.lag.cursor.key().cloned() else {
            return;
        };
        let open = self
            .lag_rows()
            .iter()
            .find(|row| row.key() == key)
            .and_then(|row| row.open);
        if open == Some(!unfold) {
            self.lag.unfolded.insert(key, unfold);
            return;
        }
        let parent = match key {
            LagKey::Partition(group, topic, _) => LagKey::Topic(group, topic),
            LagKey::Topic(group, _) => LagKey::Group(group),
            LagKey::Group(_) => return,
        };
        if !unfold {
            self.lag.cursor.set(parent);
        }
        let rows = self.lag_keys();
        self.lag.cursor.settle(&rows);
    }

    fn open(&mut self) {
        match self.screen {
            Screen::Flow => {
                let place = self.flow.key().map(|(place, _)| place.clone());
                if let Some(place) = place {
                    self.jump(place);
                }
            }
            Screen::Lag => {
                let Some(key) = self.lag.cursor.key().cloned() else {
                    return;
                };
                let rows = self.lag_rows();
                let open = rows.iter().find(|r| r.key() == key).and_then(|r| r.open);
                if let Some(open) = open {
                    self.lag.unfolded.insert(key, !open);
                }
            }
            Screen::Consumers => self.consumers.open = !self.consumers.open,
            Screen::Outbox => self.open_outbox_row(),
            Screen::Letters => {
                self.letters.depth = match self.letters.depth {
                    Depth::Causes if self.letters.cause.key().is_some() => Depth::Letters,
                    Depth::Letters if self.letters.letter.key().is_some() => Depth::Detail,
                    depth => depth,
                };
                self.letters.scroll = 0;
                self.settle();
            }
            Screen::Timeline => {
                if let (Some(position), true) = (self.event_key(), !self.timeline.open) {
                    self.timeline.cursor.set(position);
                    self.timeline.open = true;
                }
            }
            Screen::Activity => {}
        }
    }

    /// The event of an outbox row, in the timeline.
    fn open_outbox_row(&mut self) {
        let Some(outbox) = &self.shown.outbox.value else {
            return;
        };
        let id = match self.outbox.key() {
            Some(OutboxKey::Waiting(seq)) => {
                outbox.head.iter().find(|r| r.seq == *seq).map(|r| r.id)
            }
            Some(OutboxKey::Sent(seq)) => outbox.sent.iter().find(|r| r.seq == *seq).map(|r| r.id),
            _ => None,
        };
        if let Some(id) = id {
            let filter = EventFilter {
                event_id: Some(id),
                ..EventFilter::default()
            };
            self.look_at_events(filter);
        }
    }

    fn look_at_events(&mut self, filter: EventFilter) {
        self.timeline.filter = filter;
        self.timeline.anchor = Anchor::Newest;
        self.timeline.cursor.clear();
        self.timeline.open = false;
        self.go(Screen::Timeline);
    }

    /// Goes to where a finding leads.
    pub fn jump(&mut self, place: Place) {
        match place {
            Place::Flow => self.go(Screen::Flow),
            Place::Outbox => self.go(Screen::Outbox),
            Place::Timeline => self.go(Screen::Timeline),
            Place::Activity => self.go(Screen::Activity),
            Place::Consumer { service } => {
                self.consumers.cursor.set(service);
                self.go(Screen::Consumers);
            }
            Place::Letters { fingerprint } => {
                self.letters.depth = Depth::Causes;
                if let Some(fingerprint) = fingerprint {
                    self.letters.cause.set(fingerprint);
                    self.letters.letter.clear();
                }
                self.go(Screen::Letters);
            }
            Place::Lag {
                group,
                topic,
                partition,
            } => {
                self.lag.unfolded.insert(LagKey::Group(group.clone()), true);
                let key = match (topic, partition) {
                    (Some(topic), Some(partition)) => {
                        let above = LagKey::Topic(group.clone(), topic.clone());
                        self.lag.unfolded.insert(above, true);
                        LagKey::Partition(group, topic, partition)
                    }
                    (Some(topic), None) => LagKey::Topic(group, topic),
                    (None, _) => LagKey::Group(group),
                };
                self.lag.cursor.set(key);
                self.go(Screen::Lag);
            }
        }
    }

    /// One step back: toasts, detail, list, filter. Never out of the program.
    fn back(&mut self) {
        if !self.toasts.rows().is_empty() {
            self.toasts.clear();
            return;
        }
        match self.screen {
            Screen::Letters if self.letters.depth == Depth::Detail => {
                self.letters.depth = Depth::Letters;
            }
            Screen::Letters if self.letters.depth == Depth::Letters => {
                self.letters.depth = Depth::Causes;
            }
            Screen::Timeline if self.timeline.open => self.timeline.open = false,
            Screen::Timeline if self.timeline.filter != EventFilter::default() => {
                self.look_at_events(EventFilter::default());
            }
            Screen::Consumers if self.consumers.open => self.consumers.open = false,
            _ => self.set_filter(String::new()),
        }
    }

    fn mark(&mut self) {
        if let Some(id) = self.letters.letter.key().copied() {
            if !self.letters.marked.remove(&id) {
                self.letters.marked.insert(id);
            }
            self.step_letters(Motion::Down);
        }
    }

    fn mark_all(&mut self) {
        if self.letters.marked.is_empty() {
            self.letters.marked = self.letter_keys().into_iter().collect();
        } else {
            self.letters.marked.clear();
        }
    }

    fn follow_correlation(&mut self) {
        let Some(position) = self.event_key() else {
            return;
        };
        let found = self.events().into_iter().find(|e| e.position == position);
        if let Some(id) = found.map(|event| event.correlation_id) {
            self.look_at_events(EventFilter {
                correlation_id: Some(id),
                ..EventFilter::default()
            });
        }
    }

    fn freeze(&mut self) {
        self.frozen = !self.frozen;
        if !self.frozen {
            self.shown = Arc::clone(&self.newest);
            self.settle();
        }
    }

    fn refresh(&mut self, by: isize) {
        let now = EVERY
            .iter()
            .position(|ms| Duration::from_millis(*ms) >= self.every)
            .unwrap_or(0);
        let next = now.saturating_add_signed(by).min(EVERY.len() - 1);
        self.every = Duration::from_millis(EVERY[next]);
    }

    fn ask_redrive(&mut self) {
        let letters = self.letters();
        let Some(letter) = letters
            .iter()
            .find(|l| Some(&l.id) == self.letters.letter.key())
        else {
            return;
        };
        let confirm = Confirm::new(
            Command::Redrive {
                letters: LetterChoice::Ids(vec![letter.id]),
                rate: REDRIVE_RATE,
            },
            "Redrive 1 letter",
            vec![
                ("letter", short_id(letter.id)),
                (
                    "record",
                    format!("{}/{} @ {}", letter.topic, letter.partition, letter.offset),
                ),
                ("to", format!("{} only; other groups skip it", letter.group)),
                ("failed", format!("{}: {}", letter.code, letter.message)),
            ],
            1,
        );
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    fn ask_redrive_many(&mut self) {
        let Some(cause) = self
            .causes()
            .iter()
            .find(|c| Some(&c.fingerprint) == self.letters.fingerprint())
        else {
            return;
        };
        let marked: Vec<_> = self.letters.marked.iter().copied().collect();
        let by_marks = !marked.is_empty() && self.letters.depth > Depth::Causes;
        let confirm = if by_marks {
            let count = marked.len() as u64;
            Confirm::new(
                Command::Redrive {
                    letters: LetterChoice::Ids(marked),
                    rate: REDRIVE_RATE,
                },
                "Redrive the marked letters",
                vec![
                    ("to", "each to the group that failed; others skip it".into()),
                    ("rate", format!("at most {REDRIVE_RATE}/s")),
                ],
                count,
            )
        } else {
            Confirm::new(
                Command::Redrive {
                    letters: LetterChoice::Cause(cause.fingerprint.clone()),
                    rate: REDRIVE_RATE,
                },
                "Redrive every open letter of this cause",
                vec![
                    ("cause", format!("{}: {}", cause.code, cause.title)),
                    (
                        "to",
                        format!("{} only; other groups skip them", cause.group),
                    ),
                    ("rate", format!("at most {REDRIVE_RATE}/s")),
                ],
                cause.count,
            )
        };
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    /// Opens the replay form and asks how many events it would be.
    fn ask_replay(&mut self, stream: bool) -> Option<Command> {
        let position = self.event_key()?;
        let event = self.events().into_iter().find(|e| e.position == position)?;
        let (events, what) = if stream {
            let filter = EventFilter {
                stream: Some(event.stream.clone()),
                ..EventFilter::default()
            };
            (
                EventChoice::Matching(filter),
                format!("stream {}", event.stream),
            )
        } else {
            let what = format!(
                "{} v{} of {}",
                event.event_type, event.version, event.stream
            );
            (EventChoice::One(position), what)
        };
        let services = self.shown.consumers.iter().map(|c| c.service.clone());
        let form = Replay::new(events, what, services.collect());
        let dry = form.command(true);
        self.overlay = Some(Overlay::Replay(form));
        dry
    }

    fn ask_pause(&mut self) {
        let Some(service) = self.consumers.cursor.key().cloned() else {
            return;
        };
        let confirm = Confirm::new(
            Command::PauseConsumer {
                service: service.clone(),
            },
            "Pause this consumer",
            vec![
                ("consumer", service),
                ("meanwhile", "its lag grows; nothing is lost".into()),
            ],
            1,
        );
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    fn ask_faults(&mut self) {
        let service = self.consumers.cursor.key();
        let consumer = self
            .shown
            .consumers
            .iter()
            .find(|c| Some(&c.service) == service);
        if let Some(consumer) = consumer {
            let form = Faults::new(consumer.service.clone(), &consumer.faults);
            self.overlay = Some(Overlay::Faults(form));
        }
    }

    fn ask_cancel(&mut self) {
        let Some(operation) = self.operation_to_cancel() else {
            return;
        };
        let left = operation.counts.total.saturating_sub(operation.counts.sent);
        let confirm = Confirm::new(
            Command::Cancel {
                operation: operation.id,
            },
            "Cancel the operation",
            vec![
                (
                    "operation",
                    format!("{} {}", operation.kind.name(), operation.what),
                ),
                (
                    "sent",
                    format!("{} of {}", operation.counts.sent, operation.counts.total),
                ),
                ("not sent then", left.to_string()),
            ],
            1,
        );
        self.overlay = Some(Overlay::Confirm(self.guard(confirm)));
    }

    fn traffic(&self, more: bool) -> Command {
        const STEPS: [f64; 12] = [
            0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0,
        ];
        let now = self.newest.traffic.rate;
        let orders_per_s = if more {
            STEPS.into_iter().find(|step| *step > now).unwrap_or(now)
        } else {
            let below = STEPS.into_iter().rev().find(|step| *step < now);
            below.unwrap_or(0.0)
        };
        Command::SetTraffic { orders_per_s }
    }

    /// Above a hundred records, and on production always, the count is typed.
    pub(super) fn guard(&self, confirm: Confirm) -> Confirm {
        confirm.guarded(self.shown.stack.production)
    }
}

/// Letters a second that a redrive sends at most.
const REDRIVE_RATE: u32 = 25;

fn neighbour(screen: Screen, by: usize) -> Screen {
    let at = Screen::ALL.iter().position(|s| *s == screen).unwrap_or(0);
    Screen::ALL[(at + by) % Screen::ALL.len()]
}

fn scroll(at: &mut u16, motion: Motion) {
    let page = |lines: usize| u16::try_from(lines).unwrap_or(u16::MAX);
    *at = match motion {
        Motion::Up => at.saturating_sub(1),
        Motion::Down => at.saturating_add(1),
        Motion::PageUp(lines) => at.saturating_sub(page(lines)),
        Motion::PageDown(lines) => at.saturating_add(page(lines)),
        Motion::Top => 0,
        Motion::Bottom => u16::MAX,
    };
}
