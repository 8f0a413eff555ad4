//! Lag: who is behind, by how much in records and in time, is it getting better, when will it be done?
//! A tree of groups, topics and partitions, and what is known of the row under the cursor.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::snapshot::{LagNumbers, Verdict, VerdictKind};
use crate::tui::app::App;
use crate::tui::lag_rows::LagRow;
use crate::tui::sort::List;
use crate::tui::theme::Role;

use super::chart::{chart, sparkline};
use super::flow::sign;
use super::format;
use super::parts::{below, empty, freshness, line, matching, outside, title, waiting, width};
use super::table::{Cells, Column, Table, sorted};

const COLUMNS: [Column; 9] = [
    Column::left("GROUP / TOPIC / PARTITION", 18, 0)
        .growing(2)
        .most(40)
        .still(),
    Column::right("LAG", 7, 0),
    Column::right("TIME", 7, 1),
    Column::right("IN/s", 7, 5),
    Column::right("OUT/s", 7, 4),
    Column::left("TREND", 10, 6),
    Column::right("ETA", 7, 3),
    Column::left("VERDICT", 10, 2).growing(6),
    Column::left("OWNER", 14, 7).growing(1).most(24),
];

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let reading = &app.shown.lag;
    let Some(groups) = &reading.value else {
        return waiting(app, buf, area, "consumer groups", reading);
    };
    let rows = app.lag_rows();
    let keys: Vec<_> = rows.iter().map(LagRow::key).collect();
    let selected = app.lag.cursor.index(&keys);
    let detail = match area.height {
        0..14 => 0,
        14..24 => 7,
        height => (height / 3).clamp(9, 16),
    };
    let partitions: usize = groups
        .iter()
        .flat_map(|g| &g.topics)
        .map(|t| t.partitions.len())
        .sum();
    let counted = format!(
        "{} groups · {} partitions",
        groups.len(),
        format::count(partitions as u64)
    );
    let stale = freshness(&app.theme, &app.shown, reading);
    let passing = rows.iter().filter(|row| row.topic.is_none()).count();
    let mut heading = matching(app, passing, groups.len());
    if stale.is_empty() {
        if !heading.is_empty() {
            heading.push(app.theme.span(Role::Dim, " · "));
        }
        heading.push(app.theme.span(Role::Dim, counted));
    } else {
        heading = stale;
    }
    let inner = Rect {
        x: area.x + 3,
        width: area.width.saturating_sub(5),
        ..area
    };
    line(buf, inner, 0, heading);
    let list = Rect {
        height: area.height - detail,
        ..area
    };
    if rows.is_empty() {
        if app.filter(Screen::Lag).is_empty() {
            empty(
                app,
                buf,
                below(list, 1),
                "No consumer group has read here yet.",
                "A group shows up with its first commit; workers commit within seconds.",
            );
        } else {
            empty(
                app,
                buf,
                below(list, 1),
                "No group or topic has this text.",
                "Esc shows all.",
            );
        }
        return;
    }
    let mut columns = sorted(app, List::Lag, COLUMNS);
    columns[0].least = match area.width {
        ..60 => columns[0].least,
        60.. => 26,
    };
    let table = Table {
        columns: &columns,
        len: rows.len(),
        selected,
        focused: true,
    };
    table.render(app, buf, below(list, 1), |at, widths| {
        cells(app, &rows[at], widths)
    });
    if let (Some(row), true) = (selected.map(|at| &rows[at]), detail > 0) {
        about(app, row, below(area, area.height - detail), buf);
    }
}

fn cells(app: &App, row: &LagRow<'_>, widths: &[usize]) -> Cells {
    let (theme, numbers, verdict) = (&app.theme, row.numbers(), row.verdict());
    let fold = match (row.open, app.ascii) {
        (Some(true), false) => "▾ ",
        (Some(false), false) => "▸ ",
        (Some(true), true) => "- ",
        (Some(false), true) => "+ ",
        (None, _) => "  ",
    };
    let mut name = Vec::new();
    match (row.topic, row.partition) {
        (Some(_), Some(partition)) => {
            name.push(theme.span(Role::Dim, format!("      {}", partition.partition)));
        }
        (Some(topic), None) => {
            name.push(theme.span(Role::Dim, format!("  {fold}")));
            name.extend(outside(theme, Role::Base, &topic.topic));
        }
        _ => {
            name.push(theme.span(Role::Dim, fold));
            name.extend(outside(theme, Role::Strong, &row.group.group));
        }
    }
    let (_, _, role) = sign(verdict.kind);
    let bad = matches!(role, Role::Warn | Role::Bad);
    let of_lag = match (bad, numbers.lag) {
        (true, _) => role,
        (false, Some(0) | None) => Role::Dim,
        _ => Role::Base,
    };
    let words = verdict_words(
        app,
        verdict,
        row.partition.is_some() || row.open != Some(true),
    );
    let dim = |text: String| vec![theme.span(Role::Dim, text)];
    vec![
        name,
        vec![theme.span(of_lag, format::maybe_short(numbers.lag))],
        vec![theme.span(if bad { role } else { Role::Dim }, lag_time(numbers))],
        dim(format::rate(numbers.rate_in)),
        dim(format::rate(numbers.rate_out)),
        vec![theme.span(Role::Spark, sparkline(app, &numbers.history, widths[5]))],
        dim(eta(numbers)),
        words,
        outside(
            theme,
            Role::Dim,
            row.partition.and_then(|p| p.owner.as_deref()).unwrap_or(""),
        ),
    ]
}

