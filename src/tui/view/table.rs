//! Tables of rows that are built only when they are seen. Columns have a rank; as the width shrinks,
//! the least important ones go. No text is cut beside room that nobody uses, but in a
//! table that stands still.

use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::text::Span;
use unicode_width::UnicodeWidthStr;

use crate::tui::app::App;
use crate::tui::cursor::window;
use crate::tui::sort::List;
use crate::tui::theme::Role;

use super::parts::{at, cut, line, width};

/// Where a column's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub title: &'static str,
    pub side: Side,
    /// The cells it wants at least.
    pub least: u16,
    /// Its share of what is left over; 0 does not grow.
    pub grows: u16,
    /// Where growing ends; a text that would be cut goes on into room that is free.
    pub most: u16,
    /// 0 is never dropped, the highest goes first.
    pub rank: u8,
    /// No column of its table moves for what the rows say: where figures change each second.
    pub still: bool,
    /// The rows are sorted by it; true is with the largest first.
    pub sorted: Option<bool>,
}

impl Column {
    #[must_use]
    pub const fn left(title: &'static str, least: u16, rank: u8) -> Self {
        Self {
            title,
            side: Side::Left,
            least,
            grows: 0,
            most: u16::MAX,
            rank,
            still: false,
            sorted: None,
        }
    }

    #[must_use]
    pub const fn right(title: &'static str, least: u16, rank: u8) -> Self {
        Self {
            side: Side::Right,
            ..Self::left(title, least, rank)
        }
    }

    #[must_use]
    pub const fn growing(self, grows: u16) -> Self {
        Self { grows, ..self }
    }

    #[must_use]
    pub const fn still(self) -> Self {
        Self {
            still: true,
            ..self
        }
    }

    #[must_use]
    pub const fn most(self, most: u16) -> Self {
        Self { most, ..self }
    }
}

/// The same columns, with the one marked that the list is sorted by.
#[must_use]
pub fn sorted<const N: usize>(app: &App, list: List, mut columns: [Column; N]) -> [Column; N] {
    if let Some(sort) = app.sort(list)
        && let Some(column) = columns.get_mut(sort.column)
    {
        column.sorted = Some(sort.down);
    }
    columns
}

fn title(app: &App, column: &Column) -> Vec<Span<'static>> {
    let sign = match (column.sorted, app.ascii) {
        (None, _) => return vec![app.theme.span(Role::Heading, column.title)],
        (Some(true), false) => "▾",
        (Some(false), false) => "▴",
        (Some(true), true) => "v",
        (Some(false), true) => "^",
    };
    // The sign comes first: a narrow column loses the end of its title.
    let role = Role::Strong;
    vec![
        app.theme.span(role, sign),
        app.theme.span(role, column.title),
    ]
}

/// Cells between two columns.
const GAP: u16 = 2;

/// The width each column gets; `None` for one that was dropped.
#[must_use]
pub fn widths(columns: &[Column], room: u16) -> Vec<Option<u16>> {
    let mut kept: Vec<bool> = vec![true; columns.len()];
    let need = |kept: &[bool]| -> u16 {
        let cells = columns.iter().zip(kept).filter(|(_, kept)| **kept);
        cells
            .map(|(c, _)| c.least + GAP)
            .sum::<u16>()
            .saturating_sub(GAP)
    };
    while need(&kept) > room {
        let worst = (0..columns.len())
            .filter(|at| kept[*at] && columns[*at].rank > 0)
            .max_by_key(|at| columns[*at].rank);
        match worst {
            Some(at) => kept[at] = false,
            None => break,
        }
    }
    let mut widths: Vec<Option<u16>> = columns
        .iter()
        .zip(&kept)
        .map(|(column, kept)| kept.then_some(column.least))
        .collect();
    let mut spare = room.saturating_sub(need(&kept));
    while spare > 0 {
        let mut gave = false;
        for (column, width) in columns.iter().zip(&mut widths) {
            let Some(width) = width else { continue };
            let more = column
                .grows
                .min(spare)
                .min(column.most.saturating_sub(*width));
            *width += more;
            spare -= more;
            gave |= more > 0;
        }
        if !gave {
            break;
        }
    }
    // Too narrow even for what is never dropped: the first column gives way.
    let over = need(&kept).saturating_sub(room);
    if let Some(Some(first)) = widths.first_mut() {
        *first = first.saturating_sub(over).max(1);
    }
    widths
}

