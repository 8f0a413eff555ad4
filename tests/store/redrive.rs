//! Redrives from plan to report.

use evtop::domain::envelope::Envelope;
use evtop::domain::event::Event;
use evtop::domain::letter::{Letter, LetterStatus, RedriveOutcome};
use evtop::domain::operation::{Counts, OperationKind, OperationState};
use evtop::domain::service::Service;
use evtop::store::{Applied, Granted, ItemState, Queued, RedriveRef, StoreError, Wish};
use uuid::Uuid;

use crate::kit::{EPOCH, Kit, body, cancelled, created};

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
        kit.store.bury(&letter, &body(), None, None).await.unwrap();
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
            .bury(&again, &body(), Some(self.redrive(id)), None)
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
    let items = kit.due(operation).await;
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
    assert!(kit.queued(ids[0]).await);
    assert_eq!(kit.status(&one.letter).await, LetterStatus::Queued);
    kit.sent(ids[0], 2, 77).await;
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
    assert_eq!(kit.due(operation).await.len(), 1);
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
        assert!(kit.queued(ids[0]).await);
        assert!(kit.queued(ids[0]).await, "asked again after a crash");
        kit.sent(ids[0], 0, round).await;
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
    assert!(kit.queued(ids[0]).await);
    assert_eq!(case.handle(&kit, ids[0]).await, Applied::Done);
    kit.sent(ids[0], 0, 5).await;
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
    assert!(kit.queued(ids[1]).await);
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
    assert!(kit.due(operation).await.is_empty());
}

pub async fn one_redrive_on_a_topic(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let mut foreign = one.letter.clone();
    foreign.id = kit.clock.id();
    foreign.group = Some("email-service".into());
    kit.store.bury(&foreign, &body(), None, None).await.unwrap();
    let (first, _) = kit.redrive(&[&one.letter]).await;
    let second = kit.operation(OperationKind::Redrive);
    let items = [(kit.clock.id(), two.letter.id)];
    let busy = kit.store.create_operation(&second, &items, None).await;
    assert!(matches!(busy, Err(StoreError::Busy(_))), "{busy:?}");
    assert_eq!(kit.store.operation(second.id).await.unwrap(), None);
    kit.redrive(&[&foreign]).await;
    let replay = kit.operation(OperationKind::Replay);
    kit.store
        .create_operation(&replay, &[], None)
        .await
        .unwrap();
    kit.complete(first).await;
    kit.store
        .create_operation(&second, &items, None)
        .await
        .unwrap();
}

pub async fn a_letter_that_is_done_is_not_sent(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    assert_eq!(case.handle(&kit, kit.clock.id()).await, Applied::Done);
    assert!(!kit.queued(ids[0]).await);
    assert!(!kit.queued(kit.clock.id()).await, "no such item");
    assert_eq!(kit.counts(operation).await.refused, 1);
    assert_eq!(case.kept(&kit).await.redrives, 0);
}

pub async fn a_cancelled_redrive_leaves_nothing_hanging(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let three = Case::new(&kit, 3).await;
    let behind = kit.letter(&kit.envelope(&cancelled("O-1")), 4);
    let still = kit.letter(&kit.envelope(&cancelled("O-2")), 5);
    for row in [&behind, &still] {
        let queued = kit.store.queue_behind(&[(row.clone(), body())]).await;
        assert_eq!(queued.unwrap(), [Queued::Queued]);
    }
    let letters = [&one.letter, &two.letter, &three.letter];
    let (operation, ids) = kit.redrive(&letters).await;
    kit.send(ids[0]).await;
    assert!(
        kit.queued(ids[2]).await,
        "meant to be sent, and maybe it was"
    );
    let cancel = kit.store.ask_operation(operation, Wish::Cancel, kit.now());
    assert_eq!(cancel.await.unwrap(), Granted::Yes);
    assert_eq!(kit.status(&one.letter).await, LetterStatus::InFlight);
    assert_eq!(kit.status(&two.letter).await, LetterStatus::Unresolved);
    assert_eq!(two.kept(&kit).await.redrives, 0);
    let kept = kit.store.letter(behind.id).await.unwrap().unwrap().0;
    assert_eq!(
        (kept.status, kept.code.as_str()),
        (LetterStatus::Unresolved, "not_sent"),
        "its turn waits for a person"
    );
    assert_eq!(
        kit.status(&still).await,
        LetterStatus::Blocked,
        "behind one that was not sent"
    );
    let open = kit.store.items_left_behind(10).await.unwrap();
    assert_eq!(
        open.iter().map(|i| i.redrive_id).collect::<Vec<_>>(),
        [ids[0], ids[2]]
    );
    kit.store.item_unknown(ids[2]).await.unwrap();
    assert_eq!(one.handle(&kit, ids[0]).await, Applied::Done);
    assert!(kit.store.items_left_behind(10).await.unwrap().is_empty());
    let counts = Counts {
        total: 3,
        sent: 2,
        ok: 1,
        unknown: 1,
        left: 1,
        ..Counts::default()
    };
    assert_eq!(kit.counts(operation).await, counts);
    assert!(
        kit.store.ready_letters(9).await.unwrap().is_empty(),
        "nothing goes on by itself"
    );
    // All of it can be redriven once more.
    let (again, ids) = kit.redrive(&[&behind, &two.letter, &three.letter]).await;
    assert_eq!(kit.due(again).await.len(), 3);
    for id in ids {
        kit.send(id).await;
    }
}

