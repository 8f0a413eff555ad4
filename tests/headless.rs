//! The commands without a screen: text and JSON of each family, what happens when something is
//! away, and that no payload can reach the terminal.

mod headless_fixtures;

#[path = "headless/commands.rs"]
mod commands;
#[path = "headless/config.rs"]
mod config;
#[path = "headless/parts.rs"]
mod parts;
#[path = "headless/which_rows.rs"]
mod which_rows;

use std::sync::Arc;
use std::time::Duration;

use evtop::cli::Exit;
use evtop::command::{
    Anchor, Check, CheckState, Command, Done, EventChoice, LetterChoice, Refusal, RefusalKind,
    ReplayTarget,
};
use evtop::config::{Config, Secret, Source};
use evtop::domain::foreign::{Failed, Family, Foreign, Hop};
use evtop::domain::message::Message;
use evtop::domain::operation::{Counts, OperationState};
use evtop::domain::position::Position;
use evtop::domain::scenario::Scenario;
use evtop::headless::{farewell, letter_detail, settings, status_line};
use evtop::snapshot::{Messages, Reading, SearchState, Snapshot};
use headless_fixtures::*;

async fn shows(line: &str) -> Played {
    Engine::new(busy()).play(line).await
}

/// The lines as JSON; each must be an object by itself.
fn objects(out: &str) -> Vec<serde_json::Value> {
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
    out.lines().map(parse).collect()
}

/// An answer that refuses.
fn no(kind: RefusalKind) -> Result<Done, Refusal> {
    Err(Refusal {
        kind,
        sentence: "because\u{1b} so".to_owned(),
    })
}

/// One text and one JSON page of a command, as they stand on stdout.
async fn both(line: &str) -> String {
    let text = shows(line).await;
    assert_eq!(text.exit, Exit::Ok, "{line}: {}", text.err);
    let json = shows(&format!("{line} --json")).await;
    assert_eq!(json.exit, Exit::Ok, "{line}: {}", json.err);
    objects(&json.out);
    for out in [&text.out, &text.err, &json.out, &json.err] {
        let steers =
            |c: char| (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}');
        assert!(!out.contains(steers), "{line}: {out:?}");
    }
    format!("{}\n{}\n--\n{}", text.out, json.out, text.err)
}

#[tokio::test]
async fn every_list_in_text_and_json() {
    for line in [
        "lag",
        "lag inventory-service --partitions",
        "consumers",
        "outbox",
        "dlq ls",
        "dlq causes",
        "timeline",
        "ops",
    ] {
        let name = line.replace(' ', "_");
        insta::assert_snapshot!(name, both(line).await);
    }
    let show = format!("dlq show {}", id(1));
    insta::assert_snapshot!("dlq_show", both(&show).await);
}

#[test]
fn a_foreign_letter_says_what_is_known_of_it() {
    let mut it = detail();
    it.letter.family = Family::Streams;
    (it.letter.group, it.letter.offset, it.letter.attempts) = (None, None, None);
    it.foreign = Some(Foreign {
        family: Family::Streams,
        error: Failed {
            stack: Some("at \u{1b}[31mTopology".to_owned()),
            ..Failed::default()
        },
        hops: vec![Hop::default(), Hop::default()],
        ..Foreign::default()
    });
    let (mut text, mut json) = (Vec::new(), Vec::new());
    letter_detail(&it, false, &mut text).unwrap();
    letter_detail(&it, true, &mut json).unwrap();
    let text = String::from_utf8(text).unwrap();
    for line in [
        "written by    Kafka Streams",
        "order-events/2 @ –",
        "by way of     –/– @ –",
    ] {
        assert!(text.contains(line), "{line}:\n{text}");
    }
    assert!(!text.contains('\u{1b}'));
    let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(json["family"], "streams");
    assert_eq!(json["foreign"]["headers_copied"], false);
    assert_eq!(json["foreign"]["hops"].as_array().unwrap().len(), 2);
    for unknown in ["group", "offset", "attempts"] {
        assert!(json[unknown].is_null(), "{unknown}: {json}");
    }
}

