//! Dead letters by keys: archived, noted, exported, edited; what is asked before, and what it looks like.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod common;

use common::{app, draw, fixtures, keys, styled, text, type_in};
use evtop::command::*;
use evtop::domain::edit::Verdict;
use evtop::domain::letter::LetterStatus;
use evtop::tui::app::App;
use evtop::tui::editing::{Editing, Step};
use evtop::tui::overlay::Overlay;
use uuid::Uuid;

const SIZE: (u16, u16) = (140, 42);
const SIZES: [(u16, u16); 3] = [(140, 42), (80, 24), (40, 12)];

/// One that fits its schema.
const EVENT: &str = r#"{"event_id":"01890a5d-0000-7000-8000-000000000001","event_type":"OrderCancelled","event_version":1,"timestamp":"2026-05-01T12:00:00Z","data":{"order_id":"ORD-1","reason":"late","refund_amount":12.50}}"#;

/// The letters of a cause, the cursor on the first.
fn letters(size: (u16, u16)) -> App {
    let mut snapshot = fixtures::failing();
    snapshot.stack.production = false;
    let mut app = app(Screen::Letters, snapshot, size);
    keys(&mut app, "g enter");
    let first = app.letters()[0].clone();
    let mut shown = (*app.shown).clone();
    let mut detail = fixtures::letters::letter_detail(&first);
    detail.body.value = Some(EVENT.into());
    shown.letter = Some(detail);
    app.on_snapshot(std::sync::Arc::new(shown));
    assert_eq!(app.letters.letter.key(), Some(&first.id));
    app
}

fn said(app: &App) -> String {
    let rows = app.toasts.rows().iter().map(|toast| toast.text.as_str());
    rows.collect::<Vec<_>>().join("\n")
}

fn editing(app: &App) -> &Editing {
    match &app.overlay {
        Some(Overlay::Edit(form)) => form,
        other => panic!("{other:?}"),
    }
}

fn outcome(app: &mut App, command: Command, result: Result<Done, Refusal>) {
    let id = Uuid::from_u128(77);
    app.on_sent(id, command);
    app.on_outcome(Outcome { id, result });
}

#[test]
fn a_letter_is_archived_with_its_reason() {
    let mut app = letters(SIZE);
    let id = app.letters()[0].id;
    assert_eq!(keys(&mut app, "a enter"), []);
    assert!(said(&app).contains("reason"), "no reason, no archive");
    type_in(&mut app, "a test order");
    let sent = keys(&mut app, "enter");
    let expected = Command::Archive {
        letters: LetterChoice::Ids(vec![id]),
        reason: "a test order".into(),
        behind: Behind::Release,
    };
    assert_eq!(sent, [expected]);
    assert!(app.overlay.is_none());
    // What waits behind is put away too when that is chosen.
    keys(&mut app, "a x down right");
    let sent = keys(&mut app, "enter");
    assert!(
        matches!(&sent[..], [Command::Archive { behind: Behind::Archive, reason, .. }] if reason == "x")
    );
    assert_eq!(
        keys(&mut app, "a z esc"),
        [],
        "esc asks nothing of the engine"
    );
}

#[test]
fn many_are_archived_as_they_are_redriven() {
    let mut app = letters(SIZE);
    let cause = app.letters.cause.key().cloned().unwrap();
    let sent = keys(&mut app, "A o l d enter");
    assert!(
        matches!(&sent[..], [Command::Archive { letters: LetterChoice::Cause { cause: c, .. }, .. }] if *c == cause)
    );
    keys(&mut app, "x x");
    let marked: Vec<Uuid> = app.letters.marked.keys().copied().collect();
    let sent = keys(&mut app, "A o enter");
    assert!(
        matches!(&sent[..], [Command::Archive { letters: LetterChoice::Ids(ids), .. }] if *ids == marked)
    );
    outcome(
        &mut app,
        sent[0].clone(),
        Ok(Done::Archived {
            letters: 2,
            behind: 0,
        }),
    );
    assert!(app.letters.marked.is_empty());
    assert!(said(&app).contains("archived 2"));
    // Above a hundred the count is typed.
    let mut many = (*app.shown).clone();
    many.letters.value.as_mut().unwrap().causes[0].count = 101;
    app.on_snapshot(std::sync::Arc::new(many));
    assert_eq!(keys(&mut app, "A o enter y"), []);
    let sent = keys(&mut app, "1 0 1 y");
    assert!(matches!(&sent[..], [Command::Archive { .. }]));
}

