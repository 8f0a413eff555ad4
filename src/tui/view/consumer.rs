//! One consumer: all that is known of it in words, its rate as a chart, and the partitions it reads.

use chrono::{DateTime, Utc};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::fault_plan::FaultPlan;
use crate::domain::printable;
use crate::snapshot::{Consumer, GroupLag, HeldPartition};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::chart::chart;
use super::parts::{below, line, outside, title, wrap};
use super::{consumers, format, partitions};

fn groups(app: &App) -> impl Iterator<Item = &GroupLag> {
    app.shown.lag.value.iter().flat_map(|groups| groups.iter())
}

/// A time that stands still, unlike an age; with its day where that was not within the last one.
fn since(app: &App, at: DateTime<Utc>) -> String {
    match app.age(at).as_secs() {
        0..86_400 => format::clock(at),
        _ => at.format("%Y-%m-%d %H:%M").to_string(),
    }
}

/// All that is known of one consumer: words at the left, its rate as a chart at the right.
pub fn about(app: &App, it: &Consumer, area: Rect, buf: &mut Buffer) {
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
            height: inner.height.saturating_sub(table + 1).clamp(
                used.min(HIGH),
                if app.consumers.open { u16::MAX } else { HIGH },
            ),
            ..inner
        }
    } else {
        Rect {
            height: rest.height.saturating_sub(table).min(CHART),
            ..rest
        }
    };
    // Open, it has the whole screen: what comes in and what it leaves behind, one above the other.
    let lag = groups(app).find(|g| g.group == it.group);
    match lag.filter(|_| plot.height > 2 * CHART) {
        Some(lag) => {
            let half = plot.height / 2;
            let high = Rect {
                height: half,
                ..plot
            };
            chart(app, buf, high, &it.history, "events/s");
            let low = below(plot, half + 1);
            chart(app, buf, low, &lag.numbers.history, "records behind");
        }
        None => chart(app, buf, plot, &it.history, "events/s"),
    }
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

/// Rows of the chart below the facts, and of one of two.
const CHART: u16 = 9;
/// Rows of the only chart, at most.
const HIGH: u16 = 18;
/// Cells of a fact's name.
const LABEL: usize = 11;

fn facts(app: &App, it: &Consumer, area: Rect, buf: &mut Buffer) -> u16 {
    let theme = &app.theme;
    let dim = |text: String| theme.span(Role::Dim, text);
    let base = |text: String| theme.span(Role::Base, text);
    let mut rows: Vec<(&str, Vec<Span<'static>>)> = Vec::new();
    if let Some(reason) = &it.state_reason {
        rows.push(("why", outside(theme, consumers::state(it.state).2, reason)));
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
                dim(" with a dead letter: later events wait behind it".into()),
            ],
        )),
        _ => {}
    }
    rows.push(("reads", outside(theme, Role::Base, &assigned(&it.assigned))));
    for held in &it.held {
        rows.push(("holds", held_words(app, held)));
    }
    rows.push(("fails", vec![base(faults(&it.faults))]));
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

fn faults(plan: &FaultPlan) -> String {
    match plan.is_quiet() {
        true => plan.to_string(),
        false => format!("on purpose: {plan}"),
    }
}
