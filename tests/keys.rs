//! Keys in; state and commands out. No terminal.

mod common;

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
use evtop::snapshot::SearchState;
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

#[test]
fn the_default_keys_have_no_conflict_and_each_action_one_row() {
    assert_eq!(Keymap::default().check(), Ok(()));
    let names: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), TABLE.len());
    for row in TABLE {
        let mine = TABLE.iter().filter(|other| other.action == row.action);
        assert_eq!(mine.count(), 1, "{}", row.name);
        for key in row.keys {
            let read: Key = key.parse().expect("a key");
            assert_eq!(&read.to_string().parse::<Key>(), &Ok(read));
        }
    }
}

#[test]
fn every_action_is_reached_by_each_of_its_keys() {
    let map = Keymap::default();
    for row in TABLE {
        assert!(!row.keys.is_empty(), "{} has no key", row.name);
        let screens = if row.screens.is_empty() {
            &Screen::ALL[..]
        } else {
            row.screens
        };
        for key in row.keys {
            let key = key.parse().expect("a key");
            let reached = screens
                .iter()
                .any(|s| map.action(*s, key) == Some(row.action));
            assert!(reached, "{} by {key}", row.name);
        }
    }
}

#[test]
fn keys_can_be_bound_anew_and_conflicts_name_both() {
    let map = Keymap::patched([("redrive", vec!["ctrl-r".into(), "f5".into()])]).expect("fine");
    let key = "f5".parse().expect("a key");
    assert_eq!(map.action(Screen::Letters, key), Some(Action::Redrive));
    let clash = Keymap::patched([("redrive", vec!["x".into()])]);
    let Err(KeyError::Conflict { first, second, .. }) = clash else {
        panic!("{clash:?}");
    };
    assert_eq!((first, second), ("redrive", "mark"));
    let shadow = Keymap::patched([("pause", vec!["q".into()])]);
    let Err(KeyError::Conflict { first, second, .. }) = shadow else {
        panic!("a screen's own key hides a global one: {shadow:?}");
    };
    assert_eq!((first, second), ("pause", "quit"));
    let never = Keymap::patched([
        ("quit", vec!["q".into()]),
        ("redrive", vec!["ctrl-c".into()]),
    ]);
    assert!(never.is_err(), "ctrl-c always quits");
    let elsewhere = Keymap::patched([("pause", vec!["x".into()])]);
    assert!(
        elsewhere.is_ok(),
        "x means something on another screen only"
    );
    assert!(Keymap::patched([("fly", vec![])]).is_err());
    assert!(Keymap::patched([("redrive", vec!["hyper-q".into()])]).is_err());
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
        matches!(&sent[..], [Command::Redrive { letters: LetterChoice::Cause(c), .. }] if *c == cause)
    );
    keys(&mut app, "enter x x");
    let marked: Vec<Uuid> = app.letters.marked.iter().copied().collect();
    assert_eq!(marked.len(), 2);
    let sent = keys(&mut app, "R y");
    assert!(
        matches!(&sent[..], [Command::Redrive { letters: LetterChoice::Ids(ids), .. }] if *ids == marked)
    );
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
    keys(&mut app, "esc j r");
    assert!(app.overlay.is_none() && said(&app).contains("being redriven already"));
    keys(&mut app, "esc k x x R");
    assert!(app.overlay.is_none(), "none of the marked can be sent");
    keys(&mut app, "esc x R");
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
fn orders_are_injected_from_the_form() {
    let mut app = busy(Screen::Flow);
    let sent = keys(&mut app, "i down down down 5 enter");
    assert_eq!(
        sent,
        [Command::Inject {
            scenario: Scenario::PoisonBytes,
            count: 5
        }]
    );
    assert_eq!(keys(&mut app, "i backspace enter"), []);
    assert!(said(&app).contains("Type how many"));
    assert_eq!(
        keys(&mut app, "ctrl-u 5 0 0 enter"),
        [],
        "many are asked about"
    );
    assert_eq!(keys(&mut app, "5 0 0 y").len(), 1);
}

#[test]
fn traffic_goes_in_steps() {
    let mut app = busy(Screen::Flow);
    assert_eq!(
        keys(&mut app, "]"),
        [Command::SetTraffic { orders_per_s: 50.0 }]
    );
    assert_eq!(
        keys(&mut app, "["),
        [Command::SetTraffic { orders_per_s: 10.0 }]
    );
}

