//! `evtop dlq archive`, `unarchive`, `note`, `export` and `edit`: text and JSON, exit codes, what is refused
//! and why.

// Not all of what the fixtures have is of use here.
#![allow(
    dead_code,
    reason = "each test program takes what it needs of the fixtures"
)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod headless_fixtures;

use evtop::cli::Exit;
use evtop::command::{Behind, Command, Confirmed, Done, LetterChoice, Refusal, RefusalKind};
use evtop::domain::filter::Filter;
use evtop::domain::operation::{Counts, OperationState};
use evtop::snapshot::Snapshot;
use headless_fixtures::*;

/// An order as our service writes it.
const EVENT: &str = r#"{"event_id":"01890a5d-0000-7000-8000-000000000001","event_type":"OrderCancelled","event_version":1,"timestamp":"2026-05-01T12:00:00Z","data":{"order_id":"ORD-1","reason":"late","refund_amount":12.50}}"#;

const CAUSE: &str = "3f9a2c17d05b";

/// Answers each command as the engine would.
fn done(command: &Command, snapshot: &mut Snapshot) -> Result<Done, Refusal> {
    Ok(match command {
        Command::Archive { behind, .. } => Done::Archived {
            letters: 2,
            behind: u64::from(*behind == Behind::Archive),
        },
        Command::Unarchive { .. } => Done::Unarchived { letters: 1 },
        Command::Note { .. } => Done::Noted,
        Command::Export { file, .. } => {
            std::fs::write(file, "{\"id\":1}\n{\"id\":2}\n").unwrap();
            Done::Exported {
                letters: 2,
                file: file.clone(),
            }
        }
        Command::Edit { .. } => {
            let counts = Counts {
                total: 1,
                sent: 1,
                ok: 1,
                ..Counts::default()
            };
            let it = operation(OperationState::Completed, counts);
            let operation = it.id;
            snapshot.activity.operations = vec![it];
            Done::Started {
                operation,
                total: 1,
            }
        }
        other => panic!("nobody should ask for {other:?}"),
    })
}

fn read_only(_: &Command, _: &mut Snapshot) -> Result<Done, Refusal> {
    Err(Refusal {
        kind: RefusalKind::ReadOnly,
        sentence: "this profile is read-only".to_owned(),
    })
}

/// Letters whose values can be edited; few enough of the cause to need no yes.
fn few() -> Snapshot {
    let mut snapshot = busy();
    if let Some(letters) = &mut snapshot.letters.value {
        letters.rows = vec![letter(1)];
        letters.rows_total = 1;
        letters.causes[0].count = 3;
    }
    if let Some(detail) = &mut snapshot.letter {
        detail.body.value = Some(EVENT.into());
    }
    snapshot
}

async fn plays(line: &str) -> Played {
    let mut engine = Engine::new(few());
    engine.on_command = done;
    engine.play(line).await
}

fn one(played: &Played) -> &Command {
    match &played.asked[..] {
        [command] => command,
        other => panic!("{other:?}: {}", played.err),
    }
}

fn object(out: &str) -> serde_json::Value {
    serde_json::from_str(out).unwrap_or_else(|e| panic!("{e}: {out}"))
}

#[tokio::test]
async fn archive_and_unarchive_say_what_they_did() {
    let (ids, reason) = (LetterChoice::Ids(vec![id(1)]), "--reason test");
    let archived = plays(&format!("dlq archive 0001 {reason}")).await;
    assert_eq!(archived.exit, Exit::Ok, "{}", archived.err);
    assert_eq!(archived.out, "archived 2 letters\n");
    let asked = Command::Archive {
        letters: ids.clone(),
        reason: "test".to_owned(),
        behind: Behind::Release,
    };
    assert_eq!(one(&archived), &asked);
    let json = plays(&format!("dlq archive 0001 {reason} --behind --json")).await;
    assert_eq!(
        object(&json.out),
        serde_json::json!({ "archived": 2, "behind": 1 })
    );

    let opened = plays("dlq unarchive 0001").await;
    assert_eq!(
        (opened.exit, &*opened.out),
        (Exit::Ok, "opened 1 letter again\n")
    );
    assert_eq!(one(&opened), &Command::Unarchive { letters: ids });
    let json = plays("dlq unarchive 0001 --json").await;
    assert_eq!(object(&json.out), serde_json::json!({ "opened": 1 }));
    // That it breaks the order of its key is said beside the data.
    for played in [&opened, &json] {
        assert!(played.err.contains("order"), "{}", played.err);
    }
}

