//! What one chose on the screen is there the next time; a file that was broken meanwhile is not missed.

use super::{QUIET, home};
use crate::pty::Pty;

#[test]
fn a_choice_outlives_the_program() {
    let mut pty = Pty::at_home(home(QUIET), (140, 42), &[], &[]);
    pty.wait_text("order-events");
    pty.keys("2");
    pty.wait_text("GROUP / TOPIC");
    pty.keys("ss");
    pty.wait_text("▾LAG");
    pty.keys("/mail\r");
    pty.wait_text("only rows with mail");
    pty.keys("q");
    pty.ended();
    let home = pty.take_home();
    let file = home.path().join("state/evtop/screen.json");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(
        text.contains("\"mail\"") && text.contains("\"lag\""),
        "{text}"
    );

    let mut pty = Pty::at_home(home, (140, 42), &[], &[]);
    pty.wait_text("order-events");
    pty.keys("2");
    pty.wait_text("▾LAG");
    pty.wait_text("only rows with mail");
    pty.keys("q");
    pty.ended();

    let home = pty.take_home();
    std::fs::write(&file, "{ not ours").unwrap();
    let mut pty = Pty::at_home(home, (140, 42), &[], &[]);
    pty.wait_text("order-events");
    pty.keys("9");
    pty.wait_text("what was chosen the last time is left out");
    pty.keys("2");
    pty.wait_text("email-service");
    assert!(!pty.text().contains("only rows with"), "{}", pty.text());
    pty.keys("q");
    pty.ended();
}
