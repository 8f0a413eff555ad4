//! Dead letters: what failed, is it one cause or many, and can it be put back? Causes, the letters of
//! one, and one in full: beside each other where there is room, else one after the other.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::domain::letter::{Cause, Letter, LetterStatus};
use crate::domain::printable;
use crate::snapshot::{Letters, Series};
use crate::tui::app::App;
use crate::tui::sort::List;
use crate::tui::theme::Role;
use crate::tui::views::Depth;

use super::chart::sparkline;
use super::letter::{from, number};
use super::letters_head::head;
use super::parts::{below, empty, line, outside, title, waiting};
use super::table::{Cells, Column, Table, sorted};
use super::{format, letter};

const CAUSES: [Column; 7] = [
    Column::left("CAUSE", 32, 0).growing(8),
    Column::right("OPEN", 6, 0),
    Column::left("TREND", 10, 5),
    Column::right("FIRST", 8, 4),
    Column::right("LAST", 10, 2),
    Column::left("GROUP", 17, 1).growing(1).most(30),
    Column::left("STATUS", 12, 3),
];

const LETTERS: [Column; 7] = [
    Column::left("", 1, 0),
    Column::left("KEY", 14, 0).growing(2).most(36),
    Column::left("TYPE", 14, 2).growing(1).most(28),
    Column::left("FROM", 18, 3).growing(1).most(36),
    Column::right("FAILED", 10, 1),
    Column::right("ATTEMPTS", 8, 5),
    Column::left("STATUS", 11, 1),
];

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let reading = &app.shown.letters;
    let Some(letters) = &reading.value else {
        return waiting(app, buf, area, "dead letters", reading);
    };
    let used = head(app, letters, area, buf);
    let area = below(area, used);
    if letters.archived != app.letters.archived {
        return empty(app, buf, area, "The letters are being read.", "");
    }
    if letters.causes.is_empty() && letters.rows.is_empty() {
        if letters.archived {
            let remedy = "v shows the open ones; a archives one of those";
            return empty(app, buf, area, "No letter is archived.", remedy);
        }
        if letters.open > 0 && !app.filter(Screen::Letters).is_empty() {
            return empty(app, buf, area, none(letters), "esc shows all");
        }
        return nothing(app, area, buf);
    }
    let depth = app.letters.depth;
    if area.height < 24 || area.width < 100 {
        match depth {
            Depth::Detail => letter::render(app, area, buf),
            _ if area.height >= 14 && area.width >= 60 => stacked(app, letters, area, buf),
            Depth::Causes => causes(app, letters, area, buf),
            Depth::Letters => list(app, letters, area, buf),
        }
        return;
    }
    let high = u16::try_from(letters.causes.len() + 2)
        .unwrap_or(u16::MAX)
        .clamp(3, area.height / 3);
    causes(
        app,
        letters,
        Rect {
            height: high,
            ..area
        },
        buf,
    );
    let rest = below(area, high);
    if area.width >= 180 {
        let half = rest.width / 2;
        list(
            app,
            letters,
            Rect {
                width: half,
                ..rest
            },
            buf,
        );
        letter::render(
            app,
            Rect {
                x: rest.x + half,
                width: rest.width - half,
                ..rest
            },
            buf,
        );
    } else {
        let rows = app.letters().len();
        let most = if depth == Depth::Detail {
            5
        } else {
            rest.height / 3
        };
        let high = u16::try_from(rows + 2)
            .unwrap_or(u16::MAX)
            .clamp(4, most.max(4));
        list(
            app,
            letters,
            Rect {
                height: high,
                ..rest
            },
            buf,
        );
        letter::render(app, below(rest, high), buf);
    }
}

/// Causes, letters and the letter under each other on a screen that is no large one: what one is in
/// gets the lines, and the letter always enough to be read.
fn stacked(app: &App, letters: &Letters, area: Rect, buf: &mut Buffer) {
    let lines = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX);
    let of_causes = lines(letters.causes.len() + 1);
    let of_list = lines(app.letters().len() + 2);
    let (upper, middle) = match app.letters.depth {
        Depth::Causes => (of_causes.clamp(2, area.height / 3), of_list.clamp(4, 5)),
        _ => (2, of_list.clamp(4, area.height.saturating_sub(2) / 2)),
    };
    let rest = below(area, upper);
    let place = |area: Rect, height: u16| Rect { height, ..area };
    causes(app, letters, place(area, upper), buf);
    list(app, letters, place(rest, middle), buf);
    letter::render(app, below(rest, middle), buf);
}

fn nothing(app: &App, area: Rect, buf: &mut Buffer) {
    let (why, remedy) = if app.filter(Screen::Letters).is_empty() {
        (
            "No dead letters: every event was handled.",
            "i injects an order that fails; f on 3 Consumers makes a service fail.",
        )
    } else {
        (
            app.shown
                .letters
                .value
                .as_ref()
                .map_or("No letter matches.", none),
            "Esc shows all.",
        )
    };
    empty(app, buf, area, why, remedy);
}

/// What a filter that lets nothing through has looked at.
fn none(letters: &Letters) -> &'static str {
    match letters.unjudged {
        0 => "No letter matches.",
        _ => "No letter matches so far.",
    }
}

/// A status as a person says it.
#[must_use]
pub fn word(status: LetterStatus) -> &'static str {
    match status {
        LetterStatus::InFlight => "in flight",
        status => status.name(),
    }
}

