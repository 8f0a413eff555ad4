//! The flow on a screen that is no wide one: one line a stage, along a rail.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::tui::app::App;
use crate::tui::theme::Role;

use super::flow::{Reader, lag_role, readers, sum, topics};
use super::format;
use super::parts::{cut, line, outside, right, sparkline, width};

/// Draws it and returns the lines it took.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> u16 {
    let rows = stages(app, area);
    let (down, tee, last, first) = if app.ascii {
        ("|", "+", "`", ".")
    } else {
        ("│", "├", "╰", "╭")
    };
    let stage_at = |row: usize| rows[row].0.is_some();
    let final_stage = (0..rows.len())
        .rev()
        .find(|row| stage_at(*row))
        .unwrap_or(0);
    let inner = Rect {
        x: area.x + 1.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    };
    let label = if area.width < 60 { 9 } else { 14 };
    for (row, (stage, words, end)) in rows.iter().enumerate() {
        let mark = match stage {
            Some(_) if row == 0 => first,
            Some(_) if row == final_stage => last,
            Some(_) => tee,
            None if row < final_stage => down,
            None => " ",
        };
        let name = stage.unwrap_or("");
        let mut spans = vec![
            app.theme.span(Role::Faint, mark),
            " ".into(),
            app.theme.span(Role::Heading, format!("{name:<label$}")),
        ];
        spans.extend(words.clone());
        let y = u16::try_from(row).unwrap_or(u16::MAX);
        let taken = width(&spans);
        line(buf, inner, y, spans);
        right(buf, inner, y, taken + 1, end.clone());
    }
    u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .min(area.height)
}

type Stage = (Option<&'static str>, Vec<Span<'static>>, Vec<Span<'static>>);

fn stages(app: &App, area: Rect) -> Vec<Stage> {
    let (shown, theme) = (&app.shown, &app.theme);
    let strong = |text: String| theme.span(Role::Strong, text);
    let dim = |text: String| theme.span(Role::Dim, text);
    let narrow = area.width < 60;
    let cells = match area.width {
        0..60 => 8,
        60..100 => 18,
        _ => 36,
    };
    let spark = |series| vec![theme.span(Role::Spark, sparkline(app, series, cells))];
    let mut rows: Vec<Stage> = Vec::new();
    let rate = format::per_second(shown.traffic.orders_per_s);
    rows.push((
        Some("ORDERS"),
        vec![strong(format!("{rate:>9}"))],
        spark(&shown.traffic.history),
    ));
    rows.push((
        Some("OUTBOX"),
        outbox(app, narrow),
        match &shown.outbox.value {
            Some(outbox) if !narrow => spark(&outbox.pending_history),
            _ => Vec::new(),
        },
    ));
    let topics = topics(app);
    let readers = readers(app);
    let room = usize::from(area.height);
    // Stage lines besides topics and consumers, and at least three of findings.
    let spare = room.saturating_sub(5 + 4);
    if topics.len() + readers.len() <= spare {
        for (at, topic) in topics.iter().enumerate() {
            let mut words = vec![
                strong(format!("{:>9}", format::per_second(topic.rate))),
                "  ".into(),
            ];
            words.extend(outside(theme, Role::Base, &topic.name));
            rows.push(((at == 0).then_some("TOPICS"), words, spark(&topic.history)));
        }
        for (at, reader) in readers.iter().enumerate() {
            let words = reader_line(app, reader);
            let end = match &reader.trouble {
                Some((role, why)) => cut(outside(theme, *role, why), cells),
                None => spark(reader.history),
            };
            rows.push(((at == 0).then_some("CONSUMERS"), words, end));
        }
    }
    if topics.is_empty() || topics.len() + readers.len() > spare {
        let total = sum(topics.iter().map(|t| t.rate));
        let words = vec![
            strong(format!("{:>9}", format::per_second(total))),
            dim(format!(
                "  {}",
                format::plural(topics.len() as u64, "topic")
            )),
        ];
        rows.push((Some("TOPICS"), words, Vec::new()));
        rows.push((Some("CONSUMERS"), summary(app, &readers), Vec::new()));
    }
    rows.push((Some("DEAD"), dead(app), Vec::new()));
    rows.push((Some("STORE"), store(app), Vec::new()));
    let mut words = Vec::new();
    for (name, value) in format::percentiles(shown.end_to_end) {
        words.push(dim(format!("{name} ")));
        words.push(strong(format!("{value}  ")));
    }
    rows.push((Some("END TO END"), words, Vec::new()));
    if narrow {
        rows.last_mut()
            .into_iter()
            .for_each(|row| row.0 = Some("E2E"));
    }
    rows
}

fn outbox(app: &App, narrow: bool) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let Some(outbox) = &app.shown.outbox.value else {
        return vec![theme.span(Role::Dim, format!("{:>9}", format::UNKNOWN))];
    };
    let mut words = vec![
        theme.span(
            Role::Strong,
            format!("{:>9}", format::count(outbox.pending)),
        ),
        theme.span(Role::Dim, "  pending"),
    ];
    if let Some(oldest) = outbox.oldest {
        let text = format!(" · oldest {}", format::span(app.age(oldest)));
        words.push(theme.span(Role::Dim, text));
    }
    if !narrow && outbox.publish_per_s.is_some() {
        let text = format!(" · {}", format::per_second(outbox.publish_per_s));
        words.push(theme.span(Role::Dim, text));
    }
    if !outbox.blocked.is_empty() {
        let text = format!(
            " · {} blocked",
            format::plural(outbox.blocked.len() as u64, "key")
        );
        words.push(theme.span(Role::Warn, text));
    }
    words
}

