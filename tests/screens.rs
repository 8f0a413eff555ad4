//! Every screen with every fixture in three sizes, and what lies above them.

mod common;

use chrono::TimeDelta;
use common::{app, draw, fixtures, keys, styled, text};
use evtop::command::{Done, Outcome, Refusal, RefusalKind, Screen};
use evtop::domain::when::Start;
use evtop::snapshot::{Relay, SearchState, Series, Snapshot};
use evtop::tui::colour::Depth;
use evtop::tui::frame::Frame;
use evtop::tui::theme::Theme;

const SIZES: [(u16, u16); 3] = [(80, 24), (140, 42), (40, 12)];

fn screen(screen: Screen, name: &str) {
    for (fixture, make) in fixtures::ALL {
        for size in SIZES {
            let app = app(screen, make(), size);
            let name = format!("{name}__{fixture}__{}x{}", size.0, size.1);
            insta::assert_snapshot!(name, styled(&app, size));
        }
    }
}

#[test]
fn flow() {
    screen(Screen::Flow, "flow");
}

#[test]
fn lag() {
    screen(Screen::Lag, "lag");
}

#[test]
fn consumers() {
    screen(Screen::Consumers, "consumers");
}

#[test]
fn outbox() {
    screen(Screen::Outbox, "outbox");
}

#[test]
fn letters() {
    screen(Screen::Letters, "letters");
}

#[test]
fn timeline() {
    screen(Screen::Timeline, "timeline");
}

#[test]
fn messages() {
    screen(Screen::Messages, "messages");
    let busy = fixtures::busy;
    let reading = |state| {
        let mut shown = busy();
        let start = Start::parse("offset:2:4792").expect("a start");
        shown.messages.value = Some(fixtures::messages::search("order-events", start, state));
        shown
    };
    const FROM: &str = "enter o 2 : 4 7 9 2 enter";
    for size in SIZES {
        let name = |what: &str| format!("messages_{what}__{}x{}", size.0, size.1);
        let on = Screen::Messages;
        after(&name("tail"), on, busy(), size, "enter");
        after(&name("record"), on, busy(), size, "enter k k enter");
        after(
            &name("bytes"),
            on,
            fixtures::unicode(),
            size,
            "enter k enter",
        );
        after(&name("hostile"), on, fixtures::unicode(), size, "enter");
        after(
            &name("nothing"),
            on,
            fixtures::unicode(),
            size,
            "enter k k k k enter",
        );
        let found = reading(SearchState::Reading);
        after(&name("searching"), on, found, size, FROM);
        let filter = format!("{FROM} / k e y = O R D enter");
        let found = reading(SearchState::More);
        after(&name("filtered"), on, found, size, &filter);
        after(&name("start"), on, busy(), size, "enter o 1 5");
        after(&name("filter_typed"), on, busy(), size, "enter / ~ (");
        after(&name("elsewhere"), on, busy(), size, "j enter");
        let mut app = app(Screen::Timeline, busy(), size);
        keys(&mut app, "m");
        let mut shown = busy();
        let start = app.focus().messages.start;
        let mut found =
            (*fixtures::messages::search("order-events", start, SearchState::End)).clone();
        found.rows = [].into();
        found.matched = 0;
        found.since = Some(shown.taken - TimeDelta::seconds(2));
        shown.messages.value = Some(found.into());
        app.on_snapshot(std::sync::Arc::new(shown));
        insta::assert_snapshot!(name("sought"), styled(&app, size));
    }
}

#[test]
fn activity() {
    screen(Screen::Activity, "activity");
}

/// A state that keys lead to.
fn after(name: &str, on: Screen, snapshot: Snapshot, size: (u16, u16), pressed: &str) {
    let mut app = app(on, snapshot, size);
    keys(&mut app, pressed);
    insta::assert_snapshot!(name, styled(&app, size));
}

const USUAL: (u16, u16) = (80, 24);
const WIDE: (u16, u16) = (140, 42);

