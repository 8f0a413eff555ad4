//! What is drawn of events and letters, line by line.

use super::*;
use crate::domain::letter::fixture;
use crate::domain::position::Position;

/// An event of a service, caused by another one's number.
fn event(n: u128, service: &str, stream: &str, cause: Option<u128>) -> StoredEvent {
    let at = |n: u128| -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_000 * i64::try_from(n).expect("small")).expect("a time")
    };
    StoredEvent {
        position: Position { tx: 0, pos: 1 },
        event_id: Uuid::from_u128(n),
        stream: stream.into(),
        version: 1,
        event_type: "OrderCreated".into(),
        event_version: 2,
        correlation_id: Uuid::nil(),
        causation_id: cause.map(Uuid::from_u128),
        source_service: service.into(),
        timestamp: at(n),
        recorded_at: at(n),
        payload: String::new(),
    }
}

fn drawn(events: &[StoredEvent], step: usize) -> Vec<String> {
    let events: Vec<&StoredEvent> = events.iter().collect();
    let lanes = Lanes::of(&events, &[]);
    let rows = 0..events.len();
    rows.map(|row| {
        let cells = lanes.cells(row, step);
        let line: String = cells.iter().map(|c| c.symbol(false)).collect();
        line.trim_end().to_owned()
    })
    .collect()
}

#[test]
fn arrows_lead_from_cause_to_effect_through_other_lanes() {
    let events = [
        event(1, "order", "o", None),
        event(2, "inventory", "o", Some(1)),
        event(3, "payment", "o", Some(1)),
        event(4, "shipping", "o", Some(2)),
        event(5, "order", "o", Some(3)),
    ];
    assert_eq!(
        drawn(&events, 4),
        ["●", "├──▶●", "└───┼──▶●", "    └───┼──▶●", "●◀──────┘",]
    );
    assert_eq!(drawn(&events, 2)[1..3], ["├▶●", "└─┼▶●"]);
}

#[test]
fn an_arrow_that_would_begin_at_another_event_is_not_drawn() {
    let events = [
        event(1, "order", "o", None),
        event(2, "order", "o", Some(1)),
        event(3, "payment", "o", Some(1)),
        event(4, "payment", "o", Some(77)),
        event(5, "payment", "o", Some(6)),
        event(6, "payment", "o", None),
    ];
    let all: Vec<&StoredEvent> = events.iter().collect();
    let causes: Vec<Cause> = Lanes::of(&all, &[]).nodes.iter().map(|n| n.cause).collect();
    assert_eq!(
        causes,
        [
            Cause::Unnamed,
            Cause::Arrow(0),
            Cause::Row(0),
            Cause::Elsewhere(Uuid::from_u128(77)),
            Cause::Row(5),
            Cause::Unnamed,
        ]
    );
    assert_eq!(drawn(&events, 4)[..3], ["●", "●", "    ●"]);
}

#[test]
fn a_dead_letter_stands_in_the_lane_of_who_failed() {
    let events = [
        event(1, "order-service", "o", None),
        event(2, "inventory-service", "o", Some(1)),
        event(4, "order-service", "o", Some(2)),
    ];
    let letter = |of: u128, group: &str, at: i64| {
        let at = DateTime::from_timestamp_millis(at).expect("a time");
        Letter {
            id: Uuid::from_u128(of),
            code: "timeout".into(),
            event_id: Some(Uuid::from_u128(of)),
            first_failed_at: at,
            last_failed_at: at,
            ..fixture::letter(group)
        }
    };
    let letters = [
        letter(1, "email-service", 3_000),
        letter(4, "inventory-service", 3_500),
        letter(9, "email-service", 3_000),
    ];
    let all: Vec<&StoredEvent> = events.iter().collect();
    let lanes = Lanes::of(&all, &letters);
    assert_eq!(
        lanes.names,
        ["order-service", "inventory-service", "email-service"]
    );
    let rows: Vec<Of> = lanes.nodes.iter().map(|n| n.of).collect();
    // One whose event is not listed has no place; one of a clock that is behind stands below its event.
    let wanted = [
        Of::Event(0),
        Of::Event(1),
        Of::Letter(0),
        Of::Event(2),
        Of::Letter(1),
    ];
    assert_eq!(rows, wanted);
    let picture: Vec<String> = (0..5)
        .map(|row| {
            lanes
                .cells(row, 4)
                .iter()
                .map(|c| c.symbol(false))
                .collect()
        })
        .collect();
    assert_eq!(
        picture,
        [
            "●        ",
            "├──▶●    ",
            "└───┼──▶✗",
            "●◀──┘    ",
            "└──▶✗    "
        ]
    );
}

#[test]
fn one_service_has_a_lane_for_each_stream() {
    let events = [
        event(1, "order", "a", None),
        event(2, "order", "b", Some(1)),
    ];
    let all: Vec<&StoredEvent> = events.iter().collect();
    let lanes = Lanes::of(&all, &[]);
    assert_eq!(lanes.names, ["a", "b"]);
    assert_eq!(lanes.nodes[1].gap, Some(TimeDelta::seconds(1)));
    assert_eq!(lanes.nodes[0].gap, None);
}

#[test]
fn whoever_comes_late_shares_the_last_lane() {
    let events: Vec<StoredEvent> = (0..20)
        .map(|n| event(n, &format!("s{n}"), "o", n.checked_sub(1)))
        .collect();
    let all: Vec<&StoredEvent> = events.iter().collect();
    let lanes = Lanes::of(&all, &[]);
    assert_eq!(lanes.names.len(), MOST);
    assert_eq!(lanes.names[MOST - 1], "13 more");
    for row in 0..20 {
        let cells = lanes.cells(row, 2);
        assert_eq!(cells.iter().filter(|c| **c == Stroke::Event).count(), 1);
    }
    assert_eq!(Lanes::of(&[], &[]).cells(0, 2).len(), 1);
}
