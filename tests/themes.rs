//! The themes that are built in: complete, and readable.

use evtop::tui::colour::Depth;
use evtop::tui::contrast::ratio;
use evtop::tui::theme::{BUILT_IN, Role, Theme};
use ratatui::style::Color;

fn contrast(a: Option<Color>, b: Option<Color>) -> f64 {
    let colours = [a, b].map(|c| matches!(c, Some(Color::Rgb(..))));
    assert_eq!(colours, [true; 2], "{a:?} on {b:?}: no RGB colour");
    ratio(a, b).expect("both are known")
}

/// Borders and rules: they may be faint, but not invisible.
const QUIET: [Role; 1] = [Role::Faint];
/// Drawings, not text.
const MARKS: [Role; 2] = [Role::Spark, Role::Fill];
const BEHIND: [Role; 4] = [Role::Base, Role::Selected, Role::Unfocused, Role::Overlay];

#[test]
fn every_theme_can_be_read_by_eyes() {
    for (name, _) in BUILT_IN {
        let theme = Theme::built_in(name).expect("a theme");
        for role in Role::ALL {
            if matches!(role, Role::Selected | Role::Unfocused) {
                continue;
            }
            let style = theme.style(role);
            let own = [style.bg];
            let others = BEHIND.map(|behind| theme.style(behind).bg);
            let backgrounds = if style.bg.is_some() {
                &own[..]
            } else {
                &others[..]
            };
            let least = match role {
                role if QUIET.contains(&role) => 1.3,
                role if MARKS.contains(&role) => 2.3,
                _ => 4.5,
            };
            for bg in backgrounds {
                let found = contrast(style.fg, *bg);
                assert!(
                    found >= least,
                    "{name}: {} on {bg:?} has {found:.2}, wants {least}",
                    role.name()
                );
            }
            if MARKS.contains(&role) {
                let found = contrast(style.fg, theme.style(Role::Base).bg);
                assert!(found >= 3.0, "{name}: {} has {found:.2}", role.name());
            }
        }
    }
}

#[test]
fn the_selection_is_seen() {
    for (name, _) in BUILT_IN {
        let theme = Theme::built_in(name).expect("a theme");
        let base = theme.style(Role::Base).bg;
        assert!(
            contrast(theme.style(Role::Selected).bg, base) > 1.2,
            "{name}"
        );
    }
}

#[test]
fn a_theme_with_a_mistake_says_which() {
    let (_, text) = BUILT_IN[0];
    let said = |text: &str| {
        Theme::parse("mine", text)
            .expect_err("a mistake")
            .to_string()
    };
    let line = |word: &str| {
        text.lines()
            .position(|l| l.starts_with(word))
            .expect("a line")
            + 1
    };
    let place = |word: &str, column: usize| format!("mine:{}:{column}: ", line(word));
    let unknown = said(&text.replace("warn = ", "wran = "));
    assert!(unknown.starts_with(&place("warn = ", 1)), "{unknown}");
    assert!(unknown.contains("`wran` is no role; did you mean `warn`?"));
    let missing = said(&text.replace("ok = { fg = \"green\" }", ""));
    assert!(missing.starts_with(&place("[roles]", 1)), "{missing}");
    assert!(missing.contains("`ok` is missing"));
    let colour = said(&text.replace("ok = { fg = \"green\" }", "ok = { fg = \"gren\" }"));
    assert!(colour.starts_with(&place("ok = ", 6)), "{colour}");
    assert!(said("palette = 3").starts_with("mine:1:"));
    assert!(said(&format!("extra = 1\n{text}")).contains("extra"));
    assert!(
        Theme::built_in("neon")
            .expect_err("none")
            .to_string()
            .contains("dark, light")
    );
}

#[test]
fn a_poorer_terminal_gets_the_nearest_colours() {
    for (depth, most) in [(Depth::Ansi256, 255), (Depth::Ansi16, 15)] {
        let dark = Theme::built_in("dark").expect("a theme").in_depth(depth);
        let all = Theme::all(&dark);
        assert_eq!(all.len(), BUILT_IN.len());
        for theme in all {
            for role in Role::ALL {
                let style = theme.style(role);
                for colour in [style.fg, style.bg].into_iter().flatten() {
                    assert!(
                        matches!(colour, Color::Indexed(n) if n <= most),
                        "{colour:?}"
                    );
                }
            }
        }
    }
    assert_eq!(Depth::of(None, Some("truecolor"), None), Depth::True);
    assert_eq!(
        Depth::of(None, None, Some("xterm-256color")),
        Depth::Ansi256
    );
    assert_eq!(Depth::of(None, None, Some("linux")), Depth::Ansi16);
}

#[test]
fn without_colour_everything_that_matters_is_still_told_apart() {
    let depth = Depth::of(Some("1"), Some("truecolor"), None);
    assert_eq!(depth, Depth::Colourless);
    assert_eq!(Depth::of(Some(""), None, None), Depth::Ansi16);
    let dark = Theme::built_in("dark").expect("a theme").in_depth(depth);
    for theme in Theme::all(&dark) {
        for role in Role::ALL {
            let style = theme.style(role);
            let coloured = [style.fg, style.bg].into_iter().flatten();
            assert!(coloured.into_iter().all(|c| c == Color::Reset), "{style:?}");
        }
        let base = theme.style(Role::Base).add_modifier;
        for role in [
            Role::Selected,
            Role::Warn,
            Role::Bad,
            Role::Badge,
            Role::Input,
        ] {
            assert_ne!(theme.style(role).add_modifier, base, "{}", role.name());
        }
    }
}
