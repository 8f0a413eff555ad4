//! One operation: its state, how far it is, how fast, and what came of it.

use std::time::Duration;

use ratatui::text::Span;

use crate::domain::operation::{Operation, OperationState};
use crate::snapshot::short_id;
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::chart::share;
use super::format;
use super::parts::outside;
use super::table::Cells;

/// A row of the list of operations.
pub fn cells(app: &App, it: &Operation, widths: &[usize]) -> Cells {
    let theme = &app.theme;
    let mut what = vec![theme.span(Role::Strong, format!("{} ", it.kind.name()))];
    what.extend(outside(theme, Role::Base, &it.what));
    let role = match it.state {
        OperationState::Completed => Role::Ok,
        OperationState::Failed => Role::Bad,
        OperationState::Cancelled => Role::Warn,
        _ => Role::Strong,
    };
    let bar = widths[3].saturating_sub(14).clamp(6, 20);
    let mut outcome = outcomes(app, it);
    if let Some(note) = &it.note {
        outcome.push(theme.span(Role::Dim, " · "));
        outcome.extend(outside(theme, Role::Dim, note));
    }
    let role = if it.stands_still() { Role::Warn } else { role };
    let (sign, state) = state(app, it);
    vec![
        vec![theme.span(Role::Dim, short_id(it.id))],
        what,
        vec![theme.span(role, format!("{sign} {state}"))],
        share(app, it.done(), it.counts.total, bar),
        outcome,
        outside(theme, Role::Dim, &it.target),
        vec![theme.span(Role::Dim, format::ago(app.age(it.created_at)))],
    ]
}

/// Its state's sign and word; one that stands still is paused, whatever it was about to do.
fn state(app: &App, it: &Operation) -> (&'static str, &'static str) {
    if it.stands_still() {
        return (if app.ascii { "=" } else { "‖" }, "paused");
    }
    (sign(app, it.state), it.state.name())
}

/// How fast records have been done since it began, and when all will be at that rate. `None` before the
/// first, while it stands still, and when it is over.
pub fn pace(app: &App, it: &Operation) -> Option<(f64, Duration)> {
    let (done, took) = (it.done(), app.age(it.created_at));
    if it.state.is_over() || it.paused || done == 0 || took < Duration::from_secs(1) {
        return None;
    }
    let rate = done as f64 / took.as_secs_f64();
    let left = it.counts.total.saturating_sub(done) as f64 / rate;
    Some((rate, Duration::try_from_secs_f64(left).ok()?))
}

fn sign(app: &App, state: OperationState) -> &'static str {
    match (state, app.ascii) {
        (OperationState::Completed, false) => "✓",
        (OperationState::Completed, true) => "+",
        (OperationState::Failed, false) => "✗",
        (OperationState::Failed, true) => "x",
        (OperationState::Cancelled, _) => "-",
        (_, false) => "↻",
        (_, true) => "~",
    }
}

/// `ok 3 · failed again 1`: only what there is.
fn outcomes(app: &App, it: &Operation) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let parts = [
        (Role::Ok, "ok", it.counts.ok),
        (Role::Bad, "failed again", it.counts.failed_again),
        (Role::Dim, "duplicate", it.counts.duplicate),
        (Role::Warn, "unknown", it.counts.unknown),
        (Role::Warn, "refused", it.counts.refused),
        (Role::Warn, "not sent", it.counts.left),
    ];
    let mut spans = Vec::new();
    if it.counts.settled() == it.counts.refused && it.counts.sent > 0 {
        let text = format!("sent {}", format::count(it.counts.sent));
        spans.push(theme.span(Role::Base, text));
    }
    for (role, label, n) in parts.into_iter().filter(|(.., n)| *n > 0) {
        if !spans.is_empty() {
            spans.push(theme.span(Role::Dim, " · "));
        }
        spans.push(theme.span(role, format!("{label} {}", format::count(n))));
    }
    spans
}

/// One running operation as a line: `↻ redrive ━━━━━── 4 of 9 · ok 3 · at most 25/s`.
#[must_use]
pub fn progress(app: &App, it: &Operation, bar: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let (sign, state) = state(app, it);
    let text = format!("{sign} {} {state} ", it.kind.name());
    let mut spans = vec![theme.span(Role::Strong, text)];
    spans.extend(share(app, it.done(), it.counts.total, bar));
    let results = outcomes(app, it);
    if !results.is_empty() {
        spans.push(theme.span(Role::Dim, " · "));
        spans.extend(results);
    }
    if let Some((rate, left)) = pace(app, it) {
        let text = format!(
            " · {}/s · {} left",
            format::rate(Some(rate)),
            format::span(left)
        );
        spans.push(theme.span(Role::Dim, text));
    }
    if it.rate_limit > 0 {
        spans.push(theme.span(Role::Dim, format!(" · at most {}/s", it.rate_limit)));
    }
    spans.push(theme.span(Role::Dim, " · "));
    spans.extend(outside(theme, Role::Dim, &it.what));
    spans
}
