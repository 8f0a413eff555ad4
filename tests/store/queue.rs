//! What waits behind a letter of its key.

use evtop::domain::envelope::Envelope;
use evtop::domain::event::Event;
use evtop::domain::letter::{Letter, LetterFilter, LetterStatus};
use evtop::domain::service::Service;
use evtop::store::{Applied, QUEUE_DEPTH, Queued, RedriveRef};

use crate::kit::{Kit, body, cancelled, created, work};

/// A letter at the head of O-1's queue, its event, and its envelope.
async fn head(kit: &Kit) -> (Letter, Envelope, Event) {
    kit.stock(&[("A", 10)]).await;
    let event = created("O-1", &[("A", 1)]);
    let envelope = kit.envelope(&event);
    let letter = kit.letter(&envelope, 1);
    kit.store.bury(&letter, &body(), None, None).await.unwrap();
    (letter, envelope, event)
}

async fn queue(kit: &Kit, letter: &Letter) -> Queued {
    kit.store
        .queue_behind(&[(letter.clone(), body())])
        .await
        .unwrap()[0]
}

async fn redriven(kit: &Kit, letter: &Letter, envelope: &Envelope, event: &Event) -> Applied {
    let redrive = RedriveRef {
        letter: letter.id,
        redrive: kit.clock.id(),
    };
    kit.apply_one(Service::Inventory, envelope, event, Some(redrive))
        .await
}

pub async fn events_wait_in_order_behind_a_letter(kit: Kit) {
    let (letter, ..) = head(&kit).await;
    let event = cancelled("O-1");
    let rows: Vec<_> = (2..5)
        .map(|n| (kit.letter(&kit.envelope(&event), n), body()))
        .collect();
    assert_eq!(
        kit.store.queue_behind(&rows).await.unwrap(),
        [Queued::Queued; 3]
    );
    assert_eq!(kit.store.behind(letter.id).await.unwrap(), 3);
    assert_eq!(kit.store.behind(rows[0].0.id).await.unwrap(), 2);
    let turn = kit.store.next_behind("inventory-service", b"O-1").await;
    assert_eq!(turn.unwrap(), None, "its head is not resolved");
    let next = kit.store.letter(rows[0].0.id).await.unwrap().unwrap().0;
    assert_eq!(next.status, LetterStatus::Blocked);
    assert_eq!(next.blocked_by, Some(letter.id));
    assert_eq!(kit.store.letter(next.id).await.unwrap().unwrap().1, body());
    assert_eq!(
        kit.store
            .causes(&LetterFilter::default(), 10, kit.now())
            .await
            .unwrap()
            .0[0]
            .count,
        1,
        "what waits has no cause"
    );
}

pub async fn a_handled_event_does_not_wait(kit: Kit) {
    kit.stock(&[("A", 10)]).await;
    let before = created("O-1", &[("A", 1)]);
    let done = kit.envelope(&before);
    kit.apply_one(Service::Inventory, &done, &before, None)
        .await;
    let event = cancelled("O-1");
    let failed = kit.envelope(&event);
    let letter = kit.letter(&failed, 2);
    kit.store.bury(&letter, &body(), None, None).await.unwrap();
    // A crash before the offset was stored hands both in again.
    let batch = [work(&done, &before), work(&failed, &event)];
    let applied = kit.apply(Service::Inventory, &batch).await;
    assert_eq!(applied, [Applied::Duplicate, Applied::Blocked(letter.id)]);
    assert_eq!(
        queue(&kit, &letter).await,
        Queued::Queued,
        "the head itself is known"
    );
    assert_eq!(
        kit.status(&letter).await,
        LetterStatus::Unresolved,
        "and stays what it is"
    );
}

pub async fn a_free_key_is_released(kit: Kit) {
    let (letter, envelope, event) = head(&kit).await;
    let next = kit.letter(&kit.envelope(&cancelled("O-1")), 2);
    assert_eq!(
        redriven(&kit, &letter, &envelope, &event).await,
        Applied::Done
    );
    assert_eq!(queue(&kit, &next).await, Queued::Released);
    assert_eq!(kit.store.letter(next.id).await.unwrap(), None);
    let mut keyless = next;
    keyless.key = None;
    assert_eq!(queue(&kit, &keyless).await, Queued::Released);
}

pub async fn a_queue_has_an_end(kit: Kit) {
    let (letter, ..) = head(&kit).await;
    let envelope = kit.envelope(&cancelled("O-1"));
    let depth = i64::try_from(QUEUE_DEPTH).unwrap();
    let rows: Vec<_> = (0..depth + 2)
        .map(|n| (kit.letter(&envelope, n + 2), body()))
        .collect();
    let (most, rest) = rows.split_at(1_000);
    assert!(
        kit.store
            .queue_behind(most)
            .await
            .unwrap()
            .iter()
            .all(|q| *q == Queued::Queued)
    );
    let answers = kit.store.queue_behind(rest).await.unwrap();
    assert!(answers[..24].iter().all(|q| *q == Queued::Queued));
    assert_eq!(answers[24..], [Queued::Full, Queued::Full]);
    assert_eq!(kit.store.behind(letter.id).await.unwrap(), QUEUE_DEPTH);
    assert_eq!(
        queue(&kit, &rows[5].0).await,
        Queued::Queued,
        "one that waits already still does"
    );
    // The redriven head stands behind them in its partition: they must let it come.
    let (_, ids) = kit.redrive(&[&letter]).await;
    assert!(kit.queued(ids[0]).await);
    assert_eq!(queue(&kit, &rows[1_024].0).await, Queued::Queued);
    kit.send(ids[0]).await;
    assert_eq!(queue(&kit, &rows[1_025].0).await, Queued::Queued);
    kit.store.item_unknown(ids[0]).await.unwrap();
    let later = kit.letter(&envelope, 2_000);
    assert_eq!(queue(&kit, &later).await, Queued::Full);
}

