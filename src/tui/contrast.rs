//! Whether a theme can be read: the contrast of each role with what it stands on (WCAG 2.2, 1.4.3 and
//! 1.4.11): 4.5 for text and 3 for drawings. Rules and borders may be fainter.

use ratatui::style::Color;

use super::colour::rgb;
use super::theme::{Role, Theme};

/// The least contrast of text.
pub const TEXT: f64 = 4.5;
/// The least contrast of drawings: sparklines and charts.
pub const MARKS: f64 = 3.0;

/// One role on one background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    pub role: Role,
    pub on: Role,
    /// `None`: one of the two is the terminal's own colour.
    pub ratio: Option<f64>,
    /// The least that is wanted.
    pub least: f64,
}

impl Contrast {
    /// Whether it is enough; `None` where nobody knows.
    #[must_use]
    pub fn enough(&self) -> Option<bool> {
        self.ratio.map(|ratio| ratio >= self.least)
    }
}

/// What text may stand on.
const BEHIND: [Role; 4] = [Role::Base, Role::Selected, Role::Unfocused, Role::Overlay];

/// The least contrast that a role is held to; `None` for a background, and for lines that are quiet on
/// purpose.
#[must_use]
pub fn least(role: Role) -> Option<f64> {
    match role {
        Role::Selected | Role::Unfocused | Role::Faint => None,
        Role::Spark | Role::Fill => Some(MARKS),
        _ => Some(TEXT),
    }
}

/// The contrast of every role that is held to some, on everything that it may stand on.
#[must_use]
pub fn contrasts(theme: &Theme) -> Vec<Contrast> {
    let mut found = Vec::new();
    for role in Role::ALL {
        let Some(least) = least(role) else { continue };
        let behind = if least == MARKS {
            &BEHIND[..1]
        } else {
            &BEHIND
        };
        let style = theme.style(role);
        let own = [role];
        let behind = if style.bg.is_some() { &own[..] } else { behind };
        found.extend(behind.iter().map(|&on| Contrast {
            role,
            on,
            ratio: ratio(style.fg, theme.style(on).bg),
            least,
        }));
    }
    found
}

/// The contrast of two colours, from 1 to 21; `None` where one is the terminal's own.
#[must_use]
pub fn ratio(a: Option<Color>, b: Option<Color>) -> Option<f64> {
    let (a, b) = (luminance(a?)?, luminance(b?)?);
    Some((a.max(b) + 0.05) / (a.min(b) + 0.05))
}

/// Relative luminance (WCAG 2.2).
fn luminance(colour: Color) -> Option<f64> {
    let (r, g, b) = rgb(colour)?;
    let part = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.039_28 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    Some(0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b))
}

#[cfg(test)]
mod tests {
    use ratatui::style::Style;

    use super::*;

    #[test]
    fn it_is_the_contrast_of_wcag() {
        // As the tools of W3C and WebAIM give them.
        let white = Some(Color::Rgb(255, 255, 255));
        for (r, g, b, known) in [
            (0x00, 0x00, 0x00, 21.0),
            (0x76, 0x76, 0x76, 4.54),
            (0x77, 0x77, 0x77, 4.48),
            (0xff, 0x00, 0x00, 4.0),
            (0x00, 0x00, 0xff, 8.59),
            (0x00, 0x80, 0x00, 5.14),
            (0xff, 0xff, 0x00, 1.07),
            // By hand, below the bend of the curve: 1.05 / (9 / 255 / 12.92 + 0.05).
            (0x09, 0x09, 0x09, 19.91),
            (0xff, 0xff, 0xff, 1.0),
        ] {
            let colour = Some(Color::Rgb(r, g, b));
            let found = ratio(colour, white).expect("known");
            assert!((found - known).abs() < 0.005, "{colour:?}: {found}");
            assert_eq!(ratio(white, colour), Some(found));
        }
    }

    #[test]
    fn black_on_white_is_twenty_one_and_the_terminal_s_own_is_unknown() {
        let black_on_white = Style::new()
            .fg(Color::Rgb(0, 0, 0))
            .bg(Color::Rgb(255, 255, 255));
        let theme = Theme::plain("x", black_on_white).with(Role::Warn, Style::new());
        let of = |role: Role| {
            let all = contrasts(&theme);
            all.into_iter().find(|c| c.role == role).expect("judged")
        };
        let base = of(Role::Base);
        assert!((base.ratio.expect("known") - 21.0).abs() < 0.01);
        assert_eq!((base.enough(), base.least), (Some(true), TEXT));
        assert_eq!(
            (of(Role::Warn).enough(), of(Role::Spark).least),
            (None, MARKS)
        );
        assert!(contrasts(&theme).iter().all(|c| c.role != Role::Faint));
    }
}
