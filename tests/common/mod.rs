//! What the screen's tests share: fixtures, an app in a known state, and a picture of a frame that
//! says which role each piece has.

#![allow(dead_code, reason = "each test file takes what it needs")]

pub mod fixtures;

use std::sync::Arc;

use evtop::command::{Command, Screen};
use evtop::domain::filter::{Filter, Resolved};
use evtop::snapshot::Snapshot;
use evtop::tui::app::App;
use evtop::tui::settings::Settings;
use evtop::tui::theme::{Role, Theme};
use evtop::tui::view;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Style};
use unicode_width::UnicodeWidthStr;

/// Roles that paint what is behind the text.
const BEHIND: [Role; 7] = [
    Role::Base,
    Role::Selected,
    Role::Unfocused,
    Role::Overlay,
    Role::Input,
    Role::Production,
    Role::Badge,
];

/// A theme in which no two roles look the same.
pub fn role_theme() -> Theme {
    let mut theme = Theme::plain("roles", Style::new());
    for (at, role) in (1..).zip(Role::ALL) {
        let mut style = Style::new();
        if !matches!(role, Role::Selected | Role::Unfocused) {
            style = style.fg(Color::Indexed(at));
        }
        if BEHIND.contains(&role) {
            style = style.bg(Color::Indexed(at));
        }
        theme = theme.with(role, style);
    }
    theme
}

/// An app on this screen, with this snapshot shown.
pub fn app(screen: Screen, snapshot: Snapshot, size: (u16, u16)) -> App {
    let mut app = App::new(&Settings::with(role_theme()), size);
    if snapshot.seq > 0 {
        app.on_snapshot(Arc::new(snapshot));
    }
    keys(&mut app, &screen.tab().0.to_string());
    app
}

/// A filter of which nothing is counted from now.
pub fn resolved(text: &str) -> Resolved {
    let filter = Filter::parse(text).expect("a filter");
    filter.at(chrono::DateTime::default())
}

/// Presses keys, written with blanks between; returns the commands that came of it.
pub fn keys(app: &mut App, keys: &str) -> Vec<Command> {
    let keys = keys
        .split_whitespace()
        .map(|key| key.parse().expect("a key"));
    keys.filter_map(|key| app.on_key(key)).collect()
}

/// Types text, blanks and all.
pub fn type_in(app: &mut App, text: &str) {
    for c in text.chars() {
        let key = if c == ' ' {
            "space".to_owned()
        } else {
            c.to_string()
        };
        assert_eq!(keys(app, &key), [], "typing does nothing but type");
    }
}

pub fn draw(app: &App, (width, height): (u16, u16)) -> Buffer {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test terminal");
    terminal
        .draw(|frame| view::render(app, frame.area(), frame.buffer_mut()))
        .expect("a frame");
    terminal.backend().buffer().clone()
}

/// The text of a frame, line by line.
pub fn text(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut covered = 0;
        for x in 0..buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            if covered > 0 {
                covered -= 1;
                continue;
            }
            covered = symbol.width().saturating_sub(1);
            line.push_str(symbol);
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

fn role_of(colour: Color) -> Option<&'static str> {
    match colour {
        Color::Indexed(at) => Role::ALL.get(usize::from(at) - 1).map(|role| role.name()),
        _ => None,
    }
}

/// The text of a frame, and below it the runs of roles in each row that are not plain.
pub fn styled(app: &App, size: (u16, u16)) -> String {
    let buffer = draw(app, size);
    let mut out = text(&buffer);
    out.push_str("--- roles\n");
    for y in 0..buffer.area.height {
        let mut runs: Vec<(u16, u16, String)> = Vec::new();
        for x in 0..buffer.area.width {
            let cell = &buffer[(x, y)];
            let (fg, bg) = (
                role_of(cell.fg).unwrap_or("?"),
                role_of(cell.bg).unwrap_or("?"),
            );
            let blank = cell.symbol() == " ";
            let name = match (fg, bg) {
                (_, "base") if blank => continue,
                (_, bg) if blank => format!("on {bg}"),
                ("base" | "overlay", "base" | "overlay") => continue,
                (fg, bg) if bg == "base" || fg == bg => fg.to_owned(),
                (fg, bg) => format!("{fg} on {bg}"),
            };
            match runs.last_mut() {
                // Blanks between two words of one role belong to it.
                Some((_, end, last)) if *last == name && x - *end <= 1 => *end = x + 1,
                Some((_, end, last)) if blank && *end == x && last.ends_with(&name) => *end = x + 1,
                _ => runs.push((x, x + 1, name)),
            }
        }
        if !runs.is_empty() {
            let runs: Vec<String> = runs
                .iter()
                .map(|(a, b, n)| format!("{a}-{b} {n}"))
                .collect();
            out.push_str(&format!("{y}: {}\n", runs.join(" | ")));
        }
    }
    out
}
