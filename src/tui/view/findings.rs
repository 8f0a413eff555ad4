//! Findings: what is wrong now, worst first, and where each one leads.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Screen;
use crate::snapshot::{Dependency, DependencyState, Place, Severity};
use crate::tui::app::App;
use crate::tui::cursor::window;
use crate::tui::rows::{FlowKey, screen_of};
use crate::tui::theme::Role;

use super::parts::{at, below, line, matching, outside, right, title, width};

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let (theme, rows) = (&app.theme, app.findings());
    let heading = vec![theme.span(Role::Heading, "FINDINGS")];
    let end = matching(app, rows.len(), app.shown.findings.len());
    title(app, buf, area, heading, end);
    let list = below(area, 1);
    if rows.is_empty() {
        let connecting = |it: &Dependency| it.state == DependencyState::Connecting;
        let known = app.shown.seq > 0 && !app.shown.health.iter().any(connecting);
        let (role, sign, text) = match (known, app.filter(Screen::Flow).is_empty()) {
            (false, true) => (Role::Warn, ["◌", "~"], "Connecting: not all is known yet."),
            (_, false) => (Role::Dim, ["·", "."], "No finding has this text."),
            _ => (Role::Ok, ["✓", "+"], "Nothing is wrong."),
        };
        let sign = sign[usize::from(app.ascii)];
        let words = vec![
            "   ".into(),
            theme.span(role, sign),
            "  ".into(),
            theme.span(Role::Dim, text),
        ];
        line(buf, list, 0, words);
        return;
    }
    let selected = match app.flow.key() {
        Some(FlowKey::Finding(here)) => rows.iter().position(|(key, _)| key == here),
        _ => None,
    };
    for (y, index) in (0..).zip(window(rows.len(), selected, usize::from(list.height))) {
        let finding = rows[index].1;
        let (sign, ascii, role) = match finding.severity {
            Severity::Bad => ("✗", "x", Role::Bad),
            Severity::Warn => ("!", "!", Role::Warn),
            Severity::Note => ("·", ".", Role::Dim),
        };
        let text = if finding.severity == Severity::Note {
            Role::Dim
        } else {
            Role::Base
        };
        let mut place = vec![theme.span(Role::Dim, leads_to(&finding.place)), " ".into()];
        if area.width < 60 {
            place.clear();
        }
        let row = Rect {
            width: list
                .width
                .saturating_sub(u16::try_from(width(&place)).unwrap_or(0) + 2),
            ..at(list, y)
        };
        let mut words = vec![
            "   ".into(),
            theme.span(role, if app.ascii { ascii } else { sign }),
            "  ".into(),
        ];
        words.extend(outside(theme, text, &finding.text));
        line(buf, row, 0, words);
        right(buf, list, y, 0, place);
        if selected == Some(index) {
            let whole = Rect {
                x: list.x + 1,
                width: list.width.saturating_sub(2),
                ..at(list, y)
            };
            buf.set_style(whole, theme.style(Role::Selected));
            let sign = "▌";
            line(buf, whole, 0, vec![theme.span(Role::Accent, sign)]);
        }
    }
}

fn leads_to(place: &Place) -> String {
    let (key, name) = screen_of(place).tab();
    format!("{key} {name}")
}
