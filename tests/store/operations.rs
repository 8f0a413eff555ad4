//! Operations that count for themselves, their list, and the audit.

use std::time::Duration;

use evtop::domain::operation::{Counts, OperationKind, OperationState};
use evtop::store::{Granted, Store, StoreError, Wish};

use crate::kit::{EPOCH, Kit};

pub async fn counters_add_up(kit: Kit) {
    let mut replay = kit.operation(OperationKind::Replay);
    replay.counts.total = 10;
    kit.store
        .create_operation(&replay, &[], None)
        .await
        .unwrap();
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
    kit.claim(replay.id).await;
    // The first is written twice, by one that was not told that it had been written.
    for (page, fresh) in [(("", "1"), true), (("", "1"), false), (("1", "2"), true)] {
        let advance = kit.store.advance_replay(replay.id, EPOCH, page, &by, None);
        assert_eq!(advance.await.unwrap(), fresh);
    }
    let turn = kit.store.replay_turn(replay.id, EPOCH).await.unwrap();
    assert_eq!((turn.progress.as_str(), turn.paused), ("2", false));
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
        kit.store
            .create_operation(&operation, &[], None)
            .await
            .unwrap();
        if n != 1 {
            kit.complete(operation.id).await;
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

const SILENCE: Duration = Duration::from_secs(10);

pub async fn one_drives_and_a_silent_one_is_replaced(kit: Kit) {
    let operation = kit.operation(OperationKind::Replay);
    let id = operation.id;
    kit.store
        .create_operation(&operation, &[], None)
        .await
        .unwrap();
    let (store, other) = (&kit.store, kit.another().await);
    let undriven = async || {
        let found = store.undriven_operations(SILENCE).await.unwrap();
        found
            .into_iter()
            .map(|(o, by)| (o.id, by))
            .collect::<Vec<_>>()
    };
    assert_eq!(undriven().await, [(id, None)], "nobody has begun it");
    let claim = async |store: &Store, who| store.claim_operation(id, who, SILENCE).await.unwrap();
    assert_eq!(claim(store, "a").await, Some(1));
    assert_eq!(claim(&other, "b").await, None, "a drives it");
    assert!(undriven().await.is_empty());
    // However far a process's clock is off: the database's counts.
    kit.tick(3_600);
    assert_eq!(claim(&other, "b").await, None);
    kit.ago(id, SILENCE + Duration::from_secs(1)).await;
    assert_eq!(undriven().await, [(id, Some("a".to_owned()))]);
    assert!(store.beat(id, 1).await.unwrap(), "it was only slow");
    assert_eq!(claim(&other, "b").await, None);
    kit.ago(id, SILENCE + Duration::from_secs(1)).await;
    assert_eq!(claim(&other, "b").await, Some(2));
    let by = Counts {
        sent: 1,
        ..Counts::default()
    };
    assert!(!store.beat(id, 1).await.unwrap(), "a has lost it");
    let lost = Err(StoreError::Lost);
    let late = store.advance_replay(id, 1, ("", "x"), &by, None).await;
    assert_eq!(late.map(drop), lost);
    assert_eq!(store.items_queued(id, 1, &[]).await.map(drop), lost);
    assert_eq!(store.follow_items(id, 1).await.map(drop), lost);
    assert_eq!(store.redrive_turn(id, 1, 9).await.map(drop), lost);
    let state = OperationState::Completed;
    let ended = store.finish_operation(id, 1, state, None, kit.now()).await;
    assert_eq!(ended.map(drop), lost);
    assert_eq!(kit.counts(id).await.sent, 0);
    // Let go, it is free at once; an earlier epoch lets go of nothing.
    store.release_operation(id, 1).await.unwrap();
    assert_eq!(claim(store, "a").await, None);
    other.release_operation(id, 2).await.unwrap();
    assert_eq!(claim(store, "a").await, Some(3));
}

pub async fn a_wish_is_answered_by_how_it_stands(kit: Kit) {
    let operation = kit.operation(OperationKind::Replay);
    kit.store
        .create_operation(&operation, &[], None)
        .await
        .unwrap();
    kit.claim(operation.id).await;
    let (id, other) = (operation.id, kit.another().await);
    let ask = async |wish| other.ask_operation(id, wish, kit.now()).await.unwrap();
    for (wish, paused) in [
        (Wish::Pause, true),
        (Wish::Resume, false),
        (Wish::Pause, true),
    ] {
        assert_eq!(ask(wish).await, Granted::Yes);
        let turn = kit.store.replay_turn(id, EPOCH).await.unwrap();
        assert_eq!(turn.paused, paused);
        let read = kit.store.operation(id).await.unwrap().unwrap();
        assert_eq!(read.stands_still(), paused);
    }
    assert_eq!(ask(Wish::Cancel).await, Granted::Yes);
    let read = kit.store.operation(id).await.unwrap().unwrap();
    assert_eq!(
        (read.state, read.ended_at),
        (OperationState::Cancelled, Some(kit.now())),
        "over at once"
    );
    assert!(!read.stands_still());
    let turn = kit.store.replay_turn(id, EPOCH).await;
    assert_eq!(turn, Err(StoreError::Lost), "whoever drove it stops");
    for wish in [Wish::Pause, Wish::Resume, Wish::Cancel] {
        assert_eq!(ask(wish).await, Granted::Over(OperationState::Cancelled));
    }
    let nobody = other.ask_operation(kit.clock.id(), Wish::Cancel, kit.now());
    assert_eq!(nobody.await.unwrap(), Granted::Missing);
}

pub async fn who_takes_over_says_so(kit: Kit) {
    let store = &kit.store;
    assert_eq!(store.drivers(SILENCE).await.unwrap(), 0);
    store.driver_beat("a").await.unwrap();
    store.driver_beat("a").await.unwrap();
    store.driver_beat("b").await.unwrap();
    assert_eq!(store.drivers(SILENCE).await.unwrap(), 2);
    kit.run(
        "UPDATE driver SET beat_at = beat_at - {} WHERE instance = 'b'",
        11,
    )
    .await;
    assert_eq!(store.drivers(SILENCE).await.unwrap(), 1);
    store.driver_gone("a").await.unwrap();
    assert_eq!(store.drivers(SILENCE).await.unwrap(), 0);
}

pub async fn a_replays_end_tells_what_nobody_reported(kit: Kit) {
    let mut replay = kit.operation(OperationKind::Replay);
    replay.counts.total = 10;
    let id = replay.id;
    kit.store
        .create_operation(&replay, &[], None)
        .await
        .unwrap();
    kit.claim(id).await;
    let by = Counts {
        sent: 6,
        ok: 2,
        ..Counts::default()
    };
    let page = ("", "{}");
    let advance = kit.store.advance_replay(id, EPOCH, page, &by, Some("why"));
    assert!(advance.await.unwrap());
    let cancel = kit.store.ask_operation(id, Wish::Cancel, kit.now());
    assert_eq!(cancel.await.unwrap(), Granted::Yes);
    let counts = Counts {
        total: 10,
        left: 4,
        ..by
    };
    assert_eq!(kit.counts(id).await, counts);
    let open = kit.store.unsettled_replays().await.unwrap();
    assert_eq!(
        open.iter()
            .map(|(o, p)| (o.id, p.as_str()))
            .collect::<Vec<_>>(),
        [(id, "{}")]
    );
    kit.store.settle_replay(id, true).await.unwrap();
    assert!(kit.store.unsettled_replays().await.unwrap().is_empty());
    assert_eq!(
        kit.counts(id).await,
        Counts {
            unknown: 4,
            ..counts
        }
    );
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
