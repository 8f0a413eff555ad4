//! One batch for one service.

use std::collections::HashSet;

use evtop::domain::operation::OperationKind;
use evtop::domain::service::Service;
use evtop::domain::stored::EventFilter;
use evtop::store::{Applied, Page};

use crate::kit::{Kit, cancelled, created, declined, drop_after, nameless, paid, seconds, work};

pub async fn an_effect_happens_once(kit: Kit) {
    kit.stock(&[("A", 10)]).await;
    let event = created("O-1", &[("A", 2)]);
    let envelope = kit.envelope(&event);
    for expected in [Applied::Done, Applied::Duplicate, Applied::Duplicate] {
        assert_eq!(
            kit.apply_one(Service::Inventory, &envelope, &event, None)
                .await,
            expected
        );
    }
    assert_eq!(kit.levels().await, [("A".into(), 8, 2)]);
    assert_eq!(
        kit.store.totals().await.unwrap().0,
        1,
        "one InventoryReserved"
    );
}

pub async fn an_empty_batch_is_nothing(kit: Kit) {
    assert!(kit.apply(Service::Email, &[]).await.is_empty());
}

pub async fn a_second_copy_in_the_batch_is_a_duplicate(kit: Kit) {
    kit.stock(&[("A", 10)]).await;
    let (one, two) = (created("O-1", &[("A", 2)]), created("O-2", &[("A", 3)]));
    let (a, b) = (kit.envelope(&one), kit.envelope(&two));
    let batch = [work(&a, &one), work(&b, &two), work(&a, &one)];
    let done = kit.apply(Service::Inventory, &batch).await;
    assert_eq!(done, [Applied::Done, Applied::Done, Applied::Duplicate]);
    assert_eq!(kit.levels().await, [("A".into(), 5, 5)]);
}

pub async fn services_do_not_share_an_inbox(kit: Kit) {
    let event = created("O-1", &[("A", 2)]);
    let envelope = kit.envelope(&event);
    let id = work(&envelope, &event).message_id;
    for service in Service::ALL {
        let handled = async || kit.store.handled(service.row().group, &["x", &id]).await;
        assert_eq!(handled().await.unwrap(), HashSet::new());
        assert_eq!(
            kit.apply_one(service, &envelope, &event, None).await,
            Applied::Done
        );
        assert_eq!(handled().await.unwrap(), HashSet::from([id.clone()]));
        assert_eq!(
            kit.apply_one(service, &envelope, &event, None).await,
            Applied::Duplicate
        );
    }
}

pub async fn a_fault_leaves_the_others_standing(kit: Kit) {
    let (good, bad, other) = (
        created("O-1", &[("A", 1)]),
        nameless("O-2"),
        created("O-3", &[("A", 1)]),
    );
    let (a, b, c) = (
        kit.envelope(&good),
        kit.envelope(&bad),
        kit.envelope(&other),
    );
    let batch = [work(&a, &good), work(&b, &bad), work(&c, &other)];
    for expected in [Applied::Done, Applied::Duplicate] {
        let done = kit.apply(Service::Email, &batch).await;
        assert_eq!((&done[0], &done[2]), (&expected, &expected));
        let Applied::Fault(fault) = &done[1] else {
            panic!("{done:?}: a fault leaves no trace, so it is a fault again")
        };
        assert_eq!(fault.code, "validation");
    }
    assert_eq!(kit.store.emails_newest(10).await.unwrap().len(), 2);
}

