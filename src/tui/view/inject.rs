//! The form that injects test orders.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::scenario::Scenario;
use crate::tui::app::App;
use crate::tui::overlay::Inject;
use crate::tui::theme::Role;

use super::form::{field, framed};
use super::parts::{at, line, wrap};

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
