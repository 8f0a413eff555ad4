//! The drawing of the flow on a wide screen.
//!
//! ```text
//! ╭ ORDERS ─────╮   ╭ OUTBOX ─────╮   ╭ TOPICS ─────╮   ╭ CONSUMERS ────────╮   ╭ OUTCOME ─────╮
//! │             │──▶│             │──▶│             │──▶│                   │──▶│              │
//! ╰─────────────╯   ╰─────────────╯   ╰─────────────╯   ╰───────────────────╯   ╰──────────────╯
//!        ▼                                                                              ▼
//! ╭ EVENT STORE ────────────────────╮ ╭ END TO END ───────────────────────────╮ ╭ DEAD LETTERS ╮
//! ╰─────────────────────────────────╯ ╰───────────────────────────────────────╯ ╰──────────────╯
//! ```

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Block, BorderType, Padding, Widget};

use crate::tui::app::App;
use crate::tui::rows::FlowKey;
use crate::tui::theme::Role;

use super::chart::chart;
use super::flow::readers;
use super::flow_boxes::{dead, end_to_end, orders, outbox, outcome, store};
use super::flow_lists::{reader_rows, topic_rows};
use super::parts::{line, outside, title};

/// The body it needs.
pub const LEAST: (u16, u16) = (124, 24);

const GAP: u16 = 3;

const OUTBOX: &str = "OUTBOX";
const STORE: &str = "EVENT STORE";
const LETTERS: &str = "DEAD LETTERS";

/// Draws it and returns the lines it took.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> u16 {
    let area = Rect {
        x: area.x + 1,
        width: area.width - 2,
        ..area
    };
    let readers = readers(app);
    let topics = app.flow_topics();
    let troubles = readers.iter().filter(|r| r.trouble.is_some()).count();
    let rows = (readers.len() + troubles).max(topics.len()).clamp(6, 12);
    let high = u16::try_from(rows).unwrap_or(6) + 2;
    let extra = area.width.saturating_sub(126);
    let topics_width = 33 + extra / 8;
    let fixed = 17 + 20 + topics_width + 17 + 4 * GAP;
    let widths = [17, 20, topics_width, area.width - fixed, 17];
    let mut x = area.x;
    let mut boxes = [Rect::default(); 5];
    for (place, width) in boxes.iter_mut().zip(widths) {
        *place = Rect {
            x,
            y: area.y,
            width,
            height: high,
        };
        x += width + GAP;
    }
    orders(app, framed(app, buf, boxes[0], "ORDERS"), buf);
    outbox(app, framed(app, buf, boxes[1], OUTBOX), buf);
    topic_rows(app, framed(app, buf, boxes[2], "TOPICS"), buf);
    let name = if app.shown.stack.workers || app.shown.seq == 0 {
        "CONSUMERS"
    } else {
        "GROUPS"
    };
    reader_rows(app, &readers, framed(app, buf, boxes[3], name), buf);
    outcome(app, framed(app, buf, boxes[4], "OUTCOME"), buf);
    let mut arrow = |x: u16, y: u16, width: u16, sign: &'static str| {
        let place = Rect {
            x,
            y,
            width,
            height: 1,
        };
        line(buf, place, 0, vec![app.theme.span(Role::Faint, sign)]);
    };
    for place in &boxes[..4] {
        arrow(place.right(), area.y + 2, GAP, "──▶");
    }
    let under = area.y + high;
    for place in [boxes[0], boxes[4]] {
        arrow(place.x + place.width / 2, under, 1, "▼");
    }
    let low = |from: Rect, to: Rect| Rect {
        x: from.x,
        y: under + 1,
        width: to.right() - from.x,
        height: 4,
    };
    store(app, framed(app, buf, low(boxes[0], boxes[1]), STORE), buf);
    end_to_end(
        app,
        framed(app, buf, low(boxes[2], boxes[3]), "END TO END"),
        buf,
    );
    dead(app, framed(app, buf, low(boxes[4], boxes[4]), LETTERS), buf);
    let used = high + 6;
    let left = area.height.saturating_sub(used);
    let findings = u16::try_from(app.shown.findings.len())
        .unwrap_or(4)
        .clamp(4, 9)
        + 2;
    if left < findings + 7 {
        return used;
    }
    let high = (left - findings).min(10);
    charts(
        app,
        Rect {
            y: area.y + used,
            height: high,
            ..area
        },
        buf,
    );
    used + high + 1
}

/// A box; the one that the cursor stands on is drawn in the cursor's colour.
fn framed(app: &App, buf: &mut Buffer, area: Rect, name: &'static str) -> Rect {
    let here = match app.flow.key() {
        Some(FlowKey::Outbox) => name == OUTBOX,
        Some(FlowKey::Store) => name == STORE,
        Some(FlowKey::Letters) => name == LETTERS,
        _ => false,
    };
    let (edge, title) = if here {
        (Role::Accent, Role::Accent)
    } else {
        (Role::Faint, Role::Heading)
    };
    let block = Block::bordered()
        .border_type(BorderType::Rounded)
        .border_style(app.theme.style(edge))
        .padding(Padding::horizontal(1))
        .title(Line::from(vec![
            " ".into(),
            app.theme.span(title, name),
            " ".into(),
        ]));
    let inner = block.inner(area);
    block.render(area, buf);
    inner
}

/// Orders, and the group that is furthest behind, over the last minutes.
fn charts(app: &App, area: Rect, buf: &mut Buffer) {
    let area = Rect {
        x: area.x - 1,
        width: area.width + 2,
        ..area
    };
    let half = area.width / 2;
    let left = Rect {
        width: half,
        ..area
    };
    let right = Rect {
        x: area.x + half,
        width: area.width - half,
        ..area
    };
    let plot = |area: Rect| Rect {
        x: area.x + 1,
        width: area.width - 3,
        y: area.y + 1,
        height: area.height - 2,
    };
    title(
        app,
        buf,
        left,
        vec![app.theme.span(Role::Heading, "ORDERS A SECOND")],
        Vec::new(),
    );
    chart(app, buf, plot(left), &app.shown.traffic.history, "orders/s");
    let groups = app.shown.lag.value.iter().flat_map(|groups| groups.iter());
    let worst = groups.max_by_key(|g| (g.verdict.kind, g.numbers.lag));
    let mut heading = vec![app.theme.span(Role::Heading, "LAG")];
    if let Some(group) = worst {
        heading.push(app.theme.span(Role::Dim, " of "));
        heading.extend(outside(&app.theme, Role::Base, &group.group));
    }
    title(app, buf, right, heading, Vec::new());
    if let Some(group) = worst {
        chart(
            app,
            buf,
            plot(right),
            &group.numbers.history,
            "records behind",
        );
    }
}
