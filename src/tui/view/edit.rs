//! A letter's value while it is edited: the text with its cursor and what is wrong with it, then what
//! changed. Its scrolling follows from the cursor alone.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::domain::edit::{self, Line, Verdict};
use crate::domain::printable;
use crate::tui::app::App;
use crate::tui::editing::{Editing, Step};
use crate::tui::theme::Role;

use super::form::{field, framed};
use super::parts::{cut, line, outside, wrap};

/// Cells of a line's number and the blank after it.
const GUTTER: usize = 5;

pub fn render(app: &App, form: &Editing, area: Rect, buf: &mut Buffer) {
    let (title, keys) = match form.step {
        Step::Write if area.width < 64 => {
            ("Edit and redrive", "ctrl-s on  ctrl-o editor  esc leave")
        }
        Step::Write => (
            "Edit and redrive",
            "ctrl-s go on   ctrl-z undo   ctrl-o your editor   esc leave",
        ),
        Step::Diff { .. } => ("Send this as a new event?", "↑↓ scroll   n or esc: back"),
        Step::Leave => ("Leave the edit?", "n or esc: back"),
        Step::Sent => ("Sending", "esc closes"),
    };
    let size = (
        area.width.saturating_sub(8).min(120),
        area.height.saturating_sub(4),
    );
    let size = (size.0.max(40), size.1.max(12));
    let inner = framed(app, buf, area, size, title, keys);
    match form.step {
        Step::Write => write(app, form, inner, buf),
        Step::Diff { scroll } => diff(app, form, scroll, inner, buf),
        Step::Leave => {
            let theme = &app.theme;
            let words = "What you typed would be lost.";
            line(buf, inner, 0, vec![theme.span(Role::Base, words)]);
            let yes = vec![
                theme.span(Role::Key, "y"),
                theme.span(Role::Base, "  leave it"),
            ];
            line(buf, inner, 2, yes);
        }
        Step::Sent => {
            let words = "waiting for the engine…";
            line(buf, inner, 0, vec![app.theme.span(Role::Dim, words)]);
        }
    }
}

fn write(app: &App, form: &Editing, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let below = if area.height >= 12 { 3 } else { 2 };
    let high = usize::from(area.height.saturating_sub(below));
    let room = usize::from(area.width).saturating_sub(GUTTER);
    let lines = form.area.lines();
    let (row, column) = form.cursor();
    let from = row
        .saturating_sub(high * 2 / 3)
        .min(lines.len().saturating_sub(high));
    let wrong = match &form.verdict {
        Verdict::Bad { at: Some(at), .. } => Some(at.line),
        _ => None,
    };
    for (y, (n, text)) in (0..).zip(lines.iter().enumerate().skip(from).take(high)) {
        let role = if wrong == Some(n + 1) {
            Role::Bad
        } else {
            Role::Faint
        };
        let mut spans = vec![theme.span(role, format!("{:>4} ", n + 1))];
        spans.extend(typed(app, text, (n == row).then_some(column), room));
        line(buf, area, y, spans);
    }
    let last = area.height.saturating_sub(1);
    verdict(
        app,
        form,
        Rect {
            y: area.y + last - u16::from(below == 3),
            height: below - 1,
            ..area
        },
        buf,
    );
}

/// One line of the text, moved left so that the cursor is in sight.
fn typed(app: &App, text: &str, cursor: Option<usize>, room: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let cells: Vec<String> = text
        .chars()
        .map(|c| printable::visible(c.encode_utf8(&mut [0; 4])))
        .collect();
    let widths: Vec<usize> = cells.iter().map(|c| c.width()).collect();
    let before: usize = widths.iter().take(cursor.unwrap_or(0)).sum();
    let mut skip = (before + 1).saturating_sub(room);
    let mut spans = Vec::new();
    let mut run = String::new();
    for (at, (cell, width)) in cells.into_iter().zip(widths).enumerate() {
        if skip > 0 {
            skip = skip.saturating_sub(width.max(1));
            continue;
        }
        if cursor == Some(at) {
            spans.push(theme.span(Role::Base, std::mem::take(&mut run)));
            spans.push(Span::styled(
                cell,
                theme.style(Role::Base).add_modifier(Modifier::REVERSED),
            ));
        } else {
            run.push_str(&cell);
        }
    }
    spans.push(theme.span(Role::Base, run));
    if cursor.is_some_and(|at| at >= text.chars().count()) {
        spans.push(Span::styled(
            " ",
            theme.style(Role::Base).add_modifier(Modifier::REVERSED),
        ));
    }
    cut(spans, room)
}

/// What is wrong, and where; or that it could be sent.
fn verdict(app: &App, form: &Editing, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let (role, words) = match &form.verdict {
        Verdict::Event { event_type } => (Role::Ok, format!("fits {event_type}")),
        Verdict::Json => (
            Role::Dim,
            "JSON; its schema is another program's".to_owned(),
        ),
        Verdict::Text => (Role::Dim, "no JSON, as it was before".to_owned()),
        Verdict::Bad { why, at: Some(at) } => (
            Role::Bad,
            format!("line {}, column {}: {why}", at.line, at.column),
        ),
        Verdict::Bad { why, at: None } => (Role::Bad, why.clone()),
    };
    let words = wrap(&printable::visible(&words), usize::from(area.width).max(8));
    for (row, words) in (0..area.height).zip(words) {
        line(buf, area, row, outside(theme, role, &words));
    }
}

fn diff(app: &App, form: &Editing, scroll: u16, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let text = form.text();
    let lines = edit::diff(&form.before, &text);
    let below = if form.confirm.typed.is_some() { 4 } else { 3 };
    let high = area.height.saturating_sub(below);
    let most = lines.len().saturating_sub(usize::from(high));
    let from = usize::from(scroll).min(most);
    for (y, one) in (0..high).zip(lines.iter().skip(from)) {
        let (sign, role, text) = match one {
            Line::Same(text) => ("  ", Role::Dim, text),
            Line::Gone(text) => ("- ", Role::Bad, text),
            Line::New(text) => ("+ ", Role::Ok, text),
        };
        let mut spans = vec![theme.span(role, sign)];
        spans.extend(outside(theme, role, text));
        line(buf, area, y, cut(spans, usize::from(area.width)));
    }
    let group = form.letter.group_name();
    let to = format!("to {group} only, under a new event id");
    line(buf, area, high + 1, outside(theme, Role::Dim, &to));
    let mut y = high + 2;
    if let Some(input) = &form.confirm.typed {
        let mut spans = vec![theme.span(Role::Warn, "type 1  ")];
        spans.extend(field(app, input, 10, true));
        line(buf, area, y, spans);
        y += 1;
    }
    let answer = if form.confirm.ready() {
        vec![
            theme.span(Role::Key, "y"),
            theme.span(Role::Base, "  yes, send it"),
        ]
    } else {
        vec![theme.span(Role::Dim, form.confirm.missing())]
    };
    line(buf, area, y, answer);
}
