//! Operations that count for themselves, their list, and the audit.

use evtop::domain::operation::{Counts, OperationKind, OperationState};

use crate::kit::{Kit, seconds};

pub async fn counters_add_up(kit: Kit) {
    let mut replay = kit.operation(OperationKind::Replay);
    replay.counts.total = 10;
    kit.store.create_operation(&replay, &[]).await.unwrap();
    assert_eq!(
        kit.store.operation(replay.id).await.unwrap(),
        Some(replay.clone())
    );
    let by = Counts {
        sent: 2,
        ok: 1,
        refused: 1,
        ..Counts::default()
    };
    for _ in 0..2 {
        kit.store.bump_operation(replay.id, &by).await.unwrap();
    }
    let counts = Counts {
        total: 10,
        sent: 4,
        ok: 2,
        refused: 2,
        ..Counts::default()
    };
    assert_eq!(kit.counts(replay.id).await, counts);
}

pub async fn operations_are_listed_running_first(kit: Kit) {
    let mut ids = Vec::new();
    for n in 0..4 {
        let operation = kit.operation(OperationKind::Replay);
        kit.store.create_operation(&operation, &[]).await.unwrap();
        if n != 1 {
            let state = OperationState::Completed;
            kit.store
                .set_operation_state(operation.id, state, None, kit.now())
                .await
                .unwrap();
        }
        kit.tick(1);
        ids.push(operation.id);
    }
    let listed = kit.store.operations(3).await.unwrap();
    assert_eq!(
        listed.iter().map(|o| o.id).collect::<Vec<_>>(),
        [ids[1], ids[3], ids[2]]
    );
}

pub async fn an_operation_without_a_beat_is_silent(kit: Kit) {
    let operation = kit.operation(OperationKind::Replay);
    kit.store.create_operation(&operation, &[]).await.unwrap();
    let silent = async || kit.store.silent_operations(kit.now() - seconds(10)).await;
    kit.tick(10);
    assert!(silent().await.unwrap().is_empty(), "it has just begun");
    kit.tick(1);
    assert_eq!(silent().await.unwrap()[0].id, operation.id);
    kit.store.beat(operation.id, kit.now()).await.unwrap();
    kit.tick(10);
    assert!(silent().await.unwrap().is_empty());
    kit.tick(1);
    assert_eq!(silent().await.unwrap().len(), 1);
    let state = OperationState::Completed;
    let ended = kit
        .store
        .set_operation_state(operation.id, state, None, kit.now());
    assert!(ended.await.unwrap());
    assert!(
        silent().await.unwrap().is_empty(),
        "what is over is no one's"
    );
}

pub async fn another_process_can_cancel(kit: Kit) {
    let operation = kit.operation(OperationKind::Replay);
    kit.store.create_operation(&operation, &[]).await.unwrap();
    assert!(!kit.store.cancel_requested(operation.id).await.unwrap());
    assert!(
        kit.another()
            .await
            .request_cancel(operation.id)
            .await
            .unwrap()
    );
    assert!(kit.store.cancel_requested(operation.id).await.unwrap());
    let state = OperationState::Cancelled;
    kit.store
        .set_operation_state(operation.id, state, None, kit.now())
        .await
        .unwrap();
    assert!(
        !kit.store.request_cancel(operation.id).await.unwrap(),
        "nothing to stop"
    );
    assert!(!kit.store.cancel_requested(kit.clock.id()).await.unwrap());
}

pub async fn another_process_can_pause(kit: Kit) {
    let operation = kit.operation(OperationKind::Replay);
    kit.store.create_operation(&operation, &[]).await.unwrap();
    let other = kit.another().await;
    for paused in [true, false, true] {
        assert!(other.pause_operation(operation.id, paused).await.unwrap());
        assert_eq!(
            kit.store.pause_requested(operation.id).await.unwrap(),
            paused
        );
        let read = kit.store.operation(operation.id).await.unwrap().unwrap();
        assert_eq!(read.stands_still(), paused);
    }
    let state = OperationState::Completed;
    let end = kit
        .store
        .set_operation_state(operation.id, state, None, kit.now());
    end.await.unwrap();
    let read = kit.store.operation(operation.id).await.unwrap().unwrap();
    assert!(!read.stands_still(), "it is over");
    assert!(!other.pause_operation(operation.id, false).await.unwrap());
    assert!(!kit.store.pause_requested(kit.clock.id()).await.unwrap());
}

pub async fn the_audit_keeps_order(kit: Kit) {
    let request = kit.clock.id();
    let store = &kit.store;
    store
        .audit(kit.now(), request, "ada", "redrive", "cause a1b2", None)
        .await
        .unwrap();
    let at = kit.tick(1);
    store
        .audit(at, request, "ada", "redrive", "cause a1b2", Some("started"))
        .await
        .unwrap();
    let rows = store.audit_rows(10).await.unwrap();
    assert_eq!(
        rows.iter()
            .map(|r| r.outcome.as_deref())
            .collect::<Vec<_>>(),
        [Some("started"), None]
    );
    assert_eq!(
        (rows[0].request_id, rows[0].at, rows[0].who.as_str()),
        (request, at, "ada")
    );
    assert_eq!(store.audit_rows(1).await.unwrap().len(), 1);
}

pub async fn a_worker_report_replaces_the_one_before(kit: Kit) {
    let at = kit.now();
    let say = |text: &str| vec![("email".to_owned(), text.to_owned())];
    let store = &kit.store;
    store
        .report_workers("a", &say("{\"n\":1}"), at)
        .await
        .unwrap();
    store.report_workers("b", &say("{}"), at).await.unwrap();
    let later = at + chrono::TimeDelta::seconds(5);
    store
        .report_workers("a", &say("{\"n\":2}"), later)
        .await
        .unwrap();
    let found = store.worker_reports(at).await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|r| (r.instance.as_str(), r.report.as_str(), r.at))
        .collect();
    assert_eq!(told, [("a", "{\"n\":2}", later), ("b", "{}", at)]);
    assert_eq!(store.worker_reports(later).await.unwrap().len(), 1);
    assert_eq!(store.prune_reports(later).await.unwrap(), 1);
    assert_eq!(store.worker_reports(at).await.unwrap().len(), 1);
}

pub async fn the_last_wish_counts(kit: Kit) {
    let at = kit.now();
    let store = &kit.store;
    assert!(store.consumer_wishes().await.unwrap().is_empty());
    store.wish_consumer("email", true, "ada", at).await.unwrap();
    store
        .wish_consumer("analytics", true, "ada", at)
        .await
        .unwrap();
    // Another process sees it, and takes it back.
    let (elsewhere, later) = (kit.another().await, kit.tick(5));
    assert_eq!(elsewhere.consumer_wishes().await.unwrap().len(), 2);
    elsewhere
        .wish_consumer("email", false, "bob", later)
        .await
        .unwrap();
    let found = store.consumer_wishes().await.unwrap();
    let told: Vec<_> = found
        .iter()
        .map(|w| (w.service.as_str(), w.paused, w.at, w.who.as_str()))
        .collect();
    assert_eq!(
        told,
        [
            ("analytics", true, at, "ada"),
            ("email", false, later, "bob")
        ]
    );
}
