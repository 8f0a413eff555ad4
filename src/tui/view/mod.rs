//! Screens as pure functions of [`App`]: no lock, clock, channel or mutation. Ages are the snapshot's
//! time minus the thing's.
//!
//! ```text
//!  evtop  embedded   ● kafka 1 ms   ● sqlite 0.3 ms                      12:04:31 UTC   top
//!  1 Flow   2 Lag   3 Consumers   4 Outbox   5 Dead letters 12   …                      tabs
//! ─────────────────────────────────────────────────────────────────
//!  …body…
//!  ⏎ open   / filter   space freeze                                       ? help        hints
//! ```

mod activity;
mod ascii;
mod chart;
mod compare;
mod confirm;
mod consumer;
mod consumers;
mod edit;
mod event;
mod faults;
mod findings;
mod flow;
mod flow_boxes;
mod flow_lists;
mod flow_wide;
pub mod form;
mod format;
mod help;
mod hints;
mod inject;
mod lag;
mod lanes;
mod letter;
mod letters;
mod letters_head;
mod message;
mod messages;
mod messages_head;
mod operation;
mod outbox;
mod outbox_rows;
mod palette;
mod partitions;
pub mod parts;
mod payload;
mod rail;
mod replay;
mod save;
pub mod table;
mod tabs;
mod themes;
mod timeline;
mod toast;
mod top;
mod triage;

pub use format::bytes;
pub use tabs::tab_at;

use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};

use crate::command::Screen;
use crate::tui::app::App;
use crate::tui::overlay::Overlay;
use crate::tui::theme::Role;

/// The smallest size that everything can be used in.
pub const LEAST: (u16, u16) = (40, 12);

/// From this height on there is a rule below the tabs.
pub const RULE_FROM: u16 = 16;

/// Draws the whole screen.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let area = area.intersection(buf.area);
    draw(app, area, buf);
    if app.ascii {
        ascii::replace(area, buf);
    }
}

fn draw(app: &App, area: Rect, buf: &mut Buffer) {
    buf.set_style(area, app.theme.style(Role::Base));
    if area.width < LEAST.0 || area.height < LEAST.1 {
        too_small(app, area, buf);
        return;
    }
    let rule = u16::from(area.height >= RULE_FROM);
    let [top, tabs, line, body, hints] = area.layout(&Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Length(rule),
        Constraint::Fill(1),
        Constraint::Length(1),
    ]));
    top::render(app, top, buf);
    tabs::render(app, tabs, buf);
    if rule > 0 {
        tabs::rule(app, line, buf);
    }
    match app.screen {
        Screen::Flow => flow::render(app, body, buf),
        Screen::Lag => lag::render(app, body, buf),
        Screen::Consumers => consumers::render(app, body, buf),
        Screen::Outbox => outbox::render(app, body, buf),
        Screen::Letters => letters::render(app, body, buf),
        Screen::Timeline => timeline::render(app, body, buf),
        Screen::Messages => messages::render(app, body, buf),
        Screen::Activity => activity::render(app, body, buf),
    }
    match &app.overlay {
        Some(Overlay::Filter(filter)) => hints::filter(app, filter, hints, buf),
        Some(Overlay::Start(form)) => hints::start(app, form, hints, buf),
        _ => hints::render(app, hints, buf),
    }
    match &app.overlay {
        Some(Overlay::Help { scroll }) => help::render(app, *scroll, area, buf),
        Some(Overlay::Confirm(confirm)) => confirm::render(app, confirm, area, buf),
        Some(Overlay::Inject(form)) => inject::render(app, form, area, buf),
        Some(Overlay::Faults(form)) => faults::render(app, form, area, buf),
        Some(Overlay::Replay(form)) => replay::render(app, form, area, buf),
        Some(Overlay::Palette(palette)) => palette::render(app, palette, area, buf),
        Some(Overlay::Themes(themes)) => themes::render(app, themes.at, area, buf),
        Some(Overlay::Triage(form)) => triage::render(app, form, area, buf),
        Some(Overlay::Edit(form)) => edit::render(app, form, area, buf),
        Some(Overlay::Save(form)) => save::render(app, form, area, buf),
        Some(Overlay::Filter(_) | Overlay::Start(_)) | None => {}
    }
    // A form that takes the whole body says on its last lines how to go on.
    let over = match &app.overlay {
        Some(Overlay::Edit(_)) => Rect {
            height: body.height.saturating_sub(4),
            ..body
        },
        _ => body,
    };
    toast::render(app, over, buf);
}

fn too_small(app: &App, area: Rect, buf: &mut Buffer) {
    let text = format!(
        "evtop needs {}×{} cells; this terminal has {}×{}.",
        LEAST.0, LEAST.1, area.width, area.height
    );
    for (row, words) in (0..).zip(parts::wrap(&text, usize::from(area.width))) {
        parts::line(buf, area, row, vec![app.theme.span(Role::Base, words)]);
    }
}
