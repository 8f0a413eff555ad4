//! The help: every key that works here, from the action table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::tui::action::{Row, TABLE, on};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::inject::framed;
use super::parts::{cut, line, width};

pub fn render(app: &App, scroll: u16, area: Rect, buf: &mut Buffer) {
    let lines = lines(app);
    let high = u16::try_from(lines.len())
        .unwrap_or(u16::MAX)
        .saturating_add(4);
    let title = format!("Keys on {}", app.screen.tab().1);
    let inner = framed(app, buf, area, (88, high), &title, "↑↓ scroll   esc close");
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let from = usize::from(scroll).min(most);
    for (row, spans) in (0..inner.height).zip(&lines[from..]) {
        line(buf, inner, row, spans.clone());
    }
}

fn lines(app: &App) -> Vec<Vec<Span<'static>>> {
    let theme = &app.theme;
    let mut out = Vec::new();
    let own = TABLE
        .iter()
        .filter(|row| row.screens.contains(&app.screen))
        .count();
    for (at, row) in on(app.screen).enumerate() {
        if at == own && own > 0 {
            out.push(Vec::new());
        }
        out.push(entry(app, row));
        if let Some(reason) = app.why_not(row.action).filter(|_| at < own) {
            let reason = crate::domain::printable::visible(&reason);
            out.push(vec![
                " ".repeat(16).into(),
                theme.span(Role::Dim, format!("not now: {reason}")),
            ]);
        }
    }
    out
}

fn entry(app: &App, row: &Row) -> Vec<Span<'static>> {
    const KEYS: usize = 16;
    let keys: Vec<String> = app
        .keys
        .keys(row.action)
        .iter()
        .map(|k| k.symbol(app.ascii))
        .collect();
    let mut spans = cut(vec![app.theme.span(Role::Key, keys.join(" "))], KEYS - 1);
    spans.push(" ".repeat(KEYS - width(&spans)).into());
    spans.push(app.theme.span(Role::Base, row.help));
    spans
}
