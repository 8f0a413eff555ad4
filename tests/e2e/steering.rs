//! What keys set going, seen through to its end.

use super::pty::Pty;
use super::{QUIET, letters, quiet};

const DOWN: &str = "\x1b[B";

/// Injects an order of the `n`-th scenario by keys.
fn inject(pty: &mut Pty, n: usize, name: &str) {
    pty.keys("i");
    pty.wait_text("how many");
    pty.keys(&DOWN.repeat(n));
    pty.keys("\r");
    done(pty, &format!("injected {name}"));
}

/// Waits for a toast and puts it away. Escape stands alone: with a key right behind it is that key
/// with Alt.
fn done(pty: &mut Pty, toast: &str) {
    pty.wait_text(toast);
    pty.keys("\x1b");
    pty.wait_for("no toast", |s| !s.contents().contains(toast));
}

#[test]
fn a_poison_order_becomes_dead_letters() {
    let mut pty = quiet(QUIET);
    inject(&mut pty, 3, "poison-bytes");
    pty.keys("5");
    pty.wait_for("three letters", |s| letters(&s.contents()) == 3);
    for group in ["email-service", "analytics-service", "inventory-service"] {
        pty.wait_text(group);
    }
}

#[test]
fn a_letter_is_redriven_and_resolved() {
    let plan = "inventory = { permanent = 1.0, permanent_times = 1 }";
    let mut pty = quiet(&QUIET.replace("inventory = {}", plan));
    inject(&mut pty, 0, "happy");
    pty.keys("5");
    pty.wait_for("a letter", |s| letters(&s.contents()) == 1);
    pty.wait_text("rejected");
    pty.keys("\r");
    pty.wait_text("unresolved");
    pty.keys("r");
    pty.wait_text("Redrive 1 letter");
    pty.keys("y");
    pty.wait_text("began");
    pty.wait_for("no open letter", |s| letters(&s.contents()) == 0);
    pty.keys("9");
    pty.wait_text("completed");
    pty.keys("6");
    pty.wait_text("InventoryReserved");
}

#[test]
fn an_event_is_replayed() {
    let mut pty = quiet(QUIET);
    inject(&mut pty, 0, "happy");
    pty.keys("6");
    pty.wait_text("InventoryReserved");
    // The first row is the OrderCreated.
    pty.keys("g");
    pty.keys("p");
    pty.wait_text("OrderCreated v1 of order-");
    pty.wait_for("dry run", |s| s.contents().contains("how many      1"));
    pty.keys("\r");
    pty.wait_text("honoured");
    pty.keys("y");
    done(&mut pty, "began");
    pty.keys("9");
    pty.wait_text("completed");
}
