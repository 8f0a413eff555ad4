//! The palette: what is typed, and the actions that fit, with their keys.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::printable;
use crate::tui::app::App;
use crate::tui::cursor::window;
use crate::tui::palette::{Entry, Palette};
use crate::tui::theme::Role;

use super::form::{field, framed};
use super::parts::{at, cut, line, right, width};

const WIDE: u16 = 92;
/// Cells of a row that the action's name takes.
const NAME: usize = 18;

pub fn render(app: &App, palette: &Palette, area: Rect, buf: &mut Buffer) {
    let rows = app.palette_rows(palette.input.value());
    // As high as it can get, so that it does not move while somebody types.
    let high = area.height.saturating_sub(4).min(24);
    let hints = "⏎ do it   ↑↓ choose   esc close";
    let inner = framed(app, buf, area, (WIDE, high), "Do what?", hints);
    let mut typed = vec![app.theme.span(Role::Key, ": ")];
    typed.extend(field(
        app,
        &palette.input,
        usize::from(inner.width).saturating_sub(4),
        true,
    ));
    line(buf, inner, 0, typed);
    let list = Rect {
        y: inner.y + 2.min(inner.height),
        height: inner.height.saturating_sub(2),
        ..inner
    };
    if rows.is_empty() {
        let none = app.theme.span(Role::Dim, "No action has these letters.");
        return line(buf, list, 0, vec![none]);
    }
    let here = palette.at.min(rows.len() - 1);
    let seen = window(rows.len(), Some(here), usize::from(list.height));
    for (n, nth) in (0..list.height).zip(seen) {
        entry(app, &rows[nth], nth == here, list, n, buf);
    }
}

fn entry(app: &App, entry: &Entry, here: bool, list: Rect, n: u16, buf: &mut Buffer) {
    let theme = &app.theme;
    let keys: Vec<String> = app
        .keys
        .keys(entry.row.action)
        .iter()
        .map(|k| k.symbol(app.ascii))
        .collect();
    let keys = vec![theme.span(Role::Key, keys.join(" "))];
    let off = entry.why_not.is_some();
    let name = entry.row.name.replace('-', " ");
    let sign = match (here, app.ascii) {
        (true, false) => "▌ ",
        (true, true) => "> ",
        (false, _) => "  ",
    };
    let mut spans = vec![
        theme.span(Role::Accent, sign),
        theme.span(
            if off { Role::Dim } else { Role::Strong },
            format!("{name:NAME$}"),
        ),
    ];
    match (&entry.why_not, entry.elsewhere) {
        (Some(why), _) => {
            let why = format!("not now: {}", printable::visible(why));
            spans.push(theme.span(Role::Dim, why));
        }
        (None, Some(screen)) => {
            spans.push(theme.span(
                Role::Dim,
                format!("on {}: {}", screen.tab().1, entry.row.help),
            ));
        }
        (None, None) => spans.push(theme.span(Role::Base, entry.row.help)),
    }
    let taken = width(&keys);
    let room = usize::from(list.width).saturating_sub(taken + 2);
    line(buf, list, n, cut(spans, room));
    right(buf, list, n, 0, keys);
    if here {
        buf.set_style(at(list, n), theme.style(Role::Selected));
    }
}