#[test]
fn what_lies_above() {
    let (busy, failing) = (fixtures::busy, fixtures::failing);
    after("help", Screen::Letters, busy(), WIDE, "?");
    after("help_small", Screen::Timeline, busy(), (40, 12), "? j j");
    after(
        "help_read_only",
        Screen::Timeline,
        fixtures::huge(),
        USUAL,
        "?",
    );
    after("inject", Screen::Flow, busy(), USUAL, "i down down 5");
    after(
        "filter_typed",
        Screen::Consumers,
        busy(),
        USUAL,
        "/ m a i l",
    );
    after(
        "filter_kept",
        Screen::Consumers,
        busy(),
        USUAL,
        "/ ! m a i l enter",
    );
    after(
        "filter_without_rows",
        Screen::Lag,
        busy(),
        USUAL,
        "/ z z enter",
    );
    // A heading says that a filter is on, wherever one can filter.
    for (screen, name, typed) in [
        (Screen::Flow, "flow", "/ r e d i s enter"),
        (Screen::Lag, "lag", "/ m a i l enter"),
        (Screen::Outbox, "outbox", "/ P a y m e n t enter"),
        (Screen::Letters, "letters", "/ O R D enter"),
        (Screen::Timeline, "timeline", "/ P a y m e n t enter"),
        (Screen::Activity, "activity", "/ r e p l a y enter"),
    ] {
        let mut shown = busy();
        if let Some(letters) = &mut shown.letters.value {
            letters.filter = common::resolved("ORD");
        }
        after(&format!("filter_on_{name}"), screen, shown, USUAL, typed);
    }
    after(
        "filter_of_times",
        Screen::Timeline,
        busy(),
        USUAL,
        "/ a f t e r = 2 s enter",
    );
    after(
        "filter_of_times_typed",
        Screen::Timeline,
        busy(),
        USUAL,
        "/ b e f o r e = 1 2",
    );
    after(
        "filter_small",
        Screen::Outbox,
        busy(),
        (40, 12),
        "/ P a y m enter",
    );
    after(
        "inject_empty",
        Screen::Flow,
        busy(),
        USUAL,
        "i backspace enter",
    );
    after("redrive_disabled", Screen::Letters, failing(), WIDE, "j R");
    after("faults", Screen::Consumers, busy(), USUAL, "f down down 1");
    after("replay", Screen::Timeline, busy(), USUAL, "p down right");
    after("confirm", Screen::Letters, busy(), USUAL, "R");
    after("confirm_production", Screen::Letters, failing(), USUAL, "R");
    after(
        "confirm_production_typed",
        Screen::Letters,
        failing(),
        USUAL,
        "R 9",
    );
    after("confirm_small", Screen::Letters, failing(), (40, 12), "R");
    after(
        "confirm_hostile",
        Screen::Letters,
        fixtures::unicode(),
        USUAL,
        "enter r",
    );
}

#[test]
fn palette_and_themes() {
    for (size, name) in [(WIDE, ""), ((40, 12), "_small")] {
        let after = |what: &str, screen, pressed| {
            after(
                &format!("{what}{name}"),
                screen,
                fixtures::failing(),
                size,
                pressed,
            );
        };
        after("palette", Screen::Letters, ":");
        after("palette_typed", Screen::Flow, ": r e d");
        after("palette_none", Screen::Flow, ": q q q");
        after("themes", Screen::Lag, "t j");
        after("sorted_lag", Screen::Lag, "s s");
        after("sorted_consumers", Screen::Consumers, "s s s S");
        after("sorted_letters", Screen::Letters, "s s S enter s s");
    }
}

