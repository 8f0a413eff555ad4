//! The event store.

use evtop::domain::money::Money;
use evtop::domain::position::Position;
use evtop::domain::stored::{EventFilter, StoredEvent};
use evtop::store::{Expected, Page, StoreError};

use crate::kit::{Kit, cancelled, created, drop_after, paid, seconds};

/// Ten orders, a cancellation for each, a second apart.
async fn twenty(kit: &Kit) -> Vec<StoredEvent> {
    let mut stored = Vec::new();
    for n in 0..10 {
        for event in [
            created(&format!("O-{n}"), &[("A", 1)]),
            cancelled(&format!("O-{n}")),
        ] {
            let envelope = kit.envelope(&event);
            kit.tick(1);
            stored.extend(
                kit.store
                    .append_many(&[envelope], true, kit.now())
                    .await
                    .unwrap(),
            );
        }
    }
    stored
}

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
    assert_eq!(
        next[0].position.pos, 2,
        "what was refused burnt no position"
    );
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
    let page = kit
        .store
        .events(&EventFilter::default(), Page::After(Position::START), 600)
        .await
        .unwrap();
    assert_eq!(page.rows, stored);
    let outbox = kit.store.outbox_batch(600, kit.now()).await.unwrap();
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

pub async fn pages_go_both_ways(kit: Kit) {
    let all = twenty(&kit).await;
    let none = EventFilter::default();
    let newest = kit.store.events(&none, Page::Newest, 6).await.unwrap();
    assert_eq!(newest.rows, all[14..]);
    assert!(newest.at_end && !newest.at_start);
    let before = kit
        .store
        .events(&none, Page::Before(all[14].position), 6)
        .await
        .unwrap();
    assert_eq!(before.rows, all[8..14]);
    assert!(!before.at_end && !before.at_start);
    let first = kit
        .store
        .events(&none, Page::Before(all[6].position), 6)
        .await
        .unwrap();
    assert_eq!(first.rows, all[..6]);
    assert!(first.at_start && !first.at_end);
    let after = kit
        .store
        .events(&none, Page::After(all[7].position), 6)
        .await
        .unwrap();
    assert_eq!(after.rows, all[8..14]);
    assert!(!after.at_start && !after.at_end);
    let last = kit
        .store
        .events(&none, Page::After(all[13].position), 6)
        .await
        .unwrap();
    assert_eq!(last.rows, all[14..]);
    assert!(last.at_end);
    let start = kit
        .store
        .events(&none, Page::After(Position::START), 100)
        .await
        .unwrap();
    assert_eq!(start.rows, all);
    assert!(start.at_start && start.at_end);
}

pub async fn an_empty_store_is_at_both_ends(kit: Kit) {
    for page in [
        Page::Newest,
        Page::Before(Position::START),
        Page::After(Position::START),
    ] {
        let page = kit
            .store
            .events(&EventFilter::default(), page, 10)
            .await
            .unwrap();
        assert!(page.rows.is_empty() && page.at_start && page.at_end);
    }
    assert_eq!(
        kit.store.event(Position { tx: 0, pos: 1 }).await.unwrap(),
        None
    );
    assert_eq!(
        kit.store
            .count_events(&EventFilter::default())
            .await
            .unwrap()
            .count,
        0
    );
    assert_eq!(kit.store.totals().await.unwrap(), (0, Some(0)));
    kit.store.probe().await.unwrap();
}

pub async fn filters_combine(kit: Kit) {
    let all = twenty(&kit).await;
    let find = |filter: EventFilter| {
        let store = kit.store.clone();
        async move { store.events(&filter, Page::Newest, 100).await.unwrap().rows }
    };
    let filter = EventFilter::default;
    let by_stream = EventFilter {
        stream: Some("order-O-3".into()),
        ..filter()
    };
    assert_eq!(find(by_stream.clone()).await, all[6..8]);
    let by_type = EventFilter {
        event_type: Some("OrderCancelled".into()),
        ..filter()
    };
    assert_eq!(find(by_type.clone()).await.len(), 10);
    let both = EventFilter {
        event_type: by_type.event_type,
        ..by_stream
    };
    assert_eq!(find(both).await, all[7..8]);
    let by_journey = EventFilter {
        correlation_id: Some(all[4].correlation_id),
        ..filter()
    };
    assert_eq!(find(by_journey).await, all[4..6]);
    let by_id = EventFilter {
        event_id: Some(all[4].event_id),
        ..filter()
    };
    assert_eq!(find(by_id).await, all[4..5]);
    let from = all[5].timestamp;
    let by_time = EventFilter {
        from: Some(from),
        to: Some(from + seconds(3)),
        ..filter()
    };
    assert_eq!(
        find(by_time.clone()).await,
        all[5..8],
        "from is inside, to is not"
    );
    let page = kit
        .store
        .events(&by_time, Page::After(all[5].position), 1)
        .await
        .unwrap();
    assert_eq!(page.rows, all[6..7]);
    assert!(!page.at_start && !page.at_end);
}

pub async fn counts_span_what_matches(kit: Kit) {
    let all = twenty(&kit).await;
    let filter = EventFilter {
        event_type: Some("OrderCancelled".into()),
        ..EventFilter::default()
    };
    let count = kit.store.count_events(&filter).await.unwrap();
    assert_eq!(count.count, 10);
    assert_eq!(
        (count.first, count.last),
        (Some(all[1].position), Some(all[19].position))
    );
    assert_eq!(
        (count.first_at, count.last_at),
        (Some(all[1].timestamp), Some(all[19].timestamp))
    );
}

pub async fn a_stream_is_read_to_a_version(kit: Kit) {
    let all = twenty(&kit).await;
    assert_eq!(
        kit.store.stream_until("order-O-2", 1).await.unwrap(),
        all[4..5]
    );
    assert_eq!(
        kit.store.stream_until("order-O-2", 2).await.unwrap(),
        all[4..6]
    );
    assert_eq!(
        kit.store
            .previous_in_stream("order-O-2", 2)
            .await
            .unwrap()
            .as_ref(),
        Some(&all[4])
    );
    assert_eq!(
        kit.store.previous_in_stream("order-O-2", 1).await.unwrap(),
        None
    );
}

pub async fn totals_count_events_and_streams(kit: Kit) {
    twenty(&kit).await;
    assert_eq!(kit.store.totals().await.unwrap(), (20, Some(10)));
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
        // The next writer comes after whatever the dropped one still did.
        kit.store
            .append_many(&[kit.envelope(&paid("P"))], false, kit.now())
            .await
            .unwrap();
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
