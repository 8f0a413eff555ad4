//! Messages: what is in a topic right now, or was there then? Topics, the records of one, and one in
//! full: beside each other where there is room, else one after the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::message::Message;
use crate::domain::printable;
use crate::snapshot::{Messages, SearchState, Topic};
use crate::tui::app::App;
use crate::tui::messages::Level;
use crate::tui::sort::List;
use crate::tui::theme::Role;

use super::parts::{below, empty, line, outside, waiting};
use super::table::{Cells, Column, Table, marks, sorted};
use super::{format, message, messages_head};

const TOPICS: [Column; 4] = [
    Column::left("TOPIC", 16, 0).growing(4).most(48),
    Column::right("P", 3, 3),
    Column::right("RECORDS", 9, 2).growing(2).most(15),
    Column::right("/S", 6, 1),
];

const RECORDS: [Column; 6] = [
    Column::right("P", 2, 1),
    Column::right("OFFSET", 8, 0),
    Column::left("TIME", 12, 3),
    Column::left("KEY", 14, 0).growing(3).most(40),
    Column::left("TYPE", 12, 2).growing(2).most(28),
    Column::right("SIZE", 8, 4),
];

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    if app.shown.topics.value.is_none() {
        return waiting(app, buf, area, "the topics", &app.shown.topics);
    }
    let level = app.messages.level;
    if !app.messages_wide() {
        if level > Level::Topics && area.height >= 24 && app.message().is_some() {
            return stacked(app, area, buf);
        }
        return match level {
            Level::Topics => topics(app, area, buf),
            Level::Records => records(app, area, buf),
            Level::Record => message::render(app, area, buf),
        };
    }
    let left = Rect {
        width: (area.width * 3 / 7).clamp(32, 60),
        ..area
    };
    topics(app, left, buf);
    let bar = "│";
    for row in 0..area.height {
        let cell = Rect {
            x: left.right(),
            y: area.y + row,
            width: 1,
            height: 1,
        };
        line(buf, cell, 0, vec![app.theme.span(Role::Faint, bar)]);
    }
    let right = Rect {
        x: left.right() + 1,
        width: area.width - left.width - 1,
        ..area
    };
    if area.height >= 20 && app.message().is_some() {
        return stacked(app, right, buf);
    }
    if level == Level::Record {
        return message::render(app, right, buf);
    }
    records(app, right, buf);
}

/// The list above the record that is looked at.
fn stacked(app: &App, area: Rect, buf: &mut Buffer) {
    let top = Rect {
        height: area.height - area.height * 11 / 20,
        ..area
    };
    records(app, top, buf);
    message::render(app, below(area, top.height), buf);
}

fn topics(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let rows = app.topics();
    let inner = inset(area);
    let all = app.shown.topics.value.as_ref().map_or(0, Vec::len);
    let mut head = vec![
        theme.span(Role::Strong, format::count(rows.len() as u64)),
        theme.span(
            Role::Dim,
            if rows.len() == 1 { " topic" } else { " topics" },
        ),
    ];
    if rows.len() < all {
        head.push(theme.span(Role::Dim, format!(" of {}", format::count(all as u64))));
    }
    line(buf, inner, 0, head);
    let area = below(area, 1);
    if rows.is_empty() {
        let (why, remedy) = if all == 0 {
            (
                "The cluster has no topics yet.",
                "Setup creates ours: `evtop setup`.",
            )
        } else {
            (
                "No topic has that name.",
                "Esc shows all; Enter opens one, and there / looks into its records.",
            )
        };
        return empty(app, buf, area, why, remedy);
    }
    let here = match app.messages.level {
        Level::Topics => app.messages.topics.key(),
        _ => app.messages.topic.as_ref(),
    };
    let table = Table {
        columns: &sorted(app, List::Topics, TOPICS),
        len: rows.len(),
        selected: rows.iter().position(|t| Some(&t.name) == here),
        focused: app.messages.level == Level::Topics,
    };
    table.render(app, buf, area, |at, widths| topic(app, rows[at], widths[2]));
}

/// `room`: for how many records there are, exactly where that fits.
fn topic(app: &App, it: &Topic, room: usize) -> Cells {
    let exact = format::maybe(it.records());
    let records = if exact.len() > room {
        format::maybe_short(it.records())
    } else {
        exact
    };
    let role = if it.dead_letters {
        Role::Dim
    } else {
        Role::Base
    };
    vec![
        outside(&app.theme, role, &it.name),
        vec![app.theme.span(Role::Dim, it.partitions.to_string())],
        vec![app.theme.span(Role::Dim, records)],
        vec![app.theme.span(Role::Dim, format::rate(it.rate))],
    ]
}

