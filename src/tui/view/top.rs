//! The top line: which stack, how its dependencies are, badges, and the time of what is shown.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::snapshot::{Dependency, DependencyState};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::format;
use super::parts::{line, outside, right, width};

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let (shown, theme) = (&app.shown, &app.theme);
    let mut left = vec![theme.span(Role::Strong, " evtop "), " ".into()];
    let name = outside(theme, Role::Base, &shown.stack.name);
    match app.frame() {
        Some(frame) => {
            let mut framed = vec![Span::raw(" ")];
            if shown.stack.production && shown.stack.name != "production" {
                framed.push("production ".into());
            }
            framed.extend(name);
            framed.push(" ".into());
            left.extend(framed.into_iter().map(|span| span.patch_style(frame.name)));
        }
        None => left.extend(name),
    }
    if shown.stack.attached {
        left.push(theme.span(Role::Dim, "  attached"));
    }
    let mut badges = Vec::new();
    if shown.stack.read_only {
        badges.push(theme.span(Role::Badge, " READ-ONLY "));
        badges.push(" ".into());
    }
    if let Some(age) = app.frozen_for() {
        let text = format!(" FROZEN {} ", format::seconds(age));
        badges.push(theme.span(Role::Badge, text));
        badges.push(" ".into());
    }
    let mut end = badges.clone();
    if shown.seq > 0 {
        end.push(theme.span(Role::Dim, format!(" {} UTC ", format::minute(shown.taken))));
        let every = shown.every.max(app.every);
        if area.width >= 100 && !every.is_zero() {
            end.push(theme.span(Role::Dim, format!("  every {} ", format::span(every))));
        }
    }
    let room = usize::from(area.width);
    if width(&left) + width(&end) + 12 > room {
        end = badges;
    }
    let room = room.saturating_sub(width(&left) + width(&end) + 1);
    left.extend(dependencies(app, room));
    let taken = width(&left).min(usize::from(area.width).saturating_sub(width(&end) + 1));
    line(buf, area, 0, left);
    right(buf, area, 0, taken, end);
}

/// As much as fits: with figures and notes, else figures, else names, else signs of what is not all right.
fn dependencies(app: &App, room: usize) -> Vec<Span<'static>> {
    if app.shown.health.is_empty() {
        return vec![app.theme.span(Role::Dim, "   connecting…")];
    }
    let mut last = Vec::new();
    for detail in [3, 2, 1, 0] {
        last.clear();
        for dependency in &app.shown.health {
            last.push("  ".into());
            last.extend(words(app, dependency, detail));
        }
        if width(&last) + spare(app, detail) <= room {
            break;
        }
    }
    last
}

/// Cells that round trips may yet take: what fits is not to come and go with their digits.
fn spare(app: &App, detail: u8) -> usize {
    const WIDEST: usize = "500 ms".len();
    let up = app.shown.health.iter();
    let up = up.filter(|it| detail >= 2 && it.state == DependencyState::Up);
    let taken = |it: &Dependency| {
        let below = app.latency_below(&it.name).map(format::bound);
        below.map_or(0, |text| WIDEST.saturating_sub(text.chars().count()))
    };
    up.map(taken).sum()
}

fn words(app: &App, it: &Dependency, detail: u8) -> Vec<Span<'static>> {
    let (sign, ascii, role) = match it.state {
        DependencyState::Up => ("●", "+", Role::Ok),
        DependencyState::Down => ("✗", "x", Role::Bad),
        DependencyState::Connecting => ("◌", "~", Role::Warn),
        DependencyState::Off => ("○", "o", Role::Dim),
    };
    let calm = matches!(it.state, DependencyState::Up | DependencyState::Off);
    let text = if calm { Role::Dim } else { role };
    let mut spans = vec![app.theme.span(role, if app.ascii { ascii } else { sign })];
    if detail == 0 && calm {
        return spans;
    }
    spans.push(" ".into());
    spans.extend(outside(&app.theme, text, &it.name));
    let below = app.latency_below(&it.name);
    let more = match (it.state, below, it.since) {
        (DependencyState::Up, Some(below), _) if detail >= 2 => {
            format!(" <{}", format::bound(below))
        }
        (DependencyState::Connecting, ..) if detail > 0 => " connecting".to_owned(),
        (DependencyState::Down, _, Some(since)) => {
            format!(" down {}", format::seconds(app.age(since)))
        }
        (DependencyState::Down, ..) => " down".to_owned(),
        _ => String::new(),
    };
    spans.push(app.theme.span(text, more));
    if let (3, Some(note), false) = (detail, &it.note, it.state == DependencyState::Up) {
        spans.push(app.theme.span(text, ": "));
        spans.extend(outside(&app.theme, text, note));
    }
    spans
}
