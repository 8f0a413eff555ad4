//! Activity: what runs and what was done, who did what, and the program's own log.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::domain::operation::AuditRow;
use crate::domain::printable;
use crate::snapshot::{LogLevel, LogLine};
use crate::tui::app::App;
use crate::tui::cursor::window;
use crate::tui::sort::List;
use crate::tui::theme::Role;
use crate::tui::views::Pane;

use super::parts::{below, empty, line, matching, outside, title, wrap};
use super::table::{Cells, Column, Table, sorted};
use super::{ascii, format, operation};

const OPERATIONS: [Column; 7] = [
    Column::left("ID", 8, 5),
    Column::left("WHAT", 18, 0).growing(4).most(50),
    Column::left("STATE", 11, 1),
    Column::left("PROGRESS", 20, 2).growing(1).most(40),
    Column::left("OUTCOME", 20, 3).growing(3).most(44),
    Column::left("TO", 14, 6).growing(1).most(34),
    Column::right("BEGAN", 10, 4),
];

const AUDIT: [Column; 5] = [
    Column::left("TIME", 8, 0),
    Column::left("WHO", 8, 2).growing(1).most(20),
    Column::left("ACTION", 15, 0),
    Column::left("DETAIL", 12, 1).growing(4),
    Column::left("OUTCOME", 10, 0).growing(3).most(50),
];

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let area = in_full(app, area, buf);
    if area.height < 24 {
        let inner = Rect {
            x: area.x + 2,
            width: area.width.saturating_sub(4),
            ..area
        };
        line(buf, inner, 0, pane_names(app));
        pane(app, app.activity.pane, below(area, 1), buf);
        return;
    }
    let operations = u16::try_from(app.operations().len() + 2).unwrap_or(u16::MAX);
    let rest = area.height - operations.clamp(4, area.height / 3);
    let audit = u16::try_from(app.audit().len() + 2).unwrap_or(u16::MAX);
    let audit = audit.clamp(4, rest / 2);
    let places = [
        (Pane::Operations, area.height - rest),
        (Pane::Audit, audit),
        (Pane::Log, rest - audit),
    ];
    let mut area = area;
    for (which, height) in places {
        let role = if app.activity.pane == which {
            Role::Accent
        } else {
            Role::Heading
        };
        title(
            app,
            buf,
            area,
            vec![app.theme.span(role, name(which))],
            passing(app, which),
        );
        pane(
            app,
            which,
            Rect {
                height: height - 1,
                ..below(area, 1)
            },
            buf,
        );
        area = below(area, height);
    }
}

/// The row under the cursor, with all its words, on the last lines; returns the room that is left.
fn in_full(app: &App, area: Rect, buf: &mut Buffer) -> Rect {
    const LINES: u16 = 3;
    let words = match app.activity.pane {
        Pane::Operations => app
            .operations()
            .into_iter()
            .find(|o| Some(&o.id) == app.activity.operation.key())
            .map(|o| {
                let note = o
                    .note
                    .as_deref()
                    .map_or(String::new(), |n| format!(" · {n}"));
                let pace = operation::pace(app, o).map(|(rate, left)| {
                    let rate = format::rate(Some(rate));
                    format!(" · {rate}/s, {} left", format::span(left))
                });
                format!(
                    "{} {} to {} by {}{}{note}",
                    o.kind.name(),
                    o.what,
                    o.target,
                    o.by,
                    pace.unwrap_or_default()
                )
            }),
        Pane::Audit => app
            .audit()
            .into_iter()
            .find(|a| Some(&a.id) == app.activity.audit.key())
            .map(|a| {
                let outcome = a.outcome.as_deref().unwrap_or("meant to");
                format!("{} {}: {} · {outcome}", a.who, a.action, a.detail)
            }),
        Pane::Log => app
            .log()
            .into_iter()
            .find(|(key, _)| Some(key) == app.activity.log.key())
            .map(|(_, line)| format!("{}: {}", line.target, line.text)),
    };
    let Some(words) = words.filter(|_| area.height >= 16) else {
        return area;
    };
    let left = Rect {
        height: area.height - LINES,
        ..area
    };
    let place = below(area, left.height);
    title(app, buf, place, Vec::new(), Vec::new());
    let inner = Rect {
        x: area.x + 3,
        width: area.width.saturating_sub(5),
        ..below(place, 1)
    };
    let rows = wrap(&printable::visible(&words), usize::from(inner.width));
    for (row, text) in (0..inner.height).zip(rows) {
        line(buf, inner, row, vec![app.theme.span(Role::Base, text)]);
    }
    left
}

fn name(pane: Pane) -> &'static str {
    match pane {
        Pane::Operations => "OPERATIONS",
        Pane::Audit => "AUDIT",
        Pane::Log => "LOG",
    }
}