/// Gives room that is free, or that a growing column does not use, to columns whose text would be cut.
fn fit(columns: &[Column], widths: &mut [Option<u16>], wants: &[u16], room: u16) {
    let used: u16 = widths.iter().flatten().map(|width| width + GAP).sum();
    let mut free = room.saturating_sub(used.saturating_sub(GAP));
    loop {
        let kept = |at: &usize| widths[*at].map(|width| (width, wants[*at]));
        let short = (0..columns.len())
            .filter(|at| kept(at).is_some_and(|(width, want)| width < want))
            .min_by_key(|at| widths[*at]);
        let giver = (0..columns.len())
            .filter(|at| columns[*at].grows > 0)
            .filter_map(|at| kept(&at).map(|(width, want)| (width.saturating_sub(want), at)))
            .filter(|(spare, _)| *spare > 0)
            .max();
        match (short, giver) {
            (Some(short), _) if free > 0 => {
                free -= 1;
                widths[short] = widths[short].map(|width| width + 1);
            }
            (Some(short), Some((_, giver))) => {
                widths[giver] = widths[giver].map(|width| width - 1);
                widths[short] = widths[short].map(|width| width + 1);
            }
            _ => return,
        }
    }
}

/// A table: how many rows, which one is selected, and whether the keys go there.
#[derive(Clone, Copy, Debug)]
pub struct Table<'a> {
    pub columns: &'a [Column],
    pub len: usize,
    pub selected: Option<usize>,
    pub focused: bool,
}

/// Puts the sign of a mark before the rows in sight that have one.
pub fn marks(
    app: &App,
    buf: &mut Buffer,
    area: Rect,
    seen: Range<usize>,
    marked: impl Fn(usize) -> bool,
) {
    let sign = "✕";
    let area = Rect {
        x: area.x + 2.min(area.width),
        width: area.width.saturating_sub(2),
        ..area
    };
    for (y, index) in (1..).zip(seen) {
        if marked(index) {
            line(buf, area, y, vec![app.theme.span(Role::Marked, sign)]);
        }
    }
}

/// The texts of one row, one entry a column.
pub type Cells = Vec<Vec<Span<'static>>>;

impl Table<'_> {
    /// Draws the heading and the rows in sight; `row` makes a row's cells from its index and the
    /// columns' widths (0 for a dropped one), and once more when the rows in sight want other widths.
    pub fn render(
        &self,
        app: &App,
        buf: &mut Buffer,
        area: Rect,
        mut row: impl FnMut(usize, &[usize]) -> Cells,
    ) -> Range<usize> {
        let area = Rect {
            x: area.x + 1.min(area.width),
            width: area.width.saturating_sub(2),
            ..area
        };
        let inner = Rect {
            x: area.x + 2.min(area.width),
            width: area.width.saturating_sub(2),
            ..area
        };
        let height = usize::from(area.height.saturating_sub(1));
        let seen = window(self.len, self.selected, height);
        let mut widths = widths(self.columns, inner.width);
        let mut make = |widths: &[Option<u16>]| -> Vec<Cells> {
            let cells: Vec<usize> = widths.iter().map(|w| usize::from(w.unwrap_or(0))).collect();
            seen.clone().map(|index| row(index, &cells)).collect()
        };
        let mut rows = make(&widths);
        let wants = self.wants(&rows);
        let still = self.columns.iter().any(|column| column.still);
        let cut = |(width, want): (&Option<u16>, &u16)| width.is_some_and(|w| w < *want);
        if !still && widths.iter().zip(&wants).any(cut) {
            fit(self.columns, &mut widths, &wants, inner.width);
            rows = make(&widths);
        }
        let heading = self
            .columns
            .iter()
            .map(|column| title(app, column))
            .collect();
        line(buf, inner, 0, self.join(heading, &widths));
        for ((y, index), cells) in (1..).zip(seen.clone()).zip(rows) {
            let here = self.selected == Some(index);
            line(buf, inner, y, self.join(cells, &widths));
            if here {
                let role = if self.focused {
                    Role::Selected
                } else {
                    Role::Unfocused
                };
                buf.set_style(at(area, y), app.theme.style(role));
                let sign = "▌";
                let role = if self.focused {
                    Role::Accent
                } else {
                    Role::Faint
                };
                line(buf, area, y, vec![app.theme.span(role, sign)]);
            }
        }
        seen
    }

    /// What each column would need so that nothing in sight is cut.
    fn wants(&self, rows: &[Cells]) -> Vec<u16> {
        let mut wants: Vec<usize> = self
            .columns
            .iter()
            .map(|c| c.title.width() + usize::from(c.sorted.is_some()))
            .collect();
        for cells in rows {
            for (want, cell) in wants.iter_mut().zip(cells) {
                *want = width(cell).max(*want);
            }
        }
        let narrow = |want| u16::try_from(want).unwrap_or(u16::MAX);
        wants.into_iter().map(narrow).collect()
    }

    fn join(&self, cells: Cells, widths: &[Option<u16>]) -> Vec<Span<'static>> {
        let mut spans = Vec::new();
        for ((column, cell), room) in self.columns.iter().zip(cells).zip(widths) {
            let Some(room) = room.map(usize::from) else {
                continue;
            };
            let cell = cut(cell, room);
            let pad = " ".repeat(room.saturating_sub(width(&cell)));
            if column.side == Side::Right {
                spans.push(pad.into());
                spans.extend(cell);
            } else {
                spans.extend(cell);
                spans.push(pad.into());
            }
            spans.push(" ".repeat(usize::from(GAP)).into());
        }
        spans.pop();
        spans
    }
}
