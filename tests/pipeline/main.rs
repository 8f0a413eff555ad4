//! The pipeline by scenarios: `tests/scenarios/*.toml` say what happens and what must be seen then. They
//! run in this process, each on a stack of its own, and are judged by Kafka and the database.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may")]

#[path = "../common/database.rs"]
mod database;
mod elsewhere;
mod expect;
mod in_redis;
#[path = "../common/kafka.rs"]
mod kafka;
mod laws;
#[path = "../common/log.rs"]
mod log;
#[path = "../common/proxy.rs"]
mod proxy;
mod records;
mod scenario;
#[path = "../common/schema.rs"]
mod schema;
mod stack;
mod steps;
mod triage;
mod world;

use std::path::Path;

use scenario::Scenario;
use stack::Kind;
use world::World;

/// One test for each file and stack, so that failures name both.
macro_rules! scenarios {
    (everywhere: $($name:ident)*; embedded: $($local:ident)*;) => {
        mod embedded {
            use super::*;

            $(#[test]
            fn $name() {
                run(stringify!($name), Kind::Embedded);
            })*
            $(#[test]
            fn $local() {
                run(stringify!($local), Kind::Embedded);
            })*
        }

        /// The same files on servers of their own.
        mod real {
            use super::*;

            $(#[test]
            #[ignore = "needs servers: `scripts/stack test` runs it"]
            fn $name() {
                run(stringify!($name), Kind::Real);
            })*
        }

        #[test]
        fn every_file_has_its_test() {
            let mut files: Vec<String> = std::fs::read_dir(folder())
                .unwrap()
                .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
                .collect();
            files.sort();
            let mut tests = vec![$(stringify!($name),)* $(stringify!($local),)*];
            tests.sort_unstable();
            assert_eq!(files, tests);
        }
    };
}

scenarios! {
    everywhere:
    archived
    broker_away
    broker_away_longer
    cause_redriven
    circuit
    confirmed
    duplicates
    edited
    escape_sequences
    foreign_letters
    handled_and_forgotten
    happy_order
    header_names
    index_rebuilt
    injected_orders
    insufficient_stock
    key_order
    key_queue
    key_queue_full
    key_queue_one_batch
    letter_waits_for_broker
    nobody_waits
    no_event_id
    no_key
    old_schema
    one_group_fails
    operation_paused
    outbox_too_large
    over_one_mebibyte
    panic
    parked
    paused
    permanent_redriven
    poison_bytes
    queue_cancelled
    queue_fails_again
    queue_paused
    read_only
    rebalance
    rebalance_while_retrying
    redrive_cancelled
    redrive_of_many
    redrive_over_restart
    redrive_taken_over
    redriven_duplicate
    replay
    replay_beyond_memory
    replay_cancelled_elsewhere
    replay_failed_again
    replay_over_restart
    replay_with_fault
    restart_in_flight
    retrying_partition
    sent_on
    service_refuses
    store_locked
    timeout
    transient_exhausted
    transient_once
    unreadable
    unreadable_waits;
    // Only the embedded broker forgets what nobody has read.
    embedded:
    broker_full;
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios"))
}

fn run(name: &str, kind: Kind) {
    play(read(name), kind);
}

fn read(name: &str) -> Scenario {
    let file = folder().join(format!("{name}.toml"));
    let text = std::fs::read_to_string(&file).unwrap();
    println!("tests/scenarios/{name}.toml");
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
}

fn play(mut scenario: Scenario, kind: Kind) {
    let seed = std::env::var("EVTOP_SEED")
        .ok()
        .and_then(|s| s.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    // Shown when the test fails, also where it panics.
    println!("on {kind:?}, EVTOP_SEED={seed}");
    log::begin();
    let _turn = stack::turn(kind);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let ended = runtime.block_on(async {
        let mut world = World::new(&mut scenario, kind, seed).await;
        for (n, step) in scenario.step.iter().enumerate() {
            let done = world.carry_out(step).await;
            done.map_err(|why| format!("step {} ({}): {why}", n + 1, step.name()))?;
        }
        world.stop().await;
        laws::hold(&world)
            .await
            .map_err(|why| format!("at the end: {why}"))
    });
    if let Err(why) = ended {
        panic!("{}\n{why}", scenario.about);
    }
}
