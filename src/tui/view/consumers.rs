//! Consumers: what each one does, how fast, and what holds it up. A table, and all that is known of the
//! one under the cursor.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::domain::fault_plan::FaultPlan;
use crate::domain::printable;
use crate::snapshot::{Consumer, ConsumerState, HeldPartition, Part};
use crate::tui::app::App;
use crate::tui::sort::List;
use crate::tui::theme::Role;

use super::chart::{chart, sparkline};
use super::format;
use super::partitions;
use super::parts::{below, empty, line, matching, outside, title, wrap};
use super::table::{Cells, Column, Table, sorted};

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
        return about(app, consumer, area, buf);
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
        about(app, consumer, below(area, list), buf);
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

/// A time that stands still, unlike an age; with its day where that was not within the last one.
fn since(app: &App, at: DateTime<Utc>) -> String {
    match app.age(at).as_secs() {
        0..86_400 => format::clock(at),
        _ => at.format("%Y-%m-%d %H:%M").to_string(),
    }
}

fn state(state: ConsumerState) -> (&'static str, &'static str, Role) {
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

/// All that is known of one consumer: words at the left, its rate as a chart at the right.
fn about(app: &App, it: &Consumer, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut heading = outside(theme, Role::Strong, &app.consumer_label(it));
    heading.push(theme.span(Role::Faint, " · "));
    heading.push(theme.span(Role::Dim, "group "));
    heading.extend(outside(theme, Role::Dim, &it.group));
    let since = it
        .since
        .map(|at| format!("{} since {}", it.state.name(), since(app, at)));
    title(
        app,
        buf,
        area,
        heading,
        vec![theme.span(Role::Dim, since.unwrap_or_default())],
    );
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..below(area, 1)
    };
    let wide = inner.width >= 100;
    let left = if wide {
        Rect {
            width: inner.width / 2 + 4,
            ..inner
        }
    } else {
        inner
    };
    let used = facts(app, it, left, buf);
    let rest = below(inner, used + 1);
    // The partitions where there is room for all beside a chart, else when they are asked for.
    let beside = if wide { 0 } else { CHART };
    let wanted = partitions::height(it);
    let table = match rest.height.checked_sub(beside) {
        Some(room) if wanted <= room => wanted,
        _ if app.consumers.open => wanted.min(rest.height),
        _ => 0,
    };
    let plot = if wide {
        Rect {
            x: left.right() + 2,
            width: inner.width - left.width - 2,
            height: inner
                .height
                .saturating_sub(table + 1)
                .clamp(used.min(18), 18),
            ..inner
        }
    } else {
        Rect {
            height: rest.height.saturating_sub(table).min(CHART),
            ..rest
        }
    };
    chart(app, buf, plot, &it.history, "events/s");
    if table > 0 {
        let below_chart = if wide {
            plot.bottom() + 1
        } else {
            plot.bottom()
        };
        let top = below_chart
            .max(rest.y)
            .min(inner.bottom().saturating_sub(table));
        let area = Rect {
            y: top,
            height: table,
            x: area.x,
            width: area.width,
        };
        partitions::render(app, it, area, buf);
    }
}

/// Rows of the chart below the facts.
const CHART: u16 = 9;
/// Cells of a fact's name.
const LABEL: usize = 11;

