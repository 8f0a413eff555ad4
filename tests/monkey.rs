//! A monkey at the keyboard: any keys, any fixture, any size. Nothing panics, a frame drawn twice is the
//! same frame, and nothing that could harm a terminal is in any cell.

mod common;

use std::sync::Arc;

use common::{draw, fixtures, role_theme};
use evtop::tui::action::TABLE;
use evtop::tui::app::App;
use evtop::tui::keymap::Key;
use evtop::tui::settings::Settings;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Press(Key),
    Snapshot(usize),
    Resize(u16, u16),
    Paste(String),
}

fn key() -> impl Strategy<Value = Key> {
    let bound: Vec<&str> = TABLE
        .iter()
        .flat_map(|row| row.keys.iter().copied())
        .collect();
    prop_oneof![
        4 => prop::sample::select(bound).prop_map(|key| key.parse().expect("a key")),
        1 => prop::sample::select(vec!["y", "n", "5", "0", ".", "backspace", "delete", "ctrl-w", "enter", "esc"])
            .prop_map(|key| key.parse().expect("a key")),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => key().prop_map(Step::Press),
        2 => (0..fixtures::ALL.len()).prop_map(Step::Snapshot),
        1 => (0_u16..=200, 0_u16..=60).prop_map(|(w, h)| Step::Resize(w, h)),
        1 => any::<String>().prop_map(Step::Paste),
    ]
}

fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn nothing_breaks_it(
        steps in prop::collection::vec(step(), 1..40),
        first in 0..fixtures::ALL.len(),
        size in (0_u16..=200, 0_u16..=60),
        ascii: bool,
    ) {
        let mut settings = Settings::with(role_theme());
        settings.ascii = ascii;
        let mut size = size;
        let mut app = App::new(&settings, size);
        let made: Vec<_> = fixtures::ALL.iter().map(|(_, make)| Arc::new(make())).collect();
        app.on_snapshot(Arc::clone(&made[first]));
        for step in steps {
            match step {
                Step::Press(key) => drop(app.on_key(key)),
                Step::Snapshot(at) => app.on_snapshot(Arc::clone(&made[at])),
                Step::Resize(width, height) => {
                    size = (width, height);
                    app.on_resize(width, height);
                }
                Step::Paste(text) => app.on_paste(&text),
            }
            let _ = app.focus();
        }
        let frame = draw(&app, size);
        prop_assert_eq!(&frame, &draw(&app, size));
        for cell in frame.content() {
            prop_assert!(cell.symbol().chars().all(harmless), "{:?}", cell.symbol());
            prop_assert!(!ascii || size.0 < 40 || cell.symbol() != "▌");
        }
    }
}

#[test]
fn every_size_can_be_drawn() {
    for (_, make) in fixtures::ALL {
        let snapshot = Arc::new(make());
        for screen in evtop::command::Screen::ALL {
            let mut app = App::new(&Settings::with(role_theme()), (80, 24));
            app.on_snapshot(Arc::clone(&snapshot));
            common::keys(&mut app, &screen.tab().0.to_string());
            for width in (0..200)
                .step_by(31)
                .chain([40, 80, 100, 124, 125, 126, 140])
            {
                for height in (0..60).step_by(7) {
                    draw(&app, (width, height));
                }
            }
        }
    }
}
