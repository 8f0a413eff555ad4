//! The partitions that a consumer reads: how far it is in each, and which one waits for what.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::snapshot::{Consumer, HeldPartition, PartitionLag};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::consumer::waits;
use super::format;
use super::lag::{lag_time, verdict_words};
use super::parts::{below, line, outside};
use super::table::{Cells, Column, Table};

const COLUMNS: [Column; 7] = [
    Column::left("PARTITION", 16, 0).growing(1).most(40),
    Column::right("COMMITTED", 10, 4),
    Column::right("END", 10, 5),
    Column::right("LAG", 7, 0),
    Column::right("TIME", 7, 2),
    Column::right("OUT/s", 6, 3),
    Column::left("STATE", 10, 1).growing(3).most(70),
];

/// A partition of a consumer's, with what is known of it.
struct Row<'a> {
    topic: &'a str,
    partition: i32,
    lag: Option<&'a PartitionLag>,
    held: Option<&'a HeldPartition>,
}

fn rows<'a>(app: &'a App, it: &'a Consumer) -> impl Iterator<Item = Row<'a>> {
    let groups = app.shown.lag.value.iter().flat_map(|groups| groups.iter());
    let group = groups.into_iter().find(|g| g.group == it.group);
    it.assigned.iter().map(move |(topic, partition)| {
        let topics = group.iter().flat_map(|g| &g.topics);
        let of_topic = topics.filter(|t| t.topic == *topic);
        let mut places = of_topic.flat_map(|t| &t.partitions);
        let mut held = it.held.iter();
        Row {
            topic,
            partition: *partition,
            lag: places.find(|p| p.partition == *partition),
            held: held.find(|h| h.topic == *topic && h.partition == *partition),
        }
    })
}

/// Rows that [`render`] takes for all of them.
#[must_use]
pub fn height(it: &Consumer) -> u16 {
    let rows = it.assigned.len() + 1;
    if it.assigned.is_empty() {
        return 0;
    }
    u16::try_from(rows).unwrap_or(u16::MAX)
}

/// Draws as many as there is room for, those that wait first, and says how many are left out.
pub fn render(app: &App, it: &Consumer, area: Rect, buf: &mut Buffer) {
    let mut rows: Vec<Row<'_>> = rows(app, it).collect();
    let room = usize::from(area.height.saturating_sub(1));
    let hidden = rows.len() > room;
    if hidden {
        rows.sort_by_key(|row| {
            (
                row.held.is_none(),
                row.lag.map(|p| std::cmp::Reverse(p.numbers.lag)),
            )
        });
    }
    let shown = rows.len().min(room.saturating_sub(usize::from(hidden)));
    let table = Table {
        columns: &COLUMNS,
        len: shown,
        selected: None,
        focused: false,
    };
    table.render(app, buf, area, |at, _| cells(app, &rows[at]));
    if hidden {
        let more = format!("{} more; 2 Lag lists all", rows.len() - shown);
        let words = vec!["   ".into(), app.theme.span(Role::Dim, more)];
        let last = area.height.saturating_sub(1);
        line(buf, below(area, last), 0, words);
    }
}

fn cells(app: &App, row: &Row<'_>) -> Cells {
    let theme = &app.theme;
    let dim = |text: String| vec![theme.span(Role::Dim, text)];
    let offset = |offset: Option<i64>| dim(format::offset(offset));
    let numbers = row.lag.map(|p| &p.numbers);
    let lag = numbers.and_then(|n| n.lag);
    let behind = if lag.is_some_and(|n| n > 0) {
        Role::Base
    } else {
        Role::Dim
    };
    let mut name = outside(theme, Role::Base, row.topic);
    name.push(theme.span(Role::Dim, format!("/{}", row.partition)));
    let state = match (row.held, row.lag) {
        (Some(held), _) => waits(app, held),
        (None, Some(p)) => verdict_words(app, &p.verdict, true),
        (None, None) => dim("unknown".to_owned()),
    };
    vec![
        name,
        offset(row.lag.and_then(|p| p.committed)),
        offset(row.lag.and_then(|p| p.end)),
        vec![theme.span(behind, format::maybe_short(lag))],
        dim(numbers.map_or_else(|| format::UNKNOWN.to_owned(), lag_time)),
        dim(format::rate(numbers.and_then(|n| n.rate_out))),
        state,
    ]
}
