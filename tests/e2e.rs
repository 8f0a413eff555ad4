//! The program as a person meets it: in a terminal, from the first frame to the last word.

#[path = "common/pty.rs"]
mod pty;

use std::time::Duration;

use pty::Pty;

/// The count behind the tab of dead letters.
fn letters(text: &str) -> u64 {
    let tabs = text.lines().nth(1).unwrap_or_default();
    let after = tabs.split("Dead letters").nth(1).unwrap_or_default();
    let before = after.split("6 Timeline").next().unwrap_or_default();
    before.trim().parse().unwrap_or(0)
}

#[test]
fn it_is_there_at_once_and_comes_alive() {
    let mut pty = Pty::start();
    pty.wait_within(Duration::from_secs(5), "frame", |screen| {
        screen.alternate_screen() && screen.contents().contains("1 Flow")
    });
    pty.wait_for("embedded stack", |s| s.contents().contains("embedded"));
    pty.keys("6");
    pty.wait_text("OrderCreated");
    pty.wait_text("InventoryReserved");
    pty.wait_for("dead letter", |s| letters(&s.contents()) > 0);
}
