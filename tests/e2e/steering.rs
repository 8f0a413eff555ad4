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
    pty.wait_for("dry run", |s| s.contents().contains("how many         1"));
    pty.keys("\r");
    pty.wait_text("honoured");
    pty.keys("y");
    done(&mut pty, "began");
    pty.keys("9");
    pty.wait_text("completed");
}

#[test]
fn a_letter_is_edited_in_an_editor_of_ones_own() {
    let home = tempfile::tempdir().unwrap();
    let editor = home.path().join("editor");
    let seen = home.path().join("seen");
    // It says what it was given and whose it is, talks to the terminal, and changes one word.
    let script = format!(
        "#!/bin/sh\nstat -c %a \"$1\" > {seen}\necho \"$1\" >> {seen}\nprintf 'MY EDITOR\\n'\nread line\nsed -i 's/\"customer_id\": \"[^\"]*\"/\"customer_id\": \"CUST-EDITED\"/' \"$1\"\n",
        seen = seen.display()
    );
    std::fs::write(&editor, script).unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&editor, mode).unwrap();
    let plan = "inventory = { permanent = 1.0, permanent_times = 1 }";
    let settings = QUIET.replace("inventory = {}", plan);
    let mut pty = super::quiet_with(&settings, &[("VISUAL", editor.to_str().unwrap())]);
    inject(&mut pty, 0, "happy");
    pty.keys("5");
    pty.wait_for("a letter", |s| letters(&s.contents()) == 1);
    pty.keys("\r");
    pty.wait_text("unresolved");
    pty.keys("e");
    pty.wait_text("Edit and redrive");
    pty.wait_text("fits OrderCreated");
    pty.keys("\x0f");
    pty.wait_text("MY EDITOR");
    pty.keys("\r");
    pty.wait_text("CUST-EDITED");
    let told = std::fs::read_to_string(&seen).unwrap();
    let (mode, file) = told.trim().split_once('\n').unwrap();
    assert_eq!(mode, "600", "its owner's alone");
    assert!(!std::path::Path::new(file).exists(), "gone afterwards");
    pty.keys("\x13");
    pty.wait_text("Send this as a new event?");
    pty.wait_text("yes, send it");
    pty.keys("y");
    pty.wait_text("began");
    pty.wait_for("no open letter", |s| letters(&s.contents()) == 0);
}