fn facts(app: &App, it: &Consumer, area: Rect, buf: &mut Buffer) -> u16 {
    let theme = &app.theme;
    let dim = |text: String| theme.span(Role::Dim, text);
    let base = |text: String| theme.span(Role::Base, text);
    let mut rows: Vec<(&str, Vec<Span<'static>>)> = Vec::new();
    if let Some(reason) = &it.state_reason {
        rows.push(("why", outside(theme, state(it.state).2, reason)));
    }
    let mut spans = Vec::new();
    for (name, value) in format::percentiles(it.latency) {
        spans.extend([dim(format!("{name} ")), base(format!("{value:<9}"))]);
    }
    rows.push(("takes", spans));
    rows.push((
        "so far",
        vec![
            base(format::count(it.handled)),
            dim(" handled · ".into()),
            base(format::count(it.skipped)),
            dim(" skipped · ".into()),
            base(format::count(it.in_flight)),
            dim(" in flight".into()),
        ],
    ));
    if it.restarts > 0 {
        rows.push((
            "restarts",
            vec![theme.span(Role::Warn, it.restarts.to_string())],
        ));
    }
    match it.blocked_keys {
        Some(n) if n > 0 => rows.push((
            "blocked",
            vec![
                theme.span(
                    Role::Warn,
                    format!("{} key{}", format::count(n), if n == 1 { "" } else { "s" }),
                ),
                dim(if n == 1 {
                    " waits behind a dead letter".into()
                } else {
                    " wait behind a dead letter".into()
                }),
            ],
        )),
        _ => {}
    }
    rows.push(("reads", outside(theme, Role::Base, &assigned(&it.assigned))));
    for held in &it.held {
        rows.push(("holds", held_words(app, held)));
    }
    rows.push(("fails", vec![base(fault_words(&it.faults))]));
    if let Some((at, error)) = &it.last_error {
        let ago = format!("{}: ", format::ago(app.age(*at)));
        let room = usize::from(area.width).saturating_sub(LABEL);
        let words = wrap(&format!("{ago}{}", printable::visible(error)), room);
        for (nth, text) in words.into_iter().take(3).enumerate() {
            match (nth, text.strip_prefix(&*ago)) {
                (0, Some(rest)) => {
                    let spans = vec![dim(ago.clone()), base(rest.to_owned())];
                    rows.push(("last error", spans));
                }
                (0, None) => rows.push(("last error", vec![base(text)])),
                _ => rows.push(("", vec![base(text)])),
            }
        }
    }
    for (y, (label, spans)) in (0..).zip(&rows) {
        let mut words = vec![dim(format!("{label:<LABEL$}"))];
        words.extend(spans.clone());
        line(buf, area, y, words);
    }
    u16::try_from(rows.len()).unwrap_or(u16::MAX)
}

/// `order-events 0 1 2 · payment-events 0`.
fn assigned(partitions: &[(String, i32)]) -> String {
    if partitions.is_empty() {
        return "no partition assigned".to_owned();
    }
    let mut text = String::new();
    let mut last = None;
    for (topic, partition) in partitions {
        if last != Some(topic) {
            if last.is_some() {
                text.push_str(" · ");
            }
            text.push_str(topic);
            last = Some(topic);
        }
        text.push_str(&format!(" {partition}"));
    }
    text
}

fn held_words(app: &App, held: &HeldPartition) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let mut spans = outside(theme, Role::Warn, &held.topic);
    spans.push(theme.span(
        Role::Warn,
        format!(
            "/{} @ {}",
            held.partition,
            format::offset(Some(held.offset))
        ),
    ));
    spans.push(theme.span(Role::Dim, " · "));
    spans.extend(waits(app, held));
    spans
}

/// For what a partition waits.
pub fn waits(app: &App, held: &HeldPartition) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let due = match held.due {
        Some(due) => {
            let left = (due - app.shown.taken).to_std().unwrap_or_default();
            format!("again in {}", format::span(left))
        }
        None => "until it is back".to_owned(),
    };
    let words = format!(
        "attempt {} · {due} · {} behind it · ",
        held.attempts, held.waiting
    );
    let mut spans = vec![theme.span(Role::Dim, words)];
    spans.extend(outside(theme, Role::Base, &held.reason));
    spans
}

fn fault_words(plan: &FaultPlan) -> String {
    if plan.is_quiet() {
        return "nothing on purpose".to_owned();
    }
    let mut parts = Vec::new();
    let share = |share: f64| format!("{}%", (share * 100_000.0).round() / 1_000.0);
    if plan.transient > 0.0 {
        parts.push(format!(
            "{} for {} attempt{}",
            share(plan.transient),
            plan.transient_times,
            if plan.transient_times == 1 { "" } else { "s" }
        ));
    }
    if plan.permanent > 0.0 {
        parts.push(format!("{} for good", share(plan.permanent)));
    }
    if plan.slow > 0.0 {
        let burst = match plan.burst_secs {
            0 => String::new(),
            secs => format!(" for {secs} s every {} s", plan.burst_every_secs),
        };
        parts.push(format!(
            "{} take {} ms{burst}",
            share(plan.slow),
            plan.slow_ms
        ));
    }
    if plan.panic > 0.0 {
        parts.push(format!("{} panic", share(plan.panic)));
    }
    format!("on purpose: {}", parts.join(", "))
}