#[test]
fn archived_letters_are_a_list_of_their_own() {
    let mut app = letters(SIZE);
    keys(&mut app, "u");
    assert!(said(&app).contains("not archived"));
    keys(&mut app, "v");
    assert!(app.focus().letters.archived);
    assert!(
        app.letters().is_empty(),
        "what is shown is still of the open ones"
    );
    let mut archived = (*app.shown).clone();
    let page = archived.letters.value.as_mut().unwrap();
    page.archived = true;
    for letter in &mut page.rows {
        letter.status = LetterStatus::Archived;
        letter.reason = Some("a test order".into());
    }
    archived.letter = Some(fixtures::letters::letter_detail(&page.rows[0]));
    app.on_snapshot(std::sync::Arc::new(archived));
    assert!(text(&draw(&app, SIZE)).contains("ARCHIVED"));
    keys(&mut app, "g enter esc enter");
    let id = app.letters()[0].id;
    assert_eq!(keys(&mut app, "r"), []);
    assert!(said(&app).contains("it is archived"), "{}", said(&app));
    keys(&mut app, "a");
    assert!(said(&app).contains("archived already"));
    keys(&mut app, "u");
    let sent = keys(&mut app, "y");
    let letters = LetterChoice::Ids(vec![id]);
    assert_eq!(sent, [Command::Unarchive { letters }]);
    assert!(matches!(
        &keys(&mut app, "U y")[..],
        [Command::Unarchive {
            letters: LetterChoice::Cause { .. }
        }]
    ));
    insta::assert_snapshot!("archived", styled(&app, SIZE));
    keys(&mut app, "v");
    assert!(!app.focus().letters.archived);
}

