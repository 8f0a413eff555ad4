//! The rows of the outbox: keys that are blocked, rows that wait, and rows that were sent.

use std::time::Duration;

use crate::domain::stored::{BlockedKey, OutboxRow, SentRow};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::format;
use super::parts::outside;
use super::table::{Cells, Column};

pub const BLOCKED: [Column; 4] = [
    Column::left("BLOCKED KEY", 16, 0).growing(1).most(32),
    Column::right("ATTEMPTS", 8, 2),
    Column::left("AGAIN", 10, 1),
    Column::left("HEAD'S ERROR", 14, 0).growing(3),
];

pub const WAITING: [Column; 6] = [
    Column::left("KEY", 12, 0).growing(2).most(32),
    Column::left("TYPE", 17, 1).growing(1).most(28),
    Column::left("TOPIC", 20, 2).growing(1).most(34),
    Column::right("SEQ", 8, 4),
    Column::right("AGE", 8, 0),
    Column::right("", 10, 3),
];

pub const SENT: [Column; 6] = [
    Column::left("KEY", 12, 0).growing(2).most(32),
    Column::left("TYPE", 17, 1).growing(1).most(28),
    Column::left("WENT TO", 24, 2).growing(1).most(34),
    Column::right("SEQ", 8, 4),
    Column::right("DELAY", 7, 0),
    Column::right("SENT", 8, 3),
];

pub fn blocked_cells(app: &App, it: &BlockedKey) -> Cells {
    let theme = &app.theme;
    let again = match it.until {
        Some(until) => theme.span(
            Role::Dim,
            format!(
                "in {}",
                format::span((until - app.shown.taken).to_std().unwrap_or_default())
            ),
        ),
        None => theme.span(Role::Bad, "parked"),
    };
    vec![
        outside(theme, Role::Warn, &it.aggregate_id),
        vec![theme.span(Role::Base, it.attempts.to_string())],
        vec![again],
        outside(theme, Role::Base, &it.error),
    ]
}

/// A row that has just come is told in ms; one that stays need not tick more than each second.
fn waited(age: Duration) -> String {
    if age < Duration::from_secs(1) {
        format::span(age)
    } else {
        format::seconds(age)
    }
}

pub fn waiting_cells(app: &App, it: &OutboxRow) -> Cells {
    let theme = &app.theme;
    vec![
        outside(theme, Role::Base, &it.aggregate_id),
        outside(theme, Role::Base, &it.event_type),
        outside(theme, Role::Dim, &it.topic),
        vec![theme.span(Role::Dim, format::offset(Some(it.seq)))],
        vec![theme.span(Role::Base, waited(app.age(it.created_at)))],
        Vec::new(),
    ]
}

pub fn sent_cells(app: &App, it: &SentRow) -> Cells {
    let theme = &app.theme;
    let mut to = outside(theme, Role::Dim, &it.topic);
    to.push(theme.span(
        Role::Dim,
        format!("/{} @ {}", it.partition, format::offset(Some(it.offset))),
    ));
    let delay = (it.sent_at - it.created_at).to_std().unwrap_or_default();
    vec![
        outside(theme, Role::Base, &it.aggregate_id),
        outside(theme, Role::Base, &it.event_type),
        to,
        vec![theme.span(Role::Dim, format::offset(Some(it.seq)))],
        vec![theme.span(Role::Base, format::span(delay))],
        vec![theme.span(Role::Dim, format::clock(it.sent_at))],
    ]
}
