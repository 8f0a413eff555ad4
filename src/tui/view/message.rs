//! One record in full: its value laid out, its key and headers decoded.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::message::Message;
use crate::domain::printable;
use crate::domain::record::name_shown;
use crate::tui::app::App;
use crate::tui::messages::Level;
use crate::tui::theme::Role;

use super::format;
use super::messages::{inset, key};
use super::parts::{below, cut, empty, line, outside, title, width, wrap};
use super::payload::{self, Lines};

/// Bytes of a value that are laid out.
const LARGEST: usize = 256 * 1024;

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let Some(message) = app.message() else {
        return empty(app, buf, area, "No record is selected.", "");
    };
    heading(app, message, area, buf);
    let body = inset(below(area, 1));
    if body.width < 70 {
        let mut lines = facts(app, message, usize::from(body.width));
        lines.push(Vec::new());
        lines.extend(value(app, message, usize::from(body.width)));
        return scrolled(app, &lines, body, buf);
    }
    let left = Rect {
        width: body.width * 11 / 20,
        ..body
    };
    let right = Rect {
        x: left.right() + 2,
        width: body.width - left.width - 2,
        ..body
    };
    scrolled(
        app,
        &value(app, message, usize::from(left.width)),
        left,
        buf,
    );
    scrolled(
        app,
        &facts(app, message, usize::from(right.width)),
        right,
        buf,
    );
}

/// The lines from where it is scrolled to; never past the end.
fn scrolled(app: &App, lines: &Lines, area: Rect, buf: &mut Buffer) {
    let most = lines.len().saturating_sub(usize::from(area.height));
    let from = usize::from(app.messages.scroll).min(most);
    for (row, spans) in (0..area.height).zip(&lines[from..]) {
        line(buf, area, row, spans.clone());
    }
    let below = most - from;
    if below > 0 && area.height > 1 {
        let mark = "↓";
        let words = vec![app.theme.span(Role::Dim, format!("{mark} {below} more "))];
        let words = cut(words, usize::from(area.width));
        let last = Rect {
            x: area.right() - u16::try_from(width(&words)).unwrap_or(0).min(area.width),
            width: u16::try_from(width(&words)).unwrap_or(0).min(area.width),
            ..area
        };
        line(buf, last, area.height - 1, words);
    }
}

fn value(app: &App, it: &Message, room: usize) -> Lines {
    let bytes = it.record.value.as_deref();
    let Some(long) = bytes.filter(|b| b.len() > LARGEST) else {
        return payload::lines(app, bytes, room);
    };
    let note = format!(
        "the first {} of {}; `evtop messages --json` writes all",
        format::bytes(LARGEST),
        format::bytes(long.len())
    );
    let mut lines = vec![vec![app.theme.span(Role::Warn, note)]];
    // Where a character is cut in two, it and what follows is left out, not shown as bytes.
    let start = &long[..LARGEST];
    let end = match std::str::from_utf8(start) {
        Err(error) if error.error_len().is_none() => error.valid_up_to(),
        _ => LARGEST,
    };
    lines.extend(payload::lines(app, Some(&start[..end]), room));
    lines
}

fn facts(app: &App, it: &Message, room: usize) -> Lines {
    let theme = &app.theme;
    let base = |text: String| vec![theme.span(Role::Base, text)];
    let time = it.record.timestamp.map_or_else(
        || base(format::UNKNOWN.to_owned()),
        |at| {
            let mut spans = base(format::date_time(at));
            let ago = format!("  {}", format::ago(app.age(at)));
            spans.push(theme.span(Role::Dim, ago));
            spans
        },
    );
    let size = it.size().map_or_else(|| "null".to_owned(), format::bytes);
    let rows = [("key", key(app, it)), ("time", time), ("value", base(size))];
    let mut lines: Lines = Vec::new();
    for (label, spans) in rows {
        let mut words = vec![theme.span(Role::Dim, format!("{label:<7}"))];
        words.extend(spans);
        lines.push(words);
    }
    headers(app, it, room, &mut lines);
    lines
}

fn headers(app: &App, it: &Message, room: usize, lines: &mut Lines) {
    let theme = &app.theme;
    let headers = &it.record.headers;
    if headers.is_empty() {
        lines.push(vec![theme.span(Role::Dim, "no headers")]);
        return;
    }
    lines.push(Vec::new());
    let count = format::plural(headers.len() as u64, "HEADER");
    lines.push(vec![theme.span(Role::Heading, count.to_uppercase())]);
    let wide = |name: &str| width(&outside(theme, Role::Dim, &name_shown(name)));
    let names = headers.iter().map(|(name, _)| wide(name)).max();
    let label = names.unwrap_or(0).min(room / 2).min(28);
    for (name, value) in headers {
        let mut spans: Vec<Span<'static>> =
            cut(outside(theme, Role::Dim, &name_shown(name)), label);
        spans.push(" ".repeat(label + 2 - width(&spans).min(label)).into());
        let Some(bytes) = value else {
            spans.push(theme.span(Role::Dim, "null"));
            lines.push(spans);
            continue;
        };
        let Ok(text) = std::str::from_utf8(bytes) else {
            spans.push(theme.span(Role::Escaped, printable::visible_bytes(bytes)));
            lines.push(spans);
            continue;
        };
        // A long one goes on below itself.
        let rest = room.saturating_sub(label + 2).max(8);
        for (at, part) in wrap(text, rest).into_iter().take(6).enumerate() {
            if at > 0 {
                spans = vec![" ".repeat(label + 2).into()];
            }
            spans.extend(outside(theme, Role::Base, &part));
            lines.push(std::mem::take(&mut spans));
        }
    }
}

/// A heading over a record: where it stands.
fn heading(app: &App, it: &Message, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let role = if app.messages.level == Level::Record {
        Role::Accent
    } else {
        Role::Heading
    };
    let mut left = outside(theme, role, &it.record.topic);
    let place = format!(
        "/{} @ {}",
        it.record.partition,
        format::offset(Some(it.record.offset))
    );
    left.push(theme.span(role, place));
    let mut end = Vec::new();
    if let Some(kind) = &it.kind {
        end = outside(theme, Role::Base, kind);
    }
    if width(&end) > usize::from(area.width) / 3 {
        end.clear();
    }
    title(app, buf, area, left, end);
}
