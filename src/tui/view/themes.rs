//! The themes to choose from. The screen around the list is the preview.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::theme::Role;

use super::form::framed;
use super::parts::{at, line, outside};

pub fn render(app: &App, chosen: usize, area: Rect, buf: &mut Buffer) {
    let high = u16::try_from(app.themes.len())
        .unwrap_or(u16::MAX)
        .saturating_add(4);
    let hints = "⏎ keep   ↑↓ see   esc back";
    let inner = framed(app, buf, area, (36, high), "Theme", hints);
    for (row, (n, theme)) in (0..inner.height).zip(app.themes.iter().enumerate()) {
        let here = n == chosen;
        let sign = match (here, app.ascii) {
            (true, false) => "▌ ",
            (true, true) => "> ",
            (false, _) => "  ",
        };
        let mut spans = vec![app.theme.span(Role::Accent, sign)];
        let role = if here { Role::Strong } else { Role::Base };
        spans.extend(outside(&app.theme, role, &theme.name));
        line(buf, inner, row, spans);
        if here {
            buf.set_style(at(inner, row), app.theme.style(Role::Selected));
        }
    }
}