#[tokio::test]
async fn a_reason_and_letters_are_wanted() {
    for line in [
        "dlq archive 0001",
        "dlq archive --reason test",
        "dlq unarchive",
        "dlq note 0001",
        "dlq edit 0001",
        "dlq archive 0001 --reason test --filter key=a",
        "dlq archive --cause 3f9a --reason test --filter ~(",
    ] {
        let args = std::iter::once("evtop").chain(line.split(' '));
        let parsed = <evtop::cli::Cli as clap::Parser>::try_parse_from(args);
        assert!(parsed.is_err(), "{line}");
    }
}

#[tokio::test]
async fn a_note_is_kept_on_any_letter() {
    let noted = plays("dlq note 0001 ticket-7").await;
    assert_eq!(noted.out, format!("noted on {}\n", id(1)));
    let asked = Command::Note {
        letter: id(1),
        text: "ticket-7".to_owned(),
    };
    assert_eq!(one(&noted), &asked);
    let json = plays("dlq note 0001 ticket-7 --json").await;
    assert_eq!(object(&json.out)["noted"], id(1).to_string());
}

/// The first digits of an id are enough for an archived letter too.
#[tokio::test]
async fn an_archived_letter_is_found_by_a_part_of_its_id() {
    for line in [
        "dlq show 0009",
        "dlq note 0009 text",
        "dlq export 0009",
        "dlq archive 0009 --reason again",
        "dlq unarchive 0009",
    ] {
        let mut engine = Engine::new(few());
        engine.on_command = done;
        engine.on_focus = |focus, snapshot| {
            let letters = snapshot.letters.value.as_mut().unwrap();
            letters.rows = vec![letter(if focus.letters.archived { 9 } else { 1 })];
            let detail = snapshot.letter.as_mut().unwrap();
            detail.letter = letter(9);
        };
        let played = engine.play(line).await;
        assert_eq!(played.exit, Exit::Ok, "{line}: {}", played.err);
        let nine = id(9).to_string();
        assert!(
            played.out.contains(&nine) || format!("{:?}", played.asked).contains(&nine),
            "{line}: {:?} {}",
            played.asked,
            played.out
        );
    }
}

#[tokio::test]
async fn an_export_is_lines_or_a_file() {
    let lines = plays("dlq export 0001").await;
    assert_eq!(
        (lines.exit, &*lines.out),
        (Exit::Ok, "{\"id\":1}\n{\"id\":2}\n")
    );
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("letters.jsonl");
    let name = file.display().to_string();
    let text = plays(&format!("dlq export --cause {CAUSE} -o {name}")).await;
    assert_eq!((text.exit, &*text.out), (Exit::Ok, ""));
    assert!(text.err.contains("2 letters in "), "{}", text.err);
    let json = plays(&format!("dlq export --cause {CAUSE} -o {name} --json")).await;
    assert_eq!(
        object(&json.out),
        serde_json::json!({ "letters": 2, "file": name })
    );
}

/// Only what passes the filter is meant, and its number is what is asked about.
#[tokio::test]
async fn a_filter_narrows_a_cause() {
    let filter = "value.total=12";
    let mut engine = Engine::new(few());
    engine.on_command = done;
    let line = format!("dlq archive --cause {CAUSE} --filter {filter} --reason test");
    let played = engine.play(&line).await;
    assert_eq!(played.exit, Exit::Ok, "{}", played.err);
    let Command::Archive { letters, .. } = one(&played) else {
        panic!("{:?}", played.asked);
    };
    let fingerprint = few().letters.value.unwrap().causes[0].fingerprint.clone();
    let wanted = LetterChoice::Cause {
        cause: fingerprint,
        filter: Filter::parse(filter).unwrap().at(now()),
        confirmed: Confirmed { up_to: 0, count: 3 },
    };
    assert_eq!(*letters, wanted);

    let nothing = |_: &evtop::command::Focus, snapshot: &mut Snapshot| {
        let letters = snapshot.letters.value.as_mut().unwrap();
        if !letters.filter.is_empty() {
            letters.causes.clear();
            (letters.rows, letters.rows_total) = (Vec::new(), 0);
        }
    };
    let mut engine = Engine::new(few());
    engine.on_focus = nothing;
    let played = engine.play(&line).await;
    assert_eq!((played.exit, played.asked.len()), (Exit::Refused, 0));
    assert!(played.err.contains("passes the filter"), "{}", played.err);
}

