//! Keys in; state and commands out. No terminal.

mod common;

#[path = "keys/around.rs"]
mod around;
#[path = "keys/confirmed.rs"]
mod confirmed;
#[path = "keys/in_sight.rs"]
mod in_sight;
#[path = "keys/messages.rs"]
mod messages;
#[path = "keys/places.rs"]
mod places;
#[path = "keys/steer.rs"]
mod steer;
#[path = "keys/table.rs"]
mod table;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use crossterm::event::{KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use ratatui::style::Color;

use common::{app, fixtures, keys, type_in};
use evtop::command::*;
use evtop::domain::position::Position;
use evtop::domain::scenario::Scenario;
use evtop::domain::stored::EventFilter;
use evtop::domain::when::{Start, When};
use evtop::snapshot::{LogLevel, SearchState};
use evtop::tui::action::{Action, TABLE};
use evtop::tui::app::App;
use evtop::tui::keymap::{Key, KeyError, Keymap};
use evtop::tui::lag_rows::LagKey;
use evtop::tui::messages::Level;
use evtop::tui::overlay::{Dry, Overlay};
use evtop::tui::reload::ThemeFile;
use evtop::tui::theme::{Role, Theme};
use evtop::tui::views::Depth;
use proptest::prelude::*;
use uuid::Uuid;

const SIZE: (u16, u16) = (140, 42);

fn busy(screen: Screen) -> App {
    app(screen, fixtures::busy(), SIZE)
}

fn failing(screen: Screen) -> App {
    let mut snapshot = fixtures::failing();
    snapshot.stack.production = false;
    app(screen, snapshot, SIZE)
}

fn read_only(screen: Screen) -> App {
    let mut snapshot = fixtures::failing();
    snapshot.stack.read_only = true;
    app(screen, snapshot, SIZE)
}

fn said(app: &App) -> String {
    let rows = app.toasts.rows().iter().map(|toast| toast.text.as_str());
    rows.collect::<Vec<_>>().join("\n")
}

proptest! {
    #[test]
    fn a_key_reads_as_it_is_written(c in any::<char>().prop_filter("shown", |c| !c.is_control()), ctrl: bool, alt: bool) {
        let key = Key { code: evtop::tui::keymap::Code::Char(c), ctrl, alt };
        prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
    }

    #[test]
    fn any_text_is_a_key_or_an_error(text in ".{0,12}") {
        if let Ok(key) = text.parse::<Key>() {
            prop_assert_eq!(key.to_string().parse::<Key>(), Ok(key));
        }
    }
}

#[test]
fn numbers_and_tab_switch_screens() {
    let mut app = busy(Screen::Flow);
    for screen in Screen::ALL {
        keys(&mut app, &screen.tab().0.to_string());
        assert_eq!(app.screen, screen);
    }
    keys(&mut app, "tab");
    assert_eq!(app.screen, Screen::Flow);
    keys(&mut app, "shift-tab shift-tab");
    assert_eq!(app.screen, Screen::Messages);
    assert!(keys(&mut app, "7 0").is_empty());
}

#[test]
fn q_and_ctrl_c_quit_and_esc_never_does() {
    for (key, quits) in [("q", true), ("ctrl-c", true), ("esc", false)] {
        let mut app = busy(Screen::Letters);
        keys(&mut app, key);
        assert_eq!(app.quit, quits, "{key}");
    }
    let mut app = busy(Screen::Flow);
    keys(&mut app, "/ q esc i ctrl-c");
    assert!(app.quit, "ctrl-c quits from a form too");
}

#[test]
fn typing_never_does_anything_else() {
    let mut app = busy(Screen::Consumers);
    keys(&mut app, "/");
    type_in(&mut app, "q1pRi? *x");
    assert_eq!(app.filter(Screen::Consumers), "q1pRi? *x");
    assert!(!app.quit && app.screen == Screen::Consumers);
    keys(&mut app, "ctrl-u e m a backspace enter");
    assert_eq!(app.filter(Screen::Consumers), "em");
    keys(&mut app, "/ z esc");
    assert_eq!(
        app.filter(Screen::Consumers),
        "em",
        "esc brings the old one back"
    );
    keys(&mut app, "2 3");
    assert_eq!(app.filter(Screen::Consumers), "em", "remembered per screen");
    keys(&mut app, "esc");
    assert_eq!(app.filter(Screen::Consumers), "");
}

#[test]
fn an_open_filter_goes_on_from_what_is_there() {
    let mut app = busy(Screen::Consumers);
    keys(&mut app, "/ e m enter /");
    let Some(Overlay::Filter(filter)) = &app.overlay else {
        panic!("no filter line");
    };
    assert_eq!((filter.input.value(), filter.input.cursor()), ("em", 2));
    keys(&mut app, "a");
    assert_eq!(app.filter(Screen::Consumers), "ema");
    keys(&mut app, "esc");
    assert_eq!(app.filter(Screen::Consumers), "em", "as it was");
    keys(&mut app, "/ left x enter");
    assert_eq!(app.filter(Screen::Consumers), "exm");
    keys(&mut app, "/ backspace backspace backspace enter");
    assert_eq!(app.filter(Screen::Consumers), "", "emptied is cleared");
    assert_eq!(app.consumers().len(), app.shown.consumers.len());
}

#[test]
fn a_correlation_that_is_typed_shows_its_events() {
    let mut app = busy(Screen::Timeline);
    let wanted = app.events().last().expect("events").correlation_id;
    keys(&mut app, "/");
    type_in(&mut app, &wanted.to_string());
    assert_eq!(app.focus().timeline.filter.correlation_id, Some(wanted));
    assert!(!app.events().is_empty());
    assert!(app.events().iter().all(|e| e.correlation_id == wanted));
}

#[test]
fn pasting_goes_into_a_field_or_nowhere() {
    let mut app = busy(Screen::Letters);
    app.on_paste("qqRRy\n");
    assert!(!app.quit && app.overlay.is_none());
    keys(&mut app, "/");
    app.on_paste("OR\u{1b}D-1\n");
    assert_eq!(app.filter(Screen::Letters), "ORD-1");
}

#[test]
fn a_letter_is_redriven_after_a_y_and_not_by_enter() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "enter j j j r");
    assert!(matches!(app.overlay, Some(Overlay::Confirm(_))));
    assert_eq!(keys(&mut app, "enter"), []);
    assert!(app.overlay.is_some(), "enter answers nothing");
    let id = app.letters()[3].id;
    let sent = keys(&mut app, "y");
    let expected = LetterChoice::Ids(vec![id]);
    assert!(matches!(&sent[..], [Command::Redrive { letters, .. }] if *letters == expected));
    assert!(app.overlay.is_none());
    keys(&mut app, "r");
    assert_eq!(keys(&mut app, "n"), []);
    assert!(app.overlay.is_none());
}