#[tokio::test]
async fn json_keeps_text_and_bytes_exact() {
    let shown = shows(&format!("dlq show {} --json", id(1))).await;
    let letter = &objects(&shown.out)[0];
    assert_eq!(letter["offset"].as_i64(), Some(i64::MAX));
    assert_eq!(letter["key"], "ORD-\u{1b}]0;owned\u{7}");
    assert_eq!(
        letter["message"],
        "stock table did not answer\u{9b}31m in 30 s"
    );
    assert_eq!(letter["value"], serde_json::Value::Null);
    assert_eq!(letter["value_base64"], "/wB7");
    assert_eq!(letter["headers"][1]["value_base64"], "/g==");
    let events = shows("timeline --json").await;
    let payload = objects(&events.out)[0]["value"].as_str().map(str::to_owned);
    assert_eq!(payload.as_deref(), Some(event(1).payload.as_str()));
}

#[tokio::test]
async fn what_is_away_is_unavailable_and_never_zero() {
    for line in [
        "lag",
        "consumers",
        "outbox",
        "dlq ls",
        "dlq causes",
        "timeline",
        "ops",
    ] {
        let text = Engine::new(dark()).play(line).await;
        assert_eq!(text.exit, Exit::Unavailable, "{line}");
        assert!(text.out.ends_with("unavailable\n"), "{line}: {}", text.out);
        assert!(
            text.err.contains("kafka is down: connection refused"),
            "{line}: {}",
            text.err
        );
        let json = Engine::new(dark()).play(&format!("{line} --json")).await;
        assert_eq!(json.exit, Exit::Unavailable, "{line}");
        let objects = objects(&json.out);
        assert_eq!(objects.len(), 1, "{line}");
        assert!(objects[0]["unavailable"].is_string(), "{line}");
    }
}

/// A cluster that is not ours, whose readings are there and say nothing but zeros.
fn attached(unread: Option<u64>) -> Snapshot {
    let mut snapshot = busy();
    snapshot.stack.attached = true;
    snapshot.outbox = Reading::new(Default::default(), now());
    if let Some(letters) = &mut snapshot.letters.value {
        letters.unread = unread;
    }
    snapshot
}

#[tokio::test]
async fn what_a_cluster_of_others_has_none_of_is_said_and_never_zero() {
    for (line, why) in [
        ("outbox", "outbox is not evtop's"),
        ("timeline", "no event store of evtop's"),
        ("consumers", "consumers are not evtop's"),
    ] {
        let played = Engine::new(attached(Some(0))).play(line).await;
        assert_eq!(played.exit, Exit::Refused, "{line}");
        assert_eq!(played.out, format!("{line}: unavailable\n"));
        assert!(played.err.contains(why), "{line}: {}", played.err);
    }
}

#[tokio::test]
async fn letters_of_a_cluster_of_others_are_waited_for_or_said_to_be_missing() {
    for (unread, exit, said) in [
        (Some(0), Exit::Ok, ""),
        (Some(7), Exit::Ok, "has yet to read 7 records"),
        (None, Exit::Unavailable, "could not be read"),
    ] {
        for line in ["dlq ls", "dlq causes"] {
            let played = Engine::new(attached(unread)).play(line).await;
            assert_eq!(played.exit, exit, "{line} {unread:?}");
            assert!(
                played.err.contains(said),
                "{line} {unread:?}: {}",
                played.err
            );
            assert!(!played.out.is_empty(), "what the index has is shown");
        }
    }
    // The topics are read while the command waits.
    let mut engine = Engine::new(attached(None));
    engine.on_focus = |focus, snapshot| {
        if focus.screen == evtop::command::Screen::Letters
            && let Some(letters) = &mut snapshot.letters.value
        {
            letters.unread = Some(0);
        }
    };
    let played = engine.play("dlq ls").await;
    assert_eq!((played.exit, played.err.as_str()), (Exit::Ok, ""));
}

