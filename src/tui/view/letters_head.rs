//! The first lines of the dead letters: the counts, what a filter lets through, what runs, how fresh it is.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::snapshot::Letters;
use crate::tui::app::App;
use crate::tui::theme::Role;
use crate::tui::views::Depth;

use super::format;
use super::letters::word;
use super::parts::{filtered, freshness, line};

/// How many causes the filter lets through; of what was not looked at, the number.
fn matches(app: &App, letters: &Letters) -> Vec<Span<'static>> {
    let theme = &app.theme;
    if app.filter(Screen::Letters).is_empty() {
        return Vec::new();
    }
    let causes = letters.causes_total;
    let mut spans = vec![
        theme.span(Role::Strong, format::count(causes)),
        theme.span(Role::Dim, if causes == 1 { " cause" } else { " causes" }),
    ];
    spans.extend(filtered(app, if causes == 1 { "matches" } else { "match" }));
    if letters.unjudged > 0 {
        let text = format!(
            " so far: {} letters are not looked through",
            format::count(letters.unjudged)
        );
        spans.push(theme.span(Role::Warn, text));
    }
    spans.push("   ".into());
    spans
}

/// The counts, what runs right now, and how fresh it is.
pub fn head(app: &App, letters: &Letters, area: Rect, buf: &mut Buffer) -> u16 {
    let theme = &app.theme;
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..area
    };
    let mut spans = vec![
        theme.span(
            if letters.open > 0 {
                Role::Warn
            } else {
                Role::Strong
            },
            format::count(letters.open),
        ),
        theme.span(
            Role::Dim,
            if app.letters.archived {
                " open, not shown here"
            } else {
                " want attention"
            },
        ),
    ];
    for (status, n) in &letters.by_status {
        spans.push(theme.span(Role::Dim, "   "));
        spans.push(theme.span(Role::Base, format::count(*n)));
        spans.push(theme.span(Role::Dim, format!(" {}", word(*status))));
    }
    spans.push(theme.span(
        Role::Dim,
        format!("   +{} in the last minute", letters.last_minute),
    ));
    if let Some(unread) = letters.unread.filter(|n| *n > 0) {
        let text = format!("   {} not indexed yet", format::plural(unread, "record"));
        spans.push(theme.span(Role::Warn, text));
    }
    spans.splice(0..0, matches(app, letters));
    if app.letters.archived {
        spans.insert(0, theme.span(Role::Badge, " ARCHIVED "));
        spans.insert(1, "  ".into());
    }
    line(buf, inner, 0, spans);
    let mut used = 1;
    if area.height < 12 && app.letters.depth == Depth::Detail {
        return used;
    }
    let mut say = |spans: Vec<Span<'static>>| {
        if !spans.is_empty() {
            line(buf, inner, used, spans);
            used += 1;
        }
    };
    if letters.unread.is_none() && app.shown.stack.attached {
        let text =
            "The dead-letter topics are not read yet: these are the letters of an earlier look.";
        say(vec![theme.span(Role::Warn, text)]);
    }
    say(freshness(theme, &app.shown, &app.shown.letters));
    let redrive =
        app.shown.activity.operations.iter().find(|o| {
            !o.state.is_over() && o.kind == crate::domain::operation::OperationKind::Redrive
        });
    if let Some(operation) = redrive {
        say(super::operation::progress(app, operation, 12));
    }
    used
}