pub async fn a_fault_holds_what_comes_after_it_in_its_key(kit: Kit) {
    let (bad, after, other) = (
        nameless("O-1"),
        cancelled("O-1"),
        created("O-2", &[("A", 1)]),
    );
    let (a, b, c) = (
        kit.envelope(&bad),
        kit.envelope(&after),
        kit.envelope(&other),
    );
    let batch = [
        work(&a, &bad),
        work(&b, &after),
        work(&a, &bad),
        work(&c, &other),
    ];
    let done = kit.apply(Service::Email, &batch).await;
    assert!(matches!(done[0], Applied::Fault(_)));
    assert_eq!(done[1..], [Applied::Held, Applied::Held, Applied::Done]);
    assert_eq!(kit.store.emails_newest(10).await.unwrap().len(), 1);
    // Once the letter is written, it waits behind it; without, it runs.
    assert_eq!(
        kit.apply_one(Service::Email, &b, &after, None).await,
        Applied::Done
    );
}

pub async fn what_is_said_is_stored_and_published(kit: Kit) {
    kit.stock(&[("A", 10)]).await;
    let event = created("O-1", &[("A", 2)]);
    let envelope = kit.envelope(&event);
    kit.store
        .append_many(std::slice::from_ref(&envelope), true, kit.now())
        .await
        .unwrap();
    let at = kit.tick(1);
    kit.apply_one(Service::Inventory, &envelope, &event, None)
        .await;
    let stream = kit.store.stream_until("order-O-1", 10).await.unwrap();
    let said = &stream[1];
    assert_eq!(
        (said.version, said.event_type.as_str()),
        (2, "InventoryReserved")
    );
    assert_eq!(said.causation_id, Some(envelope.event_id));
    assert_eq!(said.correlation_id, envelope.correlation_id);
    assert_eq!(
        (said.source_service.as_str(), said.timestamp),
        ("inventory-service", at)
    );
    let outbox = kit.store.outbox_head(10).await.unwrap();
    assert_eq!(outbox[1].id, said.event_id);
    assert_eq!(outbox[1].topic, "inventory-events");
    assert_eq!(outbox[1].payload, said.payload);
    assert_eq!(outbox[1].aggregate_id, "O-1");
}

pub async fn stock_is_reserved_and_released(kit: Kit) {
    kit.stock(&[("A", 5), ("B", 1)]).await;
    kit.stock(&[("A", 99)]).await;
    assert_eq!(
        kit.levels().await[0],
        ("A".into(), 5, 0),
        "seeding leaves what exists alone"
    );
    let one = created("O-1", &[("A", 3), ("B", 1)]);
    let two = created("O-2", &[("A", 2), ("B", 1)]);
    let three = created("O-3", &[("A", 2)]);
    let unknown = created("O-4", &[("nothing", 1)]);
    let events = [
        one,
        two,
        three,
        unknown,
        declined("O-1"),
        cancelled("O-1"),
        cancelled("O-2"),
    ];
    let envelopes: Vec<_> = events.iter().map(|e| kit.envelope(e)).collect();
    let batch: Vec<_> = envelopes
        .iter()
        .zip(&events)
        .map(|(v, e)| work(v, e))
        .collect();
    assert!(
        kit.apply(Service::Inventory, &batch)
            .await
            .iter()
            .all(|a| *a == Applied::Done)
    );
    assert_eq!(kit.levels().await, [("A".into(), 3, 2), ("B".into(), 1, 0)]);
    kit.settled().await;
    let page = kit
        .store
        .events(&EventFilter::default(), Page::Newest, 100)
        .await
        .unwrap();
    let said: Vec<_> = page
        .rows
        .iter()
        .map(|r| (r.stream.as_str(), r.event_type.as_str()))
        .collect();
    assert_eq!(
        said,
        [
            ("order-O-1", "InventoryReserved"),
            ("order-O-2", "InventoryReservationFailed"),
            ("order-O-3", "InventoryReserved"),
            ("order-O-4", "InventoryReservationFailed"),
            ("order-O-1", "InventoryReleased"),
        ]
    );
    // A later batch sees what this one wrote.
    let event = cancelled("O-3");
    kit.apply_one(Service::Inventory, &kit.envelope(&event), &event, None)
        .await;
    assert_eq!(kit.levels().await, [("A".into(), 5, 0), ("B".into(), 1, 0)]);
}

