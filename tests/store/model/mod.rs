//! Operations as a machine: whatever drives, kills, takes over, pauses, cancels and reports in whatever order, what
//! is written down at rest adds up. Short random runs against the code that the program itself runs; `EVTOP_SEED`
//! runs one of them alone.
//!
//! A run is told by its seed but for one thing: how far a round that is dropped had come is up to the database.

#![expect(
    clippy::print_stdout,
    reason = "a failure is told by its seed and what happened, and sizes with their times"
)]

mod actions;
mod replay;
mod sizes;
mod world;

use fastrand::Rng;

use crate::kit::Kit;
pub use replay::{
    a_replay_that_is_cancelled_while_it_sends_counts_what_it_sent, replays_add_up,
    replays_of_any_size_are_sent_whole,
};
pub use sizes::{redrives_of_any_size_end, ten_thousand_letters_end};
use world::World;

/// The seeds of a test: so many, or the one that is asked for.
fn seeds(many: u64) -> Vec<u64> {
    let one = std::env::var("EVTOP_SEED").ok();
    match one.and_then(|seed| seed.parse().ok()) {
        Some(seed) => vec![seed],
        None => (0..many).collect(),
    }
}

/// How many runs: a server across a socket is slower than a file.
fn runs(kit: &Kit, sqlite: u64) -> u64 {
    let times = std::env::var("EVTOP_RUNS")
        .ok()
        .and_then(|n| n.parse().ok());
    match kit.store.kind() {
        "sqlite" => times.unwrap_or(sqlite),
        _ => times.unwrap_or(sqlite / 4),
    }
}

/// Whatever happens, in whatever order.
pub async fn whatever_happens_adds_up(kit: Kit) {
    for seed in seeds(runs(&kit, 24)) {
        let world = World::new(&kit, seed).await;
        for _ in 0..8 {
            world.an_event_comes().await;
        }
        for _ in 0..80 {
            world.anything().await;
            world.holds().await;
        }
        world.come_to_rest().await;
        world.all_can_be_redriven().await;
    }
}

/// Of what a cancelled redrive let go on, nothing is sent on by itself.
pub async fn a_cancel_leaves_nothing_ready(kit: Kit) {
    for seed in seeds(runs(&kit, 24)) {
        let world = World::new(&kit, seed).await;
        for _ in 0..12 {
            world.an_event_comes().await;
        }
        world.begin().await;
        for _ in 0..Rng::with_seed(seed).usize(0..16) {
            world.a_round_or_a_report().await;
        }
        world.cancel().await;
        world.holds().await;
        while world.a_report(true).await {
            world.holds().await;
        }
        world.nothing_is_ready().await;
        world.come_to_rest().await;
        world.nothing_is_ready().await;
        world.all_can_be_redriven().await;
    }
}
