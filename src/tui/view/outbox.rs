//! Outbox: what is written and not yet sent, how long it waits, and what holds it up.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::domain::stored::{BlockedKey, OutboxRow, SentRow};
use crate::snapshot::{Outbox, Part, Relay};
use crate::tui::app::App;
use crate::tui::rows::OutboxKey;
use crate::tui::sort::List;
use crate::tui::theme::Role;

use super::chart::chart;
use super::format;
use super::outbox_rows::{BLOCKED, SENT, WAITING, blocked_cells, sent_cells, waiting_cells};
use super::parts::{below, empty, freshness, line, matching, outside, title, waiting, width};
use super::table::{Table, sorted};

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let reading = &app.shown.outbox;
    if let Some((why, remedy)) = app.shown.stack.absent(Part::Outbox) {
        return empty(app, buf, area, why, remedy);
    }
    let Some(outbox) = &reading.value else {
        return waiting(app, buf, area, "the outbox", reading);
    };
    let inner = Rect {
        x: area.x + 2,
        width: area.width.saturating_sub(4),
        ..area
    };
    line(buf, inner, 0, totals(app, outbox, usize::from(inner.width)));
    let stale = freshness(&app.theme, &app.shown, reading);
    let mut used = 1;
    if !stale.is_empty() {
        line(buf, inner, used, stale);
        used += 1;
    }
    if area.height >= 26 {
        let plots = Rect {
            height: 8,
            ..below(area, used + 1)
        };
        charts(app, outbox, plots, buf);
        used += 10;
    }
    let high = area.height.saturating_sub(used);
    if area.height >= 14 {
        used += relays(app, &outbox.relays, below(area, used), buf).min(high);
    }
    tables(app, outbox, below(area, used), buf);
}

/// The figures that fit, the most telling first.
fn totals(app: &App, outbox: &Outbox, room: usize) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let oldest = outbox.oldest.map(|at| format::span(app.age(at)));
    let mut spans = vec![
        theme.span(Role::Strong, format::count(outbox.pending)),
        theme.span(Role::Dim, " pending"),
    ];
    let facts = [
        (
            "oldest",
            oldest.unwrap_or_else(|| format::UNKNOWN.to_owned()),
        ),
        ("sent", format::per_second(outbox.publish_per_s)),
        ("delay p50", format::maybe_span(outbox.delay.map(|d| d.p50))),
        ("p99", format::maybe_span(outbox.delay.map(|d| d.p99))),
        (
            "ever",
            outbox
                .published
                .map_or_else(|| format::UNKNOWN.to_owned(), format::count),
        ),
    ];
    for (label, value) in facts {
        let fact = [
            theme.span(Role::Dim, format!("   {label} ")),
            theme.span(Role::Base, value),
        ];
        if width(&spans) + width(&fact) > room {
            break;
        }
        spans.extend(fact);
    }
    spans
}

fn charts(app: &App, outbox: &Outbox, area: Rect, buf: &mut Buffer) {
    let half = area.width / 2;
    let places = [
        Rect {
            width: half,
            ..area
        },
        Rect {
            x: area.x + half,
            width: area.width - half,
            ..area
        },
    ];
    let what = [
        ("PENDING", &outbox.pending_history, "rows"),
        ("SENT A SECOND", &outbox.rate_history, "rows/s"),
    ];
    for (place, (name, series, unit)) in places.into_iter().zip(what) {
        title(
            app,
            buf,
            place,
            vec![app.theme.span(Role::Heading, name)],
            Vec::new(),
        );
        let plot = Rect {
            x: place.x + 1,
            width: place.width.saturating_sub(2),
            ..below(place, 1)
        };
        chart(app, buf, plot, series, unit);
    }
}

/// Whether all is well with a relay, and in a word what it does. One of another process says no more than
/// that it is alive, each second; told only once it is late, that does not tick.
fn how(app: &App, relay: &Relay) -> (bool, String) {
    const LATE: Duration = Duration::from_secs(3);
    match (&relay.state, relay.heard) {
        (Some(state), _) => (matches!(&**state, "idle" | "publishing"), state.clone()),
        (None, Some(at)) if app.age(at) < LATE => (true, "alive".to_owned()),
        (None, Some(at)) => (
            false,
            format!("silent for {}", format::seconds(app.age(at))),
        ),
        (None, None) => (false, "nobody sends it".to_owned()),
    }
}

/// One line a relay; returns how many.
fn relays(app: &App, relays: &[Relay], area: Rect, buf: &mut Buffer) -> u16 {
    const MOST: usize = 4;
    let theme = &app.theme;
    title(
        app,
        buf,
        area,
        vec![theme.span(Role::Heading, "RELAYS")],
        Vec::new(),
    );
    let inner = Rect {
        x: area.x + 3,
        width: area.width.saturating_sub(5),
        ..below(area, 1)
    };
    if relays.is_empty() {
        line(
            buf,
            inner,
            0,
            vec![if app.shown.stack.workers {
                theme.span(Role::Warn, "No relay runs: nothing is sent.")
            } else {
                theme.span(Role::Dim, "No relay runs here.")
            }],
        );
        return 2;
    }
    for (row, relay) in (0..).zip(relays.iter().take(MOST)) {
        let (calm, state) = how(app, relay);
        let mut spans = vec![theme.span(Role::Dim, "shard ")];
        spans.extend(outside(theme, Role::Base, &relay.shard));
        spans.push("  ".into());
        spans.extend(outside(
            theme,
            if calm { Role::Dim } else { Role::Warn },
            &state,
        ));
        spans.push("  ".into());
        let owner = relay.owner.as_deref().unwrap_or(format::UNKNOWN);
        spans.extend(outside(theme, Role::Dim, owner));
        if let Some((at, error)) = &relay.last_error {
            spans.push(theme.span(Role::Dim, format!("   {}: ", format::ago(app.age(*at)))));
            spans.extend(outside(theme, Role::Base, error));
        }
        line(buf, inner, row, spans);
    }
    u16::try_from(relays.len().min(MOST)).unwrap_or(1) + 1
}

