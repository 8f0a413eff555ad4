//! Holds the house's rules over the source text: who may name whom, one user of each driver, pure
//! views, one place for unsafe, for the clock and for colours.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::{Path, PathBuf};

fn files(under: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

/// The code of each source file, by its path below `src`: without comments, and without tests.
fn code() -> Vec<(String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let read = |path: PathBuf| {
        let text = fs::read_to_string(&path).unwrap();
        let text = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default();
        let lines = text
            .lines()
            .map(|l| l.split("// ").next().unwrap_or_default());
        let lines = lines.filter(|l| !l.trim_start().starts_with("//"));
        let name = path
            .strip_prefix(&src)
            .unwrap()
            .to_str()
            .unwrap()
            .to_owned();
        (name, lines.collect::<Vec<_>>().join("\n"))
    };
    files(&src).into_iter().map(read).collect()
}

/// Whether `word` stands in `code` as a whole word.
fn says(code: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let after = code[at + word.len()..].chars().next();
        !before.is_some_and(part) && !after.is_some_and(part)
    })
}

/// Whether `code` names `module` of this crate.
fn names(code: &str, module: &str) -> bool {
    if says(code, &format!("crate::{module}")) {
        return true;
    }
    // In a list: use crate::{clock, store::Store}.
    code.match_indices("crate::{").any(|(at, _)| {
        let list = code[at..].split(';').next().unwrap_or_default();
        let mut depth = 0;
        let mut flat = String::new();
        for c in list.chars() {
            depth += i32::from(c == '{') - i32::from(c == '}');
            flat.push(if depth == 1 { c } else { ' ' });
        }
        says(&flat, module)
    })
}

#[track_caller]
fn none(found: impl IntoIterator<Item = String>) {
    let found: Vec<_> = found.into_iter().collect();
    assert!(found.is_empty(), "{found:#?}");
}

const DRIVERS: [&str; 6] = [
    "rdkafka",
    "rdkafka_sys",
    "sqlx",
    "redis",
    "ratatui",
    "crossterm",
];

/// Whoever lies in `place` names none of `modules`.
fn strangers<'a>(
    code: &'a [(String, String)],
    place: &'a str,
    modules: &'a [&'a str],
) -> impl Iterator<Item = String> + 'a {
    code.iter()
        .filter(move |(path, _)| path.starts_with(place))
        .flat_map(move |(path, text)| {
            let named = modules.iter().filter(move |m| names(text, m));
            named.map(move |module| format!("{path} names {module}"))
        })
}

#[test]
fn the_domain_stands_alone() {
    let all = code();
    let modules: Vec<String> = all
        .iter()
        .map(|(path, _)| path.split(['/', '.']).next().unwrap_or_default().to_owned())
        .filter(|module| !matches!(module.as_str(), "domain" | "lib" | "main"))
        .collect();
    let others: Vec<&str> = modules.iter().map(String::as_str).collect();
    none(strangers(&all, "domain/", &others));
    // With the files below them; what is shown may say what was asked.
    for place in ["snapshot", "command"] {
        let asked = |s: &String| s.starts_with("snapshot") && s.ends_with(" names command");
        none(strangers(&all, place, &others).filter(|s| !asked(s)));
    }
    none(
        all.iter()
            .filter(|(path, _)| path.starts_with("domain/"))
            .flat_map(|(path, text)| {
                let io = [
                    "tokio", "async", "std::fs", "std::net", "std::env", "tracing",
                ];
                let named = io.iter().chain(&DRIVERS).filter(|w| says(text, w));
                named
                    .map(|word| format!("{path} says {word}"))
                    .collect::<Vec<_>>()
            }),
    );
}

#[test]
fn each_driver_has_one_user() {
    let homes = ["kafka/", "kafka/", "store/", "dedupe", "tui/", "tui/"];
    let all = code();
    none(all.iter().flat_map(|(path, text)| {
        let pairs = DRIVERS.iter().zip(homes);
        let used = |driver| says(text, driver) && text.contains(&format!("{driver}::"));
        let wrong = pairs.filter(|(driver, home)| used(driver) && !path.starts_with(home));
        let wrong = wrong.map(|(driver, _)| format!("{path} uses {driver}"));
        wrong.collect::<Vec<_>>()
    }));
    none(strangers(&all, "kafka/", &["store", "dedupe"]));
    none(strangers(&all, "store/", &["kafka", "dedupe"]));
    none(strangers(&all, "dedupe", &["kafka", "store"]));
}

#[test]
fn work_and_show_know_each_other_by_two_files() {
    let all = code();
    for place in [
        "pipeline/",
        "watch/",
        "operate/",
        "kafka/",
        "store/",
        "dedupe",
    ] {
        none(strangers(&all, place, &["tui", "headless", "engine"]));
    }
    let work = [
        "pipeline", "watch", "operate", "kafka", "store", "dedupe", "engine",
    ];
    for place in ["tui/", "headless/"] {
        none(strangers(&all, place, &work));
    }
}

#[test]
fn views_are_pure() {
    let all = code();
    none(strangers(&all, "tui/view/", &["clock", "config"]));
    none(
        all.iter()
            .filter(|(path, _)| path.starts_with("tui/view/"))
            .flat_map(|(path, text)| {
                let impure = [
                    "tokio",
                    "crossterm",
                    "Mutex",
                    "RwLock",
                    "RefCell",
                    "Cell",
                    "&mut App",
                ];
                let named = impure
                    .iter()
                    .filter(|w| says(text, w) || w.contains(' ') && text.contains(**w));
                named
                    .map(|word| format!("{path} says {word}"))
                    .collect::<Vec<_>>()
            }),
    );
}

#[test]
fn one_place_for_unsafe_for_time_and_for_colours() {
    none(code().iter().flat_map(|(path, text)| {
        let mut wrong = Vec::new();
        // The second until the driver's next release; see there.
        let unsafe_in = ["kafka/ffi/", "store/postgres/nodelay.rs"];
        if says(text, "unsafe") && !unsafe_in.iter().any(|place| path.starts_with(place)) {
            wrong.push(format!("{path} is unsafe"));
        }
        let now = [
            "Instant::now",
            "SystemTime::now",
            "Utc::now",
            "Local::now",
            "now_v7",
        ];
        if path != "clock.rs" {
            let said = now.iter().filter(|now| says(text, now));
            wrong.extend(said.map(|now| format!("{path} calls {now}")));
        }
        if path.starts_with("tui/") && !path.starts_with("tui/colour") {
            let literals = ["Color::", "Rgb("];
            let colour = literals.iter().any(|literal| text.contains(literal));
            wrong.extend(colour.then(|| format!("{path} names a colour")));
        }
        wrong
    }));
}

#[test]
fn the_check_sees_what_it_looks_for() {
    assert!(names("use crate::store::Store;", "store"));
    assert!(names("use crate::{clock, store::{Page}};", "store"));
    assert!(!names("use crate::{clock, domain::{store}};", "store"));
    assert!(!names("use crate::domain::stored::Row;", "store"));
    assert!(says("x.lock(unsafe {})", "unsafe") && !says("unsafe_code", "unsafe"));
}
