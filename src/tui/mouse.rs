//! The mouse, where `ui.mouse` asks for it: the wheel moves, a click on a tab goes there, a click on a row
//! of the list that has the keys selects it, and one on the selected row opens it. A click is nothing but
//! the keys that a person would have pressed.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::buffer::Buffer;
use ratatui::style::Style;

use super::action::Action;
use super::app::App;
use super::keymap::{Code, Key};
use super::theme::Role;
use super::view::tab_at;
use crate::command::{Command, Screen};

/// Rows that the wheel moves by.
const WHEEL: usize = 3;

/// The screen's row with the tabs.
const TABS: u16 = 1;

impl App {
    /// What a mouse event means, with the frame that it was aimed at.
    pub fn on_mouse(&mut self, event: MouseEvent, frame: &Buffer) -> Option<Command> {
        match event.kind {
            MouseEventKind::ScrollDown => self.press(Code::Down, WHEEL),
            MouseEventKind::ScrollUp => self.press(Code::Up, WHEEL),
            MouseEventKind::Down(MouseButton::Left) if self.overlay.is_none() => {
                if event.row == TABS {
                    let screen = tab_at(self, frame.area.width, event.column)?;
                    return self.act(Action::Go(screen));
                }
                self.click(event.row, frame)
            }
            _ => None,
        }
    }

    fn press(&mut self, code: Code, times: usize) -> Option<Command> {
        (0..times)
            .filter_map(|_| self.on_key(Key::plain(code)))
            .last()
    }

    fn click(&mut self, row: u16, frame: &Buffer) -> Option<Command> {
        // Elsewhere several tables, or a drawing, stand between two rows of the list.
        if !matches!(
            self.screen,
            Screen::Lag | Screen::Consumers | Screen::Letters | Screen::Timeline
        ) {
            return None;
        }
        let selected = row_in(frame, self.theme.style(Role::Selected))?;
        let (from, to) = (selected.min(row), selected.max(row));
        if (from..=to).any(|row| is_apart(frame, row)) {
            return None;
        }
        match row.cmp(&selected) {
            std::cmp::Ordering::Equal => self.press(Code::Enter, 1),
            std::cmp::Ordering::Greater => self.press(Code::Down, usize::from(row - selected)),
            std::cmp::Ordering::Less => self.press(Code::Up, usize::from(selected - row)),
        }
    }
}

/// The first row that is mostly drawn in this style.
fn row_in(frame: &Buffer, style: Style) -> Option<u16> {
    let area = frame.area;
    let like = |x: u16, y: u16| {
        let cell = &frame[(x, y)];
        style.bg.is_none_or(|bg| cell.bg == bg) && cell.modifier.contains(style.add_modifier)
    };
    (area.top()..area.bottom()).find(|y| {
        let cells = (area.left()..area.right()).filter(|x| like(*x, *y)).count();
        cells * 2 > usize::from(area.width)
    })
}

/// Whether a row is no row of a list: a rule, a title, or empty.
fn is_apart(frame: &Buffer, row: u16) -> bool {
    let area = frame.area;
    if row < area.top() || row >= area.bottom() {
        return true;
    }
    let mut cells = (area.left()..area.right()).map(|x| frame[(x, row)].symbol());
    let first = cells.find(|symbol| *symbol != " ");
    first.is_none_or(|symbol| matches!(symbol, "─" | "-" | "│" | "|"))
}
