//! Reading the event store.

use evtop::domain::position::Position;
use evtop::domain::stored::{EventFilter, StoredEvent};
use evtop::store::Page;

use crate::kit::{Kit, cancelled, created, seconds};

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
    kit.settled().await;
    stored
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
    let later = EventFilter {
        from_version: Some(2),
        ..by_stream.clone()
    };
    assert_eq!(find(later.clone()).await, all[7..8]);
    assert_eq!(kit.store.count_events(&later).await.unwrap().count, 1);
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
