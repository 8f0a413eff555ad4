//! Timeline: what happened, in order, and what did each event change? The event store's page, the
//! newest at the bottom, and the event under the cursor in full.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::snapshot::{Part, Timeline};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::format;
use super::parts::{below, empty, freshness, line, matching, outside, waiting};
use super::table::{Cells, Column, Table, marks};
use super::{event, lanes};

const COLUMNS: [Column; 7] = [
    Column::right("POSITION", 8, 3),
    Column::left("TIME", 12, 1),
    Column::left("STREAM", 14, 0).growing(2).most(30),
    Column::right("V", 2, 2),
    Column::left("TYPE", 17, 0).growing(2).most(30),
    Column::right("Δ", 8, 4),
    Column::left("FROM", 12, 5).growing(1).most(20),
];

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let reading = &app.shown.timeline;
    if let Some((why, remedy)) = app.shown.stack.absent(Part::Timeline) {
        return empty(app, buf, area, why, remedy);
    }
    let Some(timeline) = &reading.value else {
        return waiting(app, buf, area, "the event store", reading);
    };
    let events = app.events();
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..area
    };
    line(buf, inner, 0, head(app, timeline));
    let area = below(area, 1);
    if events.is_empty() && app.timeline.opened.is_none() {
        let filtered = !app.filter(Screen::Timeline).is_empty()
            || app.timeline.filter != EventFilter::default();
        let (why, remedy) = if filtered && app.looks_up() {
            ("No event in the store matches.", "Esc shows all.")
        } else if filtered {
            (
                "No event of this page matches.",
                "pgup and pgdn look at the pages around it; esc shows all.",
            )
        } else {
            ("The event store is empty.", "i injects orders.")
        };
        return empty(app, buf, area, why, remedy);
    }
    // An open event of an older schema has its two payloads beside each other: they need it all.
    let compared = app.timeline.opened.is_some() && app.compares();
    let detail = match app.timeline_wide() {
        true if !compared => (area.width * 2 / 5).min(70),
        _ => 0,
    };
    if detail == 0 && app.timeline.opened.is_some() {
        return event::render(app, area, buf);
    }
    let list = Rect {
        width: area.width - detail,
        ..area
    };
    let here = app.event_key();
    let at = events.iter().position(|e| Some(e.position) == here);
    if app.in_lanes() {
        lanes::render(app, &events, at, list, buf);
    } else {
        let deltas = deltas(&events);
        let table = Table {
            columns: &COLUMNS,
            len: events.len(),
            selected: at,
            focused: app.timeline.opened.is_none(),
        };
        let seen = table.render(app, buf, list, |at, _| {
            cells(app, events[at], deltas[at].as_ref())
        });
        let marked = &app.timeline.marked;
        marks(app, buf, list, seen, |at| {
            marked.contains_key(&events[at].position)
        });
    }
    if detail > 0 {
        event::render(
            app,
            Rect {
                x: list.right(),
                width: detail,
                ..area
            },
            buf,
        );
    }
}

fn head(app: &App, timeline: &Timeline) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let mut spans = vec![
        theme.span(Role::Strong, format::maybe(timeline.total)),
        theme.span(
            Role::Dim,
            if timeline.total == Some(1) {
                " event"
            } else {
                " events"
            },
        ),
    ];
    let filter = &app.timeline.filter;
    let of = match filter {
        EventFilter {
            correlation_id: Some(id),
            ..
        } => Some(format!(" of correlation {id}")),
        EventFilter {
            event_id: Some(id), ..
        } => Some(format!(" with id {id}")),
        _ => None,
    };
    if let Some(of) = of {
        spans.push(theme.span(Role::Accent, of));
        spans.push(theme.span(Role::Dim, " · esc: all"));
    }
    if let Some(stream) = &filter.stream {
        spans.push(theme.span(Role::Dim, " of "));
        spans.extend(outside(theme, Role::Accent, stream));
    }
    let passing = app.events().len();
    if app.looks_up() {
        // The store was asked, so the count is of those that match.
        spans.push(theme.span(Role::Dim, " match "));
        spans.extend(outside(theme, Role::Strong, app.filter(Screen::Timeline)));
    } else {
        let which = matching(app, passing, timeline.rows.len());
        if !which.is_empty() {
            spans.push(theme.span(Role::Dim, " · on this page "));
            spans.extend(which);
        }
    }
    let within = app.timeline_filter();
    let day = |at| format::day_or_clock(at, app.shown.taken);
    if let Some(from) = within.from {
        spans.push(theme.span(Role::Dim, format!(" · from {}", day(from))));
    }
    if let Some(to) = within.to {
        spans.push(theme.span(Role::Dim, format!(" · before {}", day(to))));
    }
    let over = within.to.is_some_and(|to| to <= app.shown.taken);
    if app.timeline.following() && over {
        spans.push(theme.span(Role::Dim, " · the newest of them"));
    } else if app.timeline.following() {
        spans.push(theme.span(Role::Dim, " · following"));
    } else if timeline.at_start {
        spans.push(theme.span(Role::Dim, " · from the first · G follows"));
    } else {
        spans.push(theme.span(Role::Dim, " · standing still · G follows"));
    }
    if !app.timeline.marked.is_empty() {
        let marked = app.timeline.marked.len();
        spans.push(theme.span(Role::Marked, format!(" · {marked} marked")));
    }
    let stale = freshness(theme, &app.shown, &app.shown.timeline);
    if !stale.is_empty() {
        spans.push("   ".into());
        spans.extend(stale);
    }
    spans
}

/// The time since the stream's event before, where that one is on the page too.
fn deltas(events: &[&StoredEvent]) -> Vec<Option<String>> {
    let mut last: BTreeMap<&str, &StoredEvent> = BTreeMap::new();
    let delta = |event: &&StoredEvent, before: Option<&StoredEvent>| match before {
        _ if event.version == 1 => Some(String::new()),
        Some(before) if before.version + 1 == event.version => {
            let passed = (event.timestamp - before.timestamp)
                .to_std()
                .unwrap_or_default();
            Some(format::span(passed))
        }
        _ => None,
    };
    events
        .iter()
        .map(|event| delta(event, last.insert(&event.stream, event)))
        .collect()
}

/// Whether an event says that something went wrong.
#[must_use]
pub fn is_trouble(event: &StoredEvent) -> bool {
    let words = ["Failed", "Cancelled"];
    words.iter().any(|word| event.event_type.contains(word))
}

fn cells(app: &App, it: &StoredEvent, delta: Option<&String>) -> Cells {
    let theme = &app.theme;
    let dim = |text: String| vec![theme.span(Role::Dim, text)];
    let role = if is_trouble(it) {
        Role::Warn
    } else {
        Role::Base
    };
    vec![
        dim(format::offset(Some(it.position.pos))),
        dim(format::clock_ms(it.recorded_at)),
        outside(theme, Role::Base, &it.stream),
        dim(it.version.to_string()),
        outside(theme, role, &it.event_type),
        dim(delta.map_or_else(|| format::UNKNOWN.to_owned(), Clone::clone)),
        outside(theme, Role::Dim, &it.source_service),
    ]
}