#[test]
fn a_rate_that_is_unknown_is_not_stepped_from() {
    let mut starting = fixtures::busy();
    starting.traffic.rate = None;
    let mut app = app(Screen::Flow, starting, SIZE);
    assert_eq!(keys(&mut app, "]"), []);
    assert!(said(&app).contains("still starting"));
    let text = common::text(&common::draw(&app, SIZE));
    assert!(!text.contains("set to"), "{text}");
}

#[test]
fn consumers_are_paused_resumed_and_told_to_fail() {
    let mut app = busy(Screen::Consumers);
    let service = "analytics".to_owned();
    assert_eq!(
        keys(&mut app, "j p y"),
        [Command::PauseConsumer {
            service: service.clone()
        }]
    );
    assert_eq!(
        keys(&mut app, "r"),
        [Command::ResumeConsumer {
            service: service.clone()
        }]
    );
    let sent = keys(&mut app, "f 2 . 5 down 3 enter");
    let [Command::SetFaults { service: to, plan }] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(
        (to, plan.transient, plan.transient_times),
        (&service, 0.025, 3)
    );
    assert_eq!(keys(&mut app, "f 2 0 0 enter"), []);
    assert!(said(&app).contains("percentage"));
}

#[test]
fn a_replay_counts_first_and_asks_then() {
    let mut app = busy(Screen::Timeline);
    let sent = keys(&mut app, "P");
    let [
        Command::Replay {
            dry_run: true,
            events: EventChoice::Matching(filter),
            ..
        },
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert!(filter.stream.is_some());
    let id = Uuid::from_u128(7);
    app.on_sent(id, sent[0].clone());
    assert_eq!(keys(&mut app, "enter"), []);
    assert!(said(&app).contains("Still counting"));
    let done = Done::WouldReplay {
        events: 5,
        first: None,
        last: None,
        span: None,
    };
    app.on_outcome(Outcome {
        id,
        result: Ok(done),
    });
    assert!(
        matches!(&app.overlay, Some(Overlay::Replay(form)) if matches!(form.dry, Dry::Counted { events: 5, .. }))
    );
    let sent = keys(&mut app, "right down right enter enter y");
    let [
        Command::Replay {
            target,
            force,
            dry_run,
            ..
        },
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert_eq!(target, &ReplayTarget::Service("analytics".into()));
    assert!(*force && !dry_run);
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
fn a_finding_leads_to_its_place() {
    let mut app = failing(Screen::Flow);
    keys(&mut app, "enter");
    assert_eq!(app.screen, Screen::Lag);
    let wanted = LagKey::Partition("inventory-service".into(), "order-events".into(), 2);
    assert_eq!(app.lag.cursor.key(), Some(&wanted));
    keys(&mut app, "h");
    assert_eq!(
        app.lag.cursor.key(),
        Some(&LagKey::Topic(
            "inventory-service".into(),
            "order-events".into()
        ))
    );
    let rows = app.lag_rows().len();
    keys(&mut app, "h");
    assert_eq!(app.lag_rows().len(), rows - 3, "folded");
    keys(&mut app, "enter");
    assert_eq!(app.lag_rows().len(), rows);
}

#[test]
fn a_place_of_the_flow_leads_to_its_screen_and_row() {
    use evtop::tui::rows::FlowKey;
    let at = |key: FlowKey, pressed: &str| {
        let mut app = busy(Screen::Flow);
        app.flow.set(key);
        keys(&mut app, pressed);
        app
    };
    assert_eq!(at(FlowKey::Outbox, "enter").screen, Screen::Outbox);
    assert_eq!(at(FlowKey::Letters, "enter").screen, Screen::Letters);
    assert_eq!(at(FlowKey::Store, "enter").screen, Screen::Timeline);
    let app = at(FlowKey::Topic("inventory-events".into()), "enter");
    assert_eq!(app.screen, Screen::Lag);
    assert!(
        matches!(app.lag.cursor.key(), Some(LagKey::Topic(_, topic)) if topic == "inventory-events")
    );
    let app = at(FlowKey::Reader("analytics".into()), "enter");
    assert_eq!(app.screen, Screen::Consumers);
    assert_eq!(
        app.consumers.cursor.key().map(String::as_str),
        Some("analytics")
    );
    // A group of somebody else's is on Lag.
    let mut foreign = fixtures::busy();
    foreign.consumers.clear();
    let mut app = self::app(Screen::Flow, foreign, SIZE);
    app.flow.set(FlowKey::Reader("analytics-service".into()));
    keys(&mut app, "enter");
    assert_eq!(
        app.lag.cursor.key(),
        Some(&LagKey::Group("analytics-service".into()))
    );
    // A filter there does not hide it.
    let mut app = busy(Screen::Consumers);
    keys(&mut app, "/ m a i l enter 1");
    app.flow.set(FlowKey::Reader("analytics".into()));
    keys(&mut app, "enter");
    assert_eq!(
        app.consumers.cursor.key().map(String::as_str),
        Some("analytics")
    );
}

#[test]
fn the_flow_is_walked_by_place_and_by_stage() {
    use evtop::tui::rows::FlowKey;
    let mut app = busy(Screen::Flow);
    assert!(
        matches!(app.flow.key(), Some(FlowKey::Finding(_))),
        "what is wrong comes first"
    );
    keys(&mut app, "g");
    assert_eq!(app.flow.key(), Some(&FlowKey::Outbox));
    let mut stages = vec![app.flow.key().cloned()];
    for _ in 0..5 {
        keys(&mut app, "l");
        stages.push(app.flow.key().cloned());
    }
    assert!(
        matches!(
            &stages[..],
            [
                Some(FlowKey::Outbox),
                Some(FlowKey::Topic(_)),
                Some(FlowKey::Reader(_)),
                Some(FlowKey::Letters),
                Some(FlowKey::Store),
                Some(FlowKey::Finding(_)),
            ]
        ),
        "{stages:?}"
    );
    keys(&mut app, "h h h");
    assert!(matches!(app.flow.key(), Some(FlowKey::Reader(_))));
    let first = app.flow.key().cloned();
    keys(&mut app, "j k");
    assert_eq!(app.flow.key().cloned(), first);
    assert!(keys(&mut app, "h h h h h").is_empty());
    assert_eq!(app.flow.key(), Some(&FlowKey::Outbox));
}

#[test]
fn an_outbox_row_leads_to_its_event() {
    let mut app = busy(Screen::Outbox);
    keys(&mut app, "enter");
    assert_eq!(app.screen, Screen::Timeline);
    assert!(app.focus().timeline.filter.event_id.is_some());
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
    keys(&mut app, "5 / O R D enter");
    let focus = app.focus();
    assert!(focus.lag_rows.is_empty());
    assert_eq!(focus.letters.text.as_deref(), Some("ORD"));
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
fn a_consumer_of_another_instance_is_paused_from_here_and_set_up_there() {
    let mut snapshot = fixtures::busy();
    let mut other = snapshot.consumers[0].clone();
    other.instance = Some("4711@web-2".into());
    let (own, there) = (snapshot.consumers[0].name(), other.name());
    snapshot.consumers.insert(1, other);
    let mut app = app(Screen::Consumers, snapshot, SIZE);
    keys(&mut app, "g");
    assert_eq!(app.consumers.cursor.key(), Some(&own));
    assert_eq!(app.why_not(Action::PauseConsumer), None);
    keys(&mut app, "j");
    assert_eq!(app.consumers.cursor.key(), Some(&there));
    let why = app.why_not(Action::Faults).unwrap();
    assert!(why.contains("another instance"), "{why}");
    // Pausing is a wish that every instance follows.
    for action in [Action::PauseConsumer, Action::ResumeConsumer] {
        assert_eq!(app.why_not(action), None);
    }
}

#[test]
fn the_palette_finds_any_action_and_does_it() {
    let mut app = failing(Screen::Flow);
    keys(&mut app, ":");
    type_in(&mut app, "zzz");
    assert!(app.palette_rows("zzz").is_empty());
    keys(&mut app, "ctrl-u");
    type_in(&mut app, "faul");
    let rows = app.palette_rows("faul");
    assert_eq!(rows[0].row.action, Action::Faults);
    assert_eq!(rows[0].elsewhere, Some(Screen::Consumers));
    let replays = app.palette_rows("rep");
    assert_eq!(
        replays[0].row.action,
        Action::Replay,
        "a name before any help"
    );
    keys(&mut app, "enter");
    assert_eq!(app.screen, Screen::Consumers, "it goes where it works");
    assert!(matches!(app.overlay, Some(Overlay::Faults(_))));
}

#[test]
fn the_palette_has_every_command_and_says_why_not() {
    let app = read_only(Screen::Letters);
    let rows = app.palette_rows("");
    let motions = TABLE.len() - rows.len();
    assert_eq!(motions, 9, "only moves and itself are left out");
    let redrive = rows.iter().find(|e| e.row.action == Action::RedriveMany);
    let why = redrive
        .and_then(|e| e.why_not.as_deref())
        .expect("a reason");
    assert!(why.contains("read-only"), "{why}");
    assert!(
        rows[0].row.screens.contains(&Screen::Letters),
        "its own first"
    );
}

#[test]
fn a_theme_is_seen_before_it_is_chosen() {
    let mut app = busy(Screen::Flow);
    let first = app.theme.name.clone();
    keys(&mut app, "t j j");
    let seen = app.theme.name.clone();
    assert_ne!(seen, first);
    keys(&mut app, "esc");
    assert_eq!(app.theme.name, first, "esc goes back");
    keys(&mut app, "t j j enter");
    assert_eq!((app.theme.name, app.overlay.is_none()), (seen, true));
}

fn groups(app: &App) -> Vec<(String, Option<u64>)> {
    let rows = app.lag_rows();
    let groups = rows.iter().filter(|row| row.topic.is_none());
    groups
        .map(|row| (row.group.group.clone(), row.numbers().lag))
        .collect()
}

#[test]
fn a_list_is_sorted_by_any_column_and_remembers_it() {
    let mut app = failing(Screen::Lag);
    let as_it_came = groups(&app);
    keys(&mut app, "s");
    let names: Vec<String> = groups(&app).into_iter().map(|(name, _)| name).collect();
    assert!(names.is_sorted(), "{names:?}");
    keys(&mut app, "s");
    let lags: Vec<_> = groups(&app).into_iter().map(|(_, lag)| lag).collect();
    assert!(
        lags.is_sorted_by(|a, b| a >= b),
        "the largest first: {lags:?}"
    );
    let cursor = app.lag.cursor.key().cloned();
    keys(&mut app, "S");
    let lags: Vec<_> = groups(&app).into_iter().map(|(_, lag)| lag).collect();
    assert!(lags.is_sorted(), "{lags:?}");
    assert_eq!(
        app.lag.cursor.key().cloned(),
        cursor,
        "the cursor keeps its row"
    );
    keys(&mut app, "1 2");
    let again: Vec<_> = groups(&app).into_iter().map(|(_, lag)| lag).collect();
    assert_eq!(again, lags, "remembered");
    keys(&mut app, "s s s s s s");
    assert_eq!(
        groups(&app),
        as_it_came,
        "after the last column, as it came"
    );
    keys(&mut app, "S");
    assert!(said(&app).contains("s sorts it"), "{}", said(&app));
}

#[test]
fn what_is_under_the_cursor_is_copied() {
    for (screen, more, wanted) in [
        (Screen::Lag, "", "email-service"),
        (Screen::Consumers, "", "email"),
        (Screen::Letters, "enter", "\"order_id\""),
        (Screen::Timeline, "", "{"),
    ] {
        let mut app = failing(screen);
        keys(&mut app, more);
        keys(&mut app, "y");
        let copied = app.take_copied().unwrap_or_default();
        assert!(copied.contains(wanted), "{screen:?}: {copied}");
        assert_eq!(app.take_copied(), None, "once");
    }
}

fn mouse(app: &mut App, kind: MouseEventKind, column: u16, row: u16) {
    let frame = common::draw(app, SIZE);
    let event = MouseEvent {
        kind,
        column,
        row,
        modifiers: KeyModifiers::NONE,
    };
    assert_eq!(app.on_mouse(event, &frame), None);
}

#[test]
fn wheel_and_clicks_are_keys() {
    let mut app = failing(Screen::Lag);
    let frame = common::draw(&app, SIZE);
    let text = |row: u16| -> String { (0..SIZE.0).map(|x| frame[(x, row)].symbol()).collect() };
    let click = MouseEventKind::Down(MouseButton::Left);
    let row = (0..SIZE.1)
        .find(|y| text(*y).contains("payment-service"))
        .expect("a row");
    mouse(&mut app, click, 20, row);
    assert_eq!(
        app.lag.cursor.key(),
        Some(&LagKey::Group("payment-service".into()))
    );
    let open = app.lag_rows().len();
    mouse(&mut app, click, 20, row);
    assert!(app.lag_rows().len() < open, "a second click folds it");
    mouse(&mut app, MouseEventKind::ScrollUp, 20, 30);
    assert_ne!(
        app.lag.cursor.key(),
        Some(&LagKey::Group("payment-service".into()))
    );
    let before = app.lag.cursor.key().cloned();
    mouse(&mut app, click, 20, SIZE.1 - 1);
    assert_eq!(
        app.lag.cursor.key().cloned(),
        before,
        "the hints are no row"
    );
    let column = text(1).find("Outbox").expect("a tab");
    mouse(&mut app, click, u16::try_from(column).expect("small"), 1);
    assert_eq!(app.screen, Screen::Outbox);
}

#[test]
fn a_theme_is_seen_when_its_file_is_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("mine.toml");
    let (_, text) = evtop::tui::theme::BUILT_IN[0];
    std::fs::write(&path, text).expect("written");
    let mut file = ThemeFile::new(path.clone(), evtop::tui::theme::Depth::True);
    assert!(file.changed().is_none(), "nothing new");
    let mut app = busy(Screen::Flow);
    app.theme = Theme::parse(&path.to_string_lossy(), text).expect("a theme");
    app.themes = Theme::all(&app.theme);
    let save = |text: &str, seconds: u64| {
        std::fs::write(&path, text).expect("written");
        let saved = std::fs::File::options()
            .append(true)
            .open(&path)
            .expect("a file");
        let at = std::time::UNIX_EPOCH + Duration::from_secs(seconds);
        saved.set_modified(at).expect("a time");
    };
    save(&text.replace("#14171c", "#000001"), 1_000);
    app.on_theme(file.changed().expect("saved"));
    assert_eq!(app.theme.style(Role::Base).bg, Some(Color::Rgb(0, 0, 1)));
    save("base = 3", 2_000);
    app.on_theme(file.changed().expect("saved"));
    assert!(said(&app).contains("mine.toml:1"), "{}", said(&app));
    assert_eq!(
        app.theme.style(Role::Base).bg,
        Some(Color::Rgb(0, 0, 1)),
        "the last good one stays"
    );
}

fn searched(app: &mut App, state: SearchState) {
    let focus = app.focus().messages;
    let mut shown = (*app.newest).clone();
    let topic = focus.topic.clone().expect("a topic");
    let found = fixtures::messages::search(&topic, focus.start, state);
    let mut found = evtop::snapshot::Messages::clone(&found);
    found.asked = focus;
    shown.seq += 1;
    shown.messages.value = Some(Arc::new(found));
    app.on_snapshot(Arc::new(shown));
}

#[test]
fn only_the_topic_that_is_looked_at_is_read() {
    let wide = busy(Screen::Messages);
    assert_eq!(wide.focus().messages.topic.as_deref(), Some("order-events"));
    let mut narrow = app(Screen::Messages, fixtures::busy(), (80, 24));
    assert_eq!(narrow.focus().messages.topic, None, "only topics are seen");
    keys(&mut narrow, "j enter");
    let focus = narrow.focus().messages;
    assert_eq!(focus.topic.as_deref(), Some("payment-events"));
    assert_eq!(focus.mode, Reading::Tail);
    keys(&mut narrow, "1");
    assert_eq!(narrow.focus().messages, MessagesFocus::default());
}

#[test]
fn a_record_stays_while_it_is_read_and_the_end_follows() {
    let mut app = busy(Screen::Messages);
    keys(&mut app, "enter");
    assert!(app.messages.following());
    let newest = app.message().expect("a record").place();
    keys(&mut app, "k");
    assert_ne!(app.message().expect("a record").place(), newest);
    keys(&mut app, "enter G");
    assert_eq!(app.messages.level, Level::Record, "G scrolls what is read");
    keys(&mut app, "esc G");
    assert!(app.messages.following());
    assert_eq!(app.message().expect("a record").place(), newest);
}

#[test]
fn a_search_goes_on_page_by_page_and_back_from_its_first_row() {
    let mut app = busy(Screen::Messages);
    keys(&mut app, "enter o");
    type_in(&mut app, "nonsense");
    keys(&mut app, "enter");
    assert!(said(&app).contains("newest:500"), "{}", said(&app));
    keys(&mut app, "ctrl-u");
    type_in(&mut app, "2:4792");
    keys(&mut app, "enter");
    let focus = app.focus().messages;
    assert_eq!(
        focus.start,
        Start::Offset {
            partition: 2,
            offset: 4_792
        }
    );
    assert_eq!((focus.mode, focus.page), (Reading::Search, 0));
    searched(&mut app, SearchState::More);
    keys(&mut app, "G");
    assert_eq!(app.focus().messages.page, 0, "first to the last row");
    keys(&mut app, "down");
    assert_eq!(app.focus().messages.page, 1);
    searched(&mut app, SearchState::End);
    keys(&mut app, "g up");
    let focus = app.focus().messages;
    assert_eq!(
        focus.start,
        Start::Offset {
            partition: 2,
            offset: 4_592
        }
    );
    assert_eq!(focus.page, 0);
    searched(&mut app, SearchState::End);
    assert_eq!(
        app.message().expect("a record").place(),
        (2, 4_792),
        "it is still there"
    );
    keys(&mut app, "G G");
    assert!(app.messages.following());
}

#[test]
fn m_goes_to_the_record_and_esc_comes_back() {
    let mut app = busy(Screen::Letters);
    keys(&mut app, "enter m");
    assert_eq!(app.screen, Screen::Messages);
    let focus = app.focus().messages;
    let Start::Offset { partition, offset } = focus.start else {
        panic!("{focus:?}");
    };
    let target = app.messages.target.expect("a record");
    assert_eq!((partition, offset + 20), target, "with its neighbours");
    keys(&mut app, "esc");
    assert_eq!(app.screen, Screen::Letters);
    assert_eq!(app.letters.depth, Depth::Letters);

    let mut app = busy(Screen::Lag);
    keys(&mut app, "m");
    assert_eq!(app.screen, Screen::Lag);
    assert!(said(&app).contains("unfold"), "{}", said(&app));
    let group = &app.shown.lag.value.as_ref().expect("groups")[0];
    let (topic, row) = (&group.topics[0], &group.topics[0].partitions[1]);
    let (committed, place) = (
        row.committed.expect("an offset"),
        (group.group.clone(), topic.topic.clone(), row.partition),
    );
    app.jump(evtop::snapshot::Place::Lag {
        group: place.0,
        topic: Some(place.1.clone()),
        partition: Some(place.2),
    });
    keys(&mut app, "m");
    assert_eq!(app.messages.target, Some((place.2, committed)));
    assert_eq!(app.focus().messages.topic, Some(place.1));
    keys(&mut app, "2 8 esc");
    assert_eq!(
        app.screen,
        Screen::Messages,
        "who went on by himself is not sent back"
    );

    let mut app = busy(Screen::Outbox);
    keys(&mut app, "G m");
    assert_eq!(app.screen, Screen::Messages);
    let sent = app
        .shown
        .outbox
        .value
        .as_ref()
        .and_then(|o| o.sent.last())
        .expect("a sent row");
    assert_eq!(app.messages.target, Some((sent.partition, sent.offset)));

    let mut app = busy(Screen::Timeline);
    let event = app
        .events()
        .last()
        .map(|e| (e.event_id, e.recorded_at))
        .expect("an event");
    keys(&mut app, "m");
    let focus = app.focus().messages;
    let by_id = format!("header.event_id={}", event.0);
    assert_eq!(focus.filter.text(), by_id);
    assert!(app.seeks_record());
    let since = event.1 - chrono::TimeDelta::seconds(2);
    assert_eq!(focus.start, Start::Time(When::At(since)));
    keys(&mut app, "esc");
    assert_eq!(app.screen, Screen::Messages, "first its neighbours");
    assert!(app.focus().messages.filter.is_empty());
    keys(&mut app, "esc");
    assert_eq!(app.screen, Screen::Timeline);
}

#[test]
fn what_a_filter_found_stays_among_its_neighbours() {
    let mut app = busy(Screen::Timeline);
    keys(&mut app, "m");
    searched(&mut app, SearchState::End);
    keys(&mut app, "j j j");
    let found = app.message().expect("a record").place();
    keys(&mut app, "esc");
    assert!(app.focus().messages.filter.is_empty());
    searched(&mut app, SearchState::End);
    assert_eq!(app.message().expect("a record").place(), found);
    assert_eq!(app.messages.target, Some(found));
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
}
