//! Commands that draw, judge and steer: a screen without a terminal, limits for cron, a pause from
//! elsewhere, and what the settings look like.

// Not all of what the fixtures have is of use here.
#![allow(
    dead_code,
    reason = "each test program takes what it needs of the fixtures"
)]

mod headless_fixtures;

use evtop::cli::Exit;
use evtop::command::{Command, Done, Refusal};
use evtop::config::{Config, Source, mistakes, profiles};
use evtop::domain::operation::Operation;
use evtop::headless::{key_rows, theme_rows};
use evtop::snapshot::{ConsumerState, Snapshot};
use evtop::tui::colour::Depth;
use evtop::tui::keymap::Keymap;
use evtop::tui::theme::Theme;
use headless_fixtures::*;
use uuid::Uuid;

async fn shows(line: &str) -> Played {
    Engine::new(busy()).play(line).await
}

#[tokio::test]
async fn a_screen_is_drawn_as_it_stands() {
    for screen in ["lag", "outbox", "dlq", "timeline"] {
        let line = format!("snapshot --screen {screen} --size 100x24 --wait 0");
        let played = shows(&line).await;
        assert_eq!(played.exit, Exit::Ok, "{screen}: {}", played.err);
        assert!(!played.out.contains(|c: char| c.is_control() && c != '\n'));
        insta::assert_snapshot!(format!("snapshot_{screen}"), played.out);
    }
    let small = shows("snapshot --size 39x12 --wait 0").await;
    assert_eq!((small.exit, small.out.as_str()), (Exit::Usage, ""));
    assert!(small.err.contains("40x12"), "{}", small.err);
}

#[tokio::test]
async fn a_drawn_screen_may_be_one_object() {
    let played = shows("snapshot --screen lag --size 80x24 --format svg --wait 0 --json").await;
    let object: serde_json::Value = serde_json::from_str(&played.out).expect("an object");
    assert_eq!(
        (&object["screen"], &object["width"]),
        (&"Lag".into(), &80.into())
    );
    assert!(
        object["picture"]
            .as_str()
            .expect("text")
            .starts_with("<svg ")
    );
    assert_eq!(object["missing"], serde_json::json!([]));
}

#[tokio::test]
async fn what_was_not_read_is_drawn_and_said() {
    for (screen, what) in [
        ("lag", "lag ("),
        ("flow", "topics ("),
        ("dlq", "dead letters ("),
    ] {
        let line = format!("snapshot --screen {screen} --size 80x24 --wait 0");
        let played = Engine::new(dark()).play(&line).await;
        assert_eq!(played.exit, Exit::Unavailable, "{screen}");
        assert_eq!(played.out.lines().count(), 24, "{screen}");
        assert!(played.err.contains(what), "{screen}: {}", played.err);
    }
    let nothing = Engine::new(Snapshot::default())
        .play("snapshot --wait 0")
        .await;
    assert_eq!(nothing.exit, Exit::Unavailable);
    assert!(nothing.err.contains("the engine"), "{}", nothing.err);
}

const ALL: &str = "check --max-lag 5 --max-lag-time 1s --max-dead-letters 0 --max-outbox 100000 --max-outbox-age 10d";

#[tokio::test]
async fn limits_make_an_exit_code() {
    let text = shows(ALL).await;
    let json = shows(&format!("{ALL} --json")).await;
    assert_eq!((text.exit, json.exit), (Exit::Partial, Exit::Partial));
    insta::assert_snapshot!(
        "check",
        format!("{}\n{}--\n{}", text.out, json.out, text.err)
    );
    let fine = shows("check --max-outbox 100000 --max-dead-letters 100000").await;
    assert_eq!(fine.exit, Exit::Ok, "{}", fine.out);
}

