//! Keys act on rows that the filter shows, and on the very record that was opened.

use super::*;
use evtop::command::LetterChoice;
use evtop::domain::message::Message;
use evtop::domain::operation::OperationState;
use evtop::domain::stored::StoredEvent;
use evtop::snapshot::Snapshot;

/// Screens whose rows the screen itself filters.
const FILTERED: [Screen; 6] = [
    Screen::Lag,
    Screen::Consumers,
    Screen::Outbox,
    Screen::Timeline,
    Screen::Messages,
    Screen::Activity,
];

fn filtered(screen: Screen, filter: &str) -> App {
    let mut app = failing(screen);
    keys(&mut app, "/");
    type_in(&mut app, filter);
    keys(&mut app, "enter");
    app
}

/// Whatever the screen, its keys ask for nothing about a row that nobody sees.
#[test]
fn no_key_acts_on_a_row_that_the_filter_hides() {
    for screen in FILTERED {
        for row in TABLE.iter().filter(|row| row.screens.contains(&screen)) {
            let mut app = filtered(screen, "nothing-is-called-so");
            let key = row.keys[0];
            assert_eq!(keys(&mut app, key), [], "{screen:?} {}", row.name);
            let asks = matches!(
                app.overlay,
                Some(Overlay::Confirm(_) | Overlay::Faults(_) | Overlay::Replay(_))
            );
            assert!(!asks, "{screen:?} {}", row.name);
            assert_eq!(app.screen, screen, "{}", row.name);
            assert_eq!(app.marked(), 0, "{screen:?} {}", row.name);
        }
        let mut app = filtered(screen, "nothing-is-called-so");
        keys(&mut app, "y");
        assert_eq!(app.take_copied(), None, "{screen:?}");
        keys(&mut app, "w");
        let Some(Overlay::Save(form)) = &app.overlay else {
            panic!("{screen:?}: no form");
        };
        assert!(form.content.is_none(), "{screen:?}");
        let mut app = filtered(screen, "nothing-is-called-so");
        keys(&mut app, "enter");
        assert_eq!(app.screen, screen);
        assert!(app.timeline.opened.is_none() && !app.consumers.open);
    }
}

#[test]
fn a_consumer_that_is_hidden_is_neither_paused_nor_resumed() {
    let mut app = filtered(Screen::Consumers, "zzz");
    for action in [
        Action::PauseConsumer,
        Action::ResumeConsumer,
        Action::Faults,
    ] {
        let why = app.why_not(action).unwrap_or_default();
        assert_eq!(why, "There is no consumer under the cursor", "{action:?}");
    }
    assert!(app.focus().lag_rows.is_empty(), "nor is its lag asked for");
    keys(&mut app, "esc");
    assert_eq!(app.why_not(Action::PauseConsumer), None);
}

/// The only operation that runs is meant wherever the cursor is, but not where it is hidden.
#[test]
fn an_operation_that_is_hidden_is_left_alone() {
    let mut app = failing(Screen::Activity);
    let running = |app: &App| app.unfinished().map(|o| o.id);
    let only = running(&app).expect("one runs");
    keys(&mut app, "j j");
    assert_eq!(running(&app), Some(only));
    keys(&mut app, "/");
    type_in(&mut app, "!type=running");
    keys(&mut app, "enter");
    assert!(!app.operations().is_empty());
    assert!(
        app.operations()
            .iter()
            .all(|o| o.state != OperationState::Running)
    );
    assert_eq!(running(&app), None);
    for action in [Action::PauseOperation, Action::CancelOperation] {
        let why = app.why_not(action).unwrap_or_default();
        assert!(why.contains("under the cursor"), "{action:?}: {why}");
    }
}

/// The store narrows the letters: what it left out is not acted on, though the cursor remembers it.
#[test]
fn letters_that_the_store_left_out_are_left_alone() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "enter");
    assert_eq!(app.why_not(Action::Redrive), None);
    keys(&mut app, "/ z z z enter");
    let mut shown = (*app.shown).clone();
    let letters = shown.letters.value.as_mut().expect("letters");
    letters.filter = common::resolved("zzz");
    (letters.causes, letters.rows) = (Vec::new(), Vec::new());
    app.on_snapshot(shown.into());
    for (action, key) in [
        (Action::Redrive, "r"),
        (Action::Edit, "e"),
        (Action::Archive, "a"),
        (Action::Unarchive, "u"),
        (Action::Note, "n"),
        (Action::Mark, "x"),
        (Action::Message, "m"),
    ] {
        let why = app.why_not(action).unwrap_or_default();
        assert_eq!(why, "There is no letter under the cursor", "{action:?}");
        assert_eq!(keys(&mut app, key), []);
        assert!(app.overlay.is_none(), "{action:?}");
    }
    for action in [Action::RedriveMany, Action::ArchiveMany, Action::Export] {
        assert!(app.why_not(action).is_some(), "{action:?}");
    }
    keys(&mut app, "y");
    assert_eq!(app.take_copied(), None);
}

#[test]
fn a_topic_that_is_hidden_is_not_read() {
    let mut app = busy(Screen::Messages);
    assert!(app.focus().messages.topic.is_some());
    keys(&mut app, "/ z z z enter");
    assert_eq!(app.focus().messages.topic, None);
    assert!(app.why_not(Action::Start).is_some());
    keys(&mut app, "esc");
    assert!(app.focus().messages.topic.is_some());
}

