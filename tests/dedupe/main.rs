//! Idempotency's fast path: one contract for memory and Redis, and what a Redis that is away, slow,
//! emptied or full costs: time, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../common/redis.rs"]
mod server;

mod contract;
mod engine;
mod faults;

use std::time::Duration;

use evtop::clock::Clock;
use evtop::dedupe::{Claim, Dedupe, Health, RedisSettings, Terms};
use server::PATIENCE;

fn now() -> chrono::DateTime<chrono::Utc> {
    Clock::System.now()
}

/// A consumer that no other test knows.
fn consumer() -> String {
    format!("test-{:032x}", fastrand::u128(..))
}

fn settings(url: String) -> RedisSettings {
    RedisSettings {
        url,
        ca: None,
        // Other tests may keep the machine busy.
        timeout: Duration::from_secs(2),
        terms: Terms::default(),
    }
}

async fn until(dedupe: &Dedupe, wanted: impl FnMut(&Health) -> bool) -> Health {
    let mut health = dedupe.health().unwrap();
    let found = tokio::time::timeout(PATIENCE, health.wait_for(wanted)).await;
    found.expect("in time").unwrap().clone()
}

async fn up(dedupe: &Dedupe) {
    until(dedupe, |health| matches!(health, Health::Up(_))).await;
}

async fn down(dedupe: &Dedupe) -> String {
    match until(dedupe, |health| matches!(health, Health::Down(_))).await {
        Health::Down(why) => why,
        other => panic!("{other:?}"),
    }
}

async fn claim(dedupe: &Dedupe, consumer: &str, ids: &[&str], owner: &str) -> Vec<Claim> {
    dedupe.claim(consumer, ids, owner, now()).await.unwrap()
}

async fn complete(dedupe: &Dedupe, consumer: &str, ids: &[&str], owner: &str) {
    dedupe.complete(consumer, ids, owner, now()).await.unwrap();
}
