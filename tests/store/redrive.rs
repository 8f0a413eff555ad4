//! Redrives from plan to report.

use evtop::domain::envelope::Envelope;
use evtop::domain::event::Event;
use evtop::domain::letter::{Letter, LetterStatus, RedriveOutcome};
use evtop::domain::operation::{Counts, OperationKind, OperationState};
use evtop::domain::service::Service;
use evtop::store::{Applied, ItemState, RedriveRef, StoreError};
use uuid::Uuid;

use crate::kit::{Kit, body, cancelled, created};

struct Case {
    letter: Letter,
    envelope: Envelope,
    event: Event,
}

impl Case {
    async fn new(kit: &Kit, n: i64) -> Self {
        let event = created(&format!("O-{n}"), &[("A", 1)]);
        let envelope = kit.envelope(&event);
        let letter = kit.letter(&envelope, n);
        kit.store.bury(&letter, &body(), None).await.unwrap();
        Self {
            letter,
            envelope,
            event,
        }
    }

    fn redrive(&self, id: Uuid) -> RedriveRef {
        RedriveRef {
            letter: self.letter.id,
            redrive: id,
        }
    }

    async fn handle(&self, kit: &Kit, id: Uuid) -> Applied {
        kit.apply_one(
            Service::Inventory,
            &self.envelope,
            &self.event,
            Some(self.redrive(id)),
        )
        .await
    }

    async fn fail(&self, kit: &Kit, id: Uuid) {
        let again = kit.letter(&self.envelope, self.letter.offset.unwrap());
        kit.store
            .bury(&again, &body(), Some(self.redrive(id)))
            .await
            .unwrap();
    }

    async fn kept(&self, kit: &Kit) -> Letter {
        kit.store.letter(self.letter.id).await.unwrap().unwrap().0
    }
}

pub async fn a_redrive_resolves(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let (operation, ids) = kit.redrive(&[&one.letter, &two.letter]).await;
    let items = kit.store.next_items(operation, 10).await.unwrap();
    assert_eq!(
        items
            .iter()
            .map(|i| (i.redrive_id, i.letter_id, i.seq, i.state))
            .collect::<Vec<_>>(),
        [
            (ids[0], one.letter.id, 0, ItemState::Planned),
            (ids[1], two.letter.id, 1, ItemState::Planned),
        ]
    );
    assert!(kit.store.item_queued(ids[0]).await.unwrap());
    assert_eq!(kit.status(&one.letter).await, LetterStatus::Queued);
    kit.store
        .item_sent(ids[0], "order-events", 2, 77)
        .await
        .unwrap();
    let kept = one.kept(&kit).await;
    assert_eq!((kept.status, kept.redrives), (LetterStatus::InFlight, 1));
    let in_flight = kit.store.in_flight_items(operation).await.unwrap();
    assert_eq!(in_flight[0].place, Some(("order-events".into(), 2, 77)));
    assert_eq!(one.handle(&kit, ids[0]).await, Applied::Done);
    let kept = one.kept(&kit).await;
    assert_eq!(
        (kept.status, kept.outcome),
        (LetterStatus::Resolved, Some(RedriveOutcome::Ok))
    );
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        1,
        "the other's key"
    );
    let counts = Counts {
        total: 2,
        sent: 1,
        ok: 1,
        ..Counts::default()
    };
    assert_eq!(kit.counts(operation).await, counts);
    assert_eq!(kit.store.next_items(operation, 10).await.unwrap().len(), 1);
    assert!(
        kit.store
            .in_flight_items(operation)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn a_redelivered_redrive_stays_ok(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    kit.send(ids[0]).await;
    assert_eq!(case.handle(&kit, ids[0]).await, Applied::Done);
    assert_eq!(case.handle(&kit, ids[0]).await, Applied::Duplicate);
    assert_eq!(case.kept(&kit).await.outcome, Some(RedriveOutcome::Ok));
    assert_eq!(kit.counts(operation).await.ok, 1);
    // One whose event had been handled another way is a duplicate from the start.
    let other = Case::new(&kit, 2).await;
    let unblocked = RedriveRef {
        letter: kit.clock.id(),
        redrive: kit.clock.id(),
    };
    kit.apply_one(
        Service::Inventory,
        &other.envelope,
        &other.event,
        Some(unblocked),
    )
    .await;
    assert!(kit.complete(operation).await);
    let (operation, ids) = kit.redrive(&[&other.letter]).await;
    kit.send(ids[0]).await;
    assert_eq!(other.handle(&kit, ids[0]).await, Applied::Duplicate);
    let kept = other.kept(&kit).await;
    assert_eq!(
        (kept.status, kept.outcome),
        (LetterStatus::Resolved, Some(RedriveOutcome::Duplicate))
    );
    assert_eq!(kit.counts(operation).await.duplicate, 1);
}

pub async fn three_redrives_in_vain_park(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    for (round, status) in [
        (1, LetterStatus::Unresolved),
        (2, LetterStatus::Unresolved),
        (3, LetterStatus::Parked),
    ] {
        let (operation, ids) = kit.redrive(&[&case.letter]).await;
        assert!(kit.store.item_queued(ids[0]).await.unwrap());
        assert!(
            kit.store.item_queued(ids[0]).await.unwrap(),
            "asked again after a crash"
        );
        kit.store
            .item_sent(ids[0], "order-events", 0, round)
            .await
            .unwrap();
        kit.tick(10);
        case.fail(&kit, ids[0]).await;
        case.fail(&kit, ids[0]).await;
        let kept = case.kept(&kit).await;
        assert_eq!((kept.status, i64::from(kept.redrives)), (status, round));
        assert_eq!(kept.outcome, Some(RedriveOutcome::FailedAgain));
        assert_eq!(kept.first_failed_at, case.letter.first_failed_at);
        assert_eq!(kept.last_failed_at, kit.now());
        let counts = Counts {
            total: 1,
            sent: 1,
            failed_again: 1,
            ..Counts::default()
        };
        assert_eq!(kit.counts(operation).await, counts);
        kit.complete(operation).await;
    }
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        1,
        "a parked head still holds"
    );
    // A person may still try, and it may work.
    let (_, ids) = kit.redrive(&[&case.letter]).await;
    kit.send(ids[0]).await;
    assert_eq!(case.handle(&kit, ids[0]).await, Applied::Done);
    assert_eq!(case.kept(&kit).await.status, LetterStatus::Resolved);
}