pub async fn later_mails_find_the_address(kit: Kit) {
    let (first, second) = (created("O-1", &[("A", 1)]), cancelled("O-1"));
    let stranger = cancelled("O-9");
    let envelope = kit.envelope(&first);
    kit.apply_one(Service::Email, &envelope, &first, None).await;
    for event in [&second, &stranger] {
        kit.apply_one(Service::Email, &kit.envelope(event), event, None)
            .await;
    }
    let mails = kit.store.emails_newest(10).await.unwrap();
    let to: Vec<_> = mails
        .iter()
        .map(|m| (m.order_id.as_str(), m.recipient.as_deref()))
        .collect();
    let ada = Some("ada@example.com");
    assert_eq!(to, [("O-9", None), ("O-1", ada), ("O-1", ada)]);
    assert_eq!(mails[2].message_id, envelope.event_id.to_string());
    assert_eq!(mails[2].at, kit.now());
}

pub async fn closed_windows_are_published_once(kit: Kit) {
    let order = created("O-1", &[("A", 2)]);
    let payment = paid("O-1");
    for event in [&order, &payment] {
        kit.apply_one(Service::Analytics, &kit.envelope(event), event, None)
            .await;
    }
    let late = kit.envelope(&order);
    kit.tick(70);
    kit.apply_one(Service::Analytics, &kit.envelope(&order), &order, None)
        .await;
    kit.apply_one(Service::Analytics, &late, &order, None).await;
    let windows = kit.store.windows_newest(10).await.unwrap();
    assert_eq!(windows.len(), 2);
    assert_eq!((windows[1].orders, windows[1].late), (1, 1));
    assert_eq!(windows[1].payments["paypal"].approved, 1);
    assert_eq!(windows[1].closed_at, Some(kit.now()));
    assert_eq!((windows[0].orders, windows[0].closed_at), (1, None));
    let outbox = kit.store.outbox_head(10).await.unwrap();
    assert_eq!(outbox.len(), 1);
    assert_eq!(
        (outbox[0].topic.as_str(), outbox[0].event_type.as_str()),
        ("order-analytics", "OrderWindowClosed")
    );
    assert_eq!(outbox[0].aggregate_id, "2026-01-31T12:00:00.000000Z");
    assert_eq!(
        kit.store.totals().await.unwrap().0,
        0,
        "a window is no event"
    );
}

