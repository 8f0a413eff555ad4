//! Parts of the outbox, and what keeps readers of the event store waiting: on SQLite nothing does.

use std::time::Duration;

use evtop::store::Part;

use crate::kit::{Kit, created};

pub async fn one_shard_is_the_whole_outbox(kit: Kit) {
    let events: Vec<_> = (0..20)
        .map(|n| kit.envelope(&created(&format!("O-{n}"), &[("A", 1)])))
        .collect();
    kit.store
        .append_many(&events, true, kit.now())
        .await
        .unwrap();
    let long = Duration::from_secs(60);
    let mut shard = kit.store.claim_shard("a", 1, long).await.unwrap().unwrap();
    assert_eq!(shard.part(), Part::ALL);
    assert!(shard.still_ours().await);
    let rows = kit.store.outbox_batch(shard.part(), 100, kit.now()).await;
    assert_eq!(rows.unwrap(), kit.store.outbox_head(100).await.unwrap());
    shard.release().await;
    if kit.store.kind() == "sqlite" {
        assert_eq!(kit.store.shard_owners().await.unwrap(), []);
    }
    assert!(kit.store.claim_shard("b", 1, long).await.unwrap().is_some());
    assert!(kit.store.claim_shard("b", 0, long).await.is_err());
}

pub async fn a_store_at_rest_holds_nobody_up(kit: Kit) {
    assert_eq!(kit.store.tail_held_by(Duration::ZERO).await.unwrap(), None);
    let event = [kit.envelope(&created("O-1", &[("A", 1)]))];
    kit.store
        .append_many(&event, true, kit.now())
        .await
        .unwrap();
    kit.settled().await;
    assert_eq!(kit.store.tail_held_by(Duration::ZERO).await.unwrap(), None);
    assert_eq!(kit.store.restored().await.unwrap(), None);
    assert_eq!(kit.store.mend_restored().await.unwrap(), 0);
    assert_eq!(kit.store.totals().await.unwrap().0, 1);
}
