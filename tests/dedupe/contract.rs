//! What holds of claims wherever they are kept.

use std::time::Duration;

use evtop::clock;
use evtop::dedupe::{Claim, Dedupe, RedisSettings, Terms};

use super::{PATIENCE, claim, complete, consumer, now, settings, up};

/// Each rule, held against memory and against Redis.
macro_rules! contract {
    ($($rule:ident)*) => {
        mod memory {
            $(#[tokio::test]
            async fn $rule() {
                super::$rule(async |terms| super::Dedupe::memory_for(terms)).await;
            })*
        }

        mod redis {
            $(#[tokio::test]
            #[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
            async fn $rule() {
                super::$rule(super::in_redis).await;
            })*
        }
    };
}

contract! {
    a_claim_is_exclusive_until_it_is_released
    a_lease_ends_and_not_too_early
    a_claim_again_renews_the_lease
    done_is_done_and_forgotten_after_its_term
    another_s_claim_is_left_alone
    what_was_not_claimed_can_be_completed
    answers_stand_in_order
    one_of_many_gets_it
}

async fn in_redis(terms: Terms) -> Dedupe {
    let url = std::env::var("EVTOP_STACK_REDIS").expect("EVTOP_STACK_REDIS");
    let dedupe = Dedupe::redis(RedisSettings {
        terms,
        ..settings(url)
    });
    up(&dedupe).await;
    dedupe
}

fn short(lease: u64, kept: u64) -> Terms {
    Terms {
        lease: Duration::from_millis(lease),
        kept: Duration::from_millis(kept),
    }
}

/// Asks for `id` until it is fresh; how long that took at least is the caller's to check.
async fn wait_for_fresh(dedupe: &Dedupe, group: &str, id: &str, owner: &str) {
    let fresh = async {
        while claim(dedupe, group, &[id], owner).await != [Claim::Fresh] {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, fresh).await.unwrap();
}

async fn a_claim_is_exclusive_until_it_is_released(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(Terms::default()).await, consumer());
    assert_eq!(claim(&dedupe, &group, &["e"], "a").await, [Claim::Fresh]);
    assert_eq!(claim(&dedupe, &group, &["e"], "a").await, [Claim::Fresh]);
    let asked = now();
    let [Claim::Busy { until }] = claim(&dedupe, &group, &["e"], "b").await[..] else {
        panic!("two have it");
    };
    assert!(until > asked && until <= now() + Terms::default().lease);
    let other = consumer();
    assert_eq!(claim(&dedupe, &other, &["e"], "b").await, [Claim::Fresh]);
    dedupe.release(&group, &["e"], "a").await.unwrap();
    assert_eq!(claim(&dedupe, &group, &["e"], "b").await, [Claim::Fresh]);
}

async fn a_lease_ends_and_not_too_early(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(short(300, 60_000)).await, consumer());
    let started = clock::instant();
    claim(&dedupe, &group, &["e"], "a").await;
    wait_for_fresh(&dedupe, &group, "e", "b").await;
    // Redis counts whole milliseconds.
    assert!(started.elapsed() >= Duration::from_millis(298));
}

async fn a_claim_again_renews_the_lease(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(short(400, 60_000)).await, consumer());
    claim(&dedupe, &group, &["e"], "a").await;
    let half = clock::instant();
    while half.elapsed() < Duration::from_millis(200) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let renewed = clock::instant();
    claim(&dedupe, &group, &["e"], "a").await;
    wait_for_fresh(&dedupe, &group, "e", "b").await;
    assert!(renewed.elapsed() >= Duration::from_millis(398));
}

async fn done_is_done_and_forgotten_after_its_term(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(short(60_000, 300)).await, consumer());
    claim(&dedupe, &group, &["e"], "a").await;
    let started = clock::instant();
    complete(&dedupe, &group, &["e"], "a").await;
    wait_for_fresh(&dedupe, &group, "e", "b").await;
    assert!(started.elapsed() >= Duration::from_millis(298));

    let dedupe = open(Terms::default()).await;
    complete(&dedupe, &group, &["f"], "a").await;
    dedupe.release(&group, &["f"], "a").await.unwrap();
    complete(&dedupe, &group, &["f"], "b").await;
    for owner in ["a", "b"] {
        assert_eq!(claim(&dedupe, &group, &["f"], owner).await, [Claim::Done]);
    }
}

async fn another_s_claim_is_left_alone(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(Terms::default()).await, consumer());
    claim(&dedupe, &group, &["e"], "a").await;
    dedupe.release(&group, &["e"], "b").await.unwrap();
    complete(&dedupe, &group, &["e"], "b").await;
    let found = claim(&dedupe, &group, &["e"], "b").await;
    assert!(matches!(found[..], [Claim::Busy { .. }]), "{found:?}");
    complete(&dedupe, &group, &["e"], "a").await;
    assert_eq!(claim(&dedupe, &group, &["e"], "b").await, [Claim::Done]);
}

async fn what_was_not_claimed_can_be_completed(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(Terms::default()).await, consumer());
    complete(&dedupe, &group, &["e"], "a").await;
    assert_eq!(claim(&dedupe, &group, &["e"], "b").await, [Claim::Done]);
    let none = dedupe.claim(&group, &[], "a", now()).await;
    assert_eq!(none, Ok(Vec::new()));
    complete(&dedupe, &group, &[], "a").await;
    dedupe.release(&group, &[], "a").await.unwrap();
}

async fn answers_stand_in_order(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(Terms::default()).await, consumer());
    let ids: Vec<String> = (0..5_000).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let third = |rest: usize| -> Vec<&str> {
        let all = ids.iter().copied().enumerate();
        all.filter_map(|(n, id)| (n % 3 == rest).then_some(id))
            .collect()
    };
    complete(&dedupe, &group, &third(0), "a").await;
    claim(&dedupe, &group, &third(1), "a").await;
    let found = claim(&dedupe, &group, &ids, "b").await;
    assert_eq!(found.len(), ids.len());
    for (n, found) in found.into_iter().enumerate() {
        let right = match n % 3 {
            0 => found == Claim::Done,
            1 => matches!(found, Claim::Busy { .. }),
            _ => found == Claim::Fresh,
        };
        assert!(right, "{n}: {found:?}");
    }
    // The same event may lie twice in a batch.
    let twice = claim(&dedupe, &group, &["x", "x"], "b").await;
    assert_eq!(twice, [Claim::Fresh, Claim::Fresh]);
}

async fn one_of_many_gets_it(open: impl AsyncFn(Terms) -> Dedupe) {
    let (dedupe, group) = (open(Terms::default()).await, consumer());
    let racers: Vec<_> = (0..8)
        .map(|n| {
            let (dedupe, group) = (dedupe.clone(), group.clone());
            tokio::spawn(async move {
                let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
                let mut ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                ids.rotate_left(n * 7);
                let owner = n.to_string();
                let mut found = Vec::new();
                for part in ids.chunks(10) {
                    found.extend(claim(&dedupe, &group, part, &owner).await);
                }
                found.iter().filter(|c| **c == Claim::Fresh).count()
            })
        })
        .collect();
    let mut fresh = 0;
    for racer in racers {
        fresh += racer.await.unwrap();
    }
    assert_eq!(fresh, 100);
}
