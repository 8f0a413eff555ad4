//! The records of a topic: read on, searched, and come back from.

use super::*;

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
    searched(&mut app, SearchState::Reading);
    let found = app.messages.target.expect("found by its id");
    let focus = app.focus().messages;
    assert!(focus.filter.is_empty(), "its neighbours are read too");
    assert!(matches!(focus.start, Start::Offset { partition, .. } if partition == found.0));
    assert_eq!(app.messages.cursor.key(), Some(&found));
    keys(&mut app, "esc");
    assert_eq!(app.screen, Screen::Timeline, "one step back");
}

#[test]
fn what_a_filter_found_stays_among_its_neighbours() {
    let mut app = busy(Screen::Outbox);
    keys(&mut app, "G m / O R D enter");
    searched(&mut app, SearchState::End);
    keys(&mut app, "j j j");
    let found = app.message().expect("a record").place();
    keys(&mut app, "esc");
    assert!(app.focus().messages.filter.is_empty());
    searched(&mut app, SearchState::End);
    assert_eq!(app.message().expect("a record").place(), found);
    assert_eq!(app.messages.target, Some(found));
}

/// What is sought is dropped by whoever goes elsewhere, and an answer to another filter is none.
#[test]
fn a_record_that_is_sought_is_let_go() {
    let mut app = busy(Screen::Timeline);
    keys(&mut app, "m");
    let sought = app.focus().messages;
    let mut other = (*app.newest).clone();
    let found = fixtures::messages::search("order-events", sought.start, SearchState::End);
    let mut found = evtop::snapshot::Messages::clone(&found);
    found.asked = evtop::command::MessagesFocus {
        filter: evtop::domain::filter::Resolved::NONE,
        ..sought.clone()
    };
    other.seq += 1;
    other.messages.value = Some(Arc::new(found));
    app.on_snapshot(Arc::new(other));
    assert_eq!((app.messages.target, app.seeks_record()), (None, true));

    keys(&mut app, "left");
    assert_eq!(
        (app.messages.level, app.messages.from),
        (Level::Topics, None)
    );
    assert!(!app.seeks_record());
    searched(&mut app, SearchState::End);
    assert_eq!(app.screen, Screen::Messages);
    keys(&mut app, "enter");
    assert!(
        app.focus().messages.filter.is_empty(),
        "it was no filter of a person's"
    );
}