/// Letters of a group that is not ours go back to their topic: who reads that is what the cluster says.
#[test]
fn the_groups_that_will_see_a_redrive_are_those_that_read_its_topic() {
    let mut shown = fixtures::failing();
    let letters = shown.letters.value.as_mut().expect("letters");
    letters.causes[0].group = None;
    for letter in &mut letters.rows {
        letter.group = None;
        letter.topic = Some("order-events".into());
    }
    let groups = shown.lag.value.clone().expect("lag");
    let reads = |g: &&evtop::snapshot::GroupLag| g.topics.iter().any(|t| t.topic == "order-events");
    let readers: Vec<&str> = groups.iter().filter(reads).map(|g| &*g.group).collect();
    assert!(!readers.is_empty());
    for (known, pressed) in [(true, "R"), (true, "enter x x R"), (false, "R")] {
        let mut shown = shown.clone();
        if !known {
            shown.lag = Default::default();
        }
        let mut app = app(Screen::Letters, shown, (140, 42));
        keys(&mut app, pressed);
        let Some(Overlay::Confirm(confirm)) = &app.overlay else {
            panic!("a question after {pressed}");
        };
        let to = &confirm
            .facts
            .iter()
            .find(|(label, _)| *label == "to")
            .expect("to")
            .1;
        if known {
            assert!(readers.iter().all(|r| to.contains(r)), "{pressed}: {to}");
        } else {
            assert!(to.contains("not known yet"), "{to}");
        }
    }
}