fn records(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let Some(name) = app.messages_topic() else {
        return empty(
            app,
            buf,
            area,
            "No topic is open.",
            "Enter opens the one under the cursor.",
        );
    };
    let reading = &app.shown.messages;
    let inner = inset(area);
    let Some(found) = app.messages_shown() else {
        line(buf, inner, 0, outside(theme, Role::Strong, name));
        let area = below(area, 1);
        return match &reading.error {
            Some(error) => {
                let why = format!("{name} can't be read: {error}");
                empty(app, buf, area, &why, "It is tried again by itself.")
            }
            None if app.frozen => empty(
                app,
                buf,
                area,
                "Frozen before it was read.",
                "Space goes on.",
            ),
            None => empty(app, buf, area, "Reading…", ""),
        };
    };
    let mut used = messages_head::render(app, name, found, inner, buf);
    if let Some(error) = &reading.error {
        line(buf, inner, used, outside(theme, Role::Warn, error));
        used += 1;
    }
    let area = below(area, used);
    if found.rows.is_empty() {
        let (why, remedy) = nothing(app, found);
        return empty(app, buf, area, &why, remedy);
    }
    let table = Table {
        columns: &RECORDS,
        len: found.rows.len(),
        selected: app.message_at(),
        focused: app.messages.level == Level::Records,
    };
    let seen = table.render(app, buf, area, |at, _| record(app, &found.rows[at]));
    marks(app, buf, area, seen, |at| app.is_marked(&found.rows[at]));
}

/// Why no record is listed, and what to do.
fn nothing(app: &App, found: &Messages) -> (String, &'static str) {
    let filtered = !app.messages_filter().filter().is_empty();
    let why = match found.state {
        SearchState::End if app.seeks_record() => format!(
            "The record of this event is not among the {} since it was written: it may not be sent yet, or be gone by retention.",
            format::plural(found.searched, "record")
        ),
        SearchState::NoTopic => "There is no such topic any more.".to_owned(),
        SearchState::NoPartition => "This topic has no such partition.".to_owned(),
        SearchState::Reading => "Reading…".to_owned(),
        _ if filtered && found.searched > 0 => format!(
            "None of {} passes the filter.",
            format::plural(found.searched, "record")
        ),
        SearchState::Following => "This topic is empty; what comes is shown here.".to_owned(),
        SearchState::End | SearchState::More => "There is no record from there on.".to_owned(),
    };
    let remedy = match found.state {
        SearchState::Reading => "",
        SearchState::NoTopic | SearchState::NoPartition => "o reads from somewhere else",
        _ if filtered && found.searched > 0 => {
            "esc clears the filter; o reads from further back, such as beginning"
        }
        _ => "o reads from somewhere else",
    };
    (why, remedy)
}

fn record(app: &App, it: &Message) -> Cells {
    let theme = &app.theme;
    let dim = |text: String| vec![theme.span(Role::Dim, text)];
    let at = it.record.timestamp;
    let kind = it.kind.as_deref().unwrap_or(format::UNKNOWN);
    let sought = app.messages.target == Some(it.place());
    let offset = format::offset(Some(it.record.offset));
    vec![
        dim(it.record.partition.to_string()),
        vec![theme.span(if sought { Role::Marked } else { Role::Dim }, offset)],
        dim(at.map_or_else(|| format::UNKNOWN.to_owned(), format::clock_ms)),
        key(app, it),
        outside(
            theme,
            if it.kind.is_some() {
                Role::Base
            } else {
                Role::Dim
            },
            kind,
        ),
        dim(it.size().map_or_else(|| "null".to_owned(), format::bytes)),
    ]
}

/// A record's key, whatever bytes it is.
#[must_use]
pub fn key(app: &App, it: &Message) -> Vec<Span<'static>> {
    match &it.record.key {
        Some(key) => match std::str::from_utf8(key) {
            Ok(text) => outside(&app.theme, Role::Base, text),
            Err(_) => vec![app.theme.span(Role::Escaped, printable::visible_bytes(key))],
        },
        None => vec![app.theme.span(Role::Dim, "no key")],
    }
}

/// Room for text that stands where a table's does.
#[must_use]
pub fn inset(area: Rect) -> Rect {
    Rect {
        x: area.x + 2.min(area.width),
        width: area.width.saturating_sub(4),
        ..area
    }
}