pub async fn a_forced_replay_doubles_the_effect(kit: Kit) {
    let event = created("O-1", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let mut forced = work(&envelope, &event);
    forced.message_id = format!("{}:{}", envelope.event_id, kit.clock.id());
    let batch = [work(&envelope, &event), forced.clone(), forced];
    let done = kit.apply(Service::Email, &batch).await;
    assert_eq!(done, [Applied::Done, Applied::Done, Applied::Duplicate]);
    assert_eq!(kit.store.emails_newest(10).await.unwrap().len(), 2);
}

pub async fn a_replay_reports_to_its_operation(kit: Kit) {
    let operation = kit.operation(OperationKind::Replay);
    kit.store
        .create_operation(&operation, &[], None)
        .await
        .unwrap();
    let (one, bad) = (created("O-1", &[("A", 1)]), nameless("O-2"));
    let (a, b) = (kit.envelope(&one), kit.envelope(&bad));
    let mut batch = vec![work(&a, &one), work(&b, &bad), work(&a, &one)];
    batch.iter_mut().for_each(|w| w.replay = Some(operation.id));
    // Handed in again after a crash, an event still counts once, and as what it was first.
    for _ in 0..2 {
        kit.apply(Service::Email, &batch).await;
        let counts = kit.counts(operation.id).await;
        assert_eq!(
            (counts.ok, counts.duplicate, counts.failed_again),
            (1, 0, 0)
        );
    }
    let second = kit.operation(OperationKind::Replay);
    kit.store
        .create_operation(&second, &[], None)
        .await
        .unwrap();
    batch.iter_mut().for_each(|w| w.replay = Some(second.id));
    kit.apply(Service::Email, &batch).await;
    let counts = kit.counts(second.id).await;
    assert_eq!((counts.ok, counts.duplicate), (0, 1));
}

pub async fn a_batch_of_hundreds_is_one_transaction(kit: Kit) {
    kit.stock(&[("A", 700)]).await;
    let events: Vec<_> = (0..500)
        .map(|n| created(&format!("O-{n}"), &[("A", 1)]))
        .collect();
    let envelopes: Vec<_> = events.iter().map(|e| kit.envelope(e)).collect();
    let batch: Vec<_> = envelopes
        .iter()
        .zip(&events)
        .map(|(v, e)| work(v, e))
        .collect();
    for service in Service::ALL {
        assert!(
            kit.apply(service, &batch)
                .await
                .iter()
                .all(|a| *a == Applied::Done)
        );
    }
    assert_eq!(kit.levels().await, [("A".into(), 200, 500)]);
    assert_eq!(kit.store.totals().await.unwrap(), (500, Some(500)));
    assert_eq!(kit.store.emails_newest(1_000).await.unwrap().len(), 500);
    assert_eq!(kit.store.windows_newest(10).await.unwrap()[0].orders, 500);
}

pub async fn an_inbox_is_pruned_by_age(kit: Kit) {
    let (one, two) = (created("O-1", &[("A", 1)]), created("O-2", &[("A", 1)]));
    let (a, b) = (kit.envelope(&one), kit.envelope(&two));
    kit.apply_one(Service::Email, &a, &one, None).await;
    let later = kit.tick(60);
    kit.apply_one(Service::Email, &b, &two, None).await;
    assert_eq!(kit.store.prune_inbox(later - seconds(1)).await.unwrap(), 1);
    assert_eq!(
        kit.apply_one(Service::Email, &b, &two, None).await,
        Applied::Duplicate
    );
    assert_eq!(
        kit.apply_one(Service::Email, &a, &one, None).await,
        Applied::Done,
        "forgotten"
    );
}

pub async fn a_dropped_batch_leaves_all_or_nothing(kit: Kit) {
    kit.stock(&[("A", 10_000)]).await;
    for polls in 0..40 {
        let event = created(&format!("O-{polls}"), &[("A", 1)]);
        let envelope = kit.envelope(&event);
        let batch = [work(&envelope, &event)];
        drop_after(
            polls,
            kit.store
                .apply(Service::Inventory, &batch, kit.now(), &kit.clock),
        )
        .await;
        // Redelivered, it is done now if it was not before: never twice, never not.
        kit.apply(Service::Inventory, &batch).await;
        let all = polls as i64 + 1;
        assert_eq!(kit.levels().await, [("A".into(), 10_000 - all, all)]);
        assert_eq!(
            kit.store.outbox_summary().await.unwrap().pending,
            all as u64
        );
    }
}

pub async fn two_processes_share_one_effect(kit: Kit) {
    kit.stock(&[("A", 100)]).await;
    let other = kit.another().await;
    for n in 0..10 {
        let event = created(&format!("O-{n}"), &[("A", 1)]);
        let envelope = kit.envelope(&event);
        let batch = [work(&envelope, &event)];
        let (a, b) = tokio::join!(
            kit.store
                .apply(Service::Inventory, &batch, kit.now(), &kit.clock),
            other.apply(Service::Inventory, &batch, kit.now(), &kit.clock),
        );
        let mut both = [a.unwrap().remove(0), b.unwrap().remove(0)];
        both.sort_by_key(|a| *a == Applied::Duplicate);
        assert_eq!(both, [Applied::Done, Applied::Duplicate]);
    }
    assert_eq!(kit.levels().await, [("A".into(), 90, 10)]);
}
