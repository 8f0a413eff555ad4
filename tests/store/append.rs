//! Appending to the event store.

use evtop::domain::money::Money;
use evtop::domain::position::Position;
use evtop::domain::stored::EventFilter;
use evtop::store::{Expected, Page, Part, StoreError};

use crate::kit::{Kit, cancelled, created, drop_after, paid};

pub async fn versions_count_from_one(kit: Kit) {
    let (first, second) = (created("O-1", &[("A", 1)]), cancelled("O-1"));
    let envelopes = [kit.envelope(&first), kit.envelope(&second)];
    let stored = kit
        .store
        .append("order-O-1", Expected::NoStream, &envelopes, true, kit.now())
        .await
        .unwrap();
    assert_eq!(stored.iter().map(|e| e.version).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(
        stored.iter().map(|e| e.position.pos).collect::<Vec<_>>(),
        [1, 2]
    );
    let read = kit.store.stream_until("order-O-1", i64::MAX).await.unwrap();
    assert_eq!(read, stored, "what append says is what is read");
    assert_eq!(read[0].recorded_at, kit.now());
    let third = [kit.envelope(&paid("O-1"))];
    let third = kit
        .store
        .append("order-O-1", Expected::Exact(2), &third, true, kit.now())
        .await;
    assert_eq!(third.unwrap()[0].version, 3);
}

pub async fn a_wrong_expectation_is_a_conflict(kit: Kit) {
    let event = [kit.envelope(&created("O-1", &[("A", 1)]))];
    let append = |expected, event| {
        let store = kit.store.clone();
        let now = kit.now();
        async move { store.append("order-O-1", expected, event, true, now).await }
    };
    let conflict = |expected, actual| StoreError::Conflict {
        stream: "order-O-1".into(),
        expected,
        actual,
    };
    assert_eq!(
        append(Expected::Exact(1), &event).await,
        Err(conflict(1, 0))
    );
    append(Expected::NoStream, &event).await.unwrap();
    let next = [kit.envelope(&cancelled("O-1"))];
    assert_eq!(append(Expected::NoStream, &next).await, Err(conflict(0, 1)));
    assert_eq!(append(Expected::Exact(2), &next).await, Err(conflict(2, 1)));
    assert_eq!(
        kit.store.totals().await.unwrap().0,
        1,
        "a conflict writes nothing"
    );
    assert_eq!(kit.store.outbox_summary().await.unwrap().pending, 1);
    append(Expected::Any, &next).await.unwrap();
}

pub async fn the_same_event_twice_is_refused(kit: Kit) {
    let event = kit.envelope(&created("O-1", &[("A", 1)]));
    let other = kit.envelope(&created("O-2", &[("A", 1)]));
    let id = event.event_id;
    kit.store
        .append_many(std::slice::from_ref(&event), true, kit.now())
        .await
        .unwrap();
    let again = kit
        .store
        .append_many(&[other.clone(), event], true, kit.now())
        .await;
    assert_eq!(again, Err(StoreError::DuplicateEvent(id)));
    let twice = kit
        .store
        .append_many(&[other.clone(), other.clone()], true, kit.now())
        .await;
    assert_eq!(twice, Err(StoreError::DuplicateEvent(other.event_id)));
    assert_eq!(
        kit.store.totals().await.unwrap(),
        (1, Some(1)),
        "all or none"
    );
    let next = kit
        .store
        .append_many(&[other], true, kit.now())
        .await
        .unwrap();
    assert_eq!(next[0].version, 1);
    assert_eq!(kit.store.totals().await.unwrap(), (2, Some(2)));
}

pub async fn payloads_are_kept_byte_for_byte(kit: Kit) {
    let mut event = kit.envelope(&created("O-\u{1F600}\"\\", &[("A", 1)]));
    event.extra.insert("nul".into(), "a\0b\u{2028}".into());
    event.extra.insert(
        "number".into(),
        serde_json::from_str("1.10000000000000000000001e5").unwrap(),
    );
    let bytes = String::from_utf8(event.to_bytes()).unwrap();
    let stored = kit
        .store
        .append_many(&[event], true, kit.now())
        .await
        .unwrap();
    assert_eq!(stored[0].payload, bytes);
    let read = kit.store.event(stored[0].position).await.unwrap().unwrap();
    assert_eq!(read, stored[0]);
    assert_eq!(kit.store.outbox_head(1).await.unwrap()[0].payload, bytes);
}

pub async fn many_streams_in_one_append(kit: Kit) {
    let events: Vec<_> = (0..600)
        .map(|n| kit.envelope(&created(&format!("O-{}", n % 200), &[("A", 1)])))
        .collect();
    let stored = kit
        .store
        .append_many(&events, true, kit.now())
        .await
        .unwrap();
    for (n, event) in stored.iter().enumerate() {
        assert_eq!(event.event_id, events[n].event_id);
        assert_eq!(event.version, i64::try_from(n / 200).unwrap() + 1);
        assert_eq!(event.position.pos, i64::try_from(n).unwrap() + 1);
    }
    kit.settled().await;
    let page = kit
        .store
        .events(&EventFilter::default(), Page::After(Position::START), 600)
        .await
        .unwrap();
    assert_eq!(page.rows, stored);
    let outbox = kit
        .store
        .outbox_batch(Part::ALL, 600, kit.now())
        .await
        .unwrap();
    assert!(
        outbox
            .iter()
            .map(|r| r.id)
            .eq(events.iter().map(|e| e.event_id))
    );
    assert_eq!(outbox[0].headers, events[0].headers());
    assert_eq!(outbox[0].aggregate_type, "order");
    assert_eq!(outbox[0].topic, "order-events");
}

pub async fn an_order_has_a_summary(kit: Kit) {
    let event = created("O-1", &[("A", 2), ("B", 3)]);
    let envelopes = [kit.envelope(&event), kit.envelope(&cancelled("O-1"))];
    kit.store
        .append_many(&envelopes, true, kit.now())
        .await
        .unwrap();
    let order = kit.store.order("O-1").await.unwrap().unwrap();
    assert_eq!(order.customer_id, "C-1");
    assert_eq!(order.total, Money::from_cents(5_000));
    assert_eq!(
        (
            order.currency.as_str(),
            order.item_count,
            order.status.as_str()
        ),
        ("EUR", 5, "draft")
    );
    assert_eq!(order.created_at, kit.now());
    assert_eq!(kit.store.order("O-2").await.unwrap(), None);
}

pub async fn writers_on_two_handles_take_turns(kit: Kit) {
    let other = kit.another().await;
    let mut tasks = Vec::new();
    for n in 0..40 {
        let store = if n % 2 == 0 {
            kit.store.clone()
        } else {
            other.clone()
        };
        let event = kit.envelope(&cancelled("O-1"));
        let now = kit.now();
        tasks.push(tokio::spawn(async move {
            store
                .append("order-O-1", Expected::Any, &[event], true, now)
                .await
                .unwrap()[0]
                .version
        }));
    }
    let mut versions = Vec::new();
    for task in tasks {
        versions.push(task.await.unwrap());
    }
    versions.sort_unstable();
    assert!(versions.into_iter().eq(1..=40));
    let rows = other.stream_until("order-O-1", 100).await.unwrap();
    assert!(
        rows.iter().map(|r| r.version).eq(1..=40),
        "positions follow versions"
    );
    // Of two that expect the same version, one goes ahead.
    let (a, b) = (
        [kit.envelope(&cancelled("O-1"))],
        [kit.envelope(&cancelled("O-1"))],
    );
    let (a, b) = tokio::join!(
        kit.store
            .append("order-O-1", Expected::Exact(40), &a, true, kit.now()),
        other.append("order-O-1", Expected::Exact(40), &b, true, kit.now()),
    );
    assert_eq!(u8::from(a.is_ok()) + u8::from(b.is_ok()), 1, "{a:?} {b:?}");
}

pub async fn a_dropped_append_leaves_all_or_nothing(kit: Kit) {
    for polls in 0..40 {
        let before = kit.store.totals().await.unwrap().0;
        let events: Vec<_> = (0..20)
            .map(|n| kit.envelope(&created(&format!("O-{n}"), &[("A", 1)])))
            .collect();
        drop_after(polls, kit.store.append_many(&events, true, kit.now())).await;
        // The next writer of one of its streams comes after whatever the dropped one still did.
        kit.store
            .append_many(&[kit.envelope(&paid("O-0"))], false, kit.now())
            .await
            .unwrap();
        kit.settled().await;
        let written = kit.store.totals().await.unwrap().0 - before - 1;
        assert!(
            written == 0 || written == 20,
            "{written} after {polls} polls"
        );
        let pending = kit.store.outbox_summary().await.unwrap().pending;
        let orders = EventFilter {
            event_type: Some("OrderCreated".into()),
            ..EventFilter::default()
        };
        assert_eq!(
            pending,
            kit.store.count_events(&orders).await.unwrap().count
        );
    }
}
