//! The program as a person meets it: in a terminal, from the first frame to the last word.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "common/pty.rs"]
mod pty;

#[path = "e2e/ends.rs"]
mod ends;
#[path = "e2e/hostile.rs"]
mod hostile;
#[path = "e2e/refuses.rs"]
mod refuses;
#[path = "e2e/remembers.rs"]
mod remembers;
#[path = "e2e/screens.rs"]
mod screens;
#[path = "e2e/steering.rs"]
mod steering;

use tempfile::TempDir;

use pty::Pty;

/// No traffic and no faults of its own: only what a test does happens.
const QUIET: &str = "
traffic.orders_per_s = 0.0
watch.meters_ms = 100
watch.queries_ms = 200
[consumers]
retry_base_ms = 10
[consumers.faults]
email = {}
analytics = {}
inventory = {}
";

/// A home with these settings in its config folder.
fn home(config: &str) -> TempDir {
    let home = tempfile::tempdir().unwrap();
    let folder = home.path().join("config/evtop");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config.toml"), config).unwrap();
    home
}

/// A screen over an embedded stack in which nothing happens by itself, up and joined.
fn quiet(config: &str) -> Pty {
    quiet_with(config, &[])
}

/// The same with these variables in its environment.
fn quiet_with(config: &str, env: &[(&str, &str)]) -> Pty {
    let home = home(config);
    let mut pty = Pty::at_home(home, (140, 42), &[], env);
    joined(&mut pty);
    pty
}

/// Waits until all three services run; leaves the screen at Consumers.
fn joined(pty: &mut Pty) {
    pty.keys("3");
    pty.wait_for("running consumers", |screen| {
        screen.contents().matches(" running").count() >= 3
    });
}

/// The count behind the tab of dead letters.
fn letters(text: &str) -> u64 {
    let tabs = text.lines().nth(1).unwrap_or_default();
    let after = tabs.split("Dead letters").nth(1).unwrap_or_default();
    let before = after.split("6 Timeline").next().unwrap_or_default();
    before.trim().parse().unwrap_or(0)
}
