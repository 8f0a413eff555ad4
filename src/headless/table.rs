//! Plain tables: numbers right-aligned under their heading, unknown as `–`, and every cell made safe
//! for a terminal on its way out, so that no row can forget to.

use std::io::{self, Write};
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::domain::printable::{truncate, visible, visible_bytes, width};

/// What stands where nothing is known.
pub(super) const UNKNOWN: &str = "–";
/// A longer cell is cut; JSON has it whole.
const CELL: usize = 120;

/// A table that may grow: rows that come later keep the columns of those before.
pub(super) struct Table {
    /// Title, and whether the column is of numbers.
    columns: &'static [(&'static str, bool)],
    widths: Vec<usize>,
    headed: bool,
}

impl Table {
    pub(super) fn new(columns: &'static [(&'static str, bool)]) -> Self {
        Self {
            columns,
            widths: columns.iter().map(|(title, _)| width(title)).collect(),
            headed: false,
        }
    }

    /// Writes rows, the heading before the first.
    pub(super) fn write(
        &mut self,
        rows: Vec<Vec<String>>,
        out: &mut (impl Write + ?Sized),
    ) -> io::Result<()> {
        let rows: Vec<Vec<String>> = rows
            .into_iter()
            .map(|row| {
                row.iter()
                    .map(|cell| truncate(&visible(cell), CELL))
                    .collect()
            })
            .collect();
        for row in &rows {
            for (have, cell) in self.widths.iter_mut().zip(row) {
                *have = (*have).max(width(cell));
            }
        }
        if !self.headed {
            self.headed = true;
            let titles: Vec<String> = self.columns.iter().map(|(t, _)| (*t).to_owned()).collect();
            self.row(&titles, out)?;
        }
        rows.iter().try_for_each(|row| self.row(row, out))
    }

    fn row(&self, cells: &[String], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
        let mut line = String::new();
        for (i, cell) in cells.iter().enumerate() {
            let pad = " ".repeat(self.widths[i].saturating_sub(width(cell)));
            let right = self.columns[i].1;
            if i > 0 {
                line += "  ";
            }
            if right {
                line += &pad;
            }
            line += cell;
            if !right {
                line += &pad;
            }
        }
        writeln!(out, "{}", line.trim_end())
    }
}

/// Lines of `name  value`, the values in one column.
pub(super) fn facts(facts: &[(&str, String)], out: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let widest = facts.iter().map(|(name, _)| width(name)).max().unwrap_or(0);
    for (name, value) in facts {
        let pad = " ".repeat(widest - width(name));
        writeln!(out, "{name}{pad}  {}", visible(value))?;
    }
    Ok(())
}

/// A number, or that it is unknown.
pub(super) fn number<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |v| v.to_string())
}

/// Text, or that there is none.
pub(super) fn text(value: Option<&str>) -> String {
    value.unwrap_or(UNKNOWN).to_owned()
}

/// Bytes as text, or that there are none.
pub(super) fn key(value: Option<&[u8]>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), visible_bytes)
}

/// A rate with one decimal.
pub(super) fn rate(value: Option<f64>) -> String {
    value.map_or_else(|| UNKNOWN.to_owned(), |v| format!("{v:.1}"))
}

/// A moment to the second, in the form that `--from` takes.
pub(super) fn moment(at: Option<DateTime<Utc>>) -> String {
    at.map_or_else(
        || UNKNOWN.to_owned(),
        |at| at.to_rfc3339_opts(SecondsFormat::Secs, true),
    )
}

/// A span with the unit that suits it.
pub(super) fn span(value: Option<Duration>) -> String {
    let Some(span) = value else {
        return UNKNOWN.to_owned();
    };
    let seconds = span.as_secs();
    match seconds {
        0 if span.is_zero() => "0 s".to_owned(),
        0 if span.as_micros() < 10_000 => format!("{:.1} ms", span.as_secs_f64() * 1e3),
        0 => format!("{} ms", span.as_millis()),
        1..60 => format!("{:.1} s", span.as_secs_f64()),
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// `1 letter`, `2 letters`.
pub(super) fn count(n: u64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}
