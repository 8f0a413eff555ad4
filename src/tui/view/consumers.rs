//! Consumers: what each one does, how fast, and what holds it up. A table, and all that is known of the
//! one under the cursor.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Screen;
use crate::snapshot::{Consumer, ConsumerState, Part};
use crate::tui::app::App;
use crate::tui::sort::List;
use crate::tui::theme::Role;

use super::chart::sparkline;
use super::parts::{below, empty, line, matching, outside};
use super::table::{Cells, Column, Table, sorted};
use super::{consumer, format};

const COLUMNS: [Column; 12] = [
    Column::left("CONSUMER", 12, 0).growing(2).most(28),
    Column::left("STATE", 12, 1).growing(1).most(20),
    Column::right("EVENTS/s", 8, 0),
    Column::right("ERRORS/s", 8, 3),
    Column::right("p50", 7, 8),
    Column::right("p99", 7, 4),
    Column::right("RETRIES", 7, 5),
    Column::right("DUPLIC.", 7, 10),
    Column::right("DEAD", 5, 2),
    Column::right("HELD", 4, 6),
    Column::right("PARTS", 5, 9),
    Column::left("TREND", 10, 7).growing(2).most(40),
];

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let rows = app.consumers();
    let which = matching(app, rows.len(), app.shown.consumers.len());
    let used = u16::from(!which.is_empty());
    let inner = Rect {
        x: area.x + 3,
        width: area.width.saturating_sub(5),
        ..area
    };
    line(buf, inner, 0, which);
    let area = below(area, used);
    if rows.is_empty() {
        return nothing(app, area, buf);
    }
    let selected = rows
        .iter()
        .position(|c| Some(&c.name()) == app.consumers.cursor.key());
    let consumer = selected.map(|at| rows[at]);
    let list = u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .saturating_add(2);
    if let Some(consumer) = consumer.filter(|_| app.consumers.open) {
        return consumer::about(app, consumer, area, buf);
    }
    if area.height < 16 {
        return table(app, &rows, selected, area, buf);
    }
    let list = list.min(area.height / 2);
    table(
        app,
        &rows,
        selected,
        Rect {
            height: list,
            ..area
        },
        buf,
    );
    if let Some(consumer) = consumer {
        consumer::about(app, consumer, below(area, list), buf);
    }
}

fn nothing(app: &App, area: Rect, buf: &mut Buffer) {
    let stack = &app.shown.stack;
    if let Some((why, remedy)) = stack.absent(Part::Consumers) {
        return empty(app, buf, area, why, remedy);
    }
    let (why, remedy) = match (app.shown.seq, stack.workers) {
        (0, _) => ("Connecting: consumers are not started yet.", ""),
        _ if !app.filter(Screen::Consumers).is_empty() => {
            ("No consumer has this text.", "Esc shows all.")
        }
        (_, true) => (
            "Workers are starting.",
            "They join their groups in a few seconds.",
        ),
        (_, false) => (
            "This profile runs no workers, so there are no consumers to steer.",
            "2 Lag shows every group of the cluster.",
        ),
    };
    empty(app, buf, area, why, remedy);
}

fn table(app: &App, rows: &[&Consumer], selected: Option<usize>, area: Rect, buf: &mut Buffer) {
    let table = Table {
        columns: &sorted(app, List::Consumers, COLUMNS),
        len: rows.len(),
        selected,
        focused: true,
    };
    table.render(app, buf, area, |at, widths| cells(app, rows[at], widths));
}

/// The sign of a state, in ASCII too, and its role.
pub fn state(state: ConsumerState) -> (&'static str, &'static str, Role) {
    match state {
        ConsumerState::Starting => ("◌", "~", Role::Dim),
        ConsumerState::Running => ("●", "+", Role::Ok),
        ConsumerState::Paused | ConsumerState::Holding => ("◐", "!", Role::Warn),
        ConsumerState::CircuitOpen => ("◐", "!", Role::Bad),
        ConsumerState::Restarting | ConsumerState::Stopped => ("✗", "x", Role::Bad),
    }
}

fn cells(app: &App, it: &Consumer, widths: &[usize]) -> Cells {
    let theme = &app.theme;
    let (sign, ascii, role) = state(it.state);
    let word = it.state.name();
    let calm = matches!(role, Role::Ok | Role::Dim);
    let dim = |text: String| vec![theme.span(Role::Dim, text)];
    let n = |n: u64| {
        vec![theme.span(
            if n == 0 { Role::Dim } else { Role::Base },
            format::count(n),
        )]
    };
    let failing = it.errors_per_s.is_some_and(|rate| rate >= 0.05);
    let held = it.held.len() as u64;
    vec![
        outside(theme, Role::Base, &app.consumer_label(it)),
        vec![
            theme.span(role, if app.ascii { ascii } else { sign }),
            " ".into(),
            theme.span(if calm { Role::Dim } else { role }, word),
        ],
        vec![theme.span(Role::Strong, format::rate(it.events_per_s))],
        vec![theme.span(
            if failing { Role::Warn } else { Role::Dim },
            format::rate(it.errors_per_s),
        )],
        dim(format::maybe_span(it.latency.map(|l| l.p50))),
        dim(format::maybe_span(it.latency.map(|l| l.p99))),
        n(it.retries),
        n(it.duplicates),
        vec![theme.span(
            if it.dead > 0 { Role::Warn } else { Role::Dim },
            format::count(it.dead),
        )],
        vec![theme.span(
            if held > 0 { Role::Warn } else { Role::Dim },
            held.to_string(),
        )],
        dim(it.assigned.len().to_string()),
        vec![theme.span(Role::Spark, sparkline(app, &it.history, widths[11]))],
    ]
}
