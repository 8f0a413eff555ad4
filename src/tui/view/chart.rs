//! Figures as drawings: sparklines and charts with gaps where nothing is known, bars and shares.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::snapshot::Series;
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::format;
use super::parts::{line, right};

const BLOCKS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
const ASCII_BLOCKS: [&str; 8] = ["_", "_", ".", "-", "-", "=", "=", "#"];

/// The points from the first known one on: what was before is no gap, it had not begun.
fn begun(series: &Series) -> &[Option<f32>] {
    let first = series.points.iter().position(Option::is_some);
    &series.points[first.unwrap_or(series.points.len())..]
}

/// A series in this many cells, each cell the highest of its points; a gap stays a gap. Few points are
/// stretched over all cells, so a series at which nothing happens stands still from the start.
#[must_use]
pub fn buckets(series: &Series, cells: usize) -> Vec<Option<f32>> {
    let points = begun(series);
    let len = points.len();
    if len == 0 {
        return vec![None; cells];
    }
    let from = |cell: usize| cell * len / cells;
    (0..cells)
        .map(|cell| {
            let first = from(cell);
            let bucket = &points[first..from(cell + 1).max(first + 1)];
            bucket.iter().flatten().copied().reduce(f32::max)
        })
        .collect()
}

/// A series as one line of blocks, scaled to its own highest point. The blocks leave a gap to the line
/// above.
#[must_use]
pub fn sparkline(app: &App, series: &Series, cells: usize) -> String {
    let points = buckets(series, cells);
    let top = points.iter().flatten().copied().fold(1e-6, f32::max);
    let blocks = if app.ascii { ASCII_BLOCKS } else { BLOCKS };
    points
        .iter()
        .map(|point| match point {
            Some(value) => blocks[((value / top * 6.0).round() as usize).min(6)],
            None => " ",
        })
        .collect()
}

/// A share between 0 and 1 as a bar.
#[must_use]
pub fn bar(app: &App, share: f64, cells: usize) -> Vec<Span<'static>> {
    let (on, off) = if app.ascii {
        ("#", ".")
    } else {
        ("━", "─")
    };
    let full = (share.clamp(0.0, 1.0) * cells as f64).round() as usize;
    vec![
        app.theme.span(Role::Spark, on.repeat(full)),
        app.theme.span(Role::Faint, off.repeat(cells - full)),
    ]
}

/// A series as a chart with its highest value at the left and its time below.
pub fn chart(app: &App, buf: &mut Buffer, area: Rect, series: &Series, unit: &str) {
    const SCALE: u16 = 9;
    if area.height < 3 || area.width < SCALE + 8 {
        return;
    }
    let plot = Rect {
        x: area.x + SCALE,
        width: area.width - SCALE,
        height: area.height - 1,
        ..area
    };
    let points = buckets(series, usize::from(plot.width));
    let known = points.iter().flatten().count();
    let highest = points.iter().flatten().copied().fold(0.0_f32, f32::max);
    let top = highest.max(1.0);
    let label = |value: f32| {
        let text = if value >= 100.0 || value.fract() == 0.0 {
            format::count(value.round() as u64)
        } else {
            format!("{value:.1}")
        };
        vec![app.theme.span(Role::Dim, format!("{text:>7}"))]
    };
    line(buf, area, 0, label(top));
    line(buf, area, plot.height - 1, label(0.0));
    let blocks = if app.ascii { ASCII_BLOCKS } else { BLOCKS };
    let steps = f32::from(plot.height) * 8.0;
    let style = app.theme.style(Role::Fill);
    let faint = app.theme.style(Role::Faint);
    for (x, point) in (plot.x..).zip(&points) {
        let height = point.map(|value| ((value / top * steps).round() as u16).max(1));
        for row in 0..plot.height {
            let base = (plot.height - 1 - row) * 8;
            let Some(cell) = buf.cell_mut((x, plot.y + row)) else {
                continue;
            };
            match height {
                Some(height) if height > base => {
                    let level = usize::from((height - base).min(8));
                    cell.set_symbol(blocks[level - 1]).set_style(style);
                }
                None if base == 0 && known > 0 => {
                    let gap = "·";
                    cell.set_symbol(gap).set_style(faint);
                }
                _ => {}
            }
        }
    }
    if known == 0 {
        let text = app.theme.span(Role::Dim, "no points yet");
        line(buf, plot, plot.height / 2, vec![text]);
        return;
    }
    let shown = series.step * u32::try_from(begun(series).len()).unwrap_or(0);
    let foot = Rect {
        x: plot.x,
        width: plot.width,
        y: area.y + plot.height,
        height: 1,
    };
    let start = match shown.as_secs() {
        0..60 => "<1 min ago".to_owned(),
        _ => format!("{} ago", format::seconds(shown)),
    };
    let taken = start.width();
    line(buf, foot, 0, vec![app.theme.span(Role::Dim, start)]);
    right(
        buf,
        foot,
        0,
        taken,
        vec![app.theme.span(Role::Dim, format!("{unit}   now"))],
    );
}

/// A bar with its share in words behind.
#[must_use]
pub fn share(app: &App, part: u64, whole: u64, cells: usize) -> Vec<Span<'static>> {
    let share = if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    };
    let mut spans = bar(app, share, cells);
    spans.push(app.theme.span(
        Role::Base,
        format!(" {} of {}", format::count(part), format::count(whole)),
    ));
    spans
}
