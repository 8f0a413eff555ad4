//! A theme on a terminal of sixteen colours, whose owner chose how they look. The most alike of them is
//! often no help: a muted blue becomes grey, and a quiet background the same black as everything. The rule:
//! first it can be read, then it has the hue, then the lightness.

use ratatui::style::{Color, Modifier, Style};

use super::{INKS, rgb};
use crate::tui::contrast::{least, ratio};
use crate::tui::theme::Role;

const BLACK: u8 = 0;
const GREY: u8 = 7;
/// Nearly black in some palettes: for lines, never for text.
const DARK_GREY: u8 = 8;
const WHITE: u8 = 15;

/// A colour with less between its strongest and its weakest part is a grey.
const COLOURFUL: u8 = 40;
/// Hues that are further apart, in degrees, are not alike.
const ALIKE: f64 = 40.0;

/// Gives every role one of the sixteen colours.
pub fn translate(styles: &mut [Style; Role::ALL.len()]) {
    let base = styles[Role::Base as usize].bg.unwrap_or(INKS[0]);
    let dark = ratio(Some(base), Some(INKS[1])) > ratio(Some(base), Some(INKS[0]));
    let base = if dark { BLACK } else { WHITE };
    for role in Role::ALL {
        let style = &mut styles[role as usize];
        if role == Role::Selected {
            // No background of the sixteen is behind text in every palette.
            *style = Style::new().add_modifier(Modifier::REVERSED);
            continue;
        }
        if role == Role::Input {
            *style = style.add_modifier(Modifier::UNDERLINED);
        }
        let own = style.bg.map(|colour| match role {
            Role::Production | Role::Badge => coloured(colour, base),
            _ => base,
        });
        let behind = own.unwrap_or(base);
        style.fg = style.fg.map(|colour| match role {
            Role::Production | Role::Badge => ink_on(behind),
            Role::Faint => Color::Indexed(DARK_GREY),
            _ => Color::Indexed(written(colour, behind, least(role).unwrap_or_default())),
        });
        style.bg = own.map(Color::Indexed);
    }
}

/// The colour for text or a drawing on another one.
fn written(colour: Color, behind: u8, least: f64) -> u8 {
    let read = |n: &u8| contrast(*n, behind) >= least;
    let light = |n: &u8| lightness(Color::Indexed(*n)).abs_diff(lightness(colour));
    let with_hue = hue(colour).and_then(|hue| alike(hue).filter(read).min_by_key(light));
    let greys = || [BLACK, GREY, WHITE].into_iter().filter(read);
    with_hue
        .or_else(|| greys().min_by_key(light))
        .unwrap_or(WHITE)
}

/// The colour for a background that is to be seen; a grey one is the text's opposite.
fn coloured(colour: Color, base: u8) -> u8 {
    let far = |n: &u8| lightness(Color::Indexed(*n)).abs_diff(lightness(colour));
    let with_hue = hue(colour).and_then(|hue| alike(hue).min_by_key(far));
    with_hue.unwrap_or(if base == BLACK { WHITE } else { BLACK })
}

/// Black or white, whichever is read better.
fn ink_on(behind: u8) -> Color {
    let best = |a: &&u8, b: &&u8| contrast(**a, behind).total_cmp(&contrast(**b, behind));
    Color::Indexed([BLACK, WHITE].iter().max_by(best).copied().unwrap_or(WHITE))
}

/// The colours of about this hue, the dark and the bright one.
fn alike(wanted: f64) -> impl Iterator<Item = u8> {
    let apart = move |n: u8| {
        let far = (hue(Color::Indexed(n)).unwrap_or_default() - wanted).abs();
        far.min(360.0 - far)
    };
    let nearest = (1..=6).map(apart).fold(f64::MAX, f64::min);
    let good = move |n: &u8| apart(*n) <= ALIKE.max(nearest);
    // The nearer hue first: of equally light ones the first is taken.
    let mut all: Vec<u8> = (1..=6).chain(9..=14).filter(good).collect();
    all.sort_by(|a, b| apart(*a).total_cmp(&apart(*b)));
    all.into_iter()
}

fn contrast(a: u8, b: u8) -> f64 {
    let [a, b] = [a, b].map(|n| Some(Color::Indexed(n)));
    ratio(a, b).unwrap_or_default()
}

/// In degrees, red being 0 (as in HSL); `None` for greys.
fn hue(colour: Color) -> Option<f64> {
    let (r, g, b) = rgb(colour)?;
    let (most, least) = (r.max(g).max(b), r.min(g).min(b));
    if most - least < COLOURFUL {
        return None;
    }
    let [r, g, b] = [r, g, b].map(f64::from);
    let span = f64::from(most - least);
    let sixth = match f64::from(most) {
        m if m == r => ((g - b) / span).rem_euclid(6.0),
        m if m == g => (b - r) / span + 2.0,
        _ => (r - g) / span + 4.0,
    };
    Some(sixth * 60.0)
}

fn lightness(colour: Color) -> u8 {
    let (r, g, b) = rgb(colour).unwrap_or_default();
    let sum = u32::from(r) * 3 + u32::from(g) * 6 + u32::from(b);
    u8::try_from(sum / 10).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tui::colour::Depth;
    use crate::tui::contrast::contrasts;
    use crate::tui::theme::{BUILT_IN, Theme};

    #[test]
    fn every_theme_can_be_read_and_shows_where_one_is() {
        for (name, _) in BUILT_IN {
            let theme = Theme::built_in(name).unwrap().in_depth(Depth::Ansi16);
            for found in contrasts(&theme) {
                assert!(
                    found.ratio.is_none_or(|ratio| ratio >= found.least),
                    "{name}: {:?} on {:?} has {:?}",
                    found.role,
                    found.on,
                    found.ratio
                );
            }
            let base = theme.style(Role::Base).add_modifier;
            for role in [Role::Selected, Role::Input] {
                assert_ne!(theme.style(role).add_modifier, base, "{name}: {role:?}");
            }
        }
    }

    #[test]
    fn a_muted_colour_keeps_its_hue() {
        let theme = Theme::built_in("dark").unwrap().in_depth(Depth::Ansi16);
        let fg = |role| theme.style(role).fg;
        let [green, yellow, red, cyan] = [10, 3, 9, 14].map(|n| Some(Color::Indexed(n)));
        assert_eq!(
            [
                fg(Role::Ok),
                fg(Role::Warn),
                fg(Role::Bad),
                fg(Role::JsonKey)
            ],
            [green, yellow, red, cyan]
        );
        assert_eq!(fg(Role::Faint), Some(Color::Indexed(DARK_GREY)));
    }
}
