//! Pieces that every screen is made of: lines that can't spill, titles, boxes, and what an empty or a
//! stale source says.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Widget;
use unicode_width::UnicodeWidthStr;

use crate::domain::printable;
use crate::snapshot::{Reading, Snapshot};
use crate::tui::app::App;
use crate::tui::theme::{Role, Theme};

use super::{RULE_FROM, format};

/// Text that comes from outside: what must not reach the terminal stands visibly in its own role.
#[must_use]
pub fn outside(theme: &Theme, role: Role, text: &str) -> Vec<Span<'static>> {
    printable::segments(text)
        .into_iter()
        .map(|segment| {
            let role = if segment.escaped { Role::Escaped } else { role };
            theme.span(role, segment.text)
        })
        .collect()
}

/// How many cells spans take.
#[must_use]
pub fn width(spans: &[Span<'_>]) -> usize {
    spans.iter().map(|span| span.content.width()).sum()
}

/// Cuts spans to a width, with an ellipsis where something is left out.
#[must_use]
pub fn cut(spans: Vec<Span<'static>>, room: usize) -> Vec<Span<'static>> {
    if width(&spans) <= room {
        return spans;
    }
    let mut left = room.saturating_sub(1);
    let mut out = Vec::new();
    for span in spans {
        let wide = span.content.width();
        if wide <= left {
            left -= wide;
            out.push(span);
            continue;
        }
        let mut text = String::new();
        for cluster in unicode_segmentation::UnicodeSegmentation::graphemes(&*span.content, true) {
            if cluster.width() > left {
                break;
            }
            left -= cluster.width();
            text.push_str(cluster);
        }
        if room > 0 {
            text.push('…');
        }
        out.push(Span::styled(text, span.style));
        break;
    }
    out
}

/// Breaks words into lines of at most this width; a longer word is broken.
#[must_use]
pub fn wrap(text: &str, room: usize) -> Vec<String> {
    let room = room.max(1);
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in text.split(' ') {
        let wide = word.width();
        let gap = usize::from(used > 0);
        if used + gap + wide <= room {
            if gap == 1 {
                lines.last_mut().into_iter().for_each(|l| l.push(' '));
            }
            lines.last_mut().into_iter().for_each(|l| l.push_str(word));
            used += gap + wide;
            continue;
        }
        if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        for cluster in unicode_segmentation::UnicodeSegmentation::graphemes(word, true) {
            if used + cluster.width() > room && used > 0 {
                lines.push(String::new());
                used = 0;
            }
            lines
                .last_mut()
                .into_iter()
                .for_each(|l| l.push_str(cluster));
            used += cluster.width();
        }
    }
    lines
}

/// One line of an area, cut to its width; below the area it is left out.
pub fn line(buf: &mut Buffer, area: Rect, row: u16, spans: Vec<Span<'static>>) {
    if row < area.height {
        let spans = cut(spans, usize::from(area.width));
        Line::from(spans).render(at(area, row), buf);
    }
}

/// The same, at the right edge, and only if there is room beside `taken` cells.
pub fn right(buf: &mut Buffer, area: Rect, row: u16, taken: usize, spans: Vec<Span<'static>>) {
    let wide = width(&spans);
    if row < area.height && taken + wide < usize::from(area.width) {
        Line::from(spans).right_aligned().render(at(area, row), buf);
    }
}

/// The one-line area of a row.
#[must_use]
pub fn at(area: Rect, row: u16) -> Rect {
    Rect {
        y: area.y.saturating_add(row),
        height: 1,
        ..area
    }
    .intersection(area)
}

/// The area without its first lines.
#[must_use]
pub fn below(area: Rect, rows: u16) -> Rect {
    let rows = rows.min(area.height);
    Rect {
        y: area.y + rows,
        height: area.height - rows,
        ..area
    }
}

/// A title over a quiet rule, with words at its right end.
pub fn title(
    app: &App,
    buf: &mut Buffer,
    area: Rect,
    left: Vec<Span<'static>>,
    end: Vec<Span<'static>>,
) {
    if area.height == 0 {
        return;
    }
    let area = Rect {
        x: area.x + 1.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    };
    let rule = "─";
    let room = usize::from(area.width);
    let rest = room.saturating_sub(4);
    let left = cut(left, rest);
    let taken = width(&left);
    if taken == 0 {
        return line(
            buf,
            area,
            0,
            vec![app.theme.span(Role::Faint, rule.repeat(room))],
        );
    }
    let mut spans = vec![app.theme.span(Role::Faint, rule), " ".into()];
    spans.extend(left);
    spans.push(" ".into());
    let mut end = cut(end, rest.saturating_sub(taken + 4));
    let gap = if end.is_empty() { 0 } else { width(&end) + 3 };
    let fill = room.saturating_sub(taken + 3 + gap);
    spans.push(app.theme.span(Role::Faint, rule.repeat(fill)));
    if gap > 0 {
        spans.push(" ".into());
        spans.append(&mut end);
        spans.push(" ".into());
        spans.push(app.theme.span(Role::Faint, rule));
    }
    line(buf, area, 0, spans);
}

/// What a heading says while a filter is on: how many rows pass, of how many. Nothing without one.
#[must_use]
pub fn matching(app: &App, passing: usize, of: usize) -> Vec<Span<'static>> {
    let filter = app.filter(app.screen);
    if filter.is_empty() {
        return Vec::new();
    }
    let count = |n: usize| format::count(n as u64);
    let mut spans = vec![app.theme.span(Role::Strong, count(passing))];
    spans.extend(filtered(app, &format!("of {} match", count(of))));
    spans
}

/// The end of how many rows pass the filter, which is said where no rule says it.
#[must_use]
pub fn filtered(app: &App, words: &str) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let filter = app.filter(app.screen);
    let mut spans = vec![theme.span(Role::Dim, format!(" {words}"))];
    // On a low screen there is no rule to say the text.
    if app.size.1 < RULE_FROM {
        spans.push(" ".into());
        spans.extend(cut(outside(theme, Role::Strong, filter), 24));
    }
    spans
}