#[test]
fn a_capital_redrives_the_cause_or_the_marked() {
    let mut app = failing(Screen::Letters);
    let sent = keys(&mut app, "R y");
    let cause = app.causes()[0].fingerprint.clone();
    assert!(
        matches!(&sent[..], [Command::Redrive { letters: LetterChoice::Cause { cause: c, .. }, .. }] if *c == cause)
    );
    keys(&mut app, "enter x x");
    let marked: Vec<Uuid> = app.letters.marked.keys().copied().collect();
    assert_eq!(marked.len(), 2);
    let sent = keys(&mut app, "R y");
    assert!(
        matches!(&sent[..], [Command::Redrive { letters: LetterChoice::Ids(ids), .. }] if *ids == marked)
    );
}

/// What is done to a whole cause under a filter is done to what the filter lets through, and only once that
/// is known of every letter.
#[test]
fn a_filter_narrows_what_a_capital_means() {
    let mut app = failing(Screen::Letters);
    let whole = [
        (Action::RedriveMany, "R y"),
        (Action::ArchiveMany, "A w h y enter"),
        (Action::Export, "E enter"),
    ];
    keys(&mut app, "/ v a l u e . a = 1 enter");
    let why = |app: &evtop::tui::app::App, action| app.why_not(action).unwrap_or_default();
    for (action, _) in whole {
        let said = why(&app, action);
        assert!(said.contains("still being"), "{action:?}: {said}");
    }
    let mut shown = (*app.shown).clone();
    shown.stack.production = false;
    let letters = shown.letters.value.as_mut().expect("letters");
    letters.filter = common::resolved("value.a=1");
    letters.unjudged = 12;
    app.on_snapshot(shown.clone().into());
    for (action, _) in whole {
        let said = why(&app, action);
        assert!(said.contains("12 letters"), "{action:?}: {said}");
    }
    shown.letters.value.as_mut().expect("letters").unjudged = 0;
    app.on_snapshot(shown.into());
    for (action, pressed) in whole {
        assert_eq!(app.why_not(action), None, "{action:?}");
        let sent = keys(&mut app, pressed);
        let [
            Command::Redrive { letters, .. }
            | Command::Archive { letters, .. }
            | Command::Export { letters, .. },
        ] = &sent[..]
        else {
            panic!("{action:?}: {sent:?}");
        };
        let LetterChoice::Cause { cause, filter, .. } = letters else {
            panic!("{action:?}: {letters:?}");
        };
        assert_eq!(*cause, app.causes()[0].fingerprint);
        assert_eq!(filter.text(), "value.a=1");
    }
    keys(&mut app, "/ ctrl-u ~ ( enter");
    assert!(why(&app, Action::RedriveMany).contains("can't be read"));
}

#[test]
fn what_cannot_be_redriven_as_it_is_says_why_and_asks_nothing() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "j");
    let why = app.why_not(Action::RedriveMany).expect("disabled");
    assert!(why.contains("edited first"), "{why}");
    assert_eq!(keys(&mut app, "R"), []);
    assert!(app.overlay.is_none() && said(&app) == why);
    keys(&mut app, "k");
    assert_eq!(app.why_not(Action::RedriveMany), None);

    let mut malformed = fixtures::failing();
    if let Some(letters) = &mut malformed.letters.value {
        for letter in &mut letters.rows {
            letter.stage = Some(evtop::domain::fault::Stage::Decode);
        }
        letters.rows[1].status = evtop::domain::letter::LetterStatus::InFlight;
        letters.rows[2].stage = Some(evtop::domain::fault::Stage::Handle);
        letters.rows[2].status = evtop::domain::letter::LetterStatus::Unresolved;
    }
    let mut app = self::app(Screen::Letters, malformed, SIZE);
    keys(&mut app, "enter r");
    assert!(app.overlay.is_none() && said(&app).contains("edited first"));
    keys(&mut app, "j r");
    assert!(app.overlay.is_none() && said(&app).contains("being redriven already"));
    keys(&mut app, "k x x R");
    assert!(app.overlay.is_none(), "none of the marked can be sent");
    keys(&mut app, "x R");
    assert!(app.overlay.is_some(), "one of the marked can");
}