fn causes(app: &App, letters: &Letters, area: Rect, buf: &mut Buffer) {
    let rows = app.causes();
    let selected = rows
        .iter()
        .position(|c| Some(&c.fingerprint) == app.letters.fingerprint());
    let focused = app.letters.depth == Depth::Causes;
    let mut place = area;
    if letters.causes_total > rows.len() as u64 {
        place.height = place.height.saturating_sub(1);
        let text = format!(
            "   the {} worst of {} causes",
            rows.len(),
            format::count(letters.causes_total)
        );
        line(
            buf,
            area,
            place.height,
            vec![app.theme.span(Role::Dim, text)],
        );
    }
    let mut columns = sorted(app, List::Causes, CAUSES);
    if app.letters.archived {
        columns[1].title = "ARCHIVED";
    }
    let table = Table {
        columns: &columns,
        len: rows.len(),
        selected,
        focused,
    };
    table.render(app, buf, place, |at, widths| cause(app, rows[at], widths));
}

fn cause(app: &App, it: &Cause, widths: &[usize]) -> Cells {
    let theme = &app.theme;
    let mut name = outside(theme, Role::Base, &it.code);
    name.push(theme.span(Role::Dim, ": "));
    name.extend(outside(theme, Role::Dim, &it.title));
    let trend = Series {
        step: std::time::Duration::from_secs(60),
        points: it.per_minute.iter().map(|n| Some(*n as f32)).collect(),
    };
    let mut status = Vec::new();
    if app.letters.archived {
        status.push(theme.span(Role::Dim, "archived"));
    } else if it.redriving > 0 {
        status.push(theme.span(Role::Strong, format!("{} redriving", it.redriving)));
    } else if it.parked > 0 {
        status.push(theme.span(Role::Warn, format!("{} parked", it.parked)));
    } else {
        status.push(theme.span(Role::Dim, "unresolved"));
    }
    let fresh = app.age(it.last).as_secs() < 60;
    vec![
        name,
        vec![theme.span(Role::Strong, format::count(it.count))],
        vec![theme.span(Role::Spark, sparkline(app, &trend, widths[2].min(10)))],
        vec![theme.span(Role::Dim, format::clock(it.first))],
        vec![theme.span(
            if fresh { Role::Warn } else { Role::Dim },
            format::ago(app.age(it.last)),
        )],
        outside(
            theme,
            Role::Base,
            it.group.as_deref().unwrap_or(format::UNKNOWN),
        ),
        status,
    ]
}

fn list(app: &App, letters: &Letters, area: Rect, buf: &mut Buffer) {
    let rows = app.letters();
    let theme = &app.theme;
    let keys: Vec<_> = rows.iter().map(|l| l.id).collect();
    let selected = app.letters.letter.index(&keys);
    let mut heading = vec![theme.span(Role::Heading, "LETTERS")];
    let cause = letters
        .causes
        .iter()
        .find(|c| Some(&c.fingerprint) == app.letters.fingerprint());
    if let Some(cause) = cause {
        heading.push(theme.span(Role::Dim, " of "));
        heading.extend(outside(theme, Role::Base, &cause.code));
    }
    let mut end = Vec::new();
    let at = selected.map_or(0, |at| at as u64 + letters.rows_from + 1);
    if !rows.is_empty() {
        end.push(theme.span(
            Role::Dim,
            format!(
                "{} of {}{}{}",
                format::count(at),
                if letters.unjudged > 0 {
                    "at least "
                } else {
                    ""
                },
                format::count(letters.rows_total),
                if letters.filter.is_empty() {
                    ""
                } else {
                    " that match"
                }
            ),
        ));
    }
    if !app.letters.marked.is_empty() && app.letters.depth > Depth::Causes {
        end.push(theme.span(
            Role::Marked,
            format!(" · {} marked", app.letters.marked.len()),
        ));
    }
    title(app, buf, area, heading, end);
    let area = below(area, 1);
    if rows.is_empty() {
        return empty(
            app,
            buf,
            area,
            if letters.rows_total == 0 && !app.filter(Screen::Letters).is_empty() {
                "No letter of this cause matches."
            } else {
                "The letters of this cause are being read."
            },
            "",
        );
    }
    let focused = app.letters.depth == Depth::Letters;
    let table = Table {
        columns: &sorted(app, List::Letters, LETTERS),
        len: rows.len(),
        selected,
        focused,
    };
    table.render(app, buf, area, |at, _| letter_cells(app, rows[at]));
}

fn letter_cells(app: &App, it: &Letter) -> Cells {
    let theme = &app.theme;
    let marked = app.letters.marked.contains_key(&it.id);
    let sign = "✕";
    let role = match it.status {
        LetterStatus::Parked => Role::Warn,
        LetterStatus::Queued | LetterStatus::InFlight => Role::Strong,
        LetterStatus::Resolved => Role::Ok,
        _ => Role::Dim,
    };
    vec![
        vec![theme.span(Role::Marked, if marked { sign } else { " " })],
        key(app, it),
        outside(
            theme,
            Role::Base,
            it.event_type.as_deref().unwrap_or(format::UNKNOWN),
        ),
        from(app, Role::Dim, it),
        vec![theme.span(Role::Dim, format::ago(app.age(it.last_failed_at)))],
        vec![theme.span(Role::Dim, number(it.attempts))],
        vec![theme.span(role, word(it.status))],
    ]
}

/// A record's key, whatever bytes it is.
#[must_use]
pub fn key(app: &App, it: &Letter) -> Vec<Span<'static>> {
    match &it.key {
        Some(key) => match std::str::from_utf8(key) {
            Ok(text) => outside(&app.theme, Role::Base, text),
            Err(_) => vec![app.theme.span(Role::Escaped, printable::visible_bytes(key))],
        },
        None => vec![app.theme.span(Role::Dim, "no key")],
    }
}
