//! The two lines over records: which topic is read, from where, how far that is, and what was found.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::command::Screen;
use crate::domain::when::Start;
use crate::snapshot::{Messages, SearchState};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::parts::{cut, line, outside, right, width};
use super::{RULE_FROM, format};

/// What is read, from where, how far it is and what was found; returns the lines it took.
pub fn render(app: &App, name: &str, found: &Messages, area: Rect, buf: &mut Buffer) -> u16 {
    let theme = &app.theme;
    let dim = |text: String| theme.span(Role::Dim, text);
    let mut first = outside(theme, Role::Strong, name);
    if let Start::Offset { partition, .. } = found.asked.start {
        first.push(theme.span(Role::Strong, format!("/{partition}")));
    }
    first.push("  ".into());
    let sign = "●";
    first.push(match found.state {
        SearchState::Following if app.messages.following() => {
            theme.span(Role::Ok, format!("{sign} live"))
        }
        SearchState::Following => dim("standing still · G follows".to_owned()),
        SearchState::Reading => theme.span(Role::Warn, reading(found)),
        SearchState::More => theme.span(Role::Accent, "more below: ↓ at the last row"),
        SearchState::End => dim("all read · G twice follows".to_owned()),
        SearchState::NoTopic | SearchState::NoPartition => theme.span(Role::Warn, "not there"),
    });
    let filter = app.messages_filter();
    // The rule above says it in full, where there is one and it is about records.
    let said = app.size.1 >= RULE_FROM && app.sieve(Screen::Messages) == filter;
    if !filter.text().is_empty() && !said {
        first.push(dim("  ".to_owned()));
        first.extend(cut(outside(theme, Role::Strong, filter.text()), 30));
    }
    let taken = width(&first);
    line(buf, area, 0, first);
    if let (Some(from), true) = (app.messages.from, filter.text().is_empty()) {
        let back = vec![dim(format!("esc: back to {}", from.tab().1))];
        right(buf, area, 0, taken, back);
    }
    let mut bounds = Vec::new();
    if app.seeks_record() {
        bounds.push(dim(
            "its offset is not noted, so its id is sought ".to_owned()
        ));
    }
    bounds.push(dim(bound(found)));
    let read = format!(" · {} read", format::count(found.searched));
    bounds.push(dim(read));
    if !filter.filter().is_empty() {
        bounds.push(dim(" · ".to_owned()));
        let matches = format!("{} match", format::count(found.matched));
        bounds.push(theme.span(Role::Strong, matches));
    }
    if !app.messages.marked.is_empty() {
        let text = format!(" · {} marked", app.messages.marked.len());
        bounds.push(theme.span(Role::Marked, text));
    }
    if found.dropped > 0 {
        let kept = found.rows.len() as u64;
        let text = match found.asked.page {
            0 => format!(" · newest {} kept", format::count(kept)),
            _ => format!(" · after {} before", format::count(found.dropped)),
        };
        bounds.push(dim(text));
    }
    if found.unread > 0 {
        let text = format!(
            " · {} can't be read",
            format::plural(found.unread as u64, "partition")
        );
        bounds.push(theme.span(Role::Warn, text));
    }
    if let Some((role, text)) = gone(app, found) {
        bounds.push(theme.span(role, format!(" · {text}")));
    }
    line(buf, area, 1, bounds);
    2
}

fn reading(found: &Messages) -> String {
    let of = found.searched + found.left();
    match (found.searched * 100).checked_div(of) {
        Some(share) if share > 0 => format!("reading, {share} %"),
        _ => "reading".to_owned(),
    }
}

/// Where reading began, in words.
fn bound(found: &Messages) -> String {
    match found.asked.start {
        Start::Newest(n) => format!(
            "newest {} of each of {}",
            format::count(u64::from(n)),
            format::plural(found.partitions.len() as u64, "partition")
        ),
        Start::Offset { .. } => {
            let from = found.partitions.first().map(|p| p.from);
            format!("from offset {}", format::offset(from))
        }
        Start::Time(_) => found.since.map_or_else(
            || "from a time".to_owned(),
            |at| format!("from {}", format::date_time(at)),
        ),
        Start::Beginning => "from the beginning".to_owned(),
    }
}

/// Why the record that was asked for is not listed.
fn gone(app: &App, found: &Messages) -> Option<(Role, String)> {
    let (partition, offset) = app.messages.target?;
    let place = found.partitions.iter().find(|p| p.partition == partition)?;
    let shown = format::offset(Some(offset));
    if offset < place.first {
        let first = format::offset(Some(place.first));
        let text = format!("{shown} is gone: the log begins at {first}");
        return Some((Role::Warn, text));
    }
    (offset >= place.end).then(|| (Role::Dim, format!("{shown} comes next, not written yet")))
}
