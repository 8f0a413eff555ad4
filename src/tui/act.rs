//! What each action does to the screen, and which command it asks for.

use std::sync::Arc;
use std::time::Duration;

use super::action::Action;
use super::app::App;
use super::cursor::Motion;
use super::lag_rows::LagKey;
use super::messages::Level;
use super::overlay::{Filter, Inject, Overlay, StartForm, Themes};
use super::palette::Palette;
use super::rows::{FlowKey, OutboxKey, screen_of};
use super::toast::Tone;
use super::views::Depth;
use crate::command::{Anchor, Command, Screen};
use crate::domain::stored::EventFilter;
use crate::snapshot::{Consumer, Place};

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
            Action::Go(screen) => self.walk(screen),
            Action::NextScreen => self.walk(neighbour(self.screen, 1)),
            Action::PreviousScreen => self.walk(neighbour(self.screen, Screen::ALL.len() - 1)),
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
            Action::Sort => self.sort_next(),
            Action::SortReverse => self.sort_reverse(),
            Action::Copy => self.copy(),
            Action::Write => self.ask_save(),
            Action::Message => self.jump_to_record(),
            Action::Start => {
                let form = StartForm::new(self.messages.start);
                self.overlay = Some(Overlay::Start(form));
            }
            Action::Freeze => self.freeze(),
            Action::Faster => self.refresh(-1),
            Action::Slower => self.refresh(1),
            Action::Theme => {
                let at = self.themes.iter().position(|t| t.name == self.theme.name);
                self.overlay = Some(Overlay::Themes(Themes {
                    at: at.unwrap_or(0),
                    before: self.theme.clone(),
                }));
            }
            Action::Palette => self.overlay = Some(Overlay::Palette(Palette::default())),
            Action::Help => self.overlay = Some(Overlay::Help { scroll: 0 }),
            Action::Filter => {
                let filter = Filter::new(self.sieve(self.screen).clone());
                self.overlay = Some(Overlay::Filter(filter));
            }
            Action::Inject => self.overlay = Some(Overlay::Inject(Inject::new())),
            Action::Quit => self.quit = true,
            Action::Redrive => self.ask_redrive(),
            Action::RedriveMany => self.ask_redrive_many(),
            Action::Edit => self.ask_edit(),
            Action::Archive => self.ask_archive(false),
            Action::ArchiveMany => self.ask_archive(true),
            Action::Unarchive => self.ask_unarchive(false),
            Action::UnarchiveMany => self.ask_unarchive(true),
            Action::Note => self.ask_note(),
            Action::Export => self.ask_export(),
            Action::ShowArchived => self.show_archived(),
            Action::Replay => return self.ask_replay(false),
            Action::ReplayMany => return self.ask_replay(true),
            Action::PauseConsumer => self.ask_pause(),
            Action::ResumeConsumer => {
                let service = self.consumer()?.service.clone();
                return Some(Command::ResumeConsumer { service });
            }
            Action::Faults => self.ask_faults(),
            Action::PauseOperation => {
                let operation = self.unfinished()?.id;
                return Some(Command::PauseOperation { operation });
            }
            Action::ResumeOperation => {
                let operation = self.unfinished()?.id;
                return Some(Command::ResumeOperation { operation });
            }
            Action::CancelOperation => self.ask_cancel(),
            Action::TrafficDown => return self.traffic(false),
            Action::TrafficUp => return self.traffic(true),
        }
        None
    }

    /// Goes there by one's own choice: no way back is kept.
    fn walk(&mut self, screen: Screen) {
        self.messages.from = None;
        self.go(screen);
    }

    pub(super) fn go(&mut self, screen: Screen) {
        self.screen = screen;
        self.settle();
    }

    pub(super) fn open(&mut self) {
        match self.screen {
            Screen::Flow => self.open_flow(),
            Screen::Lag => {
                let here = self.lag_here();
                if let Some((key, open)) = here.and_then(|row| Some((row.key(), row.open?))) {
                    self.fold_row(key, !open);
                }
            }
            Screen::Consumers => {
                self.consumers.open = !self.consumers.open && self.consumer().is_some();
            }
            Screen::Outbox => self.open_outbox_row(),
            Screen::Letters => {
                self.letters.depth = match self.letters.depth {
                    Depth::Causes if self.cause_here().is_some() => Depth::Letters,
                    Depth::Letters if self.letter_here().is_some() => Depth::Detail,
                    depth => depth,
                };
                self.letters.scroll = 0;
                self.settle();
            }
            Screen::Timeline => {
                if let (Some(event), None) = (self.event_here().cloned(), &self.timeline.opened) {
                    self.timeline.cursor.set(event.position);
                    self.timeline.opened = Some(event);
                }
            }
            Screen::Messages => self.open_message(),
            Screen::Activity => {}
        }
    }

    /// Goes to the screen of what one stands on, with its row selected.
    fn open_flow(&mut self) {
        let place = match self.flow_here() {
            None => return,
            Some(FlowKey::Finding((place, _))) => place,
            Some(FlowKey::Outbox) => Place::Outbox,
            Some(FlowKey::Letters) => Place::Letters { fingerprint: None },
            Some(FlowKey::Store) => Place::Timeline,
            Some(FlowKey::Reader(name)) => {
                if self.shown.consumers.iter().any(|c| c.service == name) {
                    Place::Consumer { service: name }
                } else {
                    Place::Lag {
                        group: name,
                        topic: None,
                        partition: None,
                    }
                }
            }
            Some(FlowKey::Topic(name)) => {
                let groups = self.shown.lag.value.iter().flat_map(|groups| groups.iter());
                let readers = groups.filter_map(|g| {
                    let topic = g.topics.iter().find(|t| t.topic == name)?;
                    Some((topic.verdict.kind, topic.numbers.lag, g.group.clone()))
                });
                // The worst of its readers; of equal ones, the first.
                let worst = readers.reduce(|a, b| if (b.0, b.1) > (a.0, a.1) { b } else { a });
                let Some((_, _, group)) = worst else {
                    self.toasts
                        .say(Tone::Hint, format!("No group reads {name}"));
                    return self.go(Screen::Lag);
                };
                Place::Lag {
                    group,
                    topic: Some(name),
                    partition: None,
                }
            }
        };
        self.jump(place);
    }

    /// The event of an outbox row, in the timeline.
    fn open_outbox_row(&mut self) {
        let Some(outbox) = &self.shown.outbox.value else {
            return;
        };
        let id = match self.outbox_here() {
            Some(OutboxKey::Waiting(seq)) => {
                outbox.head.iter().find(|r| r.seq == seq).map(|r| r.id)
            }
            Some(OutboxKey::Sent(seq)) => outbox.sent.iter().find(|r| r.seq == seq).map(|r| r.id),
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
        self.timeline.opened = None;
        self.go(Screen::Timeline);
    }

    /// Goes to where a finding, or a place of the flow, leads. A filter there must not hide it.
    pub fn jump(&mut self, place: Place) {
        self.clear_filter(screen_of(&place));
        match place {
            Place::Flow => self.go(Screen::Flow),
            Place::Outbox => self.go(Screen::Outbox),
            Place::Timeline => self.go(Screen::Timeline),
            Place::Activity => self.go(Screen::Activity),
            Place::Consumer { service } => {
                let rows = &self.shown.consumers;
                let row = rows.iter().find(|c| c.service == service);
                self.consumers
                    .cursor
                    .set(row.map_or(service, Consumer::name));
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

    /// Whether something lies open that a step back would close.
    #[must_use]
    pub fn leads_back(&self) -> bool {
        let deeper = match self.screen {
            Screen::Letters => self.letters.depth > Depth::Causes,
            Screen::Timeline => {
                self.timeline.opened.is_some() || self.timeline.filter != EventFilter::default()
            }
            Screen::Consumers => self.consumers.open,
            Screen::Messages => self.messages.level > Level::Topics,
            _ => false,
        };
        deeper || !self.filter(self.screen).is_empty()
    }

    /// One step back: toasts, detail, list, filter. Never out of the program.
    pub(super) fn back(&mut self) {
        self.toasts.clear();
        match self.screen {
            Screen::Letters if self.letters.depth == Depth::Detail => {
                self.letters.depth = Depth::Letters;
            }
            Screen::Letters if self.letters.depth == Depth::Letters => {
                self.letters.depth = Depth::Causes;
            }
            Screen::Timeline if self.timeline.opened.is_some() => self.close_event(),
            Screen::Timeline if self.timeline.filter != EventFilter::default() => {
                self.look_at_events(EventFilter::default());
            }
            Screen::Consumers if self.consumers.open => self.consumers.open = false,
            Screen::Messages => {
                if !self.close_message(true) {
                    self.hold_message();
                    self.set_filter(String::new());
                }
            }
            _ => self.set_filter(String::new()),
        }
    }

    /// Back to the list: the cursor is on the event, or near where it stood.
    pub(super) fn close_event(&mut self) {
        self.timeline.opened = None;
        self.settle();
    }

    fn follow_correlation(&mut self) {
        if let Some(id) = self.event_here().map(|event| event.correlation_id) {
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
}

fn neighbour(screen: Screen, by: usize) -> Screen {
    let at = Screen::ALL.iter().position(|s| *s == screen).unwrap_or(0);
    Screen::ALL[(at + by) % Screen::ALL.len()]
}
