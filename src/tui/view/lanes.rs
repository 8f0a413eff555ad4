//! The lanes of a correlation: what each service wrote, when, how long after the event before, and what
//! caused it. Where lanes have no room for their texts they stand close and the texts beside them.

use chrono::TimeDelta;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::domain::letter::Letter;
use crate::domain::stored::StoredEvent;
use crate::snapshot::short_id;
use crate::tui::app::App;
use crate::tui::lanes::{Cause, Lanes, Node, Of, Stroke};
use crate::tui::theme::Role;

use super::parts::{cut, line, outside, width};
use super::table::{Cells, Column, Table};
use super::{format, timeline};

const COLUMNS: [Column; 3] = [
    Column::left("TIME", 12, 2),
    Column::right("GAP", 8, 1),
    Column::left("", 24, 0).growing(1),
];

/// Cells from lane to lane: fewer don't hold a service's name, more tell nothing.
const NARROWEST: usize = 8;
const WIDEST: usize = 22;

/// Cells of a text that must be seen: the longest type's. A longer one, as with its cause, may be cut.
const ENOUGH: usize = 20;

/// Lanes that stand close.
const CLOSE: usize = 2;

/// Draws `events`, the one `at` under the cursor.
pub fn render(app: &App, events: &[&StoredEvent], at: Option<usize>, area: Rect, buf: &mut Buffer) {
    let letters = app.shown.timeline.value.as_ref();
    let letters = letters.map_or(&[][..], |t| &t.letters);
    let lanes = Lanes::of(events, letters);
    let texts: Vec<_> = lanes
        .nodes
        .iter()
        .map(|node| text(app, events, letters, &lanes, node))
        .collect();
    let here = |node: &Node| at.is_some_and(|at| node.of == Of::Event(at));
    let at = lanes.nodes.iter().position(here);
    let table = Table {
        columns: &COLUMNS,
        len: lanes.nodes.len(),
        selected: at,
        focused: app.timeline.opened.is_none(),
    };
    let mut room = 0;
    table.render(app, buf, area, |row, widths| {
        room = widths[2];
        let step = step(&lanes, &texts, room);
        cells(app, events, &lanes, (row, at == Some(row)), step, &texts)
    });
    let Some(step) = step(&lanes, &texts, room) else {
        return;
    };
    // The names stand over their lanes, at the table's right end.
    let from = area.right().saturating_sub(2 + narrow(room));
    for (lane, name) in lanes.names.iter().enumerate() {
        let last = lane + 1 == lanes.names.len();
        let most = if last { room } else { step - 1 };
        let x = from + narrow(lane * step);
        let heading = Rect {
            x,
            width: area.right().saturating_sub(x + 1).min(narrow(most)),
            ..area
        };
        let name = name.strip_suffix("-service").unwrap_or(name);
        line(buf, heading, 0, outside(&app.theme, Role::Heading, name));
    }
}

fn narrow(n: usize) -> u16 {
    u16::try_from(n).unwrap_or(u16::MAX)
}

