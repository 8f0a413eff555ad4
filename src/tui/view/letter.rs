//! One dead letter in full: what it says, where it came from, what was tried.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::fault::Stage;
use crate::domain::foreign::{Family, Foreign};
use crate::domain::letter::Letter;
use crate::domain::printable;
use crate::domain::record::name_shown;
use crate::snapshot::LetterDetail;
use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::views::Depth;

use super::format;
use super::letters::{key, word};
use super::parts::{below, empty, line, outside, title, width, wrap};
use super::payload::{self, Lines};

/// Redrives after which a letter is parked.
const REDRIVES: u32 = 3;

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let theme = &app.theme;
    let row = app.letter_here();
    let detail = app
        .shown
        .letter
        .as_ref()
        .filter(|d| Some(d.letter.id) == row.map(|row| row.id));
    let Some(letter) = detail.map(|d| &d.letter).or(row) else {
        title(
            app,
            buf,
            area,
            vec![theme.span(Role::Heading, "LETTER")],
            Vec::new(),
        );
        return empty(app, buf, below(area, 1), "No letter is selected.", "");
    };
    let role = if app.letters.depth == Depth::Detail {
        Role::Accent
    } else {
        Role::Heading
    };
    let mut heading = vec![theme.span(role, "LETTER "), theme.span(Role::Dim, "key ")];
    heading.extend(key(app, letter));
    let behind = detail.map_or(0, |d| d.behind);
    let mut end = Vec::new();
    if letter.family.is_foreign() {
        let by = format!("written by {} · ", letter.family.title());
        end.push(theme.span(Role::Dim, by));
    }
    end.push(theme.span(Role::Dim, word(letter.status)));
    if behind > 0 {
        end.push(theme.span(
            Role::Warn,
            format!(" · {} wait behind it", format::count(behind)),
        ));
    }
    title(app, buf, area, heading, end);
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..below(area, 1)
    };
    let mut message = outside(theme, Role::Strong, &letter.code);
    message.push(theme.span(Role::Dim, ": "));
    let indent = width(&message);
    let room = usize::from(inner.width).saturating_sub(indent).max(20);
    let said = match letter.message.as_str() {
        "" => "no reason is given",
        message => message,
    };
    let words = wrap(&printable::visible(said), room);
    let more = if inner.height < 10 { 0 } else { 2 };
    // Where there is one line for it, what does not fit is cut in sight.
    let first = if more == 0 { said } else { &words[0] };
    message.extend(outside(theme, Role::Base, first));
    line(buf, inner, 0, message);
    let mut used = 1;
    for text in words.iter().skip(1).take(more) {
        let pad = " ".repeat(indent.min(usize::from(inner.width) / 3));
        line(
            buf,
            inner,
            used,
            vec![pad.into(), theme.span(Role::Base, text.clone())],
        );
        used += 1;
    }
    let body = below(inner, used + u16::from(inner.height > 12));
    let facts = facts(app, letter, detail);
    // In full, a narrow screen gives its whole width to the value; beside a list both are to be seen.
    let beside = body.width >= 96 || (body.width >= 70 && app.letters.depth != Depth::Detail);
    if beside {
        let left = Rect {
            width: body.width / 2,
            ..body
        };
        let rest = Rect {
            x: left.right() + 2,
            width: body.width - left.width - 2,
            ..body
        };
        let value = value(app, detail, usize::from(left.width));
        scrolled(
            app,
            &value,
            Rect {
                width: left.width - 1,
                ..left
            },
            buf,
        );
        scrolled(app, &facts, rest, buf);
        for row in 0..body.height {
            let rule = Rect {
                x: left.right(),
                y: body.y + row,
                width: 1,
                height: 1,
            };
            line(buf, rule, 0, vec![theme.span(Role::Faint, "│")]);
        }
    } else {
        let mut lines = value(app, detail, usize::from(body.width));
        lines.push(Vec::new());
        lines.extend(facts);
        scrolled(app, &lines, body, buf);
    }
}

/// The lines from where the detail is scrolled to; never past its end.
fn scrolled(app: &App, lines: &Lines, area: Rect, buf: &mut Buffer) {
    let most = lines.len().saturating_sub(usize::from(area.height));
    let from = usize::from(app.letters.scroll).min(most);
    for (row, spans) in (0..area.height).zip(&lines[from..]) {
        line(buf, area, row, spans.clone());
    }
}