/// The same, with all events of the page gone and others come.
fn slid(app: &App) -> (Snapshot, Vec<StoredEvent>) {
    let mut later = (*app.newest).clone();
    let page = later.timeline.value.as_mut().expect("a page");
    for event in &mut page.rows {
        event.position.pos += 1_000;
        event.payload = r#"{"later":true}"#.into();
    }
    let rows = page.rows.clone();
    later.event = None;
    later.seq += 1;
    (later, rows)
}

#[test]
fn an_open_event_stays_while_others_come() {
    for size in [SIZE, (100, 30)] {
        let mut app = app(Screen::Timeline, fixtures::busy(), size);
        assert!(app.timeline.following());
        let newest = app.events().last().copied().cloned().expect("events");
        keys(&mut app, "enter");
        let (later, rows) = slid(&app);
        app.on_snapshot(later.into());
        assert_eq!(app.event_here(), Some(&newest));
        assert_eq!(app.focus().timeline.event, Some(newest.position));
        let Some(content) = keys(&mut app.clone(), "w enter").pop() else {
            panic!("nothing is written");
        };
        assert!(
            matches!(&content, Command::Write { bytes, .. } if *bytes == newest.payload.as_bytes()),
            "{content:?}"
        );
        keys(&mut app, "y");
        assert_eq!(app.take_copied(), Some(newest.payload.clone()));
        let frame = common::text(&common::draw(&app, size));
        assert!(frame.contains(&newest.event_type), "{frame}");
        keys(&mut app, "esc");
        let here = app.event_here().expect("a row of the page");
        assert!(rows.contains(here), "back in the list, a row of it");
    }
}

#[test]
fn an_open_record_stays_while_others_come() {
    let mut app = busy(Screen::Messages);
    keys(&mut app, "enter");
    assert!(app.messages.following());
    keys(&mut app, "enter");
    let opened = app.message().cloned().expect("a record");
    assert_eq!(app.messages.level, Level::Record);
    let mut later = (*app.newest).clone();
    let mut found = evtop::snapshot::Messages::clone(later.messages.value.as_ref().expect("rows"));
    let rows: Vec<Arc<Message>> = found
        .rows
        .iter()
        .map(|row| {
            let mut message = Message::clone(row);
            message.record.offset += 1_000;
            message.record.value = Some(b"later".to_vec());
            Arc::new(message)
        })
        .collect();
    found.rows = rows.into();
    later.seq += 1;
    later.messages.value = Some(Arc::new(found));
    app.on_snapshot(later.into());
    assert_eq!(app.message(), Some(&opened));
    let sent = keys(&mut app.clone(), "w enter");
    let value = opened.record.value.clone().expect("a value");
    assert!(matches!(&sent[..], [Command::Write { bytes, .. }] if *bytes == value));
    keys(&mut app, "esc");
    let here = app.message().cloned().expect("a record of the list");
    assert_ne!(here, opened);
}

/// A marked letter counts as what it is, though the window has moved on.
#[test]
fn marks_out_of_sight_are_told_and_judged_too() {
    let mut shown = fixtures::failing();
    shown.stack.production = false;
    let letters = shown.letters.value.as_mut().expect("letters");
    let far = &mut letters.rows[0];
    (far.group, far.topic) = (None, Some("payment-events".into()));
    let far = far.id;
    let mut app = app(Screen::Letters, shown.clone(), SIZE);
    keys(&mut app, "enter x");
    // The window moves: the marked one is no longer in it.
    let letters = shown.letters.value.as_mut().expect("letters");
    letters.rows.remove(0);
    app.on_snapshot(shown.clone().into());
    assert!(app.letters().iter().all(|l| l.id != far));
    keys(&mut app, "x R");
    let Some(Overlay::Confirm(confirm)) = &app.overlay else {
        panic!("no question: {}", said(&app));
    };
    let to = confirm.facts.iter().find(|(label, _)| *label == "to");
    let to = &to.expect("who will see them").1;
    let groups = shown.lag.value.clone().expect("lag");
    let mut readers = groups
        .iter()
        .filter(|g| g.topics.iter().any(|t| t.topic == "payment-events"));
    assert!(readers.all(|reader| to.contains(&reader.group)), "{to}");
    assert!(to.contains("where it is ours"), "{to}");
    let sent = keys(&mut app, "y");
    let [
        Command::Redrive {
            letters: LetterChoice::Ids(ids),
            ..
        },
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert!(ids.contains(&far) && ids.len() == 2);
}

#[test]
fn none_of_the_marks_can_be_redriven_wherever_they_are() {
    let mut shown = fixtures::failing();
    let letters = shown.letters.value.as_mut().expect("letters");
    for letter in &mut letters.rows {
        letter.status = evtop::domain::letter::LetterStatus::Resolved;
    }
    let mut app = app(Screen::Letters, shown.clone(), SIZE);
    keys(&mut app, "enter x x");
    shown
        .letters
        .value
        .as_mut()
        .expect("letters")
        .rows
        .drain(..2);
    app.on_snapshot(shown.into());
    let why = app.why_not(Action::RedriveMany).unwrap_or_default();
    assert!(
        why.contains("No marked letter") && why.contains("resolved"),
        "{why}"
    );
}
