//! What forms are made of: the box above the screen, labels, fields that are typed into and choices.

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Widget};
use tui_input::Input;
use unicode_segmentation::UnicodeSegmentation;

use crate::domain::printable;
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::ascii;

/// The name of a field, in so many cells; strong where the keys go there.
pub fn label(app: &App, here: bool, text: &str, cells: usize) -> Span<'static> {
    let role = if here { Role::Strong } else { Role::Dim };
    app.theme.span(role, format!("{text:<cells$}"))
}

/// The sign of a field that is chosen from others with left and right.
pub fn arrows(app: &App, here: bool) -> Span<'static> {
    let role = if here { Role::Accent } else { Role::Faint };
    app.theme.span(role, "◂▸ ")
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
        .border_type(BorderType::Rounded)
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