pub async fn a_report_may_come_before_the_acknowledgement(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    assert!(kit.store.item_queued(ids[0]).await.unwrap());
    assert_eq!(case.handle(&kit, ids[0]).await, Applied::Done);
    kit.store
        .item_sent(ids[0], "order-events", 0, 5)
        .await
        .unwrap();
    assert_eq!(case.kept(&kit).await.status, LetterStatus::Resolved);
    assert!(
        kit.store
            .in_flight_items(operation)
            .await
            .unwrap()
            .is_empty()
    );
    let counts = Counts {
        total: 1,
        sent: 1,
        ok: 1,
        ..Counts::default()
    };
    assert_eq!(kit.counts(operation).await, counts);
    kit.store.item_unknown(ids[0]).await.unwrap();
    assert_eq!(kit.counts(operation).await, counts, "a report stands");
}

pub async fn silence_is_unknown_until_somebody_speaks(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    kit.send(ids[0]).await;
    kit.store.item_unknown(ids[0]).await.unwrap();
    let kept = case.kept(&kit).await;
    assert_eq!(
        (kept.status, kept.outcome),
        (LetterStatus::Unresolved, Some(RedriveOutcome::Unknown))
    );
    assert_eq!(kit.counts(operation).await.unknown, 1);
    assert_eq!(case.handle(&kit, ids[0]).await, Applied::Done);
    assert_eq!(case.kept(&kit).await.status, LetterStatus::Resolved);
    let counts = Counts {
        total: 1,
        sent: 1,
        ok: 1,
        ..Counts::default()
    };
    assert_eq!(kit.counts(operation).await, counts);
}

pub async fn refused_items_go_back(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let (operation, ids) = kit.redrive(&[&one.letter, &two.letter]).await;
    kit.store
        .item_refused(ids[0], "malformed: edit it first")
        .await
        .unwrap();
    assert!(kit.store.item_queued(ids[1]).await.unwrap());
    kit.store
        .item_refused(ids[1], "gone from the log")
        .await
        .unwrap();
    for case in [&one, &two] {
        let kept = case.kept(&kit).await;
        assert_eq!(kept.status, LetterStatus::Unresolved);
        assert_eq!(kept.code, case.letter.code, "its failure stays");
    }
    let counts = Counts {
        total: 2,
        refused: 2,
        ..Counts::default()
    };
    assert_eq!(kit.counts(operation).await, counts);
    assert!(
        kit.store
            .next_items(operation, 10)
            .await
            .unwrap()
            .is_empty()
    );
}