#[tokio::test]
async fn an_old_value_is_shown_and_said_to_be_old() {
    let mut snapshot = busy();
    snapshot.lag.error = Some("broker away".to_owned());
    let played = Engine::new(snapshot).play("lag").await;
    assert_eq!(played.exit, Exit::Unavailable);
    assert!(played.out.contains("inventory-service"));
    assert!(
        played.err.contains("lag is not current: broker away"),
        "{}",
        played.err
    );
}

#[tokio::test]
async fn what_is_not_there_is_refused() {
    let missing = shows("lag nobody").await;
    assert_eq!(missing.exit, Exit::Refused);
    assert!(
        missing.err.contains("known: inventory-service"),
        "{}",
        missing.err
    );
    assert_eq!(missing.out, "");
    let missing = shows(&format!("dlq show {}", id(2))).await;
    assert_eq!(missing.exit, Exit::Refused);
}

#[tokio::test]
async fn consumers_of_other_processes_are_shown_or_said_to_be_silent() {
    let mut snapshot = busy();
    snapshot.stack.workers = false;
    for consumer in &mut snapshot.consumers {
        consumer.instance = Some("4711@elsewhere".into());
    }
    let elsewhere = Engine::new(snapshot.clone()).play("consumers --json").await;
    assert_eq!(elsewhere.exit, Exit::Ok);
    assert!(
        elsewhere.out.contains("4711@elsewhere"),
        "{}",
        elsewhere.out
    );
    snapshot.consumers.clear();
    snapshot.store =
        evtop::snapshot::Reading::new(evtop::snapshot::StoreTotals::default(), snapshot.taken);
    let silent = Engine::new(snapshot).play("consumers").await;
    assert_eq!(silent.exit, Exit::Unavailable);
    assert!(silent.err.contains("evtop run"), "{}", silent.err);
}

#[tokio::test]
async fn a_reader_that_goes_away_is_no_failure() {
    for line in [
        "lag",
        "timeline --json",
        "dlq ls",
        "outbox",
        "timeline --follow",
    ] {
        let (exit, err, _) = Engine::new(busy()).play_into(line, &mut Gone).await;
        assert_eq!((exit, err.as_str()), (Exit::Ok, ""), "{line}");
    }
}

#[tokio::test]
async fn an_embedded_stack_of_its_own_is_said_to_be_one() {
    let mut snapshot = busy();
    snapshot.stack.embedded = true;
    let played = Engine::new(snapshot).play("lag --json").await;
    assert_eq!(played.exit, Exit::Ok);
    assert!(
        played.err.contains("embedded stack of its own"),
        "{}",
        played.err
    );
    objects(&played.out);
}

/// A store of 1 200 events that answers pages as `watch` does.
fn pages(focus: &evtop::command::Focus, snapshot: &mut Snapshot) {
    let wanted = &focus.timeline;
    let rows = i64::from(wanted.rows);
    let (from, to) = match wanted.anchor {
        Anchor::Newest => (1_201 - rows, 1_200),
        Anchor::Before(end) => (end.pos - rows, end.pos - 1),
        Anchor::After(start) => (start.pos + 1, (start.pos + rows).min(1_202)),
    };
    let from = from.max(1);
    snapshot.timeline = Reading::new(
        evtop::snapshot::Timeline {
            total: None,
            rows: (from..=to).map(event).collect(),
            at_end: to >= 1_200,
            at_start: from == 1,
            letters: Vec::new(),
        },
        now(),
    );
}

#[tokio::test]
async fn a_long_timeline_comes_page_by_page_in_order() {
    for (limit, first) in [(5, 1_196), (1_100, 101), (5_000, 1)] {
        let mut engine = Engine::new(busy());
        engine.snapshot.timeline = Reading::default();
        engine.on_focus = pages;
        let played = engine
            .play(&format!("timeline --json --limit {limit}"))
            .await;
        assert_eq!(played.exit, Exit::Ok, "{}", played.err);
        let positions: Vec<String> = objects(&played.out)
            .iter()
            .map(|o| o["position"].as_str().unwrap_or_default().to_owned())
            .collect();
        let want: Vec<String> = (first..=1_200).map(|n: i64| n.to_string()).collect();
        assert_eq!(positions, want);
    }
}

