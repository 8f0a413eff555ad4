//! The outbox.

use evtop::domain::stored::{BlockedKey, OutboxRow};
use evtop::store::{Ack, Part};

use crate::kit::{Kit, cancelled, created, seconds};

/// An order and its cancellation for each of these, interleaved.
async fn fill(kit: &Kit, orders: &[&str]) -> Vec<OutboxRow> {
    let first = orders
        .iter()
        .map(|order| kit.envelope(&created(order, &[("A", 1)])));
    let second = orders.iter().map(|order| kit.envelope(&cancelled(order)));
    let events: Vec<_> = first.chain(second).collect();
    kit.store
        .append_many(&events, true, kit.now())
        .await
        .unwrap();
    kit.store.outbox_head(100).await.unwrap()
}

fn ack(row: &OutboxRow, offset: i64) -> Ack {
    Ack {
        seq: row.seq,
        partition: 2,
        offset,
    }
}

fn blocked(row: &OutboxRow, until: Option<chrono::DateTime<chrono::Utc>>) -> BlockedKey {
    BlockedKey {
        aggregate_id: row.aggregate_id.clone(),
        head_seq: row.seq,
        attempts: 3,
        until,
        error: "message too large".into(),
    }
}

pub async fn rows_come_in_order_and_move_when_acknowledged(kit: Kit) {
    let rows = fill(&kit, &["O-1", "O-2"]).await;
    assert_eq!(
        kit.store
            .outbox_batch(Part::ALL, 3, kit.now())
            .await
            .unwrap(),
        rows[..3]
    );
    let summary = kit.store.outbox_summary().await.unwrap();
    assert_eq!((summary.pending, summary.oldest), (4, Some(kit.now())));
    let sent_at = kit.tick(2);
    kit.store
        .outbox_ack(&[ack(&rows[0], 7), ack(&rows[1], 8)], sent_at)
        .await
        .unwrap();
    assert_eq!(
        kit.store
            .outbox_batch(Part::ALL, 10, kit.now())
            .await
            .unwrap(),
        rows[2..]
    );
    let sent = kit.store.outbox_sent_newest(10).await.unwrap();
    assert_eq!(
        sent.iter()
            .map(|s| (s.seq, s.partition, s.offset))
            .collect::<Vec<_>>(),
        [(rows[1].seq, 2, 8), (rows[0].seq, 2, 7)]
    );
    assert_eq!((sent[0].id, sent[0].sent_at), (rows[1].id, sent_at));
    assert_eq!(sent[0].created_at, rows[1].created_at);
    // A number is never given twice, so an order never turns round.
    kit.store
        .outbox_ack(&[ack(&rows[2], 9), ack(&rows[3], 9)], sent_at)
        .await
        .unwrap();
    assert_eq!(
        kit.store.outbox_summary().await.unwrap(),
        Default::default()
    );
    assert!(fill(&kit, &["O-3"]).await[0].seq > rows[3].seq);
}

pub async fn a_blocked_key_is_skipped_and_keeps_its_order(kit: Kit) {
    let rows = fill(&kit, &["O-1", "O-2"]).await;
    let until = kit.now() + seconds(5);
    kit.store
        .outbox_block(&blocked(&rows[0], Some(until)))
        .await
        .unwrap();
    let batch = kit
        .store
        .outbox_batch(Part::ALL, 10, kit.now())
        .await
        .unwrap();
    assert_eq!(
        batch,
        [rows[1].clone(), rows[3].clone()],
        "no later row of the key overtakes"
    );
    assert_eq!(
        kit.store.outbox_blocked().await.unwrap(),
        [blocked(&rows[0], Some(until))]
    );
    assert_eq!(
        kit.store
            .outbox_batch(Part::ALL, 10, kit.tick(5))
            .await
            .unwrap(),
        rows
    );
    kit.store
        .outbox_block(&blocked(&rows[0], Some(kit.now() + seconds(9))))
        .await
        .unwrap();
    assert_eq!(
        kit.store
            .outbox_batch(Part::ALL, 10, kit.now())
            .await
            .unwrap()
            .len(),
        2
    );
    kit.store.outbox_unblock("O-1").await.unwrap();
    assert_eq!(
        kit.store
            .outbox_batch(Part::ALL, 10, kit.now())
            .await
            .unwrap(),
        rows
    );
}

pub async fn a_parked_key_waits_for_a_person(kit: Kit) {
    let rows = fill(&kit, &["O-1", "O-2"]).await;
    kit.store
        .outbox_block(&blocked(&rows[1], None))
        .await
        .unwrap();
    let later = kit.tick(1_000_000);
    assert_eq!(
        kit.store.outbox_batch(Part::ALL, 1, later).await.unwrap(),
        rows[..1]
    );
    assert_eq!(
        kit.store
            .outbox_batch(Part::ALL, 10, later)
            .await
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        kit.store.outbox_head(10).await.unwrap(),
        rows,
        "the screen still shows it"
    );
}

pub async fn an_acknowledged_head_frees_its_key(kit: Kit) {
    let rows = fill(&kit, &["O-1", "O-2"]).await;
    kit.store
        .outbox_block(&blocked(&rows[0], Some(kit.now() + seconds(5))))
        .await
        .unwrap();
    kit.store
        .outbox_block(&blocked(&rows[1], None))
        .await
        .unwrap();
    kit.store
        .outbox_ack(&[ack(&rows[0], 1)], kit.now())
        .await
        .unwrap();
    assert_eq!(
        kit.store.outbox_blocked().await.unwrap(),
        [blocked(&rows[1], None)]
    );
    assert_eq!(
        kit.store
            .outbox_batch(Part::ALL, 10, kit.now())
            .await
            .unwrap(),
        rows[2..3]
    );
}

pub async fn acknowledging_twice_is_harmless(kit: Kit) {
    let rows = fill(&kit, &["O-1"]).await;
    for offset in [4, 5] {
        kit.store
            .outbox_ack(&[ack(&rows[0], offset)], kit.now())
            .await
            .unwrap();
    }
    kit.store.outbox_ack(&[], kit.now()).await.unwrap();
    let sent = kit.store.outbox_sent_newest(10).await.unwrap();
    assert_eq!(sent.iter().map(|s| s.offset).collect::<Vec<_>>(), [4]);
}

pub async fn sent_rows_are_pruned_by_age(kit: Kit) {
    let rows = fill(&kit, &["O-1"]).await;
    kit.store
        .outbox_ack(&[ack(&rows[0], 1)], kit.now())
        .await
        .unwrap();
    let later = kit.tick(10);
    kit.store
        .outbox_ack(&[ack(&rows[1], 2)], later)
        .await
        .unwrap();
    assert_eq!(kit.store.prune_sent(later).await.unwrap(), 1);
    assert_eq!(kit.store.outbox_sent_newest(10).await.unwrap()[0].offset, 2);
}

pub async fn an_unpublished_append_is_quiet(kit: Kit) {
    let event = [kit.envelope(&created("O-1", &[("A", 1)]))];
    kit.store
        .append_many(&event, false, kit.now())
        .await
        .unwrap();
    assert_eq!(kit.store.outbox_summary().await.unwrap().pending, 0);
    assert_eq!(kit.store.totals().await.unwrap().0, 1);
}