/// How fresh a source is: nothing while it works, else its age and its error.
#[must_use]
pub fn freshness<T>(theme: &Theme, shown: &Snapshot, reading: &Reading<T>) -> Vec<Span<'static>> {
    let age = reading.at.and_then(|at| (shown.taken - at).to_std().ok());
    match (&reading.error, age) {
        (Some(error), Some(age)) => {
            let mut spans = vec![theme.span(Role::Warn, format!("read {}: ", format::ago(age)))];
            spans.extend(outside(theme, Role::Warn, error));
            spans
        }
        (Some(error), None) => {
            let mut spans = vec![theme.span(Role::Warn, "never read: ")];
            spans.extend(outside(theme, Role::Warn, error));
            spans
        }
        (None, Some(age)) if age.as_secs() >= 5 => {
            vec![theme.span(Role::Warn, format!("read {}", format::ago(age)))]
        }
        _ => Vec::new(),
    }
}

/// What an empty list says: why it is empty, and what to do.
pub fn empty(app: &App, buf: &mut Buffer, area: Rect, why: &str, remedy: &str) {
    let room = usize::from(area.width.saturating_sub(4)).max(1);
    let mut row = u16::from(area.height > 4);
    let inner = Rect {
        x: area.x + 2.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    };
    for (role, text) in [(Role::Base, why), (Role::Dim, remedy)] {
        for text in wrap(&printable::visible(text), room) {
            line(buf, inner, row, vec![app.theme.span(role, text)]);
            row += 1;
        }
    }
}

/// What a source that has no value yet says.
pub fn waiting<T>(app: &App, buf: &mut Buffer, area: Rect, what: &str, reading: &Reading<T>) {
    match &reading.error {
        Some(error) => empty(
            app,
            buf,
            area,
            &format!("{what} can't be read: {error}"),
            "It is tried again by itself.",
        ),
        None => empty(
            app,
            buf,
            area,
            &format!("Connecting: {what} not read yet."),
            "",
        ),
    }
}
