//! The tabs, with the number of what wants attention behind each title.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;

use crate::command::Screen;
use crate::snapshot::{ConsumerState, VerdictKind};
use crate::tui::app::App;
use crate::tui::overlay::Overlay;
use crate::tui::theme::Role;

use super::format;
use super::parts::{cut, line, outside, right, width};

/// How much room a tab takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    Full,
    Short,
    Number,
}

pub fn render(app: &App, area: Rect, buf: &mut Buffer) {
    let (gap, tabs) = tabs(app, area.width);
    let here = Screen::ALL
        .iter()
        .position(|s| *s == app.screen)
        .unwrap_or(0);
    let last = here + 1 == tabs.len();
    let end: usize = tabs.iter().take(here + 1).map(|tab| width(tab)).sum();
    let end = end - if last { 0 } else { gap };
    line(buf, area, 0, tabs.concat());
    // One cell more, the gap's: no tab moves when another one is chosen.
    let cell = Rect {
        x: area.x + u16::try_from(end).unwrap_or(area.width),
        width: 1,
        ..area
    };
    let under = app.theme.style(Role::Selected);
    let style = under.patch(app.theme.style(Role::Accent));
    buf.set_style(cell.intersection(area), style);
}

/// Each screen's tab, as roomy as they all fit, and the cells between two of them.
fn tabs(app: &App, room: u16) -> (usize, Vec<Vec<Span<'static>>>) {
    const FITS: [(usize, Fit); 7] = [
        (4, Fit::Full),
        (3, Fit::Full),
        (1, Fit::Full),
        (1, Fit::Short),
        (0, Fit::Short),
        (1, Fit::Number),
        (0, Fit::Number),
    ];
    let (mut gap, mut tabs) = (0, Vec::new());
    for (wide, fit) in FITS {
        gap = wide;
        tabs = Screen::ALL.map(|screen| tab(app, screen, fit)).into();
        for tab in tabs.iter_mut().rev().skip(1) {
            tab.push(" ".repeat(gap).into());
        }
        tabs[0].insert(0, " ".into());
        if tabs.iter().map(|tab| width(tab)).sum::<usize>() < usize::from(room) {
            break;
        }
    }
    (gap, tabs)
}

/// The tab that stands in a column of a screen that is so wide.
#[must_use]
pub fn tab_at(app: &App, room: u16, column: u16) -> Option<Screen> {
    let mut end = 0;
    let ends = tabs(app, room).1.into_iter().map(|tab| {
        end += width(&tab);
        end
    });
    let ends: Vec<usize> = ends.collect();
    let nth = ends.iter().position(|end| usize::from(column) < *end)?;
    Screen::ALL.get(nth).copied()
}

/// The rule below the tabs, which says what is filtered away.
pub fn rule(app: &App, area: Rect, buf: &mut Buffer) {
    let rule = "─";
    let text = rule.repeat(usize::from(area.width));
    let faint = app.theme.style(Role::Faint);
    let style = app.frame().map_or(faint, |frame| faint.patch(frame.rule));
    line(buf, area, 0, vec![Span::styled(text, style)]);
    let sieve = app.sieve(app.screen);
    if let Some(error) = sieve.error() {
        let mut words = outside(&app.theme, Role::Warn, error);
        words.insert(0, " ".into());
        words.push(" ".into());
        let words = cut(words, usize::from(area.width).saturating_sub(4));
        return right(buf, area, 0, 0, words);
    }
    if !sieve.text().is_empty() && !matches!(app.overlay, Some(Overlay::Filter(_))) {
        let (which, text) = match sieve.filter().without() {
            Some(text) => (" only rows without ", text),
            None => (" only rows with ", sieve.text()),
        };
        let mut words = vec![app.theme.span(Role::Dim, which)];
        words.extend(outside(&app.theme, Role::Strong, text));
        words.push(app.theme.span(Role::Dim, " · esc shows all "));
        right(buf, area, 0, 0, words);
    }
}

fn tab(app: &App, screen: Screen, fit: Fit) -> Vec<Span<'static>> {
    let (key, title) = screen.tab();
    let title = match fit {
        Fit::Full => title,
        Fit::Short | Fit::Number => title.split(' ').next().unwrap_or(title),
    };
    let here = screen == app.screen;
    let mut spans = Vec::new();
    if here {
        spans.push(app.theme.span(Role::Accent, format!(" {key} {title}")));
    } else if fit == Fit::Number {
        spans.push(app.theme.span(Role::Dim, format!(" {key}")));
    } else {
        spans.push(app.theme.span(Role::Dim, format!(" {key} {title}")));
    }
    if let Some((role, text)) = badge(app, screen) {
        let joint = match (fit, app.ascii) {
            (Fit::Full, _) => " ",
            (_, false) => "·",
            (_, true) => ":",
        };
        spans.push(app.theme.span(Role::Dim, joint));
        spans.push(app.theme.span(role, text));
    }
    if here {
        let under = app.theme.style(Role::Selected);
        for span in &mut spans {
            span.style = under.patch(span.style);
        }
    }
    spans
}

fn badge(app: &App, screen: Screen) -> Option<(Role, String)> {
    let shown = &app.shown;
    let (role, n) = match screen {
        Screen::Flow | Screen::Timeline | Screen::Messages => return None,
        Screen::Lag => {
            let groups = shown.lag.value.iter().flat_map(|groups| groups.iter());
            let trouble = groups.filter(|g| g.verdict.kind >= VerdictKind::AtRisk);
            (Role::Bad, trouble.count() as u64)
        }
        Screen::Consumers => {
            let waiting = shown
                .consumers
                .iter()
                .filter(|c| !matches!(c.state, ConsumerState::Running | ConsumerState::Starting));
            (Role::Warn, waiting.count() as u64)
        }
        Screen::Outbox => {
            let blocked = shown.outbox.value.as_ref().map_or(0, |o| o.blocked.len());
            (Role::Warn, blocked as u64)
        }
        Screen::Letters => (
            Role::Warn,
            shown.letters.value.as_ref().map_or(0, |l| l.open),
        ),
        Screen::Activity => {
            let running = shown
                .activity
                .operations
                .iter()
                .filter(|o| !o.state.is_over());
            let n = running.count();
            let sign = if app.ascii { "~" } else { "↻" };
            return (n > 0).then(|| (Role::Strong, format!("{sign}{n}")));
        }
    };
    (n > 0).then(|| (role, format::badge(n)))
}
