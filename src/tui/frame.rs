//! The frame: one colour for a profile, so that nobody takes one stack for another. Its text is black or
//! white, whichever is read better: one of them always has a contrast of 4.5.

use ratatui::style::{Color, Modifier, Style};

use super::colour::{Depth, INKS};
use super::contrast::ratio;
use super::theme::{Role, Theme};

/// How the stack's name and the rule below the tabs look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Frame {
    pub name: Style,
    pub rule: Style,
}

impl Frame {
    /// The frame of a colour, on a terminal of this depth. Without colours the name is reversed.
    #[must_use]
    pub fn new(colour: Color, depth: Depth) -> Self {
        if depth == Depth::Colourless {
            return Self {
                name: Style::new().add_modifier(Modifier::REVERSED),
                rule: Style::new(),
            };
        }
        let colour = depth.nearest(colour);
        let inks = INKS.map(|ink| depth.nearest(ink));
        let contrast = |ink: &Color| ratio(Some(*ink), Some(colour)).unwrap_or_default();
        let ink = inks
            .into_iter()
            .max_by(|a, b| contrast(a).total_cmp(&contrast(b)));
        Self {
            name: Style::new().fg(ink.unwrap_or_default()).bg(colour),
            rule: Style::new().fg(colour),
        }
    }

    /// A production stack's, in the theme's own colour for that.
    #[must_use]
    pub fn production(theme: &Theme) -> Self {
        let name = theme.style(Role::Production);
        let rule = name
            .bg
            .map_or_else(Style::new, |colour| Style::new().fg(colour));
        Self { name, rule }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_text_is_read_on_every_colour() {
        let parts = || (0..=255_u8).step_by(17);
        for depth in [Depth::True, Depth::Ansi256, Depth::Ansi16] {
            for (r, g) in parts().flat_map(|r| parts().map(move |g| (r, g))) {
                for b in parts() {
                    let colour = format!("#{r:02x}{g:02x}{b:02x}").parse().unwrap();
                    let style = Frame::new(colour, depth).name;
                    let read = ratio(style.fg, style.bg).unwrap();
                    assert!(read >= 4.5, "{read} on {r} {g} {b} in {depth:?}");
                }
            }
        }
        let plain = Frame::new("red".parse().unwrap(), Depth::Colourless);
        assert_eq!((plain.name.fg, plain.name.bg), (None, None));
    }
}