#[tokio::test]
async fn unknown_is_never_all_right() {
    let away = Engine::new(dark()).play(ALL).await;
    assert_eq!(away.exit, Exit::Unavailable, "{}", away.out);
    let rows: Vec<&str> = away.out.lines().skip(1).collect();
    assert_eq!(rows.len(), 5);
    assert!(
        rows.iter()
            .all(|row| row.contains("unknown") && row.contains("is down")),
        "{}",
        away.out
    );

    // One partition without a commit: what is known is within the limit, what is not may not be.
    let mut part = busy();
    let mut groups = lag();
    groups[0].topics[0].partitions[0].numbers.lag = None;
    part.lag.value = Some(groups.into());
    let part = Engine::new(part).play("check --max-lag 1000000000").await;
    assert_eq!(part.exit, Exit::Unavailable, "{}", part.out);

    let mut others = busy();
    others.stack.attached = true;
    let others = Engine::new(others).play("check --max-outbox 0").await;
    assert_eq!(others.exit, Exit::Refused, "{}", others.out);
    assert!(others.out.contains("absent") && others.out.contains("not evtop's"));

    let nobody = shows("check --max-lag 1 --group nobody").await;
    assert_eq!(nobody.exit, Exit::Refused);
}

fn follow(command: &Command, snapshot: &mut Snapshot) -> Result<Done, Refusal> {
    let (service, state) = match command {
        Command::PauseConsumer { service } => (service.clone(), ConsumerState::Paused),
        Command::ResumeConsumer { service } => (service.clone(), ConsumerState::Running),
        other => panic!("{other:?}"),
    };
    for c in &mut snapshot.consumers {
        if c.service == service {
            c.state = state;
        }
    }
    Ok(match state {
        ConsumerState::Paused => Done::ConsumerPaused { service },
        _ => Done::ConsumerResumed { service },
    })
}

#[tokio::test]
async fn an_operation_is_paused_and_resumed() {
    let running = |o: &&Operation| !o.state.is_over();
    let engine = || Engine::new(busy());
    let id = engine()
        .snapshot
        .activity
        .operations
        .iter()
        .find(running)
        .expect("one runs")
        .id;
    let mut asked = engine();
    asked.on_command = |command, _| match command {
        Command::PauseOperation { operation } => Ok(Done::OperationPaused {
            operation: *operation,
        }),
        Command::ResumeOperation { operation } => Ok(Done::OperationResumed {
            operation: *operation,
        }),
        other => panic!("{other:?}"),
    };
    let played = asked.play(&format!("ops --pause {id}")).await;
    assert_eq!(
        (played.exit, played.out),
        (Exit::Ok, format!("paused {id}: --resume lets it go on\n"))
    );
    let mut asked = engine();
    asked.on_command = |_, _| {
        Ok(Done::OperationResumed {
            operation: Uuid::nil(),
        })
    };
    let played = asked.play(&format!("ops --resume {id} --json")).await;
    assert_eq!(
        (played.exit, played.out),
        (Exit::Ok, format!("{{\"resumed\":\"{id}\"}}\n"))
    );
    let mut paused = engine();
    for operation in &mut paused.snapshot.activity.operations {
        operation.paused = true;
    }
    let played = paused.play("ops").await;
    let still = played.out.lines().filter(|row| row.contains(" paused "));
    assert_eq!(
        still.count(),
        1,
        "only one that is not over stands still: {}",
        played.out
    );
}

#[tokio::test]
async fn a_pause_waits_until_it_is_followed() {
    let mut engine = Engine::new(busy());
    let service = engine.snapshot.consumers[0].service.clone();
    engine.on_command = follow;
    let played = engine
        .play(&format!("consumers pause {service} --json"))
        .await;
    assert_eq!(played.exit, Exit::Ok, "{}", played.err);
    let row: serde_json::Value = serde_json::from_str(played.out.trim()).expect("an object");
    assert_eq!(row["state"], "paused");

    let mut deaf = Engine::new(busy());
    deaf.on_command = |_, _| {
        Ok(Done::ConsumerPaused {
            service: "email".into(),
        })
    };
    for c in &mut deaf.snapshot.consumers {
        c.service = "email".into();
        c.state = ConsumerState::Running;
        c.instance = Some("4711@web-2".into());
    }
    let played = deaf.play("consumers pause email").await;
    assert_eq!(played.exit, Exit::Partial);
    assert!(
        played
            .err
            .contains("not followed yet by email @ 4711@web-2"),
        "{}",
        played.err
    );

    let mut empty = Engine::new(busy());
    empty.snapshot.consumers.clear();
    empty.on_command = |_, _| {
        Ok(Done::ConsumerResumed {
            service: "email".into(),
        })
    };
    let played = empty.play("consumers resume email").await;
    assert_eq!(played.exit, Exit::Ok);
    assert!(played.err.contains("no process runs it"), "{}", played.err);
}

