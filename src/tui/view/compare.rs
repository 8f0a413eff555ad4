//! A payload as it was written and as the newest schema sees it: changed lines marked, below each other or
//! side by side. Names stand in the newest one's order on both sides and lines without their commas, so
//! that only what differs is marked.

use serde_json::{Map, Value};

use crate::domain::edit::{self, Line};
use crate::tui::app::App;
use crate::tui::theme::Role;

use super::parts::{cut, outside, width};
use super::payload::{self, Lines};

/// Cells of a line that holds an id: two columns of less are cut too often.
const COLUMN: usize = 48;

/// The lines, side by side where `room` allows it; `None` where one of the two is no JSON.
#[must_use]
pub fn lines(app: &App, written: &str, newest: &str, room: usize) -> Option<Lines> {
    let newest: Value = serde_json::from_str(newest).ok()?;
    let written: Value = serde_json::from_str(written).ok()?;
    let (before, after) = (laid_out(&arranged(&written, &newest)), laid_out(&newest));
    let lines = edit::diff(&before, &after);
    if room >= 2 * COLUMN {
        return Some(beside(app, &lines, room));
    }
    Some(lines.iter().map(|line| one(app, *line)).collect())
}

/// The same value with the names of each object in the other's order; others follow.
fn arranged(value: &Value, like: &Value) -> Value {
    match (value, like) {
        (Value::Object(value), Value::Object(like)) => {
            let mut out = Map::new();
            for (name, like) in like {
                if let Some(value) = value.get(name) {
                    out.insert(name.clone(), arranged(value, like));
                }
            }
            for (name, value) in value {
                out.entry(name.clone()).or_insert_with(|| value.clone());
            }
            Value::Object(out)
        }
        (Value::Array(list), Value::Array(like)) => {
            let items = list.iter().enumerate();
            let item = |(at, value): (usize, &Value)| {
                let like = like.get(at).unwrap_or(&Value::Null);
                arranged(value, like)
            };
            Value::Array(items.map(item).collect())
        }
        _ => value.clone(),
    }
}

fn laid_out(value: &Value) -> String {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let lines = text.lines().map(|l| l.strip_suffix(',').unwrap_or(l));
    lines.collect::<Vec<_>>().join("\n")
}

/// A line with its sign.
fn one(app: &App, line: Line<'_>) -> Vec<ratatui::text::Span<'static>> {
    let theme = &app.theme;
    let (sign, role, text) = match line {
        Line::Same(text) => {
            let mut spans = vec!["  ".into()];
            spans.extend(payload::json(theme, text));
            return spans;
        }
        Line::Gone(text) => ("- ", Role::Bad, text),
        Line::New(text) => ("+ ", Role::Ok, text),
    };
    let mut spans = vec![theme.span(role, sign)];
    spans.extend(outside(theme, role, text));
    spans
}

/// What goes stands beside what comes in its place.
fn beside(app: &App, lines: &[Line<'_>], room: usize) -> Lines {
    let mut pairs: Vec<(Option<Line<'_>>, Option<Line<'_>>)> = Vec::new();
    let mut unmet = 0;
    for line in lines.iter().copied() {
        match line {
            Line::Same(_) => {
                pairs.push((Some(line), Some(line)));
                unmet = 0;
            }
            Line::Gone(_) => {
                pairs.push((Some(line), None));
                unmet += 1;
            }
            Line::New(_) if unmet > 0 => {
                let at = pairs.len() - unmet;
                pairs[at].1 = Some(line);
                unmet -= 1;
            }
            Line::New(_) => pairs.push((None, Some(line))),
        }
    }
    let bar = " │ ";
    let half = (room - 3) / 2;
    pairs
        .into_iter()
        .map(|(left, right)| {
            let side =
                |line: Option<Line<'_>>| cut(line.map_or_else(Vec::new, |l| one(app, l)), half);
            let mut spans = side(left);
            spans.push(" ".repeat(half - width(&spans)).into());
            spans.push(app.theme.span(Role::Faint, bar));
            spans.extend(side(right));
            spans
        })
        .collect()
}
