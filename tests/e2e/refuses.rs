//! What it will not start with: one sentence with the remedy, and the exit code of wrong usage.

use std::process::{Command, Stdio};

use super::home;
use super::pty::Pty;

#[track_caller]
fn refused(config: &str, args: &[&str], words: &[&str]) {
    let mut pty = Pty::at_home(home(config), (140, 42), args, &[]);
    let ended = pty.ended();
    assert_eq!(ended.code, 2, "{}", ended.text);
    assert!(ended.cooked);
    for word in words {
        assert!(ended.text.contains(word), "no {word:?}:\n{}", ended.text);
    }
    let raw = String::from_utf8_lossy(&pty.raw()).into_owned();
    assert!(!raw.contains("\x1b[?1049h"), "the other screen was entered");
}

#[test]
fn settings_that_are_wrong() {
    let config = "read_only = false\n[traffic]\norders_per_sec = 5\n";
    refused(config, &[], &["config.toml:3:", "orders_per_sec"]);
    refused("[kafka\n", &[], &["config.toml:1"]);
    refused("", &["--config", "nowhere.toml"], &["nowhere.toml", "path"]);
}

/// Told with their place, and by every command that reads settings.
#[test]
fn keys_and_properties_that_are_wrong() {
    for args in [&[][..], &["config"], &["run"]] {
        let unknown = "[keys]\nredrvie = [\"x\"]\n";
        refused(
            unknown,
            args,
            &["config.toml:2:1:", "did you mean `redrive`?"],
        );
        let unreadable = "[keys]\nredrive = [\"f5\", \"hyper-q\"]\n";
        refused(
            unreadable,
            args,
            &["config.toml:2:18:", "`hyper-q` is no key", "ctrl-x"],
        );
        let hidden = "[keys]\npause = [\"q\"]\n";
        refused(hidden, args, &["config.toml:2:1:", "`pause`", "`quit`"]);
        let property = "[kafka.properties]\nfoo = \"bar\"\n";
        refused(
            property,
            args,
            &["config.toml:2:1:", "kafka.properties.foo"],
        );
    }
}

#[test]
fn a_theme_that_is_unknown_or_wrong() {
    refused("", &["--theme", "mauve"], &["mauve", "dark"]);
    refused("", &["--theme", "none.toml"], &["none.toml"]);
    let config = "[ui]\ntheme = \"mauve\"\n";
    refused(config, &["config"], &["config.toml:2:1:", "mauve", "dark"]);
}

#[test]
fn arguments_that_are_unknown() {
    refused("", &["lagg"], &["lag"]);
    refused("", &["--json"], &["needs a command"]);
}

#[test]
fn no_terminal() {
    let home = home("");
    let run = |stdin: Stdio| {
        let output = Command::new(env!("CARGO_BIN_EXE_evtop"))
            .env("XDG_CONFIG_HOME", home.path().join("config"))
            .env("TMPDIR", home.path())
            .stdin(stdin)
            .output()
            .unwrap();
        assert_eq!(output.status.code(), Some(2));
        assert!(output.stdout.is_empty());
        let words = String::from_utf8(output.stderr).unwrap();
        assert!(words.contains("needs a terminal"), "{words}");
        assert!(words.contains("evtop lag"), "{words}");
    };
    run(Stdio::null());
    run(Stdio::piped());
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}
