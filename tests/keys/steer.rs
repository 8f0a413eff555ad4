//! What is asked of the services from their screens: orders, traffic, pauses, faults, replays.

use evtop::command::Confirmed;
use evtop::domain::position::Position;

use super::*;

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
    let done = || {
        Ok(Done::WouldReplay {
            events: 5,
            first: None,
            last: Some(Position { tx: 0, pos: 9 }),
            span: None,
        })
    };
    let counted = |app: &App| matches!(&app.overlay, Some(Overlay::Replay(form)) if matches!(form.dry, Dry::Counted { events: 5, .. }));
    app.on_outcome(Outcome { id, result: done() });
    assert!(counted(&app));
    // Another target may not read all of it, or what the first one refused.
    let sent = keys(&mut app, "right");
    assert!(matches!(&sent[..], [Command::Replay { dry_run: true, .. }]) && !counted(&app));
    let id = Uuid::from_u128(8);
    app.on_sent(id, sent[0].clone());
    app.on_outcome(Outcome { id, result: done() });
    // Counting needs no rate, so one that is being typed holds nothing up.
    let mut other = app.clone();
    let asked = keys(&mut other, "down down ctrl-u up up left");
    assert!(matches!(
        &asked[..],
        [Command::Replay { dry_run: true, .. }]
    ));
    // Events of old may be beyond what only a forced replay may bring, so that is counted anew too.
    let sent = keys(&mut app, "down right");
    assert!(matches!(
        &sent[..],
        [Command::Replay {
            force: true,
            dry_run: true,
            ..
        }]
    ));
    let id = Uuid::from_u128(9);
    app.on_sent(id, sent[0].clone());
    app.on_outcome(Outcome { id, result: done() });
    let sent = keys(&mut app, "enter enter y");
    let [
        Command::Replay {
            target,
            force,
            confirmed,
            dry_run,
            ..
        },
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    assert_eq!(target, &ReplayTarget::Service("analytics".into()));
    assert!(*force && !dry_run);
    let counted = Confirmed {
        up_to: Position { tx: 0, pos: 9 },
        count: 5,
    };
    assert_eq!(*confirmed, Some(counted), "no more than was counted")
}

/// One event, its stream from there on, or all of its stream; each choice is counted anew, and an answer to
/// another one's question is none.
#[test]
fn a_replay_begins_where_one_chooses() {
    let mut app = busy(Screen::Timeline);
    keys(&mut app, "k k k");
    let here = app.timeline.cursor.key().copied();
    let events = app.events().into_iter();
    let mut events = events.filter(|e| Some(e.position) == here);
    let event = events.next().cloned().expect("the one under the cursor");
    let first = keys(&mut app, "p");
    let stale = Uuid::from_u128(7);
    app.on_sent(stale, first[0].clone());
    let sent = keys(&mut app, "up right");
    let [
        Command::Replay {
            dry_run: true,
            events,
            ..
        },
    ] = &sent[..]
    else {
        panic!("{sent:?}");
    };
    let from_here = EventFilter {
        stream: Some(event.stream.clone()),
        from_version: Some(event.version),
        ..EventFilter::default()
    };
    assert_eq!(*events, EventChoice::Matching(from_here));
    let counted = |events| Done::WouldReplay {
        events,
        first: None,
        last: None,
        span: None,
    };
    let result = Ok(counted(1));
    app.on_outcome(Outcome { id: stale, result });
    keys(&mut app, "enter");
    assert!(said(&app).contains("Still counting"));
    let id = Uuid::from_u128(8);
    app.on_sent(id, sent[0].clone());
    let result = Ok(counted(3));
    app.on_outcome(Outcome { id, result });
    let sent = keys(&mut app, "enter y");
    assert!(
        matches!(
            &sent[..],
            [Command::Replay {
                dry_run: false,
                events: EventChoice::Matching(_),
                ..
            }]
        ),
        "{sent:?}"
    );
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
