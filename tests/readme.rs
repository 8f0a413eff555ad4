//! The README says what the program does: its key table is the action table, and every command and
//! exit code it names is there. `UPDATE_README=1 cargo test --test readme` writes the table.

use std::fmt::Write as _;

use clap::CommandFactory;
use evtop::cli::Cli;
use evtop::tui::action::TABLE;

const START: &str = "<!-- keys: written by tests/readme.rs -->\n";
const END: &str = "<!-- /keys -->";

fn table() -> String {
    let mut out = String::from("\n| keys | where | what |\n| --- | --- | --- |\n");
    for row in TABLE {
        let keys: Vec<String> = row
            .keys
            .iter()
            .map(|k| format!("`{}`", k.replace('|', "\\|")))
            .collect();
        let screens: Vec<&str> = row.screens.iter().map(|s| s.tab().1).collect();
        let place = if screens.is_empty() {
            "everywhere".to_owned()
        } else {
            screens.join(", ")
        };
        let _ = writeln!(out, "| {} | {place} | {} |", keys.join(" "), row.help);
    }
    out.push('\n');
    out
}

#[test]
fn the_key_table_is_the_action_table() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let (before, rest) = readme.split_once(START).unwrap();
    let (found, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_README").is_some() {
        std::fs::write(
            "README.md",
            format!("{before}{START}{}{END}{after}", table()),
        )
        .unwrap();
        return;
    }
    assert_eq!(
        found,
        table(),
        "run UPDATE_README=1 cargo test --test readme"
    );
}

#[test]
fn commands_in_the_readme_exist() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let commands: Vec<&str> = readme
        .lines()
        .filter_map(|line| line.strip_prefix("evtop "))
        .map(|line| line.split('#').next().unwrap().trim())
        .collect();
    assert!(commands.len() > 8, "the README shows commands");
    for line in commands {
        let args = std::iter::once("evtop").chain(line.split_whitespace());
        let parsed = Cli::command().try_get_matches_from(args);
        assert!(parsed.is_ok(), "`evtop {line}`: {}", parsed.unwrap_err());
    }
}

#[test]
fn pictures_in_the_readme_exist() {
    let readme = std::fs::read_to_string("README.md").unwrap();
    let pictures: Vec<&str> = readme
        .split("](screenshots/")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .collect();
    assert!(!pictures.is_empty());
    for picture in pictures {
        assert!(
            std::path::Path::new("screenshots").join(picture).exists(),
            "{picture}"
        );
    }
}
