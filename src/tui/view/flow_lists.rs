//! The boxes of the flow's drawing that list something: topics, and who reads them. The cursor stands in them,
//! and what does not fit is counted on the last line.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;
use crate::tui::cursor::window;
use crate::tui::rows::FlowKey;
use crate::tui::theme::Role;

use super::chart::sparkline;
use super::flow::{Reader, lag_role};
use super::format;
use super::parts::{cut, line, outside, width};

pub fn topic_rows(app: &App, area: Rect, buf: &mut Buffer) {
    if app.shown.topics.value.is_none() {
        line(
            buf,
            area,
            0,
            vec![app.theme.span(Role::Dim, format::UNKNOWN)],
        );
        return;
    }
    let topics = app.flow_topics();
    if topics.is_empty() {
        line(
            buf,
            area,
            0,
            vec![app.theme.span(Role::Dim, "no topic yet")],
        );
    }
    let room = usize::from(area.width);
    let name = topics
        .iter()
        .map(|t| width(&outside(&app.theme, Role::Base, &t.name)))
        .max();
    let name = name.unwrap_or(0).min(room.saturating_sub(10)).max(1);
    let selected = match app.flow.key() {
        Some(FlowKey::Topic(here)) => topics.iter().position(|t| t.name == *here),
        _ => None,
    };
    let shown = rows_of(topics.len(), area.height);
    let seen = window(topics.len(), selected, shown);
    for (row, at) in (0..).zip(seen) {
        let topic = topics[at];
        let mut spans = cut(outside(&app.theme, Role::Base, &topic.name), name);
        spans.push(" ".repeat(name - width(&spans)).into());
        spans.push(app.theme.span(
            Role::Strong,
            format!("{:>8}", format::per_second(topic.rate)),
        ));
        let left = room.saturating_sub(width(&spans) + 1);
        spans.push(" ".into());
        spans.push(
            app.theme
                .span(Role::Spark, sparkline(app, &topic.history, left)),
        );
        line(buf, area, row, spans);
        if selected == Some(at) {
            select(app, buf, super::parts::at(area, row));
        }
    }
    more(app, buf, area, topics.len(), shown);
}

/// The row that the cursor stands on, with the cursor's sign in the padding before it.
fn select(app: &App, buf: &mut Buffer, row: Rect) {
    let whole = Rect {
        x: row.x.saturating_sub(1),
        width: row.width + 1,
        ..row
    };
    buf.set_style(whole, app.theme.style(Role::Selected));
    let sign = "▌";
    line(buf, whole, 0, vec![app.theme.span(Role::Accent, sign)]);
}

/// How many rows are listed when the last line may have to say how many are not.
fn rows_of(len: usize, height: u16) -> usize {
    let height = usize::from(height);
    if len > height {
        height.saturating_sub(1)
    } else {
        len
    }
}

fn more(app: &App, buf: &mut Buffer, area: Rect, len: usize, shown: usize) {
    if len > shown {
        let row = u16::try_from(shown).unwrap_or(u16::MAX);
        line(
            buf,
            area,
            row,
            vec![app.theme.span(Role::Dim, format!("… {} more", len - shown))],
        );
    }
}

pub fn reader_rows(app: &App, readers: &[Reader<'_>], area: Rect, buf: &mut Buffer) {
    if readers.is_empty() {
        let text = match (app.shown.seq, app.shown.stack.workers) {
            (0, _) => format::UNKNOWN,
            (_, true) => "workers are starting",
            (_, false) => "no group reads here yet",
        };
        line(buf, area, 0, vec![app.theme.span(Role::Dim, text)]);
        return;
    }
    let room = usize::from(area.width);
    let name = readers
        .iter()
        .map(|r| width(&outside(&app.theme, Role::Base, r.name)))
        .max();
    let name = name.unwrap_or(0).clamp(1, room.saturating_sub(24).max(1));
    let digits = readers
        .iter()
        .map(|r| format::maybe_short(r.lag).len())
        .max();
    let digits = digits.unwrap_or(0).max(3) + 1;
    let selected = match app.flow.key() {
        Some(FlowKey::Reader(here)) => readers.iter().position(|r| r.name == here),
        _ => None,
    };
    let shown = rows_of(readers.len(), area.height);
    let seen = window(readers.len(), selected, shown);
    let mut row = 0;
    for (nth, at) in seen.enumerate() {
        let reader = &readers[at];
        let (sign, ascii, role) = reader.sign;
        let mut spans = vec![
            app.theme.span(role, if app.ascii { ascii } else { sign }),
            " ".into(),
        ];
        spans.extend(cut(outside(&app.theme, Role::Base, reader.name), name));
        spans.push(" ".repeat((name + 2).saturating_sub(width(&spans))).into());
        spans.push(app.theme.span(
            Role::Strong,
            format!("{:>8}", format::per_second(reader.rate)),
        ));
        spans.push(app.theme.span(Role::Dim, " lag"));
        spans.push(app.theme.span(
            lag_role(reader),
            format!("{:>digits$}", format::maybe_short(reader.lag)),
        ));
        let left = room.saturating_sub(width(&spans) + 1);
        spans.push(" ".into());
        spans.push(
            app.theme
                .span(Role::Spark, sparkline(app, reader.history, left)),
        );
        line(buf, area, row, spans);
        if selected == Some(at) {
            select(app, buf, super::parts::at(area, row));
        }
        row += 1;
        let rest = u16::try_from(readers.len() - nth).unwrap_or(u16::MAX);
        if let Some((role, words)) = reader
            .trouble
            .as_ref()
            .filter(|_| row + rest <= area.height)
        {
            let hook = if app.ascii { "` " } else { "╰ " };
            let mut spans = vec!["  ".into(), app.theme.span(Role::Faint, hook)];
            spans.extend(outside(&app.theme, *role, words));
            line(buf, area, row, spans);
            row += 1;
        }
    }
    more(app, buf, area, readers.len(), shown);
}
