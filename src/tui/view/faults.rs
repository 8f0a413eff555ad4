//! The form of a service's fault plan.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::overlay::Faults;
use crate::tui::theme::Role;

use super::form::{field, framed};
use super::parts::line;

pub fn render(app: &App, form: &Faults, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let title = format!("What {} fails on purpose", form.service);
    let inner = framed(
        app,
        buf,
        area,
        (60, 13),
        &title,
        "⏎ set   ↑↓ field   esc cancel",
    );
    for (row, (input, (label, unit))) in (0..).zip(form.fields.iter().zip(Faults::LABELS)) {
        let here = usize::from(row) == form.at;
        let role = if here { Role::Strong } else { Role::Dim };
        let mut spans = vec![theme.span(role, format!("{label:<20}"))];
        spans.extend(field(app, input, 10, here));
        spans.push(theme.span(Role::Dim, format!(" {unit}")));
        line(buf, inner, row, spans);
    }
}
