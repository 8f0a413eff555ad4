//! The last step where only ASCII is wanted: signs that the views draw and have no place of their own to say
//! what they are in ASCII. The same signs in text from outside go with them, and what stands for a control
//! character; letters of any script stay.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use crate::tui::app::App;

/// The words of a hint, with its keys by their names.
#[must_use]
pub fn hint(app: &App, words: &str) -> String {
    if !app.ascii {
        return words.to_owned();
    }
    let names = [("⏎", "enter"), ("↑↓", "up/down"), ("←→", "left/right")];
    names
        .into_iter()
        .fold(words.to_owned(), |words, (sign, name)| {
            words.replace(sign, name)
        })
}

/// What stands for a sign of one cell.
fn plain(sign: &str) -> Option<&'static str> {
    Some(match sign {
        "–" | "−" | "─" | "━" => "-",
        "·" => ".",
        "…" => "~",
        "→" | "▸" | "▶" | "▌" => ">",
        "←" | "◂" | "◀" => "<",
        "↑" | "▴" | "▲" => "^",
        "↓" | "▾" | "▼" => "v",
        "│" | "‖" => "|",
        "×" | "✕" | "✗" => "x",
        "µ" => "u",
        "Δ" => "d",
        "✓" | "●" => "*",
        "○" | "◌" | "◐" | "↻" => "o",
        "╭" | "╮" | "╰" | "╯" | "┌" | "┐" | "└" | "┘" | "├" | "┤" | "┼" => {
            "+"
        }
        "⟨" => "<",
        "⟩" => ">",
        // What stands for a control character.
        _ if sign.chars().all(|c| matches!(c, '\u{2400}'..='\u{2421}')) => "^",
        _ => return None,
    })
}

/// Replaces each of them.
pub fn replace(area: Rect, buf: &mut Buffer) {
    for position in area.positions() {
        if let Some(cell) = buf.cell_mut(position)
            && let Some(ascii) = plain(cell.symbol())
        {
            cell.set_symbol(ascii);
        }
    }
}
