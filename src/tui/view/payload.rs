//! A record's bytes as lines: JSON is laid out and its parts get roles, other text is shown as it is,
//! and what is no text at all as hex beside what it may mean.

use ratatui::text::Span;

use crate::domain::printable;
use crate::tui::app::App;
use crate::tui::theme::{Role, Theme};

use super::parts::{outside, wrap};

/// More lines than this of one payload are not laid out.
const MOST: usize = 2_000;

pub type Lines = Vec<Vec<Span<'static>>>;

#[must_use]
pub fn lines(app: &App, bytes: Option<&[u8]>, room: usize) -> Lines {
    let theme = &app.theme;
    let Some(bytes) = bytes else {
        return vec![vec![theme.span(Role::Dim, "no value")]];
    };
    if bytes.is_empty() {
        return vec![vec![theme.span(Role::Dim, "empty value")]];
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => self::text(theme, text, room),
        Err(_) => hex(theme, bytes, room),
    }
}

/// Text: laid out if it is JSON, else line by line.
#[must_use]
pub fn text(theme: &Theme, text: &str, room: usize) -> Lines {
    const LARGEST: usize = 256 * 1024;
    if text.len() <= LARGEST
        && let Ok(value) = serde_json::from_str::<serde_json::Value>(text)
        && let Ok(pretty) = serde_json::to_string_pretty(&value)
    {
        return pretty
            .lines()
            .take(MOST)
            .map(|line| json(theme, line))
            .collect();
    }
    let mut out = Lines::new();
    for line in text.split('\n').take(MOST) {
        for part in wrap(&printable::visible(line), room).into_iter().take(200) {
            out.push(outside(theme, Role::Base, &part));
        }
    }
    out
}

/// One line of laid out JSON.
#[must_use]
pub fn json(theme: &Theme, line: &str) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let body = line.trim_start_matches(' ');
    spans.push(" ".repeat(line.len() - body.len()).into());
    let mut rest = body;
    if rest.starts_with('"') {
        let end = string_end(rest);
        if rest[end..].starts_with(':') {
            spans.extend(outside(theme, Role::JsonKey, &rest[..end]));
            spans.push(theme.span(Role::Dim, ": "));
            rest = rest[end + 1..].trim_start_matches(' ');
        }
    }
    let (value, comma) = match rest.strip_suffix(',') {
        Some(value) => (value, ","),
        None => (rest, ""),
    };
    let role = match value.chars().next() {
        Some('"') => Role::JsonText,
        Some('0'..='9' | '-') => Role::JsonNumber,
        Some('t' | 'f' | 'n') => Role::JsonWord,
        _ => Role::Dim,
    };
    spans.extend(outside(theme, role, value));
    spans.push(theme.span(Role::Dim, comma));
    spans
}

/// Where a JSON string that starts here ends, in bytes.
fn string_end(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            '"' if !escaped => return at + 1,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    text.len()
}

/// `0000  7b 22 6f 72 …   {"or…`.
fn hex(theme: &Theme, bytes: &[u8], room: usize) -> Lines {
    let each = if room >= 78 { 16 } else { 8 };
    let rows = bytes.chunks(each).enumerate().take(MOST);
    rows.map(|(row, chunk)| {
        let mut digits = String::new();
        for byte in chunk {
            digits.push_str(&format!("{byte:02x} "));
        }
        let text: String = chunk
            .iter()
            .map(|b| {
                if b.is_ascii_graphic() || *b == b' ' {
                    char::from(*b)
                } else {
                    '·'
                }
            })
            .collect();
        vec![
            theme.span(Role::Dim, format!("{:04x}  ", row * each)),
            theme.span(Role::Base, format!("{digits:<width$} ", width = each * 3)),
            theme.span(Role::Dim, text),
        ]
    })
    .collect()
}