fn pane_names(app: &App) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    for pane in [Pane::Operations, Pane::Audit, Pane::Log] {
        let role = if app.activity.pane == pane {
            Role::Accent
        } else {
            Role::Dim
        };
        spans.push(app.theme.span(role, name(pane)));
        spans.push("   ".into());
    }
    spans.push(app.theme.span(Role::Dim, ascii::hint(app, "←→   ")));
    spans.extend(passing(app, app.activity.pane));
    spans
}

/// How many rows of a pane pass the filter, of how many.
fn passing(app: &App, pane: Pane) -> Vec<Span<'static>> {
    let activity = &app.shown.activity;
    let (n, of) = match pane {
        Pane::Operations => (app.operations().len(), activity.operations.len()),
        Pane::Audit => (app.audit().len(), activity.audit.len()),
        Pane::Log => (app.log().len(), activity.log.len()),
    };
    matching(app, n, of)
}

fn pane(app: &App, pane: Pane, area: Rect, buf: &mut Buffer) {
    let focused = app.activity.pane == pane;
    match pane {
        Pane::Operations => operations(app, focused, area, buf),
        Pane::Audit => audit(app, focused, area, buf),
        Pane::Log => log(app, focused, area, buf),
    }
}

/// Why a pane is empty: it is, or a filter hides all.
fn nothing(app: &App, area: Rect, buf: &mut Buffer, (why, remedy): (&str, &str)) {
    if app.filter(Screen::Activity).is_empty() {
        empty(app, buf, area, why, remedy);
    } else {
        empty(
            app,
            buf,
            area,
            "No row here has this text.",
            "Esc shows all.",
        );
    }
}

fn operations(app: &App, focused: bool, area: Rect, buf: &mut Buffer) {
    let rows = app.operations();
    if rows.is_empty() {
        let why = "Nothing was started yet.";
        let remedy = "A redrive (5) or a replay (6) shows up here.";
        return nothing(app, area, buf, (why, remedy));
    }
    let selected = rows
        .iter()
        .position(|o| Some(&o.id) == app.activity.operation.key());
    let table = Table {
        columns: &sorted(app, List::Operations, OPERATIONS),
        len: rows.len(),
        selected,
        focused,
    };
    table.render(app, buf, area, |at, widths| {
        operation::cells(app, rows[at], widths)
    });
}

fn audit(app: &App, focused: bool, area: Rect, buf: &mut Buffer) {
    let rows = app.audit();
    if rows.is_empty() {
        return nothing(app, area, buf, ("Nobody has changed anything yet.", ""));
    }
    let selected = rows
        .iter()
        .position(|a| Some(&a.id) == app.activity.audit.key());
    let table = Table {
        columns: &sorted(app, List::Audit, AUDIT),
        len: rows.len(),
        selected,
        focused,
    };
    table.render(app, buf, area, |at, _| audit_cells(app, rows[at]));
}

fn audit_cells(app: &App, it: &AuditRow) -> Cells {
    let theme = &app.theme;
    let outcome = match &it.outcome {
        Some(words) => outside(theme, Role::Base, words),
        None => vec![theme.span(Role::Dim, "meant to")],
    };
    vec![
        vec![theme.span(Role::Dim, format::clock(it.at))],
        outside(theme, Role::Dim, &it.who),
        outside(theme, Role::Base, &it.action),
        outside(theme, Role::Dim, &it.detail),
        outcome,
    ]
}

fn log(app: &App, focused: bool, area: Rect, buf: &mut Buffer) {
    let rows = app.log();
    if rows.is_empty() {
        return nothing(app, area, buf, ("The log is empty.", ""));
    }
    let selected = app
        .activity
        .log
        .key()
        .and_then(|key| rows.iter().position(|(k, _)| k == key));
    let at = selected.unwrap_or(rows.len() - 1);
    let inner = Rect {
        x: area.x + 3,
        width: area.width.saturating_sub(5),
        ..area
    };
    for (y, index) in (0..).zip(window(rows.len(), Some(at), usize::from(area.height))) {
        line(buf, inner, y, log_line(app, rows[index].1));
        if selected == Some(index) && focused {
            let whole = Rect {
                x: area.x + 1,
                width: area.width.saturating_sub(2),
                ..super::parts::at(area, y)
            };
            buf.set_style(whole, app.theme.style(Role::Selected));
        }
    }
}

fn log_line(app: &App, it: &LogLine) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let role = match it.level {
        LogLevel::Error => Role::Bad,
        LogLevel::Warn => Role::Warn,
        LogLevel::Info | LogLevel::Debug => Role::Dim,
    };
    let mut spans = vec![
        theme.span(Role::Dim, format!("{}  ", format::clock(it.at))),
        theme.span(role, format!("{:<5}  ", it.level.name())),
    ];
    spans.extend(outside(theme, Role::Dim, &it.target));
    spans.push("  ".into());
    spans.extend(outside(theme, Role::Base, &it.text));
    spans
}
