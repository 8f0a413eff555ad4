//! One event in full: its ids, what it changed, the state after it, its payload.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::stored::StoredEvent;
use crate::snapshot::EventDetail;
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::parts::{below, cut, line, outside, title, width};
use super::payload::{self, Lines};
use super::{compare, format};

/// The event under the cursor.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let wanted = app.event_key();
    let mut detail = app.shown.event.as_ref();
    if !app.timeline.following() {
        detail = detail.filter(|d| Some(d.event.position) == wanted);
    }
    // While following, the newest detail that came is shown: the newest event is always ahead of it.
    let Some(event) = detail.map(|d| &d.event).or_else(|| app.event_here()) else {
        return;
    };
    let role = if app.timeline.opened.is_some() {
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
    lines.extend(payload(app, event, detail, room));
    let most = lines.len().saturating_sub(usize::from(inner.height));
    let from = usize::from(app.timeline.scroll).min(most);
    for (row, spans) in (0..inner.height).zip(&lines[from..]) {
        line(buf, inner, row, spans.clone());
    }
}

/// The payload; where it is of an older schema and the screen is wide, beside what the newest makes of it.
fn payload(app: &App, event: &StoredEvent, detail: Option<&EventDetail>, room: usize) -> Lines {
    let theme = &app.theme;
    let upcasted = detail.and_then(|d| d.upcasted.as_deref());
    if let (Some(newest), false, true) = (upcasted, app.timeline.raw, app.timeline_wide())
        && let Some(lines) = compare::lines(app, &event.payload, newest, room)
    {
        let schema = event.event_version;
        let mut heading = vec![
            theme.span(Role::Heading, "PAYLOAD  "),
            theme.span(Role::Bad, format!("- written, schema {schema}")),
            theme.span(Role::Ok, "  + newest schema"),
        ];
        if room >= 70 {
            heading.push(theme.span(Role::Dim, "  v: as written alone"));
        }
        return std::iter::once(heading).chain(lines).collect();
    }
    let (name, text) = match (upcasted, app.timeline.raw) {
        (Some(text), false) => ("PAYLOAD as the newest schema sees it, v: as written", text),
        (Some(_), true) if app.timeline_wide() => (
            "PAYLOAD as written, v: beside the newest schema",
            &*event.payload,
        ),
        (Some(_), true) => ("PAYLOAD as written, v: upcast", &*event.payload),
        (None, _) => ("PAYLOAD", &*event.payload),
    };
    let heading = vec![theme.span(Role::Heading, name)];
    let text = payload::text(theme, text, room);
    std::iter::once(heading).chain(text).collect()
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