#[test]
fn a_cause_that_is_redriven_away_leaves_the_cursor_at_its_neighbour() {
    let mut snapshot = fixtures::huge();
    let app = |snapshot: &evtop::snapshot::Snapshot| {
        let mut app = app(Screen::Letters, snapshot.clone(), SIZE);
        keys(&mut app, "j j j");
        app
    };
    let mut moved = app(&snapshot);
    let here = moved.letters.cause.key().cloned();
    let next = moved.causes()[4].fingerprint.clone();
    let last_of = |snapshot: &mut evtop::snapshot::Snapshot, keep: usize| {
        snapshot
            .letters
            .value
            .as_mut()
            .expect("letters")
            .causes
            .truncate(keep);
    };
    let mut at_end = snapshot.clone();
    last_of(&mut at_end, 4);
    let mut end = app(&at_end);
    // It goes while others change places, as they do when counts fall.
    let causes = &mut snapshot.letters.value.as_mut().expect("letters").causes;
    causes.retain(|c| Some(&c.fingerprint) != here.as_ref());
    causes.reverse();
    moved.on_snapshot(Arc::new(snapshot));
    assert_eq!(moved.letters.cause.key(), Some(&next));
    let previous = end.causes()[2].fingerprint.clone();
    last_of(&mut at_end, 3);
    end.on_snapshot(Arc::new(at_end));
    assert_eq!(end.letters.cause.key(), Some(&previous));
}

#[test]
fn marks_and_cursor_hold_their_letters_when_rows_move() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "enter j x");
    let (marked, cursor) = (
        app.letters.marked.clone(),
        app.letters.letter.key().copied(),
    );
    let mut moved = fixtures::failing();
    moved.seq += 1;
    if let Some(letters) = &mut moved.letters.value {
        letters.rows.reverse();
        letters.rows.remove(0);
    }
    app.on_snapshot(Arc::new(moved));
    assert_eq!(app.letters.marked, marked);
    assert_eq!(app.letters.letter.key().copied(), cursor);
    keys(&mut app, "*");
    assert!(app.letters.marked.is_empty());
    keys(&mut app, "*");
    assert_eq!(app.letters.marked.len(), app.letters().len());
}

#[test]
fn the_count_is_typed_on_production_and_above_a_hundred() {
    let mut production = app(Screen::Letters, fixtures::failing(), SIZE);
    keys(&mut production, "R");
    assert_eq!(
        keys(&mut production, "y"),
        [],
        "not before the count is typed"
    );
    assert_eq!(said(&production), "Type 9 first, then y");
    assert_eq!(keys(&mut production, "8 y"), []);
    assert_eq!(keys(&mut production, "backspace 9 y").len(), 1);
    let mut many = fixtures::failing();
    many.stack.production = false;
    many.letters.value.as_mut().expect("letters").causes[0].count = 101;
    let mut many = app(Screen::Letters, many, SIZE);
    assert_eq!(keys(&mut many, "R y"), []);
    assert_eq!(keys(&mut many, "1 0 1 y").len(), 1);
}

#[test]
fn read_only_says_so_and_sends_nothing() {
    for (screen, pressed) in [
        (Screen::Letters, "R"),
        (Screen::Letters, "enter r"),
        (Screen::Timeline, "p"),
        (Screen::Timeline, "P"),
        (Screen::Consumers, "p"),
        (Screen::Consumers, "r"),
        (Screen::Consumers, "f"),
        (Screen::Activity, "C"),
        (Screen::Flow, "]"),
        (Screen::Flow, "i"),
    ] {
        let mut app = read_only(screen);
        assert_eq!(keys(&mut app, pressed), [], "{pressed}");
        assert!(
            app.overlay.is_none() && said(&app).contains("read-only"),
            "{pressed}"
        );
    }
}

#[test]
fn a_disabled_key_says_why() {
    let mut watching = app(Screen::Consumers, fixtures::huge(), SIZE);
    watching.shown = Arc::new(evtop::snapshot::Snapshot {
        stack: evtop::snapshot::Stack::default(),
        ..(*watching.shown).clone()
    });
    keys(&mut watching, "f");
    assert!(said(&watching).contains("No workers run"));
    let mut empty = app(Screen::Letters, fixtures::empty(), SIZE);
    keys(&mut empty, "R");
    assert!(said(&empty).contains("no dead letters"));
    let mut idle = busy(Screen::Activity);
    keys(&mut idle, "C");
    assert!(said(&idle).contains("No operation is running"));
    keys(&mut idle, "esc");
    assert_eq!(said(&idle), "");
}