/// Cells between lanes whose texts stand in them, each with room for its own; `None`: they stand close.
fn step(lanes: &Lanes, texts: &[Vec<Span<'static>>], room: usize) -> Option<usize> {
    let mut step = WIDEST;
    for (node, text) in lanes.nodes.iter().zip(texts) {
        let left = room.checked_sub(2 + width(text).min(ENOUGH))?;
        step = step.min(left.checked_div(node.lane).unwrap_or(WIDEST));
    }
    (step >= NARROWEST).then_some(step)
}

fn cells(
    app: &App,
    events: &[&StoredEvent],
    lanes: &Lanes,
    (row, here): (usize, bool),
    step: Option<usize>,
    texts: &[Vec<Span<'static>>],
) -> Cells {
    let theme = &app.theme;
    let node = &lanes.nodes[row];
    let trouble = matches!(node.of, Of::Event(n) if timeline::is_trouble(events[n]));
    let mut picture: Vec<Span<'static>> = Vec::new();
    let cells = lanes.cells(row, step.unwrap_or(CLOSE));
    let arrow = if here { Role::Strong } else { Role::Faint };
    let draw = |cells: &[Stroke]| -> Vec<Span<'static>> {
        cells
            .iter()
            .map(|cell| {
                let role = match cell {
                    Stroke::Event if trouble => Role::Warn,
                    Stroke::Letter => Role::Bad,
                    Stroke::Event => Role::Base,
                    Stroke::Empty | Stroke::Down => Role::Faint,
                    _ => arrow,
                };
                theme.span(role, cell.symbol(app.ascii).to_string())
            })
            .collect()
    };
    let text = texts[row].clone();
    match step {
        None => {
            picture.extend(draw(&cells));
            picture.push(" ".into());
            picture.extend(text);
            let from = &lanes.names[node.lane];
            let from = from.strip_suffix("-service").unwrap_or(from);
            picture.push("  ".into());
            picture.extend(outside(theme, Role::Dim, from));
        }
        Some(step) => {
            let at = node.lane * step;
            let back = cells[at..].iter().position(|c| *c == Stroke::TurnsLeft);
            let back = back.or_else(|| cells[at..].iter().position(|c| *c == Stroke::ForksLeft));
            picture.extend(draw(&cells[..=at]));
            match back {
                // Between the event and the arrow that comes to it, or behind both.
                Some(back) if width(&text) + 4 <= back => {
                    let used = width(&text) + 2;
                    picture.push(" ".into());
                    picture.extend(text);
                    picture.push(" ".into());
                    let mut rest = cells[at + used + 1..].to_vec();
                    rest[0] = Stroke::Left;
                    picture.extend(draw(&rest));
                }
                Some(back) => {
                    picture.extend(draw(&cells[at + 1..=at + back]));
                    picture.push(" ".into());
                    picture.extend(text);
                }
                None => {
                    let used = width(&text) + 2;
                    picture.push(" ".into());
                    picture.extend(text);
                    picture.extend(draw(cells.get(at + used..).unwrap_or_default()));
                }
            }
        }
    }
    let gap = node.gap.map_or_else(
        || {
            let first = app.shown.timeline.value.as_ref();
            let first = first.is_some_and(|t| t.at_start);
            if first { "" } else { format::UNKNOWN }.to_owned()
        },
        gap,
    );
    vec![
        vec![theme.span(Role::Dim, format::clock_ms(node.at))],
        vec![theme.span(Role::Dim, gap)],
        picture,
    ]
}

/// What stands beside an event: its type, its stream where there is more than one, and a cause that no
/// arrow leads from. Beside a dead letter: why, and whether that is over.
fn text(
    app: &App,
    events: &[&StoredEvent],
    letters: &[Letter],
    lanes: &Lanes,
    node: &Node,
) -> Vec<Span<'static>> {
    const LONGEST: usize = 30;
    let theme = &app.theme;
    let event = match node.of {
        Of::Event(n) => events[n],
        Of::Letter(n) => {
            let letter = &letters[n];
            let (role, word) = if letter.status.is_open() {
                (Role::Bad, "dead: ".to_owned())
            } else {
                (Role::Dim, format!("dead, {}: ", letter.status.name()))
            };
            let mut spans = vec![theme.span(role, word)];
            spans.extend(cut(outside(theme, role, &letter.code), LONGEST));
            spans.extend(cause(app, events, lanes, node));
            return spans;
        }
    };
    let role = if timeline::is_trouble(event) {
        Role::Warn
    } else {
        Role::Base
    };
    let mut spans = cut(outside(theme, role, &event.event_type), LONGEST);
    if events.iter().any(|e| e.stream != event.stream) {
        spans.push(" ".into());
        spans.extend(cut(outside(theme, Role::Dim, &event.stream), LONGEST));
    }
    spans.extend(cause(app, events, lanes, node));
    spans
}

/// The cause in words, where no arrow leads from it.
fn cause(app: &App, events: &[&StoredEvent], lanes: &Lanes, node: &Node) -> Vec<Span<'static>> {
    let from = if app.ascii { " <- " } else { " ← " };
    let text = match node.cause {
        Cause::Unnamed | Cause::Arrow(_) => return Vec::new(),
        Cause::Row(row) => match lanes.nodes[row].of {
            Of::Event(n) => format!("{from}{} v{}", events[n].event_type, events[n].version),
            Of::Letter(_) => return Vec::new(),
        },
        Cause::Elsewhere(id) => format!("{from}{}, not listed", short_id(id)),
    };
    cut(outside(&app.theme, Role::Dim, &text), 33)
}

/// Clocks of two services may differ, so it may be less than nothing.
fn gap(gap: TimeDelta) -> String {
    match gap.to_std() {
        Ok(gap) => format::span(gap),
        Err(_) => format!("-{}", format::span(gap.abs().to_std().unwrap_or_default())),
    }
}
