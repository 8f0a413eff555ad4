//! The form of archive, note and export: what it is about, a line of text, and what becomes of the events
//! that wait behind.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Behind;
use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::triage::{Triage, What};

use super::form::{arrows, field, framed, label};
use super::format;
use super::parts::{cut, line, outside};

/// Cells of a field's name.
const LABEL: usize = 10;

pub fn render(app: &App, form: &Triage, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let (name, keys) = match &form.what {
        What::Archive { .. } => ("reason", "⏎ archive   esc cancel"),
        What::Note { .. } => ("note", "⏎ keep   esc cancel"),
        What::Export { .. } => ("new file", "⏎ write   esc cancel"),
    };
    let high = if form.asks_behind() { 10 } else { 8 };
    let inner = framed(app, buf, area, (74, high), form.title(), keys);
    let room = usize::from(inner.width);
    let about = outside(theme, Role::Base, &form.about);
    let mut first = vec![theme.span(Role::Dim, format!("{:<10}", "letters"))];
    first.extend(cut(about, room.saturating_sub(10)));
    line(buf, inner, 0, first);
    let count = if form.count == 1 {
        "1 letter".to_owned()
    } else {
        format!("{} letters", format::count(form.count))
    };
    line(
        buf,
        inner,
        1,
        vec![
            theme.span(Role::Dim, format!("{:<10}", "how many")),
            theme.span(Role::Strong, count),
        ],
    );
    let mut spans = vec![label(app, form.at == 0, name, LABEL)];
    spans.extend(field(
        app,
        &form.input,
        room.saturating_sub(10),
        form.at == 0,
    ));
    line(buf, inner, 3, spans);
    if !form.asks_behind() {
        return;
    }
    let waiting = match form.waiting {
        Some(1) => "1 event waits behind".to_owned(),
        Some(n) => format!("{} events wait behind", format::count(n)),
        None => "events behind".to_owned(),
    };
    let then = match form.behind {
        Behind::Release => "go on to the consumer",
        Behind::Archive => "are archived too",
    };
    line(
        buf,
        inner,
        5,
        vec![
            label(app, form.at == 1, "behind", LABEL),
            arrows(app, form.at == 1),
            theme.span(Role::Base, then),
        ],
    );
    line(
        buf,
        inner,
        6,
        vec![theme.span(Role::Dim, format!("{:<10}{waiting}", ""))],
    );
}