/// What was not held against the filter is no miss: nothing is done, and a list says that it is a part.
#[tokio::test]
async fn what_was_not_looked_at_is_said() {
    let unjudged = |_: &evtop::command::Focus, snapshot: &mut Snapshot| {
        let letters = snapshot.letters.value.as_mut().unwrap();
        letters.unjudged = 40 * u64::from(!letters.filter.is_empty());
    };
    for (line, exit) in [
        (
            format!("dlq archive --cause {CAUSE} --filter ~x --reason test"),
            Exit::Refused,
        ),
        ("dlq ls --filter ~x".to_owned(), Exit::Ok),
    ] {
        let mut engine = Engine::new(few());
        engine.on_focus = unjudged;
        let played = engine.play(&line).await;
        assert_eq!((played.exit, played.asked.len()), (exit, 0), "{line}");
        assert!(played.err.contains("40 "), "{line}: {}", played.err);
        assert!(played.err.contains("before="), "{line}: {}", played.err);
    }
}

#[tokio::test]
async fn an_edit_may_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("value.json");
    let changed = EVENT.replace("ORD-1", "ORD-13");
    assert_ne!(changed, EVENT);
    std::fs::write(&file, changed).unwrap();
    let name = file.display();
    let dry = plays(&format!("dlq edit 0001 --file {name} --dry-run")).await;
    assert_eq!((dry.exit, dry.asked.len()), (Exit::Ok, 0), "{}", dry.err);
    assert!(
        dry.out.contains("+ ") && dry.out.contains("13"),
        "{}",
        dry.out
    );
    let json = plays(&format!("dlq edit 0001 --file {name} --dry-run --json")).await;
    assert_eq!(object(&json.out)["valid"], true, "{}", json.out);
    let sent = plays(&format!("dlq edit 0001 --file {name}")).await;
    assert_eq!(sent.exit, Exit::Ok, "{}", sent.err);
    let Command::Edit { letter, value } = one(&sent) else {
        panic!("{:?}", sent.asked);
    };
    assert_eq!(*letter, id(1));
    assert!(value.contains("13"), "{value}");
    let away = plays("dlq edit 0001 --file nowhere.json").await;
    assert_eq!((away.exit, away.asked.len()), (Exit::Usage, 0));
    assert!(away.err.contains("nowhere.json"), "{}", away.err);
}

#[tokio::test]
async fn read_only_refuses_what_writes_and_exports_still() {
    for line in [
        "dlq archive 0001 --reason test",
        "dlq unarchive 0001",
        "dlq note 0001 text",
        "dlq edit 0001 --set data.reason=early",
    ] {
        let mut engine = Engine::new(few());
        engine.on_command = read_only;
        let played = engine.play(line).await;
        assert_eq!((played.exit, &*played.out), (Exit::Refused, ""), "{line}");
        assert!(played.err.contains("read-only"), "{line}: {}", played.err);
        assert!(one(&played).writes(), "{line}");
    }
    let exported = plays("dlq export 0001").await;
    assert!(!one(&exported).writes());
}

#[tokio::test]
async fn many_letters_want_a_yes() {
    for line in ["dlq archive --reason test", "dlq unarchive"] {
        let mut engine = Engine::new(busy());
        engine.on_command = done;
        let refused = engine.play(&format!("{line} --cause {CAUSE}")).await;
        assert_eq!((refused.exit, refused.asked.len()), (Exit::Refused, 0));
        assert!(refused.err.contains("--yes"), "{}", refused.err);
        let mut engine = Engine::new(busy());
        engine.on_command = done;
        let allowed = engine.play(&format!("{line} --cause {CAUSE} --yes")).await;
        assert_eq!(allowed.exit, Exit::Ok, "{}", allowed.err);
    }
}
