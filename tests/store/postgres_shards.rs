//! Relays that share an outbox: each shard has one, and a silent one loses it.

use std::time::Duration;

use evtop::store::{Store, StoreError};

use crate::kit::{Kit, created};

/// An order of its own for each, written one after the other.
async fn fill(kit: &Kit, orders: usize) {
    for n in 0..orders {
        let event = [kit.envelope(&created(&format!("O-{n}"), &[("A", 1)]))];
        let stored = kit.store.append_many(&event, true, kit.now()).await;
        stored.unwrap();
    }
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn shards_part_the_outbox_and_have_one_relay_each() {
    let kit = Kit::postgres().await;
    fill(&kit, 60).await;
    let long = Duration::from_secs(600);
    let claim = |store: &Store, name: &'static str| {
        let store = store.clone();
        async move { store.claim_shard(name, 3, long).await.unwrap() }
    };
    let other = kit.another().await;
    let (a, b, c) = tokio::join!(
        claim(&kit.store, "a"),
        claim(&other, "b"),
        claim(&kit.store, "c")
    );
    let mut shards = [a.unwrap(), b.unwrap(), c.unwrap()];
    assert!(claim(&other, "d").await.is_none(), "each is somebody's");
    let mut all = Vec::new();
    for shard in &mut shards {
        assert!(shard.still_ours().await);
        assert_eq!(shard.part().of, 3);
        let rows = kit.store.outbox_batch(shard.part(), 100, kit.now()).await;
        let rows = rows.unwrap();
        assert!(rows.len() > 5, "the hash deals evenly: {}", rows.len());
        assert!(rows.windows(2).all(|w| w[0].seq < w[1].seq));
        all.extend(rows);
    }
    all.sort_by_key(|row| row.seq);
    assert_eq!(
        all,
        kit.store.outbox_head(100).await.unwrap(),
        "none twice, none left"
    );
    // The number is the database's.
    let error = other
        .claim_shard("e", 2, long)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("3 shards, not 2"), "{error}");
    let busy = kit.store.set_shards(2).await.unwrap_err();
    assert!(
        matches!(&busy, StoreError::Busy(said) if said.starts_with("3 relays")),
        "{busy}"
    );
    let owners = other.shard_owners().await.unwrap();
    let mut held: Vec<u32> = shards.iter().map(|shard| shard.part().number).collect();
    held.sort_unstable();
    let listed: Vec<u32> = owners.iter().map(|shard| shard.part.number).collect();
    assert_eq!(listed, held);
    assert!(
        owners
            .iter()
            .all(|shard| matches!(&shard.owner, Some((_, silent)) if *silent < long)),
        "{owners:?}"
    );
    let [first, second, third] = shards;
    let freed = first.part();
    first.release().await;
    let owners = other.shard_owners().await.unwrap();
    let nobodys: Vec<_> = owners
        .iter()
        .filter(|shard| shard.owner.is_none())
        .collect();
    assert!(
        matches!(nobodys[..], [shard] if shard.part == freed),
        "{owners:?}"
    );
    assert_eq!(claim(&other, "d").await.unwrap().part(), freed);
    second.release().await;
    third.release().await;
    // A session that was dropped ends in its own time.
    while kit.store.set_shards(2).await.is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(other.claim_shard("e", 2, long).await.unwrap().is_some());
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn a_silent_relay_loses_its_shard() {
    let kit = Kit::postgres().await;
    let mut stopped = kit
        .store
        .claim_shard("stopped", 1, Duration::from_secs(600))
        .await
        .unwrap()
        .unwrap();
    let patient = kit
        .store
        .claim_shard("patient", 1, Duration::from_secs(600));
    assert!(patient.await.unwrap().is_none(), "it has just spoken");
    assert!(stopped.still_ours().await);
    let mut next = loop {
        // Silent for a moment is long enough here.
        let claimed = kit.store.claim_shard("next", 1, Duration::from_millis(1));
        if let Some(shard) = claimed.await.unwrap() {
            break shard;
        }
    };
    assert!(next.still_ours().await);
    assert!(!stopped.still_ours().await, "it wakes and must not send");
    drop(stopped);
    assert!(next.still_ours().await, "the sleeper's end frees nothing");
}

#[tokio::test]
#[ignore = "needs EVTOP_STACK_POSTGRES: scripts/stack test sets it"]
async fn shards_are_shared_with_one_who_comes_later() {
    let kit = Kit::postgres().await;
    let long = Duration::from_secs(600);
    let claim = async |name: &str| kit.store.claim_shard(name, 4, long).await.unwrap();
    let mut first = Vec::new();
    for _ in 0..4 {
        first.push(claim("first").await.expect("alone, it has them all"));
    }
    for shard in &mut first {
        assert!(!shard.surplus().await, "nobody else is there");
    }
    assert!(claim("second").await.is_none(), "each is somebody's yet");
    let mut kept = Vec::new();
    for mut shard in first.into_iter().rev() {
        if shard.surplus().await {
            shard.release().await;
        } else {
            kept.push(shard);
        }
    }
    let numbers: Vec<u32> = kept.iter().map(|shard| shard.part().number).collect();
    assert_eq!(numbers, [1, 0], "two each");
    let mut second = [claim("second").await, claim("second").await].map(Option::unwrap);
    let parts = second.each_ref().map(|shard| shard.part().number);
    assert!(parts.iter().all(|n| *n >= 2), "{parts:?}");
    assert!(claim("second").await.is_none(), "no more than its share");
    for shard in &mut second {
        assert!(!shard.surplus().await);
    }
}