#[tokio::test]
async fn following_goes_on_until_interrupted() {
    let mut engine = Engine::new(busy());
    engine.snapshot.timeline = Reading::default();
    engine.on_focus = pages;
    engine.stop_after = Some(Duration::from_millis(100));
    let played = engine.play("timeline --follow --limit 1").await;
    assert_eq!(played.exit, Exit::Ok, "{}", played.err);
    let lines: Vec<&str> = played.out.lines().map(|l| l[..10].trim()).collect();
    assert_eq!(lines, ["POSITION", "1200", "1201", "1202"]);
}

const GOOD: Counts = Counts {
    total: 9,
    sent: 9,
    ok: 8,
    failed_again: 0,
    duplicate: 1,
    unknown: 0,
    refused: 0,
    left: 0,
};

#[tokio::test]
async fn workers_say_how_things_stand_and_a_farewell() {
    let mut text = Vec::new();
    status_line(&busy(), false, &mut text).expect("written");
    farewell(&busy(), true, Duration::from_millis(120), false, &mut text).expect("written");
    status_line(&dark(), false, &mut text).expect("written");
    status_line(&busy(), true, &mut text).expect("written");
    insta::assert_snapshot!("workers", String::from_utf8(text).expect("UTF-8"));

    let mut engine = Engine::new(busy());
    engine.stop_after = Some(Duration::from_millis(20));
    let played = engine.play("run").await;
    assert_eq!((played.exit, played.out.as_str()), (Exit::Ok, ""));
    let mut watching = busy();
    watching.stack.workers = false;
    assert_eq!(Engine::new(watching).play("run").await.exit, Exit::Usage);
}

#[test]
fn a_command_may_run_on_any_thread() {
    fn send<F: Future + Send>(
        _: fn(
            &'static evtop::cli::Task,
            evtop::headless::Ports,
            evtop::headless::Output<'static>,
        ) -> F,
    ) {
    }
    send(|task, ports, output| evtop::headless::run(task, ports, output));
}

/// A record with text, one with bytes, and what was asked of them.
fn messages(state: SearchState, asked: &evtop::command::MessagesFocus) -> Messages {
    let record = |offset: i64, key: &[u8], value: Option<&[u8]>| evtop::domain::record::Record {
        topic: "order-events".into(),
        partition: 2,
        offset,
        timestamp: Some(ago(60 - offset)),
        key: Some(key.to_vec()),
        value: value.map(<[u8]>::to_vec),
        headers: vec![
            ("event_type".into(), Some(b"OrderCreated".to_vec())),
            ("raw".into(), Some(vec![0xfe])),
            ("none".into(), None),
        ],
    };
    let records = [
        record(
            4,
            b"ORD-\x1b]0;owned\x07",
            Some(b"{\"order_id\": \"ORD-1\"}"),
        ),
        record(5, &[0xff, 0x00], Some(&[0xff, 0x00, b'{'])),
        record(6, b"gone", None),
    ];
    let filter = &asked.filter;
    let passing = records
        .into_iter()
        .filter_map(|r| Message::passing(r, filter));
    let rows: Vec<Arc<Message>> = passing.map(Arc::new).collect();
    Messages {
        asked: asked.clone(),
        state,
        searched: 3,
        matched: rows.len() as u64,
        rows: rows.into(),
        ..Messages::default()
    }
}