#[tokio::test]
async fn a_pause_in_production_wants_a_yes() {
    let mut engine = Engine::new(busy());
    engine.snapshot.stack.production = true;
    let played = engine.play("consumers pause email").await;
    assert_eq!(played.exit, Exit::Refused);
    assert!(played.err.contains("--yes"), "{}", played.err);
    assert!(played.asked.is_empty());
}

#[test]
fn keys_show_what_was_changed() {
    let keys = Keymap::patched([("quit", vec!["ctrl-q".to_owned()])]).expect("keys");
    let mut out = Vec::new();
    key_rows(&keys, false, &mut out).expect("written");
    let out = String::from_utf8(out).expect("UTF-8");
    let quit = out.lines().find(|l| l.starts_with("quit ")).expect("a row");
    assert!(
        quit.contains("ctrl-q") && quit.ends_with("q ctrl-c"),
        "{quit}"
    );
    let help = out.lines().find(|l| l.starts_with("help ")).expect("a row");
    assert!(
        help.contains("everywhere") && help.ends_with("this help"),
        "{help}"
    );
    let mut out = Vec::new();
    key_rows(&keys, true, &mut out).expect("written");
    let changed = String::from_utf8(out).expect("UTF-8");
    assert_eq!(changed.matches("\"changed\":true").count(), 1);
}

#[test]
fn themes_say_how_well_they_can_be_read() {
    let rows = |theme: &Theme, json: bool| {
        let mut out = Vec::new();
        theme_rows(theme, json, &mut out).expect("written");
        String::from_utf8(out).expect("UTF-8")
    };
    let dark = Theme::built_in("dark").expect("a theme");
    let out = rows(&dark, false);
    let row = out.lines().find(|l| l.starts_with("dark ")).expect("a row");
    assert!(row.ends_with("in force"), "{out}");
    for line in rows(&dark, true).lines() {
        let theme: serde_json::Value = serde_json::from_str(line).expect("an object");
        // Unknown only where a colour is the terminal's own.
        assert_ne!(theme["enough"], false, "{}", theme["theme"]);
    }
    let plain = Theme::plain("mine.toml", Default::default()).in_depth(Depth::True);
    let mine = rows(&plain, false);
    let mine = mine
        .lines()
        .find(|l| l.starts_with("mine.toml"))
        .expect("a row");
    assert!(
        mine.contains("file") && mine.contains("terminal's own"),
        "{mine}"
    );
}

#[test]
fn every_mistake_is_found_whatever_the_others_are() {
    let text = "profile = 'none'\n[log]\nlevel = 'inof'\n[store]\nurl = { env = 'NOT_SET' }\n[relay]\nbatch = 0\nshards = 'x'\n[profiles.a]\n[profiles.b]\n";
    let env = [("EVTOP_UI__MAX_FPS", "0"), ("EVTOP_UI__ASCII", "true")];
    let env = env.map(|(n, v)| (n.to_owned(), v.to_owned()));
    let no_file = |_: &std::path::Path| Err(std::io::ErrorKind::NotFound.into());
    let (found, rest) = mistakes("f", text, None, env.into_iter(), no_file);
    let places: Vec<String> = found.iter().map(|e| e.to_string()).collect();
    let said = |part: &str| places.iter().filter(|p| p.contains(part)).count();
    for part in [
        "f:1:11: there is no profile",
        "f:3:9: unknown value `inof`",
        "f:5:7: environment variable NOT_SET",
        "f:7:9: relay.batch: 0",
        "f:8:10: ",
        "EVTOP_UI__MAX_FPS: ",
    ] {
        assert_eq!(said(part), 1, "{part}: {places:#?}");
    }
    assert_eq!(found.len(), 6, "{places:#?}");
    let (config, _): (Config, Source) = rest.expect("the rest");
    assert!(config.ui.ascii);
    assert_eq!(profiles(text), ["a", "b"]);
    let (broken, rest) = mistakes("f", "a = ", None, std::iter::empty(), no_file);
    assert_eq!((broken.len(), rest), (1, None));
    assert_eq!(mistakes("f", "", None, std::iter::empty(), no_file).0, []);
}
