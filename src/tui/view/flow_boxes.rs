//! The figures in the boxes of the flow's drawing; the boxes that list something are in `flow_lists`.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::printable;
use crate::snapshot::Letters;
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::chart::sparkline;
use super::flow::sum;
use super::format;
use super::parts::{line, right, wrap};

/// A number with its unit behind, and the unit dim.
fn figure(app: &App, role: Role, number: String, unit: &str) -> Vec<Span<'static>> {
    vec![
        app.theme.span(role, number),
        app.theme.span(Role::Dim, format!(" {unit}")),
    ]
}

/// In place of a figure that only a stack of our own has.
pub const NOT_OURS: &str = "not evtop's here";

/// The counts of letters. None found is unknown, not zero, while the topics of a cluster that is not ours
/// have not been read to their ends.
pub fn known_letters(app: &App) -> Option<&Letters> {
    let letters = app.shown.letters.value.as_ref()?;
    let read = !app.shown.stack.attached || letters.unread == Some(0);
    (read || letters.open > 0).then_some(letters)
}

pub fn orders(app: &App, area: Rect, buf: &mut Buffer) {
    if app.shown.stack.attached {
        return not_ours(app, area, buf);
    }
    let traffic = &app.shown.traffic;
    line(
        buf,
        area,
        0,
        vec![
            app.theme
                .span(Role::Strong, format::per_second(traffic.orders_per_s)),
        ],
    );
    let spark = sparkline(app, &traffic.history, usize::from(area.width));
    line(buf, area, 1, vec![app.theme.span(Role::Spark, spark)]);
    if let Some(rate) = traffic.rate {
        let text = format!("set to {rate}/s");
        line(buf, area, 2, vec![app.theme.span(Role::Dim, text)]);
    }
    if let Some(reason) = &traffic.slowed {
        let rows = wrap(&printable::visible(reason), usize::from(area.width));
        for (row, text) in (3..).zip(rows) {
            line(buf, area, row, vec![app.theme.span(Role::Warn, text)]);
        }
    }
}

pub fn outbox(app: &App, area: Rect, buf: &mut Buffer) {
    if app.shown.stack.attached {
        return not_ours(app, area, buf);
    }
    let Some(outbox) = &app.shown.outbox.value else {
        line(
            buf,
            area,
            0,
            vec![app.theme.span(Role::Dim, format::UNKNOWN)],
        );
        return;
    };
    line(
        buf,
        area,
        0,
        figure(app, Role::Strong, format::count(outbox.pending), "pending"),
    );
    let spark = sparkline(app, &outbox.pending_history, usize::from(area.width));
    line(buf, area, 1, vec![app.theme.span(Role::Spark, spark)]);
    let oldest = outbox.oldest.map(|at| app.age(at));
    let facts = [
        ("oldest", format::maybe_span(oldest)),
        ("sent", format::per_second(outbox.publish_per_s)),
        ("delay p99", format::maybe_span(outbox.delay.map(|d| d.p99))),
    ];
    for (row, (label, value)) in (2..).zip(facts) {
        pair(app, buf, area, row, label, Role::Base, value);
    }
    if !outbox.blocked.is_empty() {
        let text = format!(
            "{} blocked",
            format::plural(outbox.blocked.len() as u64, "key")
        );
        line(buf, area, 5, vec![app.theme.span(Role::Warn, text)]);
    }
}

/// What a cluster that is not ours has none of.
fn not_ours(app: &App, area: Rect, buf: &mut Buffer) {
    for (row, text) in (0..).zip([format::UNKNOWN, NOT_OURS]) {
        line(buf, area, row, vec![app.theme.span(Role::Dim, text)]);
    }
}

/// A label at the left, its value at the right.
fn pair(app: &App, buf: &mut Buffer, area: Rect, row: u16, label: &str, role: Role, value: String) {
    line(
        buf,
        area,
        row,
        vec![app.theme.span(Role::Dim, label.to_owned())],
    );
    right(
        buf,
        area,
        row,
        label.len(),
        vec![app.theme.span(role, value)],
    );
}

pub fn outcome(app: &App, area: Rect, buf: &mut Buffer) {
    let consumers = &app.shown.consumers;
    if consumers.is_empty() {
        line(
            buf,
            area,
            0,
            vec![app.theme.span(Role::Dim, format::UNKNOWN)],
        );
        return;
    }
    let ok = sum(consumers.iter().map(|c| c.events_per_s));
    let errors = sum(consumers.iter().map(|c| c.errors_per_s));
    line(
        buf,
        area,
        0,
        figure(app, Role::Strong, format::per_second(ok), "done"),
    );
    let failing = errors.is_some_and(|rate| rate >= 0.05);
    let role = if failing { Role::Warn } else { Role::Dim };
    line(
        buf,
        area,
        1,
        figure(app, role, format::per_second(errors), "failed"),
    );
    let total = |of: fn(&crate::snapshot::Consumer) -> u64| consumers.iter().map(of).sum::<u64>();
    let facts = [
        ("retries", total(|c| c.retries)),
        ("duplicates", total(|c| c.duplicates)),
        ("dead", total(|c| c.dead)),
    ];
    for (row, (label, n)) in (2..).zip(facts) {
        pair(app, buf, area, row, label, Role::Base, format::count(n));
    }
}

pub fn store(app: &App, area: Rect, buf: &mut Buffer) {
    if app.shown.stack.attached {
        return not_ours(app, area, buf);
    }
    let store = app.shown.store.value.as_ref();
    let mut spans = figure(
        app,
        Role::Strong,
        format::maybe(store.map(|s| s.events)),
        "events",
    );
    if let Some(streams) = store.and_then(|s| s.streams) {
        spans.push(
            app.theme
                .span(Role::Dim, format!(" in {} streams", format::count(streams))),
        );
    }
    line(buf, area, 0, spans);
    line(
        buf,
        area,
        1,
        vec![app.theme.span(Role::Dim, "in one step with the outbox")],
    );
}

pub fn end_to_end(app: &App, area: Rect, buf: &mut Buffer) {
    let mut spans = Vec::new();
    for (name, value) in format::percentiles(app.shown.end_to_end) {
        spans.push(app.theme.span(Role::Dim, format!("{name} ")));
        spans.push(app.theme.span(Role::Strong, format!("{value:<10}")));
    }
    line(buf, area, 0, spans);
    line(
        buf,
        area,
        1,
        vec![
            app.theme
                .span(Role::Dim, "order written → first service done, last minute"),
        ],
    );
}

pub fn dead(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(letters) = known_letters(app) else {
        line(
            buf,
            area,
            0,
            vec![app.theme.span(Role::Dim, format::UNKNOWN)],
        );
        return;
    };
    let role = if letters.open > 0 {
        Role::Warn
    } else {
        Role::Strong
    };
    line(
        buf,
        area,
        0,
        figure(app, role, format::count(letters.open), "open"),
    );
    let role = if letters.last_minute > 0 {
        Role::Warn
    } else {
        Role::Dim
    };
    line(
        buf,
        area,
        1,
        figure(app, role, format!("+{}", letters.last_minute), "a minute"),
    );
}
