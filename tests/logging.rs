//! The log, as started by the program: one test, since a process has one log.

use evtop::clock::Clock;
use evtop::config::LogLevel;
use evtop::logging;

#[test]
fn lines_reach_the_file_and_the_ring_and_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("deep/evtop.log");
    let clock = Clock::fixed("2026-05-01T12:04:31Z".parse().expect("a time"));
    let ring = logging::start(LogLevel::Info, Some(&file), &clock);
    tracing::debug!("not at this level");
    tracing::info!(target: "sqlx::query", "a driver's chatter");
    tracing::warn!(target: "rdkafka", "a driver's warning");

    let lines = ring.lines();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    // Tests are no part of the crate `evtop`, so info of theirs counts as a driver's.
    assert_eq!(texts, ["a driver's warning"]);
    tracing::info!(target: "evtop::relay", orders = 3, "started");
    assert_eq!(ring.lines()[1].text, "started orders=3");

    let written = std::fs::read_to_string(&file).expect("a log file");
    assert_eq!(
        written.lines().last(),
        Some("2026-05-01T12:04:31.000000Z  INFO evtop::relay: started orders=3")
    );

    let again = logging::start(LogLevel::Info, None, &clock);
    assert!(again.lines()[0].text.contains("already started"));
}