pub async fn queueing_twice_is_once(kit: Kit) {
    let (letter, ..) = head(&kit).await;
    let next = kit.letter(&kit.envelope(&cancelled("O-1")), 2);
    let rows = [(next.clone(), body()), (next.clone(), body())];
    for _ in 0..2 {
        assert_eq!(
            kit.store.queue_behind(&rows).await.unwrap(),
            [Queued::Queued; 2]
        );
    }
    assert_eq!(kit.store.behind(letter.id).await.unwrap(), 1);
}

pub async fn the_block_moves_to_the_next_and_ends(kit: Kit) {
    let (letter, envelope, event) = head(&kit).await;
    let second = cancelled("O-1");
    let envelopes = [kit.envelope(&second), kit.envelope(&second)];
    let rows = [kit.letter(&envelopes[0], 2), kit.letter(&envelopes[1], 3)];
    for row in &rows {
        assert_eq!(queue(&kit, row).await, Queued::Queued);
    }
    assert!(kit.store.ready_letters(10).await.unwrap().is_empty());
    assert_eq!(
        redriven(&kit, &letter, &envelope, &event).await,
        Applied::Done
    );
    let ready = kit.store.ready_letters(10).await.unwrap();
    assert_eq!(ready.iter().map(|l| l.id).collect::<Vec<_>>(), [rows[0].id]);
    let newer = kit.envelope(&second);
    let blocked = kit
        .apply_one(Service::Inventory, &newer, &second, None)
        .await;
    assert_eq!(
        blocked,
        Applied::Blocked(rows[0].id),
        "the key waits until its queue has run"
    );
    for (row, envelope) in rows.iter().zip(&envelopes) {
        let next = kit
            .store
            .next_behind("inventory-service", b"O-1")
            .await
            .unwrap()
            .unwrap();
        assert_eq!(next.id, row.id);
        assert_eq!(redriven(&kit, row, envelope, &second).await, Applied::Done);
    }
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        0
    );
    assert_eq!(
        kit.apply_one(Service::Inventory, &newer, &second, None)
            .await,
        Applied::Done
    );
    assert_eq!(kit.levels().await, [("A".into(), 10, 0)]);
    let (open, _) = kit
        .store
        .letters(&LetterFilter::default(), 0, 10)
        .await
        .unwrap();
    assert!(open.is_empty());
}

pub async fn a_queued_row_that_fails_is_a_letter(kit: Kit) {
    let (letter, envelope, event) = head(&kit).await;
    let next = kit.envelope(&cancelled("O-1"));
    let mut row = kit.letter(&next, 2);
    row.dlq = None;
    queue(&kit, &row).await;
    let behind = kit.letter(&kit.envelope(&cancelled("O-1")), 3);
    queue(&kit, &behind).await;
    redriven(&kit, &letter, &envelope, &event).await;
    let (operation, ids) = kit.redrive(&[&row]).await;
    kit.send(ids[0]).await;
    kit.tick(30);
    let redrive = RedriveRef {
        letter: row.id,
        redrive: ids[0],
    };
    let failed = kit.letter(&next, 2);
    kit.store
        .bury(&failed, &body(), Some(redrive), None)
        .await
        .unwrap();
    let kept = kit.store.letter(row.id).await.unwrap().unwrap().0;
    assert_eq!(
        (kept.status, kept.blocked_by, kept.redrives),
        (LetterStatus::Unresolved, None, 1)
    );
    assert_eq!(kept.dlq, failed.dlq);
    assert_eq!(kit.counts(operation).await.failed_again, 1);
    let turn = kit.store.next_behind("inventory-service", b"O-1").await;
    assert_eq!(turn.unwrap(), None, "what waits does not overtake it");
    assert_eq!(
        kit.store.blocked_keys("inventory-service").await.unwrap(),
        1
    );
}

pub async fn another_group_is_not_blocked(kit: Kit) {
    let (_, _, event) = head(&kit).await;
    let applied = kit
        .apply_one(Service::Email, &kit.envelope(&event), &event, None)
        .await;
    assert_eq!(applied, Applied::Done);
    assert_eq!(kit.store.blocked_keys("email-service").await.unwrap(), 0);
}

pub async fn a_turn_that_is_refused_waits_for_a_person(kit: Kit) {
    let (letter, envelope, event) = head(&kit).await;
    let row = kit.letter(&kit.envelope(&cancelled("O-1")), 2);
    queue(&kit, &row).await;
    redriven(&kit, &letter, &envelope, &event).await;
    assert_eq!(kit.store.ready_letters(10).await.unwrap().len(), 1);
    let (_, ids) = kit.redrive(&[&row]).await;
    assert!(kit.queued(ids[0]).await);
    kit.store.item_refused(ids[0], "too large").await.unwrap();
    assert!(kit.store.ready_letters(10).await.unwrap().is_empty());
    let kept = kit.store.letter(row.id).await.unwrap().unwrap().0;
    assert_eq!(
        (kept.status, kept.code.as_str(), kept.message.as_str()),
        (LetterStatus::Unresolved, "not_sent", "too large")
    );
    let heads = kit
        .store
        .blocked_heads("inventory-service", &[b"O-1"])
        .await;
    assert_eq!(heads.unwrap().get(b"O-1".as_slice()), Some(&row.id));
}