pub async fn one_redrive_on_a_topic(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let mut foreign = one.letter.clone();
    foreign.id = kit.clock.id();
    foreign.group = Some("email-service".into());
    kit.store.bury(&foreign, &body(), None).await.unwrap();
    let (first, _) = kit.redrive(&[&one.letter]).await;
    let second = kit.operation(OperationKind::Redrive);
    let items = [(kit.clock.id(), two.letter.id)];
    let busy = kit.store.create_operation(&second, &items).await;
    assert!(matches!(busy, Err(StoreError::Busy(_))), "{busy:?}");
    assert_eq!(kit.store.operation(second.id).await.unwrap(), None);
    kit.redrive(&[&foreign]).await;
    let replay = kit.operation(OperationKind::Replay);
    kit.store.create_operation(&replay, &[]).await.unwrap();
    kit.complete(first).await;
    kit.store.create_operation(&second, &items).await.unwrap();
}

pub async fn a_letter_that_is_done_is_not_sent(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    assert_eq!(case.handle(&kit, kit.clock.id()).await, Applied::Done);
    assert!(!kit.store.item_queued(ids[0]).await.unwrap());
    assert!(
        !kit.store.item_queued(kit.clock.id()).await.unwrap(),
        "no such item"
    );
    assert_eq!(kit.counts(operation).await.refused, 1);
    assert_eq!(case.kept(&kit).await.redrives, 0);
}

pub async fn an_ended_operation_gives_back_what_it_did_not_send(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let row = kit.letter(&kit.envelope(&cancelled("O-1")), 3);
    kit.store
        .queue_behind(&[(row.clone(), body())])
        .await
        .unwrap();
    let (operation, ids) = kit.redrive(&[&one.letter, &two.letter, &row]).await;
    kit.send(ids[0]).await;
    for id in &ids[1..] {
        assert!(kit.store.item_queued(*id).await.unwrap());
    }
    let end = kit.store.set_operation_state(
        operation,
        OperationState::Cancelled,
        Some("by ada"),
        kit.now(),
    );
    assert!(end.await.unwrap());
    assert_eq!(kit.status(&one.letter).await, LetterStatus::InFlight);
    assert_eq!(kit.status(&two.letter).await, LetterStatus::Unresolved);
    assert_eq!(kit.status(&row).await, LetterStatus::Blocked);
    let ended = kit.store.operation(operation).await.unwrap().unwrap();
    assert_eq!(
        (ended.state, ended.ended_at),
        (OperationState::Cancelled, Some(kit.now()))
    );
    assert_eq!(ended.note.as_deref(), Some("by ada"));
    let again = kit
        .store
        .set_operation_state(operation, OperationState::Running, None, kit.now());
    assert!(!again.await.unwrap(), "what is over stays over");
}

pub async fn a_crash_sends_under_the_same_id(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    assert!(kit.store.item_queued(ids[0]).await.unwrap());
    let restarted = kit.another().await;
    let unfinished = restarted.unfinished_operations().await.unwrap();
    assert_eq!(
        unfinished.iter().map(|o| o.id).collect::<Vec<_>>(),
        [operation]
    );
    let items = restarted.next_items(operation, 10).await.unwrap();
    assert_eq!(
        (items[0].redrive_id, items[0].state),
        (ids[0], ItemState::Queued)
    );
    assert!(restarted.item_queued(ids[0]).await.unwrap());
    assert_eq!(case.kept(&kit).await.redrives, 1, "counted once");
}

pub async fn items_can_be_added_once(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let (operation, _) = kit.redrive(&[&one.letter]).await;
    let id = kit.clock.id();
    assert!(
        kit.store
            .add_item(operation, id, two.letter.id)
            .await
            .unwrap()
    );
    assert!(
        !kit.store
            .add_item(operation, kit.clock.id(), two.letter.id)
            .await
            .unwrap()
    );
    kit.store.item_refused(id, "gone").await.unwrap();
    let again = kit.store.add_item(operation, id, two.letter.id).await;
    assert!(!again.unwrap(), "an id is used once");
    let item = kit.store.item(id).await.unwrap().unwrap();
    assert_eq!((item.letter_id, item.seq), (two.letter.id, 1));
    assert_eq!(kit.counts(operation).await.total, 2);
}