#[test]
fn a_note_is_kept_and_an_export_names_a_new_file() {
    let mut app = letters(SIZE);
    let id = app.letters()[0].id;
    keys(&mut app, "n");
    type_in(&mut app, "ask Ada");
    let note = Command::Note {
        letter: id,
        text: "ask Ada".into(),
    };
    assert_eq!(keys(&mut app, "enter"), [note]);
    let sent = keys(&mut app, "E enter");
    let [
        Command::Export {
            letters: LetterChoice::Cause { .. },
            archived: Some(false),
            file,
        },
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert!(file.to_str().unwrap().ends_with(".jsonl"));
    assert!(!sent[0].writes(), "read-only may export");
    assert_eq!(keys(&mut app, "E ctrl-u enter"), [], "no name, no file");
}

#[test]
fn an_edit_is_judged_shown_and_only_then_sent() {
    let mut app = letters(SIZE);
    let id = app.letters()[0].id;
    keys(&mut app, "e");
    assert!(
        matches!(editing(&app).verdict, Verdict::Event { .. }),
        "{:?}",
        editing(&app).verdict
    );
    keys(&mut app, "ctrl-s");
    assert!(said(&app).contains("Nothing is changed"));
    keys(&mut app, "end ,");
    assert!(editing(&app).verdict.is_bad());
    keys(&mut app, "ctrl-s");
    assert_eq!(editing(&app).step, Step::Write, "{}", said(&app));
    keys(&mut app, "ctrl-u");
    assert!(!editing(&app).changed(), "undone");
    keys(&mut app, "end x y ctrl-z ctrl-z");
    assert!(
        !editing(&app).changed(),
        "undone by the key that everybody tries"
    );
    keys(&mut app, "ctrl-y");
    assert!(editing(&app).changed(), "and done again");
    keys(&mut app, "ctrl-z");
    // A field that nobody knows is kept, so this fits.
    keys(&mut app, "end");
    app.on_paste("\r\n\"extra\": 1,");
    assert!(
        matches!(editing(&app).verdict, Verdict::Event { .. }),
        "{:?}",
        editing(&app).verdict
    );
    assert_eq!(keys(&mut app, "ctrl-s"), []);
    assert!(matches!(editing(&app).step, Step::Diff { .. }));
    let frame = text(&draw(&app, SIZE));
    assert!(frame.contains("+ \"extra\": 1,"), "{frame}");
    // Back, and on again.
    keys(&mut app, "n ctrl-s");
    let value = editing(&app).text();
    let sent = keys(&mut app, "y");
    assert_eq!(sent, [Command::Edit { letter: id, value }]);
    // Refused, the text is still there.
    let refusal = Refusal {
        kind: RefusalKind::Conflict,
        sentence: "a redrive runs".into(),
    };
    outcome(&mut app, sent[0].clone(), Err(refusal));
    assert_eq!(editing(&app).step, Step::Write);
    keys(&mut app, "ctrl-s y");
    let done = Done::Started {
        operation: id,
        total: 1,
    };
    outcome(&mut app, sent[0].clone(), Ok(done));
    assert!(app.overlay.is_none());
}

#[test]
fn what_is_typed_is_not_lost_by_one_key() {
    let mut app = letters(SIZE);
    keys(&mut app, "e esc");
    assert!(app.overlay.is_none(), "nothing was changed");
    keys(&mut app, "e z esc");
    assert_eq!(editing(&app).step, Step::Leave);
    keys(&mut app, "esc");
    assert!(editing(&app).text().starts_with('z'));
    keys(&mut app, "ctrl-o");
    assert!(app.editor.take().unwrap().starts_with("z{"));
    app.on_edited(Err("the editor failed".into()));
    assert!(editing(&app).text().starts_with('z'));
    app.on_edited(Ok("{}".into()));
    assert_eq!(editing(&app).text(), "{}");
    keys(&mut app, "esc y");
    assert!(app.overlay.is_none());
}

#[test]
fn what_can_not_be_edited_says_why() {
    let mut app = letters(SIZE);
    let mut shown = (*app.shown).clone();
    shown.letter.as_mut().unwrap().body.value = Some(vec![b'a', 0xff]);
    app.on_snapshot(std::sync::Arc::new(shown.clone()));
    keys(&mut app, "e");
    assert!(said(&app).contains("no text from byte 1"), "{}", said(&app));
    shown.letter = None;
    app.on_snapshot(std::sync::Arc::new(shown));
    keys(&mut app, "e");
    assert!(said(&app).contains("still being read"), "{}", said(&app));
    keys(&mut app, "down e");
    assert!(said(&app).contains("redriven already"), "{}", said(&app));
    assert!(app.overlay.is_none());
}

#[test]
fn in_production_one_types_the_count_before_an_edit_is_sent() {
    let mut app = letters(SIZE);
    let mut shown = (*app.shown).clone();
    shown.stack.production = true;
    app.on_snapshot(std::sync::Arc::new(shown));
    keys(&mut app, "e end");
    app.on_paste("\n\"extra\": 1,");
    assert_eq!(keys(&mut app, "ctrl-s y"), []);
    assert!(matches!(&keys(&mut app, "1 y")[..], [Command::Edit { .. }]));
}

#[test]
fn forms() {
    for size in SIZES {
        let shown = |name: &str, pressed: &str, pasted: &str, then: &str| {
            let mut app = letters(size);
            keys(&mut app, pressed);
            app.on_paste(pasted);
            keys(&mut app, then);
            let name = format!("{name}__{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, styled(&app, size));
        };
        shown("archive", "a", "a test order", "");
        shown("archive_many", "A", "old", "down right");
        shown("note", "n", "ask Ada", "");
        shown("export", "E", "", "");
        shown("edit", "e", "", "down down end");
        shown("edit_wrong", "e end", "\n\"extra\": oops,", "");
        shown(
            "edit_diff",
            "e end",
            "\n\"extra\": \"\u{1b}[2J\",",
            "ctrl-s",
        );
        shown("edit_leave", "e", "x", "esc");
    }
}