#[test]
fn correlation_is_followed_and_left() {
    let mut app = busy(Screen::Timeline);
    let wanted = app.events().last().expect("events").correlation_id;
    keys(&mut app, "c");
    assert_eq!(app.focus().timeline.filter.correlation_id, Some(wanted));
    keys(&mut app, "esc");
    assert_eq!(app.focus().timeline.filter, EventFilter::default());
}

#[test]
fn a_time_on_the_timeline_is_the_stores_work() {
    let mut app = busy(Screen::Timeline);
    let now = app.shown.taken;
    let all = app.events().len();
    let ago = |s| Some(now - chrono::TimeDelta::seconds(s));
    keys(&mut app, "/");
    type_in(&mut app, "after=2s before=1s");
    let asked = app.focus().timeline.filter;
    assert_eq!((asked.from, asked.to), (ago(2), ago(1)));
    assert!(app.looks_up());
    let some = app.events().len();
    assert!(some > 0 && some < all, "what is here is narrowed at once");
    // A word that the store knows goes along; any other narrows the page.
    type_in(&mut app, " type=ordershipped");
    let asked = app.focus().timeline.filter;
    assert_eq!(asked.event_type.as_deref(), Some("OrderShipped"));
    assert!(app.looks_up() && app.events().len() < some);
    keys(&mut app, "ctrl-u");
    type_in(&mut app, "after=2s shipping");
    let asked = app.focus().timeline.filter;
    assert_eq!((asked.from, asked.event_type), (ago(2), None));
    assert!(!app.looks_up());
    let kinds: BTreeSet<_> = app.events().iter().map(|e| &e.event_type).collect();
    assert_eq!(kinds.len(), 1, "{kinds:?}");
    // What is counted from now is counted once.
    let mut later = fixtures::busy();
    later.seq += 1;
    later.taken += chrono::TimeDelta::seconds(60);
    app.on_snapshot(Arc::new(later));
    assert_eq!(app.focus().timeline.filter.from, ago(2));
    keys(&mut app, "ctrl-u");
    type_in(&mut app, "after=x");
    assert!(app.sieve(Screen::Timeline).error().is_some());
    assert_eq!(app.focus().timeline.filter, EventFilter::default());
    // A correlation that is followed is narrowed too, and stays one.
    keys(&mut app, "esc c /");
    type_in(&mut app, "before=12:00");
    let asked = app.focus().timeline.filter;
    assert!(asked.correlation_id.is_some() && asked.to.is_some());
    assert!(app.in_lanes());
}

#[test]
fn the_timeline_follows_until_one_looks_up() {
    let mut app = busy(Screen::Timeline);
    assert!(app.timeline.following());
    keys(&mut app, "k");
    assert!(!app.timeline.following());
    keys(&mut app, "g");
    assert_eq!(
        app.focus().timeline.anchor,
        Anchor::After(Position::START),
        "the very first page"
    );
    keys(&mut app, "G k");
    let first = app.events()[0].position;
    let second = app.events()[1].position;
    app.timeline.cursor.set(first);
    keys(&mut app, "pgup");
    assert_eq!(
        app.focus().timeline.anchor,
        Anchor::Before(second),
        "the page before"
    );
    keys(&mut app, "G");
    assert!(app.timeline.following());
    assert_eq!(app.focus().timeline.anchor, Anchor::Newest);
    assert_eq!(
        app.focus().timeline.event,
        app.events().last().map(|e| e.position)
    );
}

#[test]
fn a_new_event_leaves_the_one_that_is_read_alone() {
    let mut app = busy(Screen::Timeline);
    keys(&mut app, "k k");
    let read = app.timeline.cursor.key().copied();
    let mut later = fixtures::busy();
    later.seq += 1;
    if let Some(timeline) = &mut later.timeline.value {
        let mut event = timeline.rows[59].clone();
        event.position = Position { tx: 0, pos: 99_999 };
        timeline.rows.push(event);
    }
    app.on_snapshot(Arc::new(later));
    assert_eq!(app.timeline.cursor.key().copied(), read);
}

