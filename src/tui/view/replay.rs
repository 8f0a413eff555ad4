//! The form of a replay: to whom, whether what was handled is skipped, how fast.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::ReplayTarget;
use crate::domain::printable;
use crate::tui::app::App;
use crate::tui::overlay::{Dry, Replay};
use crate::tui::theme::Role;

use super::form::{arrows, field, framed, label};
use super::format;
use super::parts::{line, outside, wrap};

pub fn render(app: &App, form: &Replay, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let inner = framed(
        app,
        buf,
        area,
        (74, 12),
        "Replay",
        "⏎ go on   ↑↓ field   ←→ choose   esc cancel",
    );
    let label = |at: usize, text: &str| label(app, form.at == at, text, 14);
    let arrows = |at: usize| arrows(app, form.at == at);
    let mut what = vec![label(0, "events"), arrows(0)];
    what.extend(outside(theme, Role::Base, form.what()));
    line(buf, inner, 0, what);
    let mut counted = vec![theme.span(Role::Dim, format!("{:<14}   ", "how many"))];
    match &form.dry {
        Dry::Asked => counted.push(theme.span(Role::Dim, "counting…")),
        Dry::Refused(sentence) => {
            let room = usize::from(inner.width).saturating_sub(17).max(20);
            let words = wrap(&printable::visible(sentence), room);
            counted.extend(outside(theme, Role::Bad, &words[0]));
            if let Some(more) = words.get(1) {
                let mut second = vec![" ".repeat(17).into()];
                second.extend(outside(theme, Role::Bad, more));
                line(buf, inner, 2, second);
            }
        }
        Dry::Counted { events, span, .. } => {
            counted.push(theme.span(Role::Strong, format::count(*events)));
            if let Some(span) = span.filter(|span| !span.is_zero()) {
                counted.push(theme.span(Role::Dim, format!(" over {}", format::span(span))));
            }
        }
    }
    line(buf, inner, 1, counted);
    let mut to = vec![label(1, "to"), arrows(1)];
    match form.target() {
        ReplayTarget::Service(service) => {
            to.extend(outside(theme, Role::Base, service));
            to.push(theme.span(Role::Dim, " only; the others skip it"));
        }
        ReplayTarget::Topic => {
            to.push(theme.span(Role::Base, "the event's own topic"));
            to.push(theme.span(Role::Dim, ": every group sees it"));
        }
    }
    line(buf, inner, 3, to);
    let (words, role, note) = if form.force {
        (
            "bypass",
            Role::Warn,
            ": what was done is done again, effects double",
        )
    } else {
        ("honour", Role::Base, ": what was handled before is skipped")
    };
    line(
        buf,
        inner,
        4,
        vec![
            label(2, "idempotency"),
            arrows(2),
            theme.span(role, words),
            theme.span(if form.force { Role::Warn } else { Role::Dim }, note),
        ],
    );
    let mut rate = vec![label(3, "rate"), "   ".into()];
    rate.extend(field(app, &form.rate, 8, form.at == 3));
    rate.push(theme.span(Role::Dim, " events a second; 0 is no limit"));
    line(buf, inner, 5, rate);
}
