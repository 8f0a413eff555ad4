//! The flow on a screen that is no wide one: one line a stage, along a rail.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::tui::app::App;
use crate::tui::rows::FlowKey;
use crate::tui::theme::Role;

use super::chart::sparkline;
use super::flow::{Reader, lag_role, readers, sum};
use super::flow_boxes::{NOT_OURS, known_letters};
use super::format;
use super::parts::{at, cut, line, outside, right, width};

/// Draws it and returns the lines it took.
pub fn render(app: &App, area: Rect, buf: &mut Buffer) -> u16 {
    let rows = stages(app, area);
    let (down, tee, last, first) = if app.ascii {
        ("|", "+", "`", ".")
    } else {
        ("│", "├", "╰", "╭")
    };
    let stage_at = |row: usize| rows[row].name.is_some();
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
    for (row, stage) in rows.iter().enumerate() {
        let mark = match stage.name {
            Some(_) if row == 0 => first,
            Some(_) if row == final_stage => last,
            Some(_) => tee,
            None if row < final_stage => down,
            None => " ",
        };
        let name = stage.name.unwrap_or("");
        let mut spans = vec![
            app.theme.span(Role::Faint, mark),
            " ".into(),
            app.theme.span(Role::Heading, format!("{name:<label$}")),
        ];
        spans.extend(stage.words.clone());
        let y = u16::try_from(row).unwrap_or(u16::MAX);
        let taken = width(&spans);
        line(buf, inner, y, spans);
        right(buf, inner, y, taken + 1, stage.end.clone());
        if stage.here && y < area.height {
            let whole = at(area, y);
            buf.set_style(whole, app.theme.style(Role::Selected));
            let sign = "▌";
            line(buf, whole, 0, vec![app.theme.span(Role::Accent, sign)]);
        }
    }
    u16::try_from(rows.len())
        .unwrap_or(u16::MAX)
        .min(area.height)
}

/// One line along the rail.
#[derive(Default)]
struct Stage {
    /// `None` goes on with the stage above.
    name: Option<&'static str>,
    words: Vec<Span<'static>>,
    end: Vec<Span<'static>>,
    /// The cursor stands here.
    here: bool,
}

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
    let here = app.flow.key();
    let rate = format::per_second(shown.traffic.orders_per_s);
    let mut rows = vec![
        Stage {
            name: Some("ORDERS"),
            words: vec![strong(format!("{rate:>9}"))],
            end: spark(&shown.traffic.history),
            ..Stage::default()
        },
        Stage {
            name: Some("OUTBOX"),
            words: outbox(app, narrow),
            end: match &shown.outbox.value {
                Some(outbox) if !narrow => spark(&outbox.pending_history),
                _ => Vec::new(),
            },
            here: here == Some(&FlowKey::Outbox),
        },
    ];
    let topics = app.flow_topics();
    let readers = readers(app);
    let mut of_topics: Vec<Stage> = Vec::new();
    for topic in &topics {
        let mut words = vec![
            strong(format!("{:>9}", format::per_second(topic.rate))),
            "  ".into(),
        ];
        words.extend(outside(theme, Role::Base, &topic.name));
        of_topics.push(Stage {
            words,
            end: spark(&topic.history),
            here: matches!(here, Some(FlowKey::Topic(name)) if *name == topic.name),
            ..Stage::default()
        });
    }
    let mut of_readers: Vec<Stage> = Vec::new();
    for reader in &readers {
        of_readers.push(Stage {
            words: reader_line(app, reader),
            end: match &reader.trouble {
                Some((role, why)) => cut(outside(theme, *role, why), cells),
                None => spark(reader.history),
            },
            here: matches!(here, Some(FlowKey::Reader(name)) if name == reader.name),
            ..Stage::default()
        });
    }
    // Stage lines besides topics and consumers, and at least three of findings.
    let spare = usize::from(area.height).saturating_sub(5 + 4);
    if topics.is_empty() || topics.len() + readers.len() > spare {
        let total = sum(topics.iter().map(|t| t.rate));
        let mut words = vec![strong(format!("{:>9}", format::per_second(total)))];
        if shown.topics.value.is_some() {
            let many = format::plural(topics.len() as u64, "topic");
            words.push(dim(format!("  {many}")));
        }
        of_topics = one_line(app, of_topics, words);
        of_readers = one_line(app, of_readers, summary(app, &readers));
    }
    let readers = if shown.stack.attached {
        "GROUPS"
    } else {
        "CONSUMERS"
    };
    for (name, mut lines) in [("TOPICS", of_topics), (readers, of_readers)] {
        if let Some(first) = lines.first_mut() {
            first.name = Some(name);
        }
        rows.append(&mut lines);
    }
    rows.push(Stage {
        name: Some("DEAD"),
        words: dead(app),
        here: here == Some(&FlowKey::Letters),
        ..Stage::default()
    });
    rows.push(Stage {
        name: Some("STORE"),
        words: store(app),
        here: here == Some(&FlowKey::Store),
        ..Stage::default()
    });
    let mut words = Vec::new();
    for (name, value) in format::percentiles(shown.end_to_end) {
        words.push(dim(format!("{name} ")));
        words.push(strong(format!("{value}  ")));
    }
    rows.push(Stage {
        name: Some(if narrow { "E2E" } else { "END TO END" }),
        words,
        ..Stage::default()
    });
    rows
}

/// A stage of which only one line has room: the row that the cursor stands on, else the sum.
fn one_line(app: &App, lines: Vec<Stage>, sum: Vec<Span<'static>>) -> Vec<Stage> {
    let of = lines.len();
    let mut lines = lines.into_iter().enumerate();
    let line = match lines.find(|(_, line)| line.here) {
        Some((at, line)) => Stage {
            end: vec![app.theme.span(Role::Dim, format!("{} of {of}", at + 1))],
            ..line
        },
        None => Stage {
            words: sum,
            ..Stage::default()
        },
    };
    vec![line]
}

fn outbox(app: &App, narrow: bool) -> Vec<Span<'static>> {
    let theme = &app.theme;
    if app.shown.stack.attached {
        return not_ours(app);
    }
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
    let behind = sum(readers.iter().map(|r| r.lag));
    let mut words = vec![
        theme.span(Role::Strong, format!("{:>9}", format::per_second(rate))),
        theme.span(Role::Dim, format!("  lag {}", format::maybe(behind))),
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
    match known_letters(app) {
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

fn not_ours(app: &App) -> Vec<Span<'static>> {
    let text = format!("{:>9}  {NOT_OURS}", format::UNKNOWN);
    vec![app.theme.span(Role::Dim, text)]
}

fn store(app: &App) -> Vec<Span<'static>> {
    if app.shown.stack.attached {
        return not_ours(app);
    }
    let events = app.shown.store.value.as_ref().map(|store| store.events);
    vec![
        app.theme
            .span(Role::Strong, format!("{:>9}", format::maybe(events))),
        app.theme.span(Role::Dim, "  events"),
    ]
}
