//! The question before something is done: what, to whom, how many.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::domain::printable;
use crate::tui::app::App;
use crate::tui::overlay::Confirm;
use crate::tui::theme::Role;

use super::form::{field, framed};
use super::format;
use super::parts::{line, wrap};

const LABEL: usize = 15;

pub fn render(app: &App, confirm: &Confirm, area: Rect, buf: &mut Buffer) {
    const WIDE: u16 = 74;
    let theme = &app.theme;
    let room = usize::from(WIDE.min(area.width).saturating_sub(6))
        .saturating_sub(LABEL)
        .max(8);
    let facts: Vec<(&str, Vec<String>)> = confirm
        .facts
        .iter()
        .map(|(label, words)| {
            let mut words = wrap(&printable::visible(words), room);
            words.truncate(3);
            (*label, words)
        })
        .collect();
    let rows: usize = facts.iter().map(|(_, words)| words.len()).sum();
    let high = u16::try_from(rows).unwrap_or(20) + 7 + u16::from(confirm.typed.is_some());
    let inner = framed(app, buf, area, (WIDE, high), &confirm.title, "n or esc: no");
    // What must be seen: the count, where it is typed, and the key. The facts take the rest.
    let must = 2 + u16::from(confirm.typed.is_some());
    let room = inner.height.saturating_sub(must);
    let mut y = 0;
    for (label, words) in facts {
        for (at, words) in words.into_iter().enumerate() {
            if y >= room {
                break;
            }
            let label = if at == 0 { label } else { "" };
            line(
                buf,
                inner,
                y,
                vec![
                    theme.span(Role::Dim, format!("{label:<LABEL$}")),
                    theme.span(Role::Base, words),
                ],
            );
            y += 1;
        }
    }
    let records = if confirm.count == 1 { "" } else { " records" };
    line(
        buf,
        inner,
        y,
        vec![
            theme.span(Role::Dim, format!("{:<LABEL$}", "how many")),
            theme.span(
                Role::Strong,
                format!("{}{records}", format::count(confirm.count)),
            ),
        ],
    );
    y += 1 + u16::from(inner.height > y + must);
    if let Some(input) = &confirm.typed {
        let mut spans = vec![theme.span(
            Role::Warn,
            format!("{:<LABEL$}", format!("type {}", confirm.count)),
        )];
        spans.extend(field(app, input, 10, true));
        line(buf, inner, y, spans);
        y += 1;
    }
    // A key is shown once it does something; until then, what it waits for.
    let last = if confirm.ready() {
        vec![
            theme.span(Role::Key, "y"),
            theme.span(Role::Base, "  yes, do it"),
        ]
    } else {
        vec![theme.span(Role::Dim, confirm.missing())]
    };
    line(buf, inner, y, last);
}
