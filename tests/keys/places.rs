//! The ways from one screen to another: findings, the flow's places, an outbox row.

use super::*;

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