#[test]
fn an_operation_is_paused_once_and_resumed_once() {
    let mut app = failing(Screen::Activity);
    let operation = app.operations()[0].id;
    assert_eq!(keys(&mut app, "r"), []);
    assert_eq!(said(&app), "It is not paused");
    assert_eq!(keys(&mut app, "p"), [Command::PauseOperation { operation }]);
    let mut paused = fixtures::failing();
    paused.activity.operations[0].paused = true;
    let mut app = self::app(Screen::Activity, paused, SIZE);
    assert_eq!(keys(&mut app, "p"), []);
    assert_eq!(said(&app), "It is paused already; r resumes it");
    assert_eq!(
        keys(&mut app, "r"),
        [Command::ResumeOperation { operation }]
    );
}

#[test]
fn the_log_is_narrowed_by_level() {
    let mut app = failing(Screen::Activity);
    let all = app.log().len();
    keys(&mut app, "/ t y p e = w a r n enter");
    let warned = app.log();
    assert!(!warned.is_empty() && warned.len() < all);
    assert!(warned.iter().all(|(_, line)| line.level == LogLevel::Warn));
}

#[test]
fn a_frozen_screen_collects_but_does_not_show() {
    let mut app = busy(Screen::Flow);
    keys(&mut app, "space");
    let mut later = fixtures::busy();
    later.seq = 99;
    later.taken += chrono::TimeDelta::seconds(14);
    app.on_snapshot(Arc::new(later));
    assert_eq!(app.shown.seq, 42);
    assert_eq!(app.frozen_for(), Some(Duration::from_secs(14)));
    keys(&mut app, "space");
    assert_eq!((app.shown.seq, app.frozen_for()), (99, None));
}

#[test]
fn a_slower_screen_skips_snapshots_but_answers_keys() {
    let mut app = busy(Screen::Flow);
    keys(&mut app, "- -");
    assert_eq!(app.every, Duration::from_secs(1));
    let next = |app: &mut App, ms: i64| {
        let mut later = fixtures::busy();
        later.seq = 42 + ms.unsigned_abs();
        later.taken += chrono::TimeDelta::milliseconds(ms);
        app.on_snapshot(Arc::new(later));
        app.shown.seq - 42
    };
    app.every = Duration::from_secs(1);
    assert_eq!(next(&mut app, 250), 0);
    assert_eq!(next(&mut app, 1_000), 1_000);
    keys(&mut app, "5");
    assert_eq!(
        next(&mut app, 1_250),
        1_250,
        "what a key asked for is shown at once"
    );
    keys(&mut app, "+ + + +");
    assert_eq!(app.every, Duration::ZERO);
}

#[test]
fn focus_says_what_is_looked_at() {
    let mut app = failing(Screen::Lag);
    let focus = app.focus();
    assert_eq!(focus.screen, Screen::Lag);
    assert!(
        focus
            .lag_rows
            .contains(&("inventory-service".into(), "order-events".into(), 2))
    );
    keys(&mut app, "3");
    let email = [0, 1, 2].map(|n| ("email-service".into(), "order-events".into(), n));
    assert_eq!(app.focus().lag_rows, email, "what the consumer reads");
    keys(&mut app, "5 / O R D enter");
    let focus = app.focus();
    assert!(focus.lag_rows.is_empty());
    assert_eq!(focus.letters.filter.text(), "ORD");
    assert_eq!(
        focus.letters.fingerprint.as_ref(),
        Some(&app.causes()[0].fingerprint)
    );
    assert_eq!(focus.letters.letter, Some(app.letters()[0].id));
    assert_eq!(app.letters.depth, Depth::Causes);
}

#[test]
fn answers_become_toasts_that_go_away() {
    let mut app = busy(Screen::Flow);
    let id = Uuid::from_u128(1);
    app.on_sent(
        id,
        Command::PauseConsumer {
            service: "email".into(),
        },
    );
    let result = Ok(Done::ConsumerPaused {
        service: "email".into(),
    });
    app.on_outcome(Outcome { id, result });
    assert_eq!(said(&app), "email paused");
    for _ in 0..20 {
        app.on_snapshot(Arc::new(fixtures::busy()));
    }
    assert_eq!(said(&app), "");
    app.on_busy();
    assert!(said(&app).contains("try again"));
}