fn value(app: &App, detail: Option<&LetterDetail>, room: usize) -> Lines {
    match detail {
        Some(detail) => payload::lines(app, detail.body.value.as_deref(), room),
        None => {
            let text = if app.frozen {
                "frozen before its bytes were read"
            } else {
                "reading its bytes…"
            };
            vec![vec![app.theme.span(Role::Dim, text)]]
        }
    }
}

fn facts(app: &App, it: &Letter, detail: Option<&LetterDetail>) -> Lines {
    let theme = &app.theme;
    let base = |text: String| vec![theme.span(Role::Base, text)];
    let told = detail.and_then(|d| d.foreign.as_ref());
    let redrives = match it.outcome {
        Some(outcome) => format!(
            "{} of {REDRIVES}, the last: {}",
            it.redrives,
            outcome.name().replace('_', " ")
        ),
        None => format!("{} of {REDRIVES}", it.redrives),
    };
    let mut rows: Vec<(&str, Vec<Span<'static>>)> = vec![
        ("from", from(app, Role::Base, it)),
        ("group", outside(theme, Role::Base, it.group_name())),
        ("stage", stage(app, it, told)),
        ("attempts", base(number(it.attempts))),
        ("first failed", base(format::date_time(it.first_failed_at))),
        (
            "last failed",
            base(format!(
                "{}  {}",
                format::clock_ms(it.last_failed_at),
                format::ago(app.age(it.last_failed_at))
            )),
        ),
        ("redriven", base(redrives)),
    ];
    if it.family.is_foreign() {
        rows.insert(0, ("written by", written_by(app, it)));
    }
    if let Some(class) = told
        .and_then(|t| t.error.class.as_ref())
        .filter(|c| **c != it.code)
    {
        rows.push(("exception", outside(theme, Role::Base, class)));
    }
    if let Some(kind) = &it.event_type {
        rows.push(("type", outside(theme, Role::Base, kind)));
    }
    if let Some(id) = it.event_id {
        rows.push(("event", base(id.to_string())));
    }
    if let Some(id) = it.correlation_id {
        rows.push(("correlation", base(id.to_string())));
    }
    if let Some(why) = it.archived_because() {
        rows.insert(0, ("archived", outside(theme, Role::Strong, why)));
    }
    if let Some(note) = &it.note {
        rows.insert(0, ("note", outside(theme, Role::Strong, note)));
    }
    if let Some(id) = it.blocked_by {
        rows.push((
            "waits behind",
            base(format!("letter {}", crate::snapshot::short_id(id))),
        ));
    }
    match &it.dlq {
        Some(place) => {
            let mut spans = outside(theme, Role::Base, &place.topic);
            spans.push(theme.span(
                Role::Base,
                format!(
                    "/{} @ {}",
                    place.partition,
                    format::offset(Some(place.offset))
                ),
            ));
            rows.push(("stands in", spans));
        }
        None => rows.push((
            "stands in",
            vec![theme.span(Role::Dim, "no topic: it is queued, or the log lost it")],
        )),
    }
    let mut lines: Lines = rows
        .into_iter()
        .map(|(label, spans)| {
            let mut words = vec![theme.span(Role::Dim, format!("{label:<14}"))];
            words.extend(spans);
            words
        })
        .collect();
    if let Some(told) = told {
        way(app, told, &mut lines);
    }
    if let Some(detail) = detail {
        behind(app, detail, &mut lines);
        headers(app, detail, &mut lines);
    }
    lines
}

/// Which events wait until this letter is done, in their order, and how many more.
fn behind(app: &App, detail: &LetterDetail, lines: &mut Lines) {
    if detail.behind == 0 || detail.waiting.is_empty() {
        return;
    }
    let theme = &app.theme;
    lines.push(Vec::new());
    let heading = format!("{} BEHIND IT", format::count(detail.behind));
    lines.push(vec![
        theme.span(Role::Heading, heading),
        theme.span(Role::Dim, "   in this order"),
    ]);
    for it in &detail.waiting {
        let mut spans = vec![theme.span(Role::Dim, crate::snapshot::short_id(it.id))];
        spans.push("  ".into());
        spans.extend(from(app, Role::Base, it));
        spans.push("  ".into());
        let kind = it.event_type.as_deref().unwrap_or(format::UNKNOWN);
        spans.extend(outside(theme, Role::Base, kind));
        lines.push(spans);
    }
    let more = detail.behind.saturating_sub(detail.waiting.len() as u64);
    if more > 0 {
        lines.push(vec![
            theme.span(Role::Dim, format!("{} more", format::count(more))),
        ]);
    }
}

