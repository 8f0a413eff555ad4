//! Colours as terminals have them: how many there are, which one is most like another, and what a
//! numbered one looks like.

pub mod sixteen;

use ratatui::style::Color;

/// How many colours a terminal has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Depth {
    #[default]
    True,
    Ansi256,
    Ansi16,
    /// No colour at all, as `NO_COLOR` asks (no-color.org): weight, underline and reversal remain.
    Colourless,
}

impl Depth {
    /// What `NO_COLOR`, `COLORTERM` and `TERM` say of it.
    #[must_use]
    pub fn of(no_color: Option<&str>, colorterm: Option<&str>, term: Option<&str>) -> Self {
        if no_color.is_some_and(|word| !word.is_empty()) {
            return Self::Colourless;
        }
        match (colorterm, term) {
            (Some("truecolor" | "24bit"), _) => Self::True,
            (_, Some(term)) if term.contains("direct") => Self::True,
            (_, Some(term)) if term.contains("256") => Self::Ansi256,
            _ => Self::Ansi16,
        }
    }

    /// The colour of this depth that is most like it.
    #[must_use]
    pub fn nearest(self, colour: Color) -> Color {
        let Color::Rgb(r, g, b) = colour else {
            return colour;
        };
        let from = match self {
            Self::True => return colour,
            Self::Colourless => return Color::Reset,
            // The first sixteen are whatever the terminal's owner chose.
            Self::Ansi256 => 16..=255,
            // For a colour that stands alone; a theme is translated by its roles.
            Self::Ansi16 => 0..=15,
        };
        let far = |n: u8| {
            let (x, y, z) = ansi(n);
            let part = |a: u8, b: u8| u32::from(a.abs_diff(b)).pow(2);
            part(r, x) * 3 + part(g, y) * 6 + part(b, z)
        };
        Color::Indexed(from.min_by_key(|n| far(*n)).unwrap_or(0))
    }
}

/// Black and white, for text on a colour that nobody knows beforehand.
pub const INKS: [Color; 2] = [Color::Rgb(0, 0, 0), Color::Rgb(255, 255, 255)];

/// What xterm shows for a numbered colour.
fn ansi(n: u8) -> (u8, u8, u8) {
    let level = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
    match n {
        7 => (229, 229, 229),
        8 => (127, 127, 127),
        0..=15 => {
            let on = if n > 8 { 255 } else { 205 };
            let bit = |mask: u8| if n & mask > 0 { on } else { 0 };
            (bit(1), bit(2), bit(4))
        }
        16..=231 => (
            level((n - 16) / 36),
            level((n - 16) / 6 % 6),
            level((n - 16) % 6),
        ),
        _ => (8 + 10 * (n - 232), 8 + 10 * (n - 232), 8 + 10 * (n - 232)),
    }
}

/// A colour in parts, as xterm shows it; `None` for the terminal's own.
#[must_use]
pub fn rgb(colour: Color) -> Option<(u8, u8, u8)> {
    Some(match colour {
        Color::Reset => return None,
        Color::Rgb(r, g, b) => (r, g, b),
        Color::Indexed(n) => ansi(n),
        Color::Black => ansi(0),
        Color::Red => ansi(1),
        Color::Green => ansi(2),
        Color::Yellow => ansi(3),
        Color::Blue => ansi(4),
        Color::Magenta => ansi(5),
        Color::Cyan => ansi(6),
        Color::Gray => ansi(7),
        Color::DarkGray => ansi(8),
        Color::LightRed => ansi(9),
        Color::LightGreen => ansi(10),
        Color::LightYellow => ansi(11),
        Color::LightBlue => ansi(12),
        Color::LightMagenta => ansi(13),
        Color::LightCyan => ansi(14),
        Color::White => ansi(15),
    })
}
