//! The help: every key that works here, from the action table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::printable;
use crate::tui::action::{TABLE, on};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::form::framed;
use super::parts::{cut, line, width, wrap};

pub fn render(app: &App, scroll: u16, area: Rect, buf: &mut Buffer) {
    const WIDE: u16 = 88;
    let lines = lines(app, usize::from(WIDE.min(area.width)).saturating_sub(6));
    let high = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(4);
    let title = format!("Keys on {}", app.screen.tab().1);
    let inner = framed(
        app,
        buf,
        area,
        (WIDE, high),
        &title,
        "↑↓ scroll   esc close",
    );
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let from = usize::from(scroll).min(most);
    for (row, spans) in (0..inner.height).zip(&lines[from..]) {
        line(buf, inner, row, spans.clone());
    }
}

/// Cells of a line that its keys take.
const KEYS: usize = 16;

fn lines(app: &App, room: usize) -> Vec<Vec<Span<'static>>> {
    let mut out = Vec::new();
    let own = TABLE
        .iter()
        .filter(|row| row.screens.contains(&app.screen))
        .count();
    for (at, row) in on(app.screen).enumerate() {
        if at == own && own > 0 {
            out.push(Vec::new());
        }
        let keys: Vec<String> = app
            .keys
            .keys(row.action)
            .iter()
            .map(|k| k.symbol(app.ascii))
            .collect();
        entry(app, room, &keys.join(" "), Role::Base, row.help, &mut out);
        if let Some(reason) = app.why_not(row.action).filter(|_| at < own) {
            let reason = format!("not now: {}", printable::visible(&reason));
            entry(app, room, "", Role::Dim, &reason, &mut out);
        }
    }
    out
}

fn entry(
    app: &App,
    room: usize,
    keys: &str,
    role: Role,
    words: &str,
    out: &mut Vec<Vec<Span<'static>>>,
) {
    for (at, words) in wrap(words, room.saturating_sub(KEYS))
        .into_iter()
        .enumerate()
    {
        let mut spans = Vec::new();
        if at == 0 {
            spans = cut(vec![app.theme.span(Role::Key, keys.to_owned())], KEYS - 1);
        }
        spans.push(" ".repeat(KEYS - width(&spans)).into());
        spans.push(app.theme.span(role, words));
        out.push(spans);
    }
}