/// Blocked keys, waiting rows and sent rows: three tables that are one list to the cursor.
fn tables(app: &App, outbox: &Outbox, area: Rect, buf: &mut Buffer) {
    let rows = app.outbox_rows();
    let key = app.outbox.key();
    let blocked: Vec<&BlockedKey> = rows
        .iter()
        .filter_map(|row| match row {
            OutboxKey::Blocked(id) => outbox.blocked.iter().find(|b| b.aggregate_id == *id),
            _ => None,
        })
        .collect();
    let waiting: Vec<&OutboxRow> = rows
        .iter()
        .filter_map(|row| match row {
            OutboxKey::Waiting(seq) => outbox.head.iter().find(|r| r.seq == *seq),
            _ => None,
        })
        .collect();
    let sent: Vec<&SentRow> = rows
        .iter()
        .filter_map(|row| match row {
            OutboxKey::Sent(seq) => outbox.sent.iter().find(|r| r.seq == *seq),
            _ => None,
        })
        .collect();
    let high = |rows: usize, most: u16| u16::try_from(rows).unwrap_or(most).min(most);
    let third = area.height / 3;
    let mut rest = area;
    if !blocked.is_empty() {
        let place = Rect {
            height: (high(blocked.len(), third) + 2).min(rest.height),
            ..rest
        };
        let at = blocked
            .iter()
            .position(|b| key == Some(&OutboxKey::Blocked(b.aggregate_id.clone())));
        heading(
            app,
            buf,
            place,
            "BLOCKED",
            (blocked.len(), outbox.blocked.len()),
            Role::Warn,
        );
        let table = Table {
            columns: &BLOCKED,
            len: blocked.len(),
            selected: at,
            focused: true,
        };
        table.render(app, buf, below(place, 1), |at, _| {
            blocked_cells(app, blocked[at])
        });
        rest = below(rest, place.height);
    }
    if waiting.is_empty() && sent.is_empty() {
        if app.filter(Screen::Outbox).is_empty() {
            let why = "Nothing waits, and nothing was sent yet.";
            return empty(app, buf, rest, why, "i injects orders.");
        }
        let here = outbox.head.len() + outbox.sent.len();
        heading(app, buf, rest, "WAITING AND SENT", (0, here), Role::Dim);
        return empty(
            app,
            buf,
            below(rest, 1),
            "No row has this text.",
            "Esc shows all.",
        );
    }
    let room = if sent.is_empty() {
        rest.height
    } else {
        (rest.height / 2).max(4)
    };
    let place = Rect {
        height: (high(waiting.len().max(1), room.saturating_sub(2)) + 2).min(rest.height),
        ..rest
    };
    let at = waiting
        .iter()
        .position(|r| key == Some(&OutboxKey::Waiting(r.seq)));
    heading(
        app,
        buf,
        place,
        "OLDEST WAITING",
        (waiting.len(), outbox.head.len()),
        Role::Dim,
    );
    if waiting.is_empty() {
        let text = if outbox.head.is_empty() {
            "   Nothing waits: every row was sent."
        } else {
            "   No row that waits has this text."
        };
        line(
            buf,
            below(place, 1),
            0,
            vec![app.theme.span(Role::Dim, text)],
        );
    } else {
        let table = Table {
            columns: &WAITING,
            len: waiting.len(),
            selected: at,
            focused: true,
        };
        table.render(app, buf, below(place, 1), |at, _| {
            waiting_cells(app, waiting[at])
        });
    }
    rest = below(rest, place.height);
    if sent.is_empty() || rest.height < 3 {
        return;
    }
    heading(
        app,
        buf,
        rest,
        "LAST SENT",
        (sent.len(), outbox.sent.len()),
        Role::Dim,
    );
    let at = sent
        .iter()
        .position(|r| key == Some(&OutboxKey::Sent(r.seq)));
    let table = Table {
        columns: &sorted(app, List::Sent, SENT),
        len: sent.len(),
        selected: at,
        focused: true,
    };
    table.render(app, buf, below(rest, 1), |at, _| sent_cells(app, sent[at]));
}

/// A table's name, and how many rows it has of how many that are here.
fn heading(
    app: &App,
    buf: &mut Buffer,
    area: Rect,
    name: &'static str,
    (len, of): (usize, usize),
    role: Role,
) {
    let words = vec![
        app.theme.span(Role::Heading, name),
        app.theme.span(role, format!(" {len}")),
    ];
    title(app, buf, area, words, matching(app, len, of));
}
