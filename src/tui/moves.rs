//! Motions: what up, down, sideways and a page mean on each screen.

use super::app::App;
use super::cursor::Motion;
use super::lag_rows::LagKey;
use super::rows::FlowKey;
use super::views::{Depth, Pane};
use crate::command::{Anchor, Screen};
use crate::domain::position::Position;

impl App {
    pub(super) fn step(&mut self, motion: Motion) {
        match self.screen {
            Screen::Flow => {
                let rows = self.flow_keys();
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
            Screen::Messages => self.step_messages(motion),
            Screen::Activity => self.step_activity(motion),
        }
    }

    pub(super) fn step_letters(&mut self, motion: Motion) {
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
    pub(super) fn move_letter_window(&mut self, rows: &[uuid::Uuid]) {
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

    pub(super) fn step_timeline(&mut self, motion: Motion) {
        if self.timeline.opened.is_some() {
            scroll(&mut self.timeline.scroll, motion);
            return;
        }
        let rows = self.event_keys();
        let (at_start, at_end) = match &self.shown.timeline.value {
            Some(timeline) => (timeline.at_start, timeline.at_end),
            None => (true, true),
        };
        let Some(last) = rows.len().checked_sub(1) else {
            return self.turn_timeline(motion);
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
            // The very first event, wherever the page stands.
            Motion::Top if !at_start => {
                self.timeline.cursor.clear();
                self.timeline.cursor.set(Position { tx: 0, pos: 1 });
                self.timeline.anchor = Anchor::After(Position::START);
            }
            Motion::Up | Motion::PageUp(_) if at == 0 && !at_start => {
                self.timeline.cursor.set(rows[0]);
                self.timeline.anchor = Anchor::Before(rows[1.min(last)]);
            }
            _ => {
                if self.timeline.cursor.key().is_none() {
                    self.timeline.cursor.set(rows[last]);
                }
                self.timeline.cursor.step(&rows, motion);
                // Hold the page still while it is read, its first row included.
                if self.timeline.anchor == Anchor::Newest {
                    let Position { tx, pos } = rows[0];
                    self.timeline.anchor = Anchor::After(Position { tx, pos: pos - 1 });
                }
            }
        }
    }

    /// To the page before or after one of which the filter leaves nothing.
    fn turn_timeline(&mut self, motion: Motion) {
        let Some(timeline) = &self.shown.timeline.value else {
            return;
        };
        let (Some(first), Some(last)) = (timeline.rows.first(), timeline.rows.last()) else {
            return;
        };
        let anchor = match motion {
            Motion::Bottom => Anchor::Newest,
            Motion::Top => Anchor::After(Position::START),
            Motion::Up | Motion::PageUp(_) if !timeline.at_start => Anchor::Before(first.position),
            Motion::Down | Motion::PageDown(_) if !timeline.at_end => Anchor::After(last.position),
            Motion::Down | Motion::PageDown(_) => Anchor::Newest,
            Motion::Up | Motion::PageUp(_) => return,
        };
        self.timeline.anchor = anchor;
        match anchor {
            // The nearest of the page above is its last.
            Anchor::Before(_) => self.timeline.cursor.take_last(),
            Anchor::Newest | Anchor::After(_) => self.timeline.cursor.clear(),
        }
    }

    pub(super) fn step_activity(&mut self, motion: Motion) {
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

    pub(super) fn sideways(&mut self, right: bool) {
        match self.screen {
            Screen::Lag => self.fold(right),
            Screen::Flow => self.next_stage(right),
            Screen::Activity => {
                self.activity.pane = match (self.activity.pane, right) {
                    (Pane::Operations, true) | (Pane::Log, false) => Pane::Audit,
                    (Pane::Audit, true) | (Pane::Operations, false) => Pane::Log,
                    (Pane::Log, true) | (Pane::Audit, false) => Pane::Operations,
                };
            }
            Screen::Letters | Screen::Timeline | Screen::Consumers | Screen::Messages if right => {
                self.open();
            }
            Screen::Messages => {
                self.close_message(false);
            }
            Screen::Letters if self.letters.depth > Depth::Causes => self.back(),
            Screen::Timeline if self.timeline.opened.is_some() => self.close_event(),
            Screen::Consumers => self.consumers.open = false,
            _ => {}
        }
    }

    /// To the first place of the next stage of the flow, or of the one before.
    fn next_stage(&mut self, right: bool) {
        let rows = self.flow_keys();
        let here = self.flow.key().map_or(0, FlowKey::stage);
        let other = |key: &&FlowKey| match right {
            true => key.stage() > here,
            false => key.stage() < here,
        };
        let stage = if right {
            rows.iter().find(other)
        } else {
            rows.iter().rfind(other)
        };
        let Some(stage) = stage.map(FlowKey::stage) else {
            return;
        };
        if let Some(key) = rows.iter().find(|key| key.stage() == stage) {
            self.flow.set(key.clone());
            self.flow.settle(&rows);
        }
    }

    pub(super) fn fold(&mut self, unfold: bool) {
        let Some((key, open)) = self.lag_here().map(|row| (row.key(), row.open)) else {
            return;
        };
        if open == Some(!unfold) {
            self.fold_row(key, unfold);
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
}

pub(super) fn scroll(at: &mut u16, motion: Motion) {
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
