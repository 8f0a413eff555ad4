//! What is seen without asking for anything.

use std::time::Duration;

use super::pty::Pty;
use super::{QUIET, joined, letters, quiet};

#[test]
fn it_is_there_at_once_and_comes_alive() {
    let mut pty = Pty::start();
    pty.wait_within(Duration::from_secs(5), "frame", |screen| {
        screen.alternate_screen() && screen.contents().contains("1 Flow")
    });
    assert!(!pty.cooked(), "raw mode is on");
    pty.wait_text("embedded");
    pty.keys("6");
    pty.wait_text("OrderCreated");
    pty.wait_text("InventoryReserved");
    pty.wait_for("dead letter", |s| letters(&s.contents()) > 0);
}

#[test]
fn every_screen_by_its_number_and_in_turn() {
    let mut pty = quiet(QUIET);
    let screens = [
        ("1", "1 Flow"),
        ("2", "2 Lag"),
        ("3", "3 Consumers"),
        ("4", "4 Outbox"),
        ("5", "5 Dead letters"),
        ("6", "6 Timeline"),
        ("8", "8 Messages"),
        ("9", "9 Activity"),
    ];
    // The tab of the screen that is shown stands on a ground of its own.
    let shown = |tab: &'static str| {
        move |screen: &vt100::Screen| {
            let text = screen.rows(0, 140).nth(1).unwrap_or_default();
            let at = text.find(tab).and_then(|at| u16::try_from(at).ok());
            let cell = at.and_then(|at| screen.cell(1, at));
            let plain = screen.cell(1, 0).map(vt100::Cell::bgcolor);
            cell.is_some_and(|cell| Some(cell.bgcolor()) != plain)
        }
    };
    for (key, tab) in screens {
        pty.keys(key);
        pty.wait_for(tab, shown(tab));
    }
    for (_, tab) in screens {
        pty.keys("\t");
        pty.wait_for(tab, shown(tab));
    }
    for (_, tab) in screens.iter().rev().skip(1) {
        pty.keys("\x1b[Z");
        pty.wait_for(tab, shown(tab));
    }
    pty.keys("?");
    pty.wait_text("choose a theme");
    pty.keys("?");
    pty.wait_for("help gone", |s| !s.contents().contains("choose a theme"));
    let colours = |s: &vt100::Screen| s.rows_formatted(0, 140).nth(1);
    let before = pty.look(colours);
    pty.keys("tj\r");
    pty.wait_for("another theme", |s| colours(s) != before);
}

#[test]
fn any_size_and_back() {
    let mut pty = Pty::start();
    joined(&mut pty);
    for screen in ["1", "2", "3", "4", "5", "6", "8", "9"] {
        pty.keys(screen);
        for (width, height) in [(140, 42), (80, 24), (40, 12)] {
            pty.resize(width, height);
            // The hints are the last line, at any usable size.
            pty.wait_for("hints at the bottom", |s| {
                let rows: Vec<_> = s.rows(0, width).collect();
                let last = rows.last().map(String::as_str).unwrap_or_default();
                rows.len() == usize::from(height) && last.contains('?')
            });
        }
        pty.resize(20, 5);
        pty.wait_text("evtop needs");
        pty.resize(1, 1);
        pty.wait_for("nothing", |s| s.contents().len() <= 4);
    }
    pty.resize(140, 42);
    pty.wait_text("9 Activity");
    pty.keys("1");
    pty.wait_text("1 Flow");
}

/// One after the other without waiting, as a window manager and a person do.
#[test]
fn a_key_pressed_while_the_terminal_is_resized_is_answered() {
    let mut pty = quiet(QUIET);
    for turn in 0..60 {
        let (key, shown) = [("?", true), ("?", false)][turn % 2];
        for width in [100, 120, 110] {
            pty.resize(width, 30);
        }
        pty.keys(key);
        pty.wait_for("an answer to ?", |s| {
            s.contents().contains("choose a theme") == shown
        });
    }
}

#[test]
fn it_says_that_a_terminal_is_too_small() {
    let mut pty = Pty::sized((39, 11), &[], &[]);
    pty.wait_text("evtop needs 40×12 cells");
    pty.keys("q");
    assert_eq!(pty.ended().code, 0);
}
