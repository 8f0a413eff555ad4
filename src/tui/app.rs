//! The state of the screen: what is shown, where one is, what lies on top. It changes by a key, a
//! snapshot or an outcome, and never by itself: no clock, no channel, no I/O.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::cursor::Cursor;
use super::frame::Frame;
use super::keymap::{Code, Key, Keymap};
use super::lag_rows::LagKey;
use super::messages::MessagesView;
use super::overlay::Overlay;
use super::rows::{FlowKey, OutboxKey};
use super::settings::Settings;
use super::sieve::Sieve;
use super::sort::{List, Sort};
use super::steady::Latencies;
use super::theme::Theme;
use super::toast::{Toasts, Tone};
use super::views::{ActivityView, ConsumersView, Depth, LagView, LettersView, TimelineView};
use crate::command::{Command, LettersFocus, Screen};
use crate::config::ConfigError;
use crate::snapshot::{Snapshot, VerdictKind};

/// Everything a frame is drawn from.
#[derive(Clone, Debug)]
pub struct App {
    pub theme: Theme,
    pub themes: Vec<Theme>,
    pub keys: Keymap,
    pub frame: Option<Frame>,
    pub ascii: bool,
    /// The snapshot on screen.
    pub shown: Arc<Snapshot>,
    /// The newest one; the same unless frozen or slowed.
    pub newest: Arc<Snapshot>,
    pub frozen: bool,
    /// The shortest time between two shown snapshots.
    pub every: Duration,
    pub size: (u16, u16),
    pub screen: Screen,
    pub flow: Cursor<FlowKey>,
    pub lag: LagView,
    pub consumers: ConsumersView,
    pub outbox: Cursor<OutboxKey>,
    pub letters: LettersView,
    pub timeline: TimelineView,
    pub messages: MessagesView,
    pub activity: ActivityView,
    pub overlay: Option<Overlay>,
    pub toasts: Toasts,
    pub quit: bool,
    /// Text that a person wants to go on with in an editor of their own.
    pub editor: Option<String>,
    pub(super) filters: BTreeMap<char, Sieve>,
    /// The time that the newest snapshot says, before that the memory's; `None` while nobody said any.
    pub(super) now: Option<DateTime<Utc>>,
    pub(super) sorts: BTreeMap<List, Sort>,
    /// The theme that a person chose, now or another time.
    pub(super) chosen_theme: Option<String>,
    /// What the terminal is asked to put on its clipboard.
    pub(super) copied: Option<String>,
    latencies: Latencies,
    /// Snapshots that are shown at once because they answer a key.
    pub(super) hurry: u8,
    /// What was asked and is not answered yet, for the words of the answer.
    pub(super) asked: Vec<(Uuid, Command)>,
}

impl App {
    #[must_use]
    pub fn new(settings: &Settings, size: (u16, u16)) -> Self {
        let empty = Arc::new(Snapshot::default());
        let mut app = Self {
            theme: settings.theme.clone(),
            themes: settings.themes.clone(),
            keys: settings.keys.clone(),
            frame: settings.frame,
            ascii: settings.ascii,
            shown: Arc::clone(&empty),
            newest: empty,
            frozen: false,
            every: Duration::ZERO,
            size,
            screen: settings.screen,
            flow: Cursor::default(),
            lag: LagView::default(),
            consumers: ConsumersView::default(),
            outbox: Cursor::default(),
            letters: LettersView::default(),
            timeline: TimelineView::default(),
            messages: MessagesView::default(),
            activity: ActivityView::default(),
            overlay: None,
            toasts: Toasts::default(),
            quit: false,
            editor: None,
            filters: BTreeMap::new(),
            now: None,
            sorts: BTreeMap::new(),
            chosen_theme: None,
            copied: None,
            latencies: Latencies::default(),
            hurry: 0,
            asked: Vec::new(),
        };
        if let Some(memory) = &settings.memory {
            app.recall(memory);
        }
        app
    }

    /// A key was pressed. What it asks of the engine, if anything, is returned.
    pub fn on_key(&mut self, key: Key) -> Option<Command> {
        if key.ctrl && key.code == Code::Char('c') {
            self.quit = true;
            return None;
        }
        let before = self.focus();
        let command = match self.overlay.take() {
            Some(overlay) => self.on_overlay_key(overlay, key),
            None => {
                let action = self.keys.action(self.screen, key)?;
                self.act(action)
            }
        };
        if self.focus() != before {
            self.hurry = 4;
        }
        command
    }

    /// Text was pasted. It goes into an open field, and nowhere else.
    pub fn on_paste(&mut self, text: &str) {
        if let Some(Overlay::Edit(form)) = &mut self.overlay {
            form.paste(text);
            return;
        }
        for c in text.chars().filter(|c| !c.is_control()) {
            if self.overlay.as_ref().is_some_and(Overlay::types) {
                self.on_key(Key::plain(Code::Char(c)));
            }
        }
    }

    pub fn on_resize(&mut self, width: u16, height: u16) {
        self.size = (width, height);
    }

    /// The theme's file was saved: it is seen at once, or what is wrong with it is said.
    pub fn on_theme(&mut self, read: Result<Theme, ConfigError>) {
        match read {
            Ok(theme) => {
                if self.theme.name == theme.name {
                    self.theme = theme.clone();
                }
                match self.themes.iter_mut().find(|t| t.name == theme.name) {
                    Some(old) => *old = theme,
                    None => self.themes.push(theme),
                }
            }
            Err(error) => self.toasts.say(Tone::Refused, error.to_string()),
        }
    }

