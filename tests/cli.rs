//! The command line as people and scripts meet it.

use std::time::Duration;

use clap::CommandFactory;
use evtop::cli::{Cli, DlqTask, Exit, Task, When};
use evtop::command::Screen;
use evtop::config::Config;
use evtop::domain::position::Position;
use evtop::domain::scenario::Scenario;

fn read(line: &str) -> Result<Cli, clap::Error> {
    Cli::read(std::iter::once("evtop").chain(line.split_whitespace()))
}

fn task(line: &str) -> Task {
    let cli = read(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    cli.task.unwrap_or_else(|| panic!("{line}: no task"))
}

#[test]
fn the_definition_holds_together() {
    Cli::command().debug_assert();
}

#[test]
fn help_reads_well() {
    insta::assert_snapshot!("help", Cli::command().render_help());
    let mut command = Cli::command();
    command.build();
    let mut pages = String::new();
    for path in [
        &["timeline"][..],
        &["inject"],
        &["replay"],
        &["dlq"],
        &["dlq", "redrive"],
        &["snapshot"],
        &["check"],
        &["config"],
        &["consumers"],
    ] {
        let page = path.iter().fold(&mut command, |command, name| {
            command.find_subcommand_mut(name).expect("a subcommand")
        });
        pages += &format!("{}\n\n", page.render_help());
    }
    insta::assert_snapshot!("help_pages", pages);
}

#[test]
fn the_help_lists_every_exit_code() {
    let help = Cli::command().render_help().to_string();
    for exit in Exit::ALL {
        assert!(help.contains(&format!("\n  {}  ", exit.code())), "{exit:?}");
    }
}

#[test]
fn what_is_asked_is_what_is_read() {
    assert_eq!(read("").expect("screen").task, None);
    let cli = read("lag --json --profile lab email-service").expect("lag");
    assert!(cli.json);
    assert_eq!(cli.profile.as_deref(), Some("lab"));
    assert!(
        matches!(cli.task, Some(Task::Lag(args)) if args.group.as_deref() == Some("email-service"))
    );

    let Task::Inject(inject) = task("inject poison-bytes --count 3") else {
        panic!("inject")
    };
    assert_eq!((inject.scenario, inject.count), (Scenario::PoisonBytes, 3));

    let Task::Dlq(DlqTask::Redrive(redrive)) = task("dlq redrive --cause 3f9a --rate 5 --yes")
    else {
        panic!("redrive")
    };
    assert_eq!(redrive.letters.cause.as_deref(), Some("3f9a"));
    assert!(redrive.write.yes && !redrive.write.no_wait && redrive.rate == 5);

    let Task::Replay(replay) = task("replay --event 7:48212 --to-topic --dry-run") else {
        panic!("replay")
    };
    assert_eq!(replay.event, Some(Position { tx: 7, pos: 48_212 }));

    let Task::Timeline(timeline) = task("timeline --from 15m --to 2026-05-01T12:00:00+02:00")
    else {
        panic!("timeline")
    };
    assert_eq!(
        timeline.events.from,
        Some(When::Ago(Duration::from_secs(900)))
    );
    let to = timeline
        .events
        .to
        .map(|to| to.at(Default::default()).to_rfc3339());
    assert_eq!(to.as_deref(), Some("2026-05-01T10:00:00+00:00"));
}

#[test]
fn what_makes_no_sense_is_refused_with_code_2() {
    let lines = [
        "--json",
        "dlq redrive",
        "dlq redrive 0191c1a0-0000-7000-8000-000000000001 --cause x",
        "dlq redrive not-an-id",
        "dlq show",
        "inject nonsense",
        "inject happy --count 0",
        "replay --to-topic",
        "replay --event 5",
        "replay --event 5 --stream x --to-topic",
        "replay --stream x --to-topic --to-service email",
        "replay --stream x --to-service nobody",
        "timeline --from yesterday",
        "timeline --from 4000000000d",
        "lag --follow",
        "check",
        "check --group email-service",
        "check --max-lag -1",
        "check --max-lag-time 60",
        "check --max-lag-time 1.5s",
        "check --max-outbox-age s",
        "check --max-outbox-age 99999999999999d",
        "check --max-lag-time 10µs",
        "snapshot --size 80",
        "snapshot --size 0x24",
        "snapshot --screen nowhere",
        "snapshot --format png",
        "consumers pause nobody",
        "completions tcsh",
    ];
    for line in lines {
        let error = read(line).expect_err(line);
        assert_eq!(error.exit_code(), i32::from(Exit::Usage.code()), "{line}");
    }
}

#[test]
fn spans_have_a_unit() {
    for (text, ms) in [
        ("0s", 0),
        ("500ms", 500),
        ("60s", 60_000),
        ("5m", 300_000),
        ("2h", 7_200_000),
        ("1d", 86_400_000),
    ] {
        let Task::Check(check) = task(&format!("check --max-lag-time {text}")) else {
            panic!("check")
        };
        assert_eq!(
            check.max_lag_time,
            Some(Duration::from_millis(ms)),
            "{text}"
        );
    }
}

#[test]
fn a_screen_has_the_name_on_its_tab_and_its_key() {
    let screen = |name: &str| {
        let Task::Snapshot(args) = task(&format!("snapshot --screen {name} --size 80x24")) else {
            panic!("snapshot")
        };
        assert_eq!(args.size, (80, 24));
        args.screen
    };
    for known in Screen::ALL {
        let (key, title) = known.tab();
        assert_eq!(screen(&key.to_string()), known);
        assert_eq!(screen(&title.to_lowercase().replace(' ', "-")), known);
    }
    assert_eq!(screen("dlq"), Screen::Letters);
}

#[test]
fn every_shell_gets_a_script_with_the_commands() {
    for shell in ["bash", "zsh", "fish"] {
        let Task::Completions { shell } = task(&format!("completions {shell}")) else {
            panic!("completions")
        };
        let mut out = Vec::new();
        evtop::cli::completions(shell, &mut out).expect("written");
        let script = String::from_utf8(out).expect("UTF-8");
        for word in ["evtop", "snapshot", "max-lag", "inventory"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn flags_come_last_and_a_short_command_runs_no_workers_on_an_own_stack() {
    let with = |line: &str, brokers: &str| {
        let mut config = Config::default();
        config.kafka.brokers = brokers.to_owned();
        read(line).expect(line).apply(&mut config);
        config
    };
    let config = with("--theme paper --read-only", "k:9092");
    assert_eq!(config.ui.theme, "paper");
    // Workers write, so read-only runs none; the embedded stack's are its own business.
    assert!(config.read_only && !config.workers);
    assert!(with("--read-only", "").workers);
    assert!(with("run", "k:9092").workers);
    assert!(!with("lag", "k:9092").workers);
    assert!(with("lag", "").workers);
}

/// A command that comes and goes carries on nobody's operation: only who stays takes over what nobody drives.
#[test]
fn only_a_screen_and_run_take_operations_over() {
    let drives = |line: &str| {
        let mut config = Config::default();
        read(line).expect(line).apply(&mut config);
        config.drives
    };
    assert!(drives("") && drives("run"));
    for line in [
        "lag",
        "dlq ls",
        "dlq redrive 7068ab12",
        "messages order-events",
        "ops",
        "check --max-lag 1",
        "snapshot",
        "doctor",
        "bench",
        "config show",
    ] {
        assert!(!drives(line), "{line}");
    }
}

#[test]
fn exit_codes_are_the_documented_ones() {
    let codes: Vec<u8> = Exit::ALL.iter().map(|exit| exit.code()).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5]);
}
