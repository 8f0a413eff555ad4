//! What is confirmed is what is sent: a whole cause carries how far and how many it was counted, and a filter
//! means the moments that it meant when it was typed.

use super::*;
use evtop::command::Confirmed;
use evtop::domain::filter::Filter;

fn choice(sent: &[Command]) -> &LetterChoice {
    match sent {
        [
            Command::Redrive { letters, .. }
            | Command::Archive { letters, .. }
            | Command::Unarchive { letters }
            | Command::Export { letters, .. },
        ] => letters,
        other => panic!("{other:?}"),
    }
}

/// Frozen, one letter is on the screen and 200 more come: what is sent is about the one.
#[test]
fn a_frozen_count_is_what_is_asked_for() {
    let counted = |shown: &mut evtop::snapshot::Snapshot, up_to, count| {
        let letters = shown.letters.value.as_mut().expect("letters");
        letters.up_to = up_to;
        letters.causes[0].count = count;
        shown.seq += 1;
    };
    let mut shown = fixtures::failing();
    shown.stack.production = false;
    counted(&mut shown, 70, 1);
    let whole = ["A w h y enter", "R y", "E enter"];
    for pressed in whole {
        let mut app = app(Screen::Letters, shown.clone(), SIZE);
        keys(&mut app, "space");
        let mut later = shown.clone();
        counted(&mut later, 270, 201);
        app.on_snapshot(later.into());
        let sent = keys(&mut app, pressed);
        let LetterChoice::Cause { confirmed, .. } = choice(&sent) else {
            panic!("{sent:?}");
        };
        let wanted = Confirmed {
            up_to: 70,
            count: 1,
        };
        assert_eq!(*confirmed, wanted, "{pressed}");
        // Thawed, the number that is asked about is the new one, and is typed.
        keys(&mut app, "space");
        if pressed != "E enter" {
            assert_eq!(keys(&mut app, pressed), [], "{pressed}");
            let sent = keys(&mut app, "2 0 1 y");
            let LetterChoice::Cause { confirmed, .. } = choice(&sent) else {
                panic!("{sent:?}");
            };
            assert_eq!((confirmed.up_to, confirmed.count), (270, 201));
        }
    }
}

#[test]
fn what_is_typed_counts_from_when_it_was_typed() {
    let mut app = failing(Screen::Letters);
    let typed = app.newest.taken;
    keys(&mut app, "/");
    type_in(&mut app, "before=1d");
    let wanted = Filter::parse("before=1d").expect("a filter").at(typed);
    assert_eq!(app.focus().letters.filter, wanted);
    let mut later = (*app.newest).clone();
    later.taken += chrono::TimeDelta::hours(7);
    later.seq += 1;
    app.on_snapshot(later.into());
    keys(&mut app, "left right enter");
    assert_eq!(app.focus().letters.filter, wanted, "keys that type nothing");
    keys(&mut app, "/ x esc");
    assert_eq!(app.focus().letters.filter, wanted, "esc brings it back");
    keys(&mut app, "/ backspace h enter");
    assert_ne!(app.focus().letters.filter, wanted, "typed anew");
}

/// Before the first snapshot nobody knows the time: nothing is counted from 1970.
#[test]
fn a_filter_that_is_typed_first_waits_for_the_time() {
    let mut app = App::new(&evtop::tui::Settings::with(common::role_theme()), SIZE);
    keys(&mut app, "5 /");
    type_in(&mut app, "before=1d");
    assert!(app.focus().letters.filter.is_empty());
    let shown = fixtures::failing();
    let wanted = Filter::parse("before=1d")
        .expect("a filter")
        .at(shown.taken);
    app.on_snapshot(shown.into());
    assert_eq!(app.focus().letters.filter, wanted);
    assert_eq!(app.filter(Screen::Letters), "before=1d");
}

#[test]
fn a_field_that_a_list_has_not_is_said_on_its_screen() {
    for (screen, typed, word) in [
        (Screen::Flow, "key=a", "only words"),
        (Screen::Lag, "after=1h", "it has key="),
        (Screen::Consumers, "key=a", "it has type= and group="),
        (
            Screen::Outbox,
            "group=a",
            "this list has no group=; it has key=, type=, after= and before=",
        ),
        (Screen::Timeline, "group=a", "value.path="),
        (Screen::Messages, "key=a", "only words"),
        (Screen::Activity, "key=a", "type=, after= and before="),
    ] {
        let mut app = busy(screen);
        keys(&mut app, "/");
        type_in(&mut app, typed);
        let sieve = app.sieve(screen);
        let error = sieve.error().unwrap_or_default();
        assert!(error.contains(word), "{screen:?}: {error}");
        assert!(sieve.filter().is_empty(), "all rows are shown");
        keys(&mut app, "ctrl-u");
        type_in(&mut app, "\"error=timeout\"");
        assert_eq!(app.sieve(screen).error(), None, "{screen:?}");
    }
    // A topic's records have no group.
    let mut app = busy(Screen::Messages);
    keys(&mut app, "enter / ");
    type_in(&mut app, "group=a");
    assert!(app.messages_filter().error().is_some());
}