#[test]
fn a_consumer_s_partitions() {
    for size in SIZES {
        let mut app = app(Screen::Consumers, fixtures::failing(), size);
        keys(&mut app, "j j enter");
        let name = format!("consumer_opened__{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, styled(&app, size));
    }
}

#[test]
fn deeper() {
    let (busy, failing) = (fixtures::busy, fixtures::failing);
    after("write_payload", Screen::Timeline, busy(), USUAL, "w");
    after("write_screen", Screen::Lag, busy(), (40, 12), "w");
    after(
        "events_marked",
        Screen::Timeline,
        busy(),
        USUAL,
        "k k k x j x",
    );
    after(
        "records_marked",
        Screen::Messages,
        busy(),
        WIDE,
        "enter g x x",
    );
    after("sent_sorted", Screen::Outbox, busy(), WIDE, "G s s s s s");
    after(
        "letters_of_a_cause",
        Screen::Letters,
        failing(),
        USUAL,
        "enter x x j",
    );
    after(
        "letter_in_full",
        Screen::Letters,
        failing(),
        USUAL,
        "enter enter",
    );
    after(
        "letter_in_full_hostile",
        Screen::Letters,
        fixtures::unicode(),
        WIDE,
        "enter enter",
    );
    for (name, size) in [("wide", WIDE), ("usual", USUAL)] {
        let foreign = || fixtures::with_letter(fixtures::letters::spring());
        let unknown = || fixtures::with_letter(fixtures::letters::nobodys());
        let after = |what: &str, shown, pressed| {
            after(
                &format!("{what}_{name}"),
                Screen::Letters,
                shown,
                size,
                pressed,
            );
        };
        after("letter_foreign", foreign(), "enter enter");
        after("letter_foreign_below", foreign(), "enter enter pgdn pgdn");
        after("letter_foreign_redrive", foreign(), "enter r");
        after("letter_unknown", unknown(), "enter enter");
        after("letter_unknown_below", unknown(), "enter enter pgdn pgdn");
        after("letters_unknown", unknown(), "enter");
    }
    after(
        "letter_in_full_small",
        Screen::Letters,
        failing(),
        (40, 12),
        "enter enter j",
    );
    let mut two = busy();
    let mut other = two.consumers[0].clone();
    other.instance = Some("4711@web-2".into());
    other.state = evtop::snapshot::ConsumerState::CircuitOpen;
    other.state_reason =
        Some("10 of the last 20 tries failed, the last with gateway_timeout".into());
    two.consumers.insert(1, other);
    after(
        "consumers_of_two_instances",
        Screen::Consumers,
        two.clone(),
        WIDE,
        "j",
    );
    after("flow_of_two_instances", Screen::Flow, two, WIDE, "");
    for (name, size, pressed) in [
        ("wide", WIDE, ""),
        ("wide_open", WIDE, "enter"),
        ("wide_raw", WIDE, "enter v"),
        ("usual", USUAL, "enter"),
        ("usual_raw", USUAL, "enter v"),
    ] {
        let name = format!("upcast_{name}");
        after(&name, Screen::Timeline, fixtures::upcast(), size, pressed);
    }
    after("event_in_full", Screen::Timeline, busy(), USUAL, "enter");
    after("event_above", Screen::Timeline, busy(), WIDE, "k k k");
    for (width, height) in SIZES {
        let name = format!("correlation__{width}x{height}");
        let shown = fixtures::correlation();
        after(&name, Screen::Timeline, shown, (width, height), "c k k");
    }
    after("correlation_wide_tail", Screen::Timeline, busy(), WIDE, "c");
    after("flow_outbox", Screen::Flow, busy(), WIDE, "g");
    after("flow_topic", Screen::Flow, busy(), WIDE, "g j");
    after("flow_consumer", Screen::Flow, busy(), USUAL, "g l l");
    after("flow_one_line", Screen::Flow, busy(), (40, 12), "g j");
    after(
        "flow_many_topics",
        Screen::Flow,
        fixtures::huge(),
        WIDE,
        "g pgdn",
    );
    after("lag_jump", Screen::Flow, failing(), WIDE, "enter");
    after("lag_folded", Screen::Lag, failing(), USUAL, "g h");
    after(
        "consumer_holding",
        Screen::Consumers,
        failing(),
        WIDE,
        "j j",
    );
    after(
        "consumer_small",
        Screen::Consumers,
        failing(),
        (40, 12),
        "j j enter",
    );
    after("audit", Screen::Activity, busy(), USUAL, "l");
    after("log", Screen::Activity, busy(), USUAL, "l l k");
}

#[test]
fn frozen_and_said() {
    let mut app = app(Screen::Consumers, fixtures::busy(), USUAL);
    keys(&mut app, "space");
    let mut later = fixtures::busy();
    later.taken += chrono::TimeDelta::seconds(14);
    later.consumers.clear();
    app.on_snapshot(std::sync::Arc::new(later));
    insta::assert_snapshot!("frozen", styled(&app, USUAL));
    let id = uuid::Uuid::nil();
    let refused = Err(Refusal {
        kind: RefusalKind::Conflict,
        sentence: "Another redrive of this topic runs: wait for it, or cancel it on 9 Activity"
            .into(),
    });
    let done = Ok(Done::ConsumerPaused {
        service: "email\u{1b}[31m".into(),
    });
    for result in [refused, done] {
        app.on_outcome(Outcome { id, result });
    }
    insta::assert_snapshot!("toasts", styled(&app, USUAL));
}

#[test]
fn ascii_only() {
    for screen in Screen::ALL {
        for snapshot in [fixtures::empty(), fixtures::busy(), fixtures::failing()] {
            for (size, pressed) in [
                (WIDE, ""),
                (USUAL, "enter enter"),
                ((40, 12), "?"),
                (WIDE, "t"),
                ((20, 5), ""),
            ] {
                let mut app = app(screen, snapshot.clone(), size);
                app.ascii = true;
                keys(&mut app, pressed);
                let picture = text(&draw(&app, size));
                let other = picture.chars().find(|c| !c.is_ascii());
                assert_eq!(other, None, "{screen:?} {size:?} {pressed}: {picture}");
            }
        }
    }
    for (screen, name) in [
        (Screen::Flow, "flow"),
        (Screen::Lag, "lag"),
        (Screen::Activity, "activity"),
    ] {
        let mut app = app(screen, fixtures::failing(), WIDE);
        app.ascii = true;
        let picture = common::text(&common::draw(&app, WIDE));
        insta::assert_snapshot!(format!("ascii_{name}"), picture);
    }
    for (size, name) in [(WIDE, "wide"), ((40, 12), "small")] {
        let mut app = app(Screen::Timeline, fixtures::correlation(), size);
        app.ascii = true;
        keys(&mut app, "c k");
        let picture = text(&draw(&app, size));
        insta::assert_snapshot!(format!("ascii_correlation_{name}"), picture);
    }
}

/// A minute of a stack at which nothing happens, two snapshots a second: probes take a little more or
/// less, series grow by zeros, ages grow. Every frame that differs goes over somebody's SSH.
#[test]
fn a_paused_operation() {
    for size in SIZES {
        let mut snapshot = fixtures::failing();
        snapshot.activity.operations[0].paused = true;
        let app = app(Screen::Activity, snapshot, size);
        let name = format!("activity_paused__{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, styled(&app, size));
    }
}

/// A name that says it already is not said twice.
#[test]
fn production_is_said_once() {
    let mut snapshot = fixtures::failing();
    snapshot.stack.name = "production".into();
    let shown = text(&draw(&app(Screen::Flow, snapshot, (140, 42)), (140, 42)));
    assert_eq!(shown.matches("production").count(), 1);
}

/// A profile's colour is on the name and the rule; production's goes before it.
#[test]
fn a_profile_has_its_colour() {
    const SIZE: (u16, u16) = (140, 42);
    let frame = Frame::new("#5f00af".parse().expect("a colour"), Depth::True);
    for production in [false, true] {
        let mut snapshot = fixtures::failing();
        snapshot.stack.production = production;
        let mut app = app(Screen::Flow, snapshot, SIZE);
        app.theme = Theme::built_in("dark").expect("a theme");
        app.frame = Some(frame);
        let wanted = if production {
            Frame::production(&app.theme)
        } else {
            frame
        };
        let shown = draw(&app, SIZE);
        let top = text(&shown);
        let at = top.find("orders-eu").expect("the stack's name");
        let name = shown[(u16::try_from(at).expect("in the first row"), 0)].style();
        assert_eq!((name.fg, name.bg), (wanted.name.fg, wanted.name.bg));
        assert_eq!(shown[(0, 2)].style().fg, wanted.rule.fg);
        assert_eq!(top.contains(" production orders-eu "), production);
    }
}

#[test]
fn an_idle_stack_stands_still() {
    let idle = |n: u64| {
        let mut snapshot = fixtures::busy();
        let quiet = |series: &mut Series| {
            series.step = std::time::Duration::from_secs(1);
            series.points = std::iter::once(None)
                .chain((0..n / 2).map(|_| Some(0.0)))
                .collect();
        };
        snapshot.seq += n;
        // Long after the last event; the minute of the clock turns once.
        snapshot.taken += TimeDelta::seconds(600) + TimeDelta::milliseconds(500) * (n as i32);
        for (at, dependency) in snapshot.health.iter_mut().enumerate() {
            let jitter = std::time::Duration::from_micros(100 + n * 37 % 700 * (at as u64 + 1));
            dependency.latency = dependency.latency.map(|_| jitter);
        }
        let now = Some(snapshot.taken);
        snapshot.traffic.orders_per_s = Some(0.0);
        quiet(&mut snapshot.traffic.history);
        for topic in snapshot.topics.value.iter_mut().flatten() {
            topic.rate = Some(0.0);
            quiet(&mut topic.history);
        }
        for consumer in &mut snapshot.consumers {
            consumer.events_per_s = Some(0.0);
            quiet(&mut consumer.history);
        }
        if let Some(outbox) = &mut snapshot.outbox.value {
            (outbox.pending, outbox.oldest) = (0, None);
            outbox.head.clear();
            quiet(&mut outbox.pending_history);
            quiet(&mut outbox.rate_history);
        }
        let groups = snapshot.lag.value.as_deref().cloned().unwrap_or_default();
        let still = groups.into_iter().map(|mut group| {
            quiet(&mut group.numbers.history);
            for topic in &mut group.topics {
                quiet(&mut topic.numbers.history);
                for partition in &mut topic.partitions {
                    quiet(&mut partition.numbers.history);
                }
            }
            group
        });
        snapshot.lag.value = Some(std::sync::Arc::new(still.collect()));
        snapshot.lag.at = now;
        snapshot.outbox.at = now;
        snapshot.letters.at = now;
        snapshot.timeline.at = now;
        snapshot
    };
    let minute: Vec<_> = (5..4 + 120).map(|n| std::sync::Arc::new(idle(n))).collect();
    for screen in Screen::ALL {
        let mut app = app(screen, idle(4), WIDE);
        let mut last = common::draw(&app, WIDE);
        let mut frames = Vec::new();
        for (n, snapshot) in minute.iter().enumerate() {
            app.on_snapshot(std::sync::Arc::clone(snapshot));
            let next = common::draw(&app, WIDE);
            if next != last {
                frames.push(n);
                last = next;
            }
        }
        // The clock's minute, and ages of a minute or more that do not turn with it.
        assert!(frames.len() <= 4, "{screen:?}: {frames:?}");
    }
}

#[test]
fn a_narrow_screen_says_what_it_needs() {
    for size in [(39, 12), (40, 11), (12, 3), (1, 1)] {
        let app = app(Screen::Flow, fixtures::busy(), size);
        let name = format!("too_small__{}x{}", size.0, size.1);
        insta::assert_snapshot!(name, common::text(&common::draw(&app, size)));
    }
}

#[test]
fn the_hints_that_count_stand_at_any_width() {
    for screen in Screen::ALL {
        for (width, height) in SIZES {
            let size = (width, height);
            let picture = text(&draw(&app(screen, fixtures::busy(), size), size));
            let hints = picture.lines().last().expect("a hint bar");
            let opens = screen != Screen::Activity;
            assert_eq!(hints.contains("⏎ open"), opens, "{screen:?}: {hints}");
            for hint in ["/ filter", "? help"] {
                assert!(hints.contains(hint), "{screen:?}: {hints}");
            }
        }
    }
}

/// What stands on a screen of a cluster that is not ours.
fn attached(on: Screen, unread: Option<u64>, open: u64) -> String {
    let mut shown = fixtures::huge();
    shown.stack.attached = true;
    let letters = shown
        .letters
        .value
        .as_mut()
        .expect("the fixture has letters");
    (letters.unread, letters.open) = (unread, open);
    let app = app(on, shown, WIDE);
    styled(&app, WIDE)
}

#[test]
fn a_cluster_of_others_shows_words_where_it_has_no_figures() {
    for (screen, words) in [
        (Screen::Outbox, "outbox is not evtop's"),
        (Screen::Timeline, "no event store of evtop's"),
        (Screen::Consumers, "consumers are not evtop's"),
        (Screen::Flow, "not evtop's here"),
    ] {
        let shown = attached(screen, Some(0), 0);
        assert!(shown.contains(words), "{screen:?}:\n{shown}");
        assert!(!shown.contains("pending"), "{screen:?}:\n{shown}");
        assert!(shown.contains("attached"), "the top line says it");
        assert!(shown.contains("READ-ONLY"), "{screen:?}:\n{shown}");
    }
    // Until the dead-letter topics are read, that none was found means nothing.
    assert!(attached(Screen::Flow, Some(0), 0).contains("0 open"));
    for unread in [None, Some(3)] {
        assert!(!attached(Screen::Flow, unread, 0).contains("0 open"));
        assert!(attached(Screen::Flow, unread, 2).contains("2 open"));
    }
}

#[test]
fn relays_of_other_processes_are_alive_silent_or_nobodys() {
    let (_, busy) = fixtures::ALL
        .iter()
        .find(|(name, _)| *name == "busy")
        .unwrap();
    let mut snapshot = busy();
    let taken = snapshot.taken;
    let relay = |shard: &str, owner: Option<&str>, age: i64| Relay {
        shard: shard.into(),
        owner: owner.map(str::to_owned),
        heard: owner.map(|_| taken - TimeDelta::milliseconds(age)),
        ..Relay::default()
    };
    let outbox = snapshot.outbox.value.as_mut();
    outbox.expect("the fixture has an outbox").relays = vec![
        relay("1 of 3", Some("412@one"), 400),
        relay("2 of 3", Some("977@two"), 4_000),
        relay("3 of 3", None, 0),
    ];
    let shown = text(&draw(&app(Screen::Outbox, snapshot, (80, 24)), (80, 24)));
    for line in [
        "shard 1 of 3  alive  412@one",
        "shard 2 of 3  silent for 4 s  977@two",
        "shard 3 of 3  nobody sends it  –",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}