#[test]
fn a_cause_that_is_gone_does_not_open_its_neighbour() {
    let mut app = failing(Screen::Letters);
    keys(&mut app, "enter");
    let mut solved = fixtures::failing();
    solved
        .letters
        .value
        .as_mut()
        .expect("letters")
        .causes
        .remove(0);
    app.on_snapshot(Arc::new(solved));
    assert_eq!(app.letters.depth, Depth::Causes);
    assert_eq!(app.letters.cause.key(), Some(&app.causes()[0].fingerprint));
}

#[test]
fn a_page_that_is_read_stands_still() {
    let mut app = busy(Screen::Timeline);
    let first = app.events()[0].position;
    keys(&mut app, "k");
    let Anchor::After(before) = app.focus().timeline.anchor else {
        panic!("it still follows");
    };
    assert!(before < first && first.pos - before.pos == 1);
}

#[test]
fn every_filter_speaks_the_same_language() {
    let mut app = busy(Screen::Timeline);
    let all = app.events().len();
    keys(&mut app, "/");
    type_in(&mut app, "type=Payment*");
    let some = app.events().len();
    assert!(some > 0 && some < all, "{some} of {all}");
    assert!(
        app.events()
            .iter()
            .all(|e| e.event_type.starts_with("Payment"))
    );
    keys(&mut app, "ctrl-u ! t y p e = P a y m e n t * enter");
    assert_eq!(app.events().len(), all - some);
    let mut app = busy(Screen::Consumers);
    keys(&mut app, "/ ~ ^ e m a i l enter");
    assert_eq!(app.consumers().len(), 1);
    let state = app.consumers()[0].state.name();
    keys(&mut app, "/ ctrl-u");
    type_in(&mut app, &format!("type={state}"));
    assert!(app.consumers().iter().all(|c| c.state.name() == state));
    keys(&mut app, "ctrl-u");
    type_in(&mut app, &format!("!type={state}"));
    assert!(app.consumers().iter().all(|c| c.state.name() != state));
    let mut app = busy(Screen::Outbox);
    let all = app.outbox_rows().len();
    keys(&mut app, "/");
    type_in(&mut app, "type=OrderCreated after=1h");
    let some = app.outbox_rows().len();
    assert!(some > 0 && some < all, "{some} of {all}");
    keys(&mut app, "ctrl-u");
    type_in(&mut app, "before=1h");
    assert_eq!(app.outbox_rows(), []);
    let mut app = failing(Screen::Activity);
    keys(&mut app, "/");
    type_in(&mut app, "type=warn");
    assert!(!app.log().is_empty());
    assert!(app.log().iter().all(|(_, l)| l.level.name() == "warn"));
}

#[test]
fn lag_is_narrowed_to_what_is_in_trouble() {
    let mut app = failing(Screen::Lag);
    let verdicts = |app: &evtop::tui::app::App| -> Vec<&'static str> {
        let rows = app.lag_rows();
        rows.iter().map(|row| row.verdict().kind.name()).collect()
    };
    assert!(verdicts(&app).contains(&"ok"));
    keys(&mut app, "/");
    let all = app.lag_rows().len();
    type_in(&mut app, "!type=ok");
    let left = app.lag_rows().len();
    assert!(left > 0 && left < all, "{left} of {all}");
    keys(&mut app, "ctrl-u");
    type_in(&mut app, "type=stalled");
    keys(&mut app, "enter");
    let left = verdicts(&app);
    assert!(!left.is_empty(), "none");
    assert!(left.iter().all(|kind| *kind == "stalled"), "{left:?}");
    // A partition alone that passes is shown with what it stands in.
    let groups = app.shown.lag.value.as_ref().expect("groups");
    let topics = groups.iter().flat_map(|g| &g.topics);
    let mut partitions = topics.flat_map(|t| &t.partitions);
    let bad = partitions.find(|p| p.verdict.kind.name() != "ok");
    let (number, kind) = bad
        .map(|p| (p.partition, p.verdict.kind.name()))
        .expect("one");
    keys(&mut app, "/ ctrl-u");
    type_in(&mut app, &format!("partition={number} type={kind}"));
    keys(&mut app, "enter right right right");
    let rows = app.lag_rows();
    assert!(!rows.is_empty());
    for row in rows {
        let partition = row.partition.map(|p| p.partition);
        assert!(partition.is_none_or(|p| p == number), "{partition:?}");
    }
}
