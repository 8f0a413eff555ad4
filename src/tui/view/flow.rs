//! Flow: is it healthy, and if not, where does it stick? The way of an event as a drawing, end to end
//! times, and what is wrong, worst first. Wide screens get boxes, others a list along a rail.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::snapshot::{Consumer, ConsumerState, GroupLag, Place, Severity, VerdictKind};
use crate::tui::app::App;
use crate::tui::cursor::window;
use crate::tui::theme::Role;

use super::parts::{at, below, cut, line, outside, right, sparkline, title, width};
use super::{flow_wide, format};

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let used = if area.width >= flow_wide::LEAST.0 && area.height >= flow_wide::LEAST.1 {
        flow_wide::render(app, area, buf)
    } else {
        rail(app, area, buf)
    };
    findings(app, below(area, used), buf);
}

/// A reader of topics as the drawing shows it: a service of ours, or a group of somebody else's.
pub struct Reader<'a> {
    pub name: &'a str,
    pub rate: Option<f64>,
    pub lag: Option<u64>,
    pub history: &'a crate::snapshot::Series,
    pub sign: (&'static str, &'static str, Role),
    /// The one thing to say when it is not all right.
    pub trouble: Option<(Role, String)>,
}

/// Our consumers; where no workers run, the groups of the cluster.
pub fn readers(app: &App) -> Vec<Reader<'_>> {
    let groups = app
        .shown
        .lag
        .value
        .as_deref()
        .map_or(&[][..], Vec::as_slice);
    if app.shown.consumers.is_empty() {
        return groups.iter().map(of_group).collect();
    }
    let of = |consumer| of_consumer(consumer, groups);
    app.shown.consumers.iter().map(of).collect()
}

fn of_group(group: &GroupLag) -> Reader<'_> {
    Reader {
        name: &group.group,
        rate: group.numbers.rate_out,
        lag: group.numbers.lag,
        history: &group.numbers.history,
        sign: sign(group.verdict.kind),
        trouble: trouble(group),
    }
}

fn of_consumer<'a>(consumer: &'a Consumer, groups: &'a [GroupLag]) -> Reader<'a> {
    let group = groups.iter().find(|g| g.group == consumer.group);
    let state = match consumer.state {
        ConsumerState::Running | ConsumerState::Starting => None,
        ConsumerState::Paused => Some((Role::Warn, "paused")),
        ConsumerState::Holding => Some((Role::Warn, "holding")),
        ConsumerState::Restarting => Some((Role::Bad, "restarting")),
        ConsumerState::Stopped => Some((Role::Bad, "stopped")),
    };
    let said = state.map(|(role, word)| match &consumer.state_reason {
        Some(reason) => (role, format!("{word}: {reason}")),
        None => (role, word.to_owned()),
    });
    let sign = match state {
        Some((role, _)) => ("◐", "!", role),
        None if consumer.state == ConsumerState::Starting => ("◌", "~", Role::Dim),
        None => sign(group.map_or(VerdictKind::Ok, |g| g.verdict.kind)),
    };
    Reader {
        name: &consumer.service,
        rate: consumer.events_per_s,
        lag: group.and_then(|g| g.numbers.lag),
        history: &consumer.history,
        sign,
        trouble: said.or_else(|| group.and_then(trouble)),
    }
}

fn trouble(group: &GroupLag) -> Option<(Role, String)> {
    let role = match group.verdict.kind {
        VerdictKind::Ok | VerdictKind::Unknown | VerdictKind::Growing => return None,
        VerdictKind::AtRisk | VerdictKind::Rewound => Role::Warn,
        VerdictKind::Stopped | VerdictKind::Stalled => Role::Bad,
    };
    Some((role, group.verdict.reason.clone()))
}

pub fn sign(kind: VerdictKind) -> (&'static str, &'static str, Role) {
    match kind {
        VerdictKind::Ok => ("●", "+", Role::Ok),
        VerdictKind::Unknown => ("○", "?", Role::Dim),
        VerdictKind::Growing => ("▲", "^", Role::Warn),
        VerdictKind::AtRisk | VerdictKind::Rewound => ("!", "!", Role::Warn),
        VerdictKind::Stopped | VerdictKind::Stalled => ("✗", "x", Role::Bad),
    }
}

/// The role of a number of records that wait: calm while it is small and its reader is all right.
pub fn lag_role(reader: &Reader<'_>) -> Role {
    match reader.sign.2 {
        role @ (Role::Warn | Role::Bad) => role,
        _ if reader.lag == Some(0) => Role::Dim,
        _ => Role::Base,
    }
}

/// The condensed drawing: one line a stage, along a rail. Returns the lines it took.
fn rail(app: &App, area: Rect, buf: &mut Buffer) -> u16 {
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
    let topics = shown.topics.value.as_deref().unwrap_or_default();
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

/// The sum of what is known; unknown when nothing is.
pub fn sum(rates: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    rates
        .flatten()
        .fold(None, |sum, rate| Some(sum.unwrap_or(0.0) + rate))
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

fn findings(app: &App, area: Rect, buf: &mut Buffer) {
    if area.height == 0 {
        return;
    }
    let (theme, rows) = (&app.theme, app.findings());
    let heading = vec![theme.span(Role::Heading, "FINDINGS")];
    title(app, buf, area, heading, Vec::new());
    let list = below(area, 1);
    if rows.is_empty() {
        let (sign, text) = match (app.shown.seq, app.filter(Screen::Flow).is_empty()) {
            (0, _) => ("◌", "Connecting: nothing is known yet."),
            (_, false) => ("·", "No finding has this text."),
            _ => ("✓", "Nothing is wrong."),
        };
        let words = vec![
            "   ".into(),
            theme.span(Role::Ok, sign),
            "  ".into(),
            theme.span(Role::Dim, text),
        ];
        line(buf, list, 0, words);
        return;
    }
    let keys: Vec<_> = rows.iter().map(|(key, _)| key.clone()).collect();
    let selected = app.flow.index(&keys);
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
            let sign = if app.ascii { ">" } else { "▌" };
            line(buf, whole, 0, vec![theme.span(Role::Accent, sign)]);
        }
    }
}

fn leads_to(place: &Place) -> String {
    let screen = match place {
        Place::Flow => Screen::Flow,
        Place::Lag { .. } => Screen::Lag,
        Place::Consumer { .. } => Screen::Consumers,
        Place::Outbox => Screen::Outbox,
        Place::Letters { .. } => Screen::Letters,
        Place::Timeline => Screen::Timeline,
        Place::Activity => Screen::Activity,
    };
    let (key, name) = screen.tab();
    format!("{key} {name}")
}