    /// A snapshot came. It is shown unless the screen is frozen or shows news less often.
    pub fn on_snapshot(&mut self, snapshot: Arc<Snapshot>) {
        self.toasts.tick(snapshot.every);
        self.newest = Arc::clone(&snapshot);
        if snapshot.seq > 0 {
            self.pass_time(snapshot.taken);
        }
        for dependency in &snapshot.health {
            if let Some(latency) = dependency.latency {
                self.latencies
                    .see(&dependency.name, snapshot.taken, latency);
            }
        }
        let first = self.shown.seq == 0;
        let passed = (snapshot.taken - self.shown.taken)
            .to_std()
            .unwrap_or_default();
        let due = self.hurry > 0 || passed + Duration::from_millis(20) >= self.every;
        if first || (due && !self.frozen) {
            self.hurry = self.hurry.saturating_sub(1);
            self.shown = snapshot;
            self.settle();
        }
    }

    /// Every cursor finds its row again; trouble unfolds itself, once.
    pub(super) fn settle(&mut self) {
        let shown = Arc::clone(&self.shown);
        for group in shown.lag.value.iter().flat_map(|groups| groups.iter()) {
            if group.verdict.kind < VerdictKind::AtRisk {
                continue;
            }
            self.unfold_once(LagKey::Group(group.group.clone()));
            for topic in &group.topics {
                if topic.verdict.kind >= VerdictKind::AtRisk && topic.partitions.len() <= 24 {
                    let key = LagKey::Topic(group.group.clone(), topic.topic.clone());
                    self.unfold_once(key);
                }
            }
        }
        self.settle_screen();
    }

    pub(super) fn settle_screen(&mut self) {
        match self.screen {
            Screen::Flow => {
                // What is wrong is what to see first.
                let rows = self.flow_keys();
                let finding = |key: &FlowKey| matches!(key, FlowKey::Finding(_));
                let first = rows.iter().position(finding).unwrap_or(0);
                self.flow.settle_from(&rows, first);
            }
            Screen::Lag => {
                let rows = self.lag_keys();
                self.lag.cursor.settle(&rows);
            }
            Screen::Consumers => {
                let rows = self.consumer_keys();
                self.consumers.cursor.settle(&rows);
            }
            Screen::Outbox => {
                let rows = self.outbox_rows();
                self.outbox.settle(&rows);
            }
            Screen::Letters => {
                let rows = self.cause_keys();
                let open = self.letters.cause.index(&rows).is_some();
                if !open && !rows.is_empty() {
                    // The cause that was open is gone: its neighbour is not opened in its place.
                    self.letters.depth = Depth::Causes;
                }
                self.letters.cause.settle(&rows);
                if !open {
                    self.letters.letter.clear();
                }
                let rows = self.letter_keys();
                self.letters.letter.settle(&rows);
                self.renew_marked();
            }
            Screen::Timeline => {
                // One that is open stays.
                if !self.timeline.following() && self.timeline.opened.is_none() {
                    let rows = self.event_keys();
                    self.timeline.cursor.settle(&rows);
                }
            }
            Screen::Messages => self.settle_messages(),
            Screen::Activity => {
                let rows = self.operation_keys();
                self.activity.operation.settle_from(&rows, 0);
                let rows = self.audit_keys();
                self.activity.audit.settle_from(&rows, 0);
                if self.activity.log.key().is_some() {
                    let rows = self.log_keys();
                    self.activity.log.settle(&rows);
                }
            }
        }
    }

    fn unfold_once(&mut self, key: LagKey) {
        self.lag.unfolded.entry(key).or_insert(true);
    }

    /// The colour of this stack: production's own, else the profile's.
    #[must_use]
    pub fn frame(&self) -> Option<Frame> {
        let production = self.shown.stack.production;
        production
            .then(|| Frame::production(&self.theme))
            .or(self.frame)
    }

    #[must_use]
    pub fn is_unfolded(&self, key: &LagKey, by_default: bool) -> bool {
        self.lag.unfolded.get(key).copied().unwrap_or(by_default)
    }

    /// How old the screen is, when it is frozen.
    #[must_use]
    pub fn frozen_for(&self) -> Option<Duration> {
        let age = (self.newest.taken - self.shown.taken).to_std();
        self.frozen.then(|| age.unwrap_or_default())
    }

    /// Lines of a list on this screen, roughly: what a page up or down moves by.
    #[must_use]
    pub fn page(&self) -> usize {
        usize::from(self.size.1).saturating_sub(8).max(1)
    }

    pub(super) fn letters_focus(&self) -> LettersFocus {
        LettersFocus {
            fingerprint: self.letters.fingerprint().cloned(),
            filter: self.sieve(Screen::Letters).filter().clone(),
            order: self.letter_order(),
            archived: self.letters.archived,
            from: self.letters.from,
            rows: u32::from(self.size.1).max(20) * 3,
            letter: self.letters.letter.key().copied(),
        }
    }

    /// What a dependency's recent round trips stayed below.
    #[must_use]
    pub fn latency_below(&self, dependency: &str) -> Option<Duration> {
        self.latencies.below(dependency)
    }

    /// How old a time is on the shown snapshot.
    #[must_use]
    pub fn age(&self, at: DateTime<Utc>) -> Duration {
        (self.shown.taken - at).to_std().unwrap_or_default()
    }
}