pub async fn what_is_not_sent_does_not_count(kit: Kit) {
    let event = created("O-9", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let mut letter = kit.letter(&envelope, 9);
    (letter.redrives, letter.status) = (3, LetterStatus::Parked);
    kit.store.bury(&letter, &body(), None, None).await.unwrap();
    let kept = async || kit.store.letter(letter.id).await.unwrap().unwrap().0;
    let (operation, ids) = kit.redrive(&[&letter]).await;
    assert!(kit.queued(ids[0]).await);
    assert_eq!(kept().await.redrives, 4);
    kit.store.item_refused(ids[0], "too large").await.unwrap();
    assert_eq!(
        (kept().await.status, kept().await.redrives),
        (LetterStatus::Parked, 3)
    );
    assert!(kit.complete(operation).await);
    let (operation, _) = kit.redrive(&[&letter]).await;
    let cancel = kit.store.ask_operation(operation, Wish::Cancel, kit.now());
    assert_eq!(cancel.await.unwrap(), Granted::Yes);
    assert_eq!(
        (kept().await.status, kept().await.redrives),
        (LetterStatus::Parked, 3)
    );
}

/// A key's letters, the second written down before the first was resolved.
async fn of_one_key(kit: &Kit) -> [Case; 2] {
    let (first, second) = (created("O-1", &[("A", 1)]), cancelled("O-1"));
    let mut cases = Vec::new();
    for (n, event) in [(1, first), (2, second)] {
        let envelope = kit.envelope(&event);
        let letter = kit.letter(&envelope, n);
        kit.store.bury(&letter, &body(), None, None).await.unwrap();
        cases.push(Case {
            letter,
            envelope,
            event,
        });
    }
    let [Ok(one), Ok(two)] = [0, 1].map(|_| cases.pop().ok_or(())) else {
        unreachable!("two were written");
    };
    [two, one]
}

pub async fn a_key_is_sent_in_the_order_of_arrival(kit: Kit) {
    let [older, younger] = of_one_key(&kit).await;
    // Marked the other way round.
    let (operation, ids) = kit.redrive(&[&younger.letter, &older.letter]).await;
    let due = kit.due(operation).await;
    assert_eq!(
        due.iter().map(|i| i.letter_id).collect::<Vec<_>>(),
        [older.letter.id]
    );
    assert!(!kit.queued(ids[0]).await, "not even when it is asked for");
    assert_eq!(kit.status(&younger.letter).await, LetterStatus::Unresolved);
    kit.send(ids[1]).await;
    assert!(
        kit.due(operation).await.is_empty(),
        "the older is on its way"
    );
    assert_eq!(kit.store.refuse_waiting(operation, EPOCH).await.unwrap(), 0);
    assert_eq!(older.handle(&kit, ids[1]).await, Applied::Done);
    assert_eq!(kit.due(operation).await[0].letter_id, younger.letter.id);
    kit.send(ids[0]).await;
    assert_eq!(younger.handle(&kit, ids[0]).await, Applied::Done);
    assert!(kit.complete(operation).await);
    assert_eq!(kit.counts(operation).await.ok, 2);
}

pub async fn what_waits_behind_a_failure_is_refused(kit: Kit) {
    let [older, younger] = of_one_key(&kit).await;
    let (operation, ids) = kit.redrive(&[&older.letter, &younger.letter]).await;
    kit.send(ids[0]).await;
    older.fail(&kit, ids[0]).await;
    assert!(kit.due(operation).await.is_empty());
    assert_eq!(kit.store.refuse_waiting(operation, EPOCH).await.unwrap(), 1);
    let item = kit.store.item(ids[1]).await.unwrap().unwrap();
    let why = item.error.unwrap();
    assert_eq!(
        why,
        format!("it waits behind letter {} of the same key", older.letter.id)
    );
    assert_eq!(kit.status(&younger.letter).await, LetterStatus::Unresolved);
    assert!(kit.complete(operation).await);
    let ended = kit.store.operation(operation).await.unwrap().unwrap();
    assert_eq!(ended.state, OperationState::Completed);
}

pub async fn an_end_derives_from_the_items(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    let end = async || {
        let state = OperationState::Completed;
        let end = kit
            .store
            .finish_operation(operation, EPOCH, state, None, kit.now());
        end.await.unwrap()
    };
    assert!(!end().await, "nothing is sent");
    kit.send(ids[0]).await;
    assert!(!end().await, "nothing is reported");
    let queued = kit.letter(&kit.envelope(&cancelled("O-1")), 2);
    let waits = kit.store.queue_behind(&[(queued.clone(), body())]).await;
    assert_eq!(waits.unwrap(), [Queued::Queued]);
    assert_eq!(case.handle(&kit, ids[0]).await, Applied::Done);
    assert!(!end().await, "the queue behind it has had no turn");
    assert_eq!(kit.store.follow_items(operation, EPOCH).await.unwrap(), 1);
    assert!(!end().await);
    let due = kit.due(operation).await;
    assert_eq!(due[0].letter_id, queued.id);
    kit.send(due[0].redrive_id).await;
    kit.store.item_unknown(due[0].redrive_id).await.unwrap();
    kit.store.follow_items(operation, EPOCH).await.unwrap();
    assert!(end().await);
}

pub async fn nothing_is_queued_of_what_stands_still(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    let ask = async |wish| {
        kit.store
            .ask_operation(operation, wish, kit.now())
            .await
            .unwrap()
    };
    assert_eq!(ask(Wish::Pause).await, Granted::Yes);
    let turn = kit.store.redrive_turn(operation, EPOCH, 9).await.unwrap();
    assert_eq!((turn.paused, turn.due.len(), turn.waiting), (true, 0, true));
    assert!(!kit.queued(ids[0]).await);
    assert_eq!(kit.status(&case.letter).await, LetterStatus::Unresolved);
    assert_eq!(ask(Wish::Resume).await, Granted::Yes);
    assert!(kit.queued(ids[0]).await);
}

pub async fn a_crash_sends_under_the_same_id(kit: Kit) {
    let case = Case::new(&kit, 1).await;
    let (operation, ids) = kit.redrive(&[&case.letter]).await;
    assert!(kit.queued(ids[0]).await);
    let restarted = kit.another().await;
    assert_eq!(restarted.unfinished_redrives().await.unwrap(), 1);
    kit.ago(operation, std::time::Duration::from_secs(11)).await;
    let silence = std::time::Duration::from_secs(10);
    let epoch = restarted
        .claim_operation(operation, "next", silence)
        .await
        .unwrap();
    assert_eq!(epoch, Some(EPOCH + 1));
    let turn = restarted
        .redrive_turn(operation, EPOCH + 1, 10)
        .await
        .unwrap();
    assert_eq!(
        (turn.due[0].redrive_id, turn.due[0].state),
        (ids[0], ItemState::Queued)
    );
    let queued = restarted
        .items_queued(operation, EPOCH + 1, &ids)
        .await
        .unwrap();
    assert_eq!(queued.len(), 1);
    assert_eq!(case.kept(&kit).await.redrives, 1, "counted once");
    let late = kit.store.items_queued(operation, EPOCH, &ids).await;
    assert_eq!(
        late,
        Err(StoreError::Lost),
        "the one before may send no more"
    );
}

pub async fn a_letter_that_is_gone_ends_no_redrive(kit: Kit) {
    let (one, two) = (Case::new(&kit, 1).await, Case::new(&kit, 2).await);
    let (operation, ids) = kit.redrive(&[&one.letter, &two.letter]).await;
    let gone = format!("DELETE FROM dead_letter WHERE id = '{}'", one.letter.id);
    kit.run(&gone, 0).await;
    assert_eq!(
        kit.due(operation).await.len(),
        2,
        "it is told, not waited for"
    );
    assert!(!kit.queued(ids[0]).await);
    let item = kit.store.item(ids[0]).await.unwrap().unwrap();
    assert_eq!(item.error.as_deref(), Some("the letter is gone"));
    kit.send(ids[1]).await;
    assert_eq!(two.handle(&kit, ids[1]).await, Applied::Done);
    assert!(kit.complete(operation).await);
    let ended = kit.store.operation(operation).await.unwrap().unwrap();
    assert_eq!(ended.state, OperationState::Completed);
}
