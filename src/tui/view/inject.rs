//! The form that injects test orders, and what forms are made of.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Padding, Widget};
use tui_input::Input;
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::printable;
use crate::domain::scenario::Scenario;
use crate::tui::app::App;
use crate::tui::overlay::Inject;
use crate::tui::theme::Role;

use super::ascii;
use super::parts::{at, border, line, wrap};

pub fn render(app: &App, form: &Inject, area: Rect, buf: &mut Buffer) {
    let rows = u16::try_from(Scenario::ALL.len()).unwrap_or(6);
    let inner = framed(
        app,
        buf,
        area,
        (66, rows + 7),
        "Inject orders",
        "⏎ inject   ↑↓ scenario   esc cancel",
    );
    for (row, scenario) in (0..).zip(Scenario::ALL) {
        let here = usize::from(row) == form.scenario;
        let sign = if here { "▌" } else { " " };
        let sign = if here && app.ascii { ">" } else { sign };
        let role = if here { Role::Strong } else { Role::Base };
        line(
            buf,
            inner,
            row,
            vec![
                app.theme.span(Role::Accent, sign),
                " ".into(),
                app.theme.span(role, scenario.name()),
            ],
        );
        if here {
            buf.set_style(at(inner, row), app.theme.style(Role::Selected));
        }
    }
    for (row, text) in
        (rows + 1..rows + 3).zip(wrap(form.chosen().help(), usize::from(inner.width)))
    {
        line(buf, inner, row, vec![app.theme.span(Role::Dim, text)]);
    }
    let mut count = vec![app.theme.span(Role::Dim, "how many  ")];
    count.extend(field(app, &form.count, 9, true));
    if let Err(missing) = form.orders() {
        count.push(app.theme.span(Role::Warn, format!("  {missing}")));
    }
    line(buf, inner, rows + 3, count);
}

/// A box above the screen; returns the room inside.
pub fn framed(
    app: &App,
    buf: &mut Buffer,
    area: Rect,
    size: (u16, u16),
    title: &str,
    keys: &str,
) -> Rect {
    let width = size.0.min(area.width);
    let height = size.1.min(area.height);
    let place = area.centered(Constraint::Length(width), Constraint::Length(height));
    Clear.render(place, buf);
    let style = app
        .theme
        .style(Role::Base)
        .patch(app.theme.style(Role::Overlay));
    let heading = format!(" {} ", printable::visible(title));
    let keys = ascii::hint(app, keys);
    let block = Block::bordered()
        .border_set(border(app))
        .style(style)
        .border_style(app.theme.style(Role::Dim))
        .padding(Padding::new(2, 2, u16::from(area.height >= 16), 0))
        .title(Line::from(app.theme.span(Role::Strong, heading)))
        .title_bottom(Line::from(app.theme.span(Role::Dim, format!(" {keys} "))).centered());
    let inner = block.inner(place);
    block.render(place, buf);
    inner
}

/// A field that is typed into: the end of its text, and a cell where the cursor is.
pub fn field(app: &App, input: &Input, cells: usize, focused: bool) -> Vec<Span<'static>> {
    let style = app
        .theme
        .style(if focused { Role::Input } else { Role::Base });
    let scroll = input.visual_scroll(cells.saturating_sub(1));
    let shown: String = printable::visible(input.value());
    let mut before = 0;
    let mut spans: Vec<Span<'static>> = Vec::new();
    let mut used = 0;
    for (at, cluster) in shown.graphemes(true).enumerate() {
        let wide = unicode_width::UnicodeWidthStr::width(cluster);
        before += wide;
        if before <= scroll || used + wide >= cells {
            continue;
        }
        used += wide;
        let mut span = Span::styled(cluster.to_owned(), style);
        if focused && at == input.cursor() {
            span = span.patch_style(ratatui::style::Modifier::REVERSED);
        }
        spans.push(span);
    }
    let at_end = input.cursor() >= input.value().chars().count();
    if focused && at_end {
        spans.push(Span::styled(
            " ",
            style.add_modifier(ratatui::style::Modifier::REVERSED),
        ));
        used += 1;
    }
    spans.push(Span::styled(" ".repeat(cells.saturating_sub(used)), style));
    spans
}