/// Our own stage, or another framework's own word for one.
fn stage(app: &App, it: &Letter, told: Option<&Foreign>) -> Vec<Span<'static>> {
    let word = told.and_then(|t| t.stage.as_deref());
    let word = it.stage.map(Stage::name).or(word);
    outside(&app.theme, Role::Base, word.unwrap_or(format::UNKNOWN))
}

fn written_by(app: &App, it: &Letter) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let mut spans = vec![theme.span(Role::Base, it.family.title())];
    let note = match it.family {
        Family::Unknown => ": no header says where it failed",
        Family::InValue => ": the failure stood in its value",
        family if !family.copies_headers() => ": its headers stayed at the source",
        _ => "",
    };
    spans.push(theme.span(Role::Dim, note));
    spans
}

/// The stations before this topic, where there were several, and the stack.
fn way(app: &App, told: &Foreign, lines: &mut Lines) {
    let theme = &app.theme;
    if told.hops.len() > 1 {
        lines.push(Vec::new());
        let heading = format!("{} HOPS", told.hops.len());
        lines.push(vec![theme.span(Role::Heading, heading)]);
        for hop in &told.hops {
            let topic = hop.topic.as_deref();
            let mut spans = place(app, Role::Base, topic, hop.partition, hop.offset);
            if let Some(class) = &hop.class {
                spans.push(theme.span(Role::Dim, "  "));
                spans.extend(outside(theme, Role::Dim, class));
            }
            lines.push(spans);
        }
    }
    if let Some(stack) = &told.error.stack {
        lines.push(Vec::new());
        lines.push(vec![theme.span(Role::Heading, "STACK")]);
        lines.extend(
            stack
                .lines()
                .map(|l| outside(theme, Role::Dim, &l.replace('\t', "    "))),
        );
    }
}

fn headers(app: &App, detail: &LetterDetail, lines: &mut Lines) {
    let theme = &app.theme;
    let headers = &detail.body.headers;
    if headers.is_empty() {
        return;
    }
    let size = detail.body.value.as_ref().map_or(0, Vec::len);
    lines.push(Vec::new());
    lines.push(vec![
        theme.span(Role::Heading, format!("{} HEADERS", headers.len())),
        theme.span(Role::Dim, format!("   value {}", format::bytes(size))),
    ]);
    let names = headers
        .iter()
        .map(|(name, _)| width(&outside(theme, Role::Dim, &name_shown(name))))
        .max();
    let room = names.unwrap_or(0).min(28);
    for (name, value) in headers {
        let mut spans = super::parts::cut(outside(theme, Role::Dim, &name_shown(name)), room);
        spans.push(" ".repeat(room + 2 - width(&spans)).into());
        match value {
            None => spans.push(theme.span(Role::Dim, "null")),
            Some(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) => spans.extend(outside(theme, Role::Base, text)),
                Err(_) => spans.push(theme.span(Role::Escaped, printable::visible_bytes(bytes))),
            },
        }
        lines.push(spans);
    }
}

/// A number, or the sign that it is unknown.
#[must_use]
pub fn number(value: Option<impl ToString>) -> String {
    value.map_or_else(|| format::UNKNOWN.to_owned(), |n| n.to_string())
}

/// Where the record came from.
#[must_use]
pub fn from(app: &App, role: Role, it: &Letter) -> Vec<Span<'static>> {
    place(app, role, it.topic.as_deref(), it.partition, it.offset)
}

/// A record's place, as far as it is known.
#[must_use]
pub fn place(
    app: &App,
    role: Role,
    topic: Option<&str>,
    partition: Option<i32>,
    offset: Option<i64>,
) -> Vec<Span<'static>> {
    let Some(topic) = topic else {
        return vec![app.theme.span(Role::Dim, "origin unknown")];
    };
    let mut spans = outside(&app.theme, role, topic);
    let rest = format!("/{} @ {}", number(partition), format::offset(offset));
    spans.push(app.theme.span(role, rest));
    spans
}