fn reader_line(app: &App, reader: &Reader<'_>) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let (sign, ascii, role) = reader.sign;
    let mut words = vec![
        theme.span(
            Role::Strong,
            format!("{:>9}", format::per_second(reader.rate)),
        ),
        "  ".into(),
        theme.span(role, if app.ascii { ascii } else { sign }),
        " ".into(),
    ];
    let name = cut(outside(theme, Role::Base, reader.name), 18);
    let pad = 18 - width(&name);
    words.extend(name);
    words.push(" ".repeat(pad).into());
    words.push(theme.span(Role::Dim, "lag "));
    words.push(theme.span(
        lag_role(reader),
        format!("{:>7}", format::maybe_short(reader.lag)),
    ));
    words
}

fn summary(app: &App, readers: &[Reader<'_>]) -> Vec<Span<'static>> {
    let theme = &app.theme;
    let rate = sum(readers.iter().map(|r| r.rate));
    let behind: u64 = readers.iter().filter_map(|r| r.lag).sum();
    let mut words = vec![
        theme.span(Role::Strong, format!("{:>9}", format::per_second(rate))),
        theme.span(Role::Dim, format!("  lag {}", format::count(behind))),
    ];
    let trouble = readers
        .iter()
        .filter(|r| matches!(r.sign.2, Role::Warn | Role::Bad));
    let n = trouble.count();
    if n > 0 {
        words.push(theme.span(Role::Bad, format!(" · {n} in trouble")));
    }
    words
}

fn dead(app: &App) -> Vec<Span<'static>> {
    let theme = &app.theme;
    match &app.shown.letters.value {
        None => vec![theme.span(Role::Dim, format!("{:>9}", format::UNKNOWN))],
        Some(letters) => {
            let role = if letters.open > 0 {
                Role::Warn
            } else {
                Role::Strong
            };
            vec![
                theme.span(role, format!("{:>9}", format::count(letters.open))),
                theme.span(Role::Dim, "  open"),
                theme.span(
                    Role::Dim,
                    format!(
                        " · {}",
                        format::plural(
                            letters.causes_total.max(letters.causes.len() as u64),
                            "cause"
                        )
                    ),
                ),
                theme.span(Role::Dim, format!(" · +{}/min", letters.last_minute)),
            ]
        }
    }
}

fn store(app: &App) -> Vec<Span<'static>> {
    let events = app.shown.store.value.map(|store| store.events);
    vec![
        app.theme
            .span(Role::Strong, format!("{:>9}", format::maybe(events))),
        app.theme.span(Role::Dim, "  events"),
    ]
}
