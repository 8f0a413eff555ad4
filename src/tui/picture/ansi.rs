//! Lines with colours for a terminal: every run says all of its look, so that a line can stand alone.

use std::fmt::Write as _;

use ratatui::style::{Modifier, Style};

use super::Picture;
use crate::tui::colour::rgb;

const RESET: &str = "\x1b[0m";

/// What each modifier is in a select-graphic-rendition sequence (ECMA-48).
const MODIFIERS: [(Modifier, u8); 8] = [
    (Modifier::BOLD, 1),
    (Modifier::DIM, 2),
    (Modifier::ITALIC, 3),
    (Modifier::UNDERLINED, 4),
    (Modifier::SLOW_BLINK, 5),
    (Modifier::REVERSED, 7),
    (Modifier::HIDDEN, 8),
    (Modifier::CROSSED_OUT, 9),
];

pub(super) fn lines(picture: &Picture) -> String {
    let mut out = String::new();
    for row in picture.rows() {
        for run in row {
            look(&mut out, run.style);
            out += &run.text;
        }
        out += RESET;
        out.push('\n');
    }
    out
}

fn look(out: &mut String, style: Style) {
    out.push_str("\x1b[0");
    for (modifier, code) in MODIFIERS {
        if style.add_modifier.contains(modifier) {
            let _ = write!(out, ";{code}");
        }
    }
    for (code, colour) in [(38, style.fg), (48, style.bg)] {
        if let Some((r, g, b)) = colour.and_then(rgb) {
            let _ = write!(out, ";{code};2;{r};{g};{b}");
        }
    }
    out.push('m');
}
