//! The bottom line: the keys of this screen, from the action table; or the filter while it is typed.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::command::Screen;
use crate::tui::action::{self, Action, Row};
use crate::tui::app::App;
use crate::tui::overlay::{Filter, StartForm};
use crate::tui::theme::Role;

use super::ascii;
use super::parts::{line, outside, right, width};

/// Cells between two hints.
const GAP: usize = 3;

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let help = hint(app, action::row(Action::Help));
    let room = usize::from(area.width).saturating_sub(width(&help) + 3);
    let rows = action::on(app.screen).filter(|row| row.action != Action::Help);
    let mut hints: Vec<(usize, u8, Vec<Span<'static>>)> = rows
        .enumerate()
        .map(|(at, row)| (at, row.rank, hint(app, row)))
        .filter(|(.., words)| !words.is_empty())
        .collect();
    // The most important ones are chosen first, and stand in the table's order.
    hints.sort_by_key(|(at, rank, _)| (*rank, *at));
    let mut used = 1;
    hints.retain(|(.., words)| {
        let fits = used + width(words) <= room;
        used += if fits { width(words) + GAP } else { 0 };
        fits
    });
    hints.sort_by_key(|(at, ..)| *at);
    let mut spans: Vec<Span<'static>> = vec![" ".into()];
    for (.., words) in hints {
        spans.extend(words);
        spans.push(" ".repeat(GAP).into());
    }
    line(buf, area, 0, spans);
    let mut end = help;
    end.push(" ".into());
    right(buf, area, 0, 0, end);
}

fn hint(app: &App, row: &Row) -> Vec<Span<'static>> {
    let (Some(word), Some(key)) = (row.hint, app.keys.keys(row.action).first()) else {
        return Vec::new();
    };
    // Where nothing can ever be sorted or opened, the room is for what can be done; the key still says why.
    if row.action == Action::Back && !app.leads_back() {
        return Vec::new();
    }
    let unsorted = row.action == Action::Sort && app.list().is_err();
    if unsorted || row.action == Action::Open && app.screen == Screen::Activity {
        return Vec::new();
    }
    let marked = app.marked();
    let word = match row.action {
        Action::RedriveMany if app.redrives_marked() => {
            format!("redrive {marked} marked")
        }
        Action::Freeze if app.frozen => "go on".to_owned(),
        _ => word.to_owned(),
    };
    let can = app.why_not(row.action).is_none();
    let (of_key, of_word) = if can {
        (Role::Key, Role::Dim)
    } else {
        (Role::Faint, Role::Faint)
    };
    vec![
        app.theme.span(of_key, key.symbol(app.ascii)),
        " ".into(),
        app.theme.span(of_word, word),
    ]
}

pub fn filter(app: &App, filter: &Filter, area: Rect, buf: &mut Buffer) {
    let mut spans = vec![app.theme.span(Role::Key, " / ")];
    let wide = app.screen == Screen::Messages && app.sieve(app.screen).error().is_none();
    let least = if wide { 40 } else { 24 };
    let typed = filter.input.value().width() + 2;
    let most = match app.sieve(app.screen).error() {
        // It stands behind the field.
        Some(_) => least,
        None => usize::from(area.width).saturating_sub(12).max(least),
    };
    let cells = typed.clamp(least, most);
    spans.extend(super::form::field(app, &filter.input, cells, true));
    let help = match (app.sieve(app.screen).error(), app.screen) {
        (Some(error), _) => {
            spans.push("   ".into());
            spans.extend(outside(&app.theme, Role::Warn, error));
            return line(buf, area, 0, spans);
        }
        (None, Screen::Messages) => {
            "   ⏎ keep   esc back   word   key=   type=   after=15m   before=   value.a.b=   header.x=   ~regex   !not"
        }
        (None, Screen::Timeline) => {
            "   ⏎ keep   esc back   word   type=   after=15m   before=12:04   value.a.b=   ~regex   !not"
        }
        (None, Screen::Letters) => {
            "   ⏎ keep   esc back   word   key=   type=   group=   value.a.b=   ~regex   !not"
        }
        (None, Screen::Lag) => {
            "   ⏎ keep   esc back   !type=ok   type=stalled   group=   partition=   ~regex"
        }
        (None, Screen::Consumers) => "   ⏎ keep   esc back   type=paused   ~regex   !not",
        (None, Screen::Outbox) => {
            "   ⏎ keep   esc back   word   key=   type=   after=15m   ~regex   !not"
        }
        (None, Screen::Activity) => {
            "   ⏎ keep   esc back   word   type=warn   after=15m   ~regex   !not"
        }
        (None, Screen::Flow) => "   ⏎ keep   esc back   ! in front: rows without it",
    };
    spans.push(app.theme.span(Role::Dim, ascii::hint(app, help)));
    line(buf, area, 0, spans);
}

/// Where reading is to begin, while it is typed.
pub fn start(app: &App, form: &StartForm, area: Rect, buf: &mut Buffer) {
    let mut spans = vec![app.theme.span(Role::Key, " from ")];
    spans.extend(super::form::field(app, &form.input, 24, true));
    let help = "   ⏎ read   esc back   newest:500   offset:2:4812   time:15m   beginning";
    spans.push(app.theme.span(Role::Dim, ascii::hint(app, help)));
    line(buf, area, 0, spans);
}