/// What is judged, with its reason where that is wanted and there is more to say than ok.
pub fn verdict_words(app: &App, verdict: &Verdict, reason: bool) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let (mark, ascii, role) = sign(verdict.kind);
    let mut words = vec![
        theme.span(role, if app.ascii { ascii } else { mark }),
        " ".into(),
    ];
    if verdict.kind == VerdictKind::Ok {
        words.push(theme.span(Role::Dim, "ok"));
        return words;
    }
    let bad = matches!(role, Role::Warn | Role::Bad);
    words.push(theme.span(if bad { role } else { Role::Dim }, verdict.kind.name()));
    if reason {
        words.push(theme.span(Role::Dim, ": "));
        words.extend(outside(theme, Role::Dim, &verdict.reason));
    }
    words
}

pub fn lag_time(numbers: &LagNumbers) -> String {
    match numbers.time {
        Some(time) if time.is_zero() => "0 s".to_owned(),
        time => format::maybe_span(time),
    }
}

fn eta(numbers: &LagNumbers) -> String {
    match (numbers.lag, numbers.eta) {
        (Some(0), _) => String::new(),
        (_, Some(eta)) => format::span(Duration::from_secs(eta.as_secs().max(1))),
        _ => format::UNKNOWN.to_owned(),
    }
}

/// The row under the cursor: its name, offsets and verdict in full, and its lag as a chart.
fn about(app: &App, row: &LagRow<'_>, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let mut heading = outside(theme, Role::Strong, &row.group.group);
    if let Some(topic) = row.topic {
        heading.push(theme.span(Role::Faint, " · "));
        heading.extend(outside(theme, Role::Strong, &topic.topic));
        if let Some(partition) = row.partition {
            heading.push(theme.span(Role::Strong, format!("/{}", partition.partition)));
        }
    }
    let mut end = Vec::new();
    if let Some(state) = &row.group.state {
        end.push(theme.span(Role::Dim, "group is "));
        end.extend(outside(theme, Role::Dim, state));
    }
    title(app, buf, area, heading, end);
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..below(area, 1)
    };
    let (_, _, role) = sign(row.verdict().kind);
    let mut words = vec![theme.span(role, row.verdict().kind.name())];
    if !row.verdict().reason.is_empty() {
        words.push(theme.span(Role::Dim, ": "));
        words.extend(outside(theme, Role::Base, &row.verdict().reason));
    }
    line(buf, inner, 0, words);
    line(buf, inner, 1, offsets(app, row));
    chart(
        app,
        buf,
        below(inner, 2),
        &row.numbers().history,
        "records behind",
    );
}

fn offsets(app: &App, row: &LagRow<'_>) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let mut spans = Vec::new();
    let mut fact = |label: &'static str, value: String| {
        if !spans.is_empty() {
            spans.push(theme.span(Role::Faint, "   "));
        }
        spans.push(theme.span(Role::Dim, format!("{label} ")));
        spans.push(theme.span(Role::Base, value));
    };
    match row.partition {
        Some(partition) => {
            fact("committed", format::offset(partition.committed));
            fact("end", format::offset(partition.end));
            fact("first", format::offset(partition.first));
            let moved = partition.moved_at.map(|at| format::ago(app.age(at)));
            fact(
                "last moved",
                moved.unwrap_or_else(|| format::UNKNOWN.to_owned()),
            );
            if let Some(owner) = &partition.owner {
                let words = crate::domain::printable::visible(owner);
                fact("read by", words);
            }
        }
        None => {
            let topics: Vec<_> = match row.topic {
                Some(topic) => vec![topic],
                None => row.group.topics.iter().collect(),
            };
            let partitions = topics.iter().flat_map(|t| &t.partitions);
            let behind = partitions
                .clone()
                .filter(|p| p.numbers.lag.is_some_and(|lag| lag > 0));
            let bad = partitions
                .clone()
                .filter(|p| p.verdict.kind >= VerdictKind::AtRisk);
            fact("partitions", partitions.clone().count().to_string());
            fact("behind", behind.count().to_string());
            fact("in trouble", bad.count().to_string());
            fact("lag", format::maybe(row.numbers().lag));
            fact("in time", lag_time(row.numbers()));
        }
    }
    if width(&spans) == 0 {
        spans.push(theme.span(Role::Dim, format::UNKNOWN));
    }
    spans
}
