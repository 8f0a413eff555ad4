//! Timeline: what happened, in order, and what did each event change? The event store's page, the
//! newest at the bottom, and the event under the cursor in full.

use std::collections::BTreeMap;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::domain::stored::{EventFilter, StoredEvent};
use crate::snapshot::{EventDetail, Part, Timeline};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::format;
use super::parts::{below, cut, empty, freshness, line, matching, outside, title, waiting, width};
use super::payload::{self, Lines};
use super::table::{Cells, Column, Table};

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
    if events.is_empty() {
        let filtered = !app.filter(Screen::Timeline).is_empty()
            || app.timeline.filter != EventFilter::default();
        let (why, remedy) = if filtered {
            ("No event of this page matches.", "Esc shows all.")
        } else {
            ("The event store is empty.", "i injects orders.")
        };
        return empty(app, buf, area, why, remedy);
    }
    let detail = if area.width >= 116 {
        (area.width * 2 / 5).min(70)
    } else {
        0
    };
    if detail == 0 && app.timeline.open {
        return about(app, area, buf);
    }
    let list = Rect {
        width: area.width - detail,
        ..area
    };
    let at = events
        .iter()
        .position(|e| Some(e.position) == app.event_key());
    let deltas = deltas(&events);
    let table = Table {
        columns: &COLUMNS,
        len: events.len(),
        selected: at,
        focused: !app.timeline.open,
    };
    table.render(app, buf, list, |at, _| {
        cells(app, events[at], deltas[at].as_ref())
    });
    if detail > 0 {
        about(
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
        theme.span(Role::Dim, " events"),
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
    if app.timeline.following() {
        spans.push(theme.span(Role::Dim, " · following"));
    } else if timeline.at_start {
        spans.push(theme.span(Role::Dim, " · from the first · G follows"));
    } else {
        spans.push(theme.span(Role::Dim, " · standing still · G follows"));
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

fn cells(app: &App, it: &StoredEvent, delta: Option<&String>) -> Cells {
    let theme = &app.theme;
    let dim = |text: String| vec![theme.span(Role::Dim, text)];
    let role = if ["Failed", "Cancelled"]
        .iter()
        .any(|w| it.event_type.contains(w))
    {
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

/// The event under the cursor: ids, what it changed, the state after it, its payload.
fn about(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let wanted = app.event_key();
    let events = app.events();
    let mut detail = app.shown.event.as_ref();
    if !app.timeline.following() {
        detail = detail.filter(|d| Some(d.event.position) == wanted);
    }
    // While following, the newest detail that came is shown: the newest event is always ahead of it.
    let listed = || events.iter().find(|e| Some(e.position) == wanted).copied();
    let Some(event) = detail.map(|d| &d.event).or_else(listed) else {
        return;
    };
    let role = if app.timeline.open {
        Role::Accent
    } else {
        Role::Heading
    };
    let mut heading = outside(theme, role, &event.event_type);
    heading.push(theme.span(
        Role::Dim,
        format!(" v{} · schema {}", event.version, event.event_version),
    ));
    title(
        app,
        buf,
        area,
        heading,
        vec![theme.span(Role::Dim, format::offset(Some(event.position.pos)))],
    );
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..below(area, 1)
    };
    let mut lines = ids(app, event, detail);
    match detail {
        None => {
            let text = if app.frozen {
                "frozen before its detail was read"
            } else {
                "reading its detail…"
            };
            lines.push(vec![theme.span(Role::Dim, text)]);
        }
        Some(detail) => state(app, detail, &mut lines),
    }
    lines.push(Vec::new());
    let room = usize::from(inner.width);
    let upcasted = detail.and_then(|d| d.upcasted.as_deref());
    let (name, text) = match (upcasted, app.timeline.raw) {
        (Some(text), false) => ("PAYLOAD as the newest schema sees it, v: as written", text),
        (Some(_), true) => ("PAYLOAD as written, v: upcast", &*event.payload),
        (None, _) => ("PAYLOAD", &*event.payload),
    };
    lines.push(vec![theme.span(Role::Heading, name)]);
    lines.extend(payload::text(theme, text, room));
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let from = usize::from(app.timeline.scroll).min(most);
    for (row, spans) in (0..inner.height).zip(&lines[from..]) {
        line(buf, inner, row, spans.clone());
    }
}

fn ids(app: &App, event: &StoredEvent, detail: Option<&EventDetail>) -> Lines {
    let theme = &app.theme;
    let fact = |label: &str, value: Vec<Span<'static>>| {
        let mut words = vec![theme.span(Role::Dim, format!("{label:<13}"))];
        words.extend(value);
        words
    };
    let base = |text: String| vec![theme.span(Role::Base, text)];
    let mut lines = vec![
        fact("stream", outside(theme, Role::Base, &event.stream)),
        fact("happened", base(format::date_time(event.timestamp))),
        fact("from", outside(theme, Role::Base, &event.source_service)),
        fact("event", base(event.event_id.to_string())),
        fact("correlation", base(event.correlation_id.to_string())),
    ];
    if let Some(id) = event.causation_id {
        lines.push(fact("caused by", base(id.to_string())));
    }
    if let Some(passed) = detail.and_then(|d| d.since_previous) {
        lines.push(fact(
            "after",
            base(format!("{} since the one before", format::span(passed))),
        ));
    }
    lines
}

fn state(app: &App, detail: &EventDetail, lines: &mut Lines) {
    const LABEL: usize = 16;
    let theme = &app.theme;
    if let Some(error) = &detail.error {
        lines.push(outside(theme, Role::Warn, error));
    }
    if detail.state.is_empty() && detail.changes.is_empty() {
        return;
    }
    let arrow = if app.ascii { " -> " } else { " → " };
    lines.push(Vec::new());
    lines.push(vec![theme.span(
        Role::Heading,
        format!("STATE after v{}", detail.event.version),
    )]);
    let known = |text: &str| {
        if text.is_empty() {
            format::UNKNOWN.to_owned()
        } else {
            text.to_owned()
        }
    };
    for (name, value) in &detail.state {
        let changed = detail.changes.iter().any(|(field, ..)| field == name);
        if value.is_empty() && !changed {
            continue;
        }
        let mut words = cut(outside(theme, Role::Dim, name), LABEL - 1);
        words.push(" ".repeat(LABEL - width(&words)).into());
        match detail.changes.iter().find(|(field, ..)| field == name) {
            Some((_, before, after)) => {
                words.extend(outside(theme, Role::Dim, &known(before)));
                words.push(theme.span(Role::Dim, arrow));
                words.extend(outside(theme, Role::Strong, &known(after)));
            }
            None => words.extend(outside(theme, Role::Base, value)),
        }
        lines.push(words);
    }
}