fn browsing(state: SearchState) -> Engine {
    let mut engine = Engine::new(busy());
    engine.on_focus = match state {
        SearchState::End => |focus, shown| {
            let found = messages(SearchState::End, &focus.messages);
            shown.messages = Reading::new(Arc::new(found), now());
        },
        SearchState::NoTopic => |focus, shown| {
            let mut found = messages(SearchState::NoTopic, &focus.messages);
            found.rows = Arc::default();
            shown.messages = Reading::new(Arc::new(found), now());
        },
        SearchState::Following => |focus, shown| {
            let found = messages(SearchState::Following, &focus.messages);
            shown.messages = Reading::new(Arc::new(found), now());
        },
        // Three pages, each with the same three offsets of another partition.
        _ => |focus, shown| {
            let last = focus.messages.page == 2;
            let state = if last {
                SearchState::End
            } else {
                SearchState::More
            };
            let found = messages(state, &focus.messages);
            shown.messages = Reading::new(Arc::new(found), now());
        },
    };
    engine
}

#[tokio::test]
async fn messages_in_text_and_json() {
    const LINE: &str = "messages order-events --from offset:2:4";
    let text = browsing(SearchState::End).play(LINE).await;
    let json = browsing(SearchState::End)
        .play(&format!("{LINE} --json"))
        .await;
    assert_eq!(
        (text.exit, json.exit),
        (Exit::Ok, Exit::Ok),
        "{}{}",
        text.err,
        json.err
    );
    let rows = objects(&json.out);
    assert_eq!(rows.len(), 3);
    assert_eq!(
        rows[0]["key"], "ORD-\u{1b}]0;owned\u{7}",
        "as it is, for a program"
    );
    assert_eq!(
        (&rows[1]["key"], &rows[1]["value"]),
        (&serde_json::Value::Null, &serde_json::Value::Null)
    );
    assert_eq!(
        (&rows[1]["key_base64"], &rows[1]["value_base64"]),
        (&"/wA=".into(), &"/wB7".into())
    );
    assert!(rows[2]["value"].is_null() && rows[2]["value_base64"].is_null());
    assert_eq!(rows[0]["headers"][1]["value_base64"], "/g==");
    for out in [&text.out, &json.out] {
        assert!(
            !out.contains(|c: char| c.is_control() && c != '\n'),
            "{out:?}"
        );
    }
    insta::assert_snapshot!(
        "messages",
        format!("{}\n{}\n--\n{}", text.out, json.out, text.err)
    );
}

#[tokio::test]
async fn messages_are_filtered_limited_paged_and_followed() {
    let line = "messages order-events --filter key=gone --json";
    let found = browsing(SearchState::End).play(line).await;
    assert_eq!(objects(&found.out).len(), 1);
    assert!(
        found.err.contains("searched 3 records, 1 match"),
        "{}",
        found.err
    );
    let found = browsing(SearchState::End)
        .play("messages order-events --limit 2 --json")
        .await;
    assert_eq!((found.exit, objects(&found.out).len()), (Exit::Ok, 2));
    let found = browsing(SearchState::More)
        .play("messages order-events --json")
        .await;
    assert_eq!(
        (found.exit, objects(&found.out).len()),
        (Exit::Ok, 9),
        "three pages"
    );
    let mut engine = browsing(SearchState::Following);
    engine.stop_after = Some(Duration::from_millis(300));
    let found = engine.play("messages order-events --follow --json").await;
    assert_eq!(
        (found.exit, objects(&found.out).len()),
        (Exit::Ok, 3),
        "{}",
        found.err
    );
}

#[tokio::test]
async fn messages_that_are_not_there() {
    let found = browsing(SearchState::NoTopic)
        .play("messages nothing")
        .await;
    assert_eq!((found.exit, found.out.as_str()), (Exit::Refused, ""));
    assert!(found.err.contains("no topic nothing"), "{}", found.err);
    let found = Engine::new(dark())
        .play("messages order-events --json")
        .await;
    assert_eq!(found.exit, Exit::Unavailable);
    assert_eq!(objects(&found.out)[0]["unavailable"], "messages");
    for wrong in [
        &["--filter", "~("][..],
        &["--from", "soon"],
        &["--limit", "0"],
    ] {
        let line = [&["evtop", "messages", "t"][..], wrong].concat();
        let error = evtop::cli::Cli::read(line).expect_err("wrong usage");
        assert_eq!(error.exit_code(), 2, "{wrong:?}");
    }
}
