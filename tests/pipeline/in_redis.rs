//! Scenarios once more with claims in a Redis that their processes share: first in one that is well,
//! then in one that is emptied, frozen and killed again and again. What must be seen is the same.

#[path = "../common/redis.rs"]
mod server;

use std::time::Duration;

use server::{PATIENCE, Server};

use crate::stack::Kind;
use crate::{play, read};

macro_rules! in_redis {
    ($($name:ident)*) => {
        mod well {
            $(#[test]
            #[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
            fn $name() {
                super::run(stringify!($name), false);
            })*
        }

        mod unwell {
            $(#[test]
            #[ignore = "needs EVTOP_STACK_REDIS: scripts/stack test runs it"]
            fn $name() {
                super::run(stringify!($name), true);
            })*
        }
    };
}

in_redis! {
    duplicates
    handled_and_forgotten
    happy_order
    permanent_redriven
    rebalance
    rebalance_while_retrying
    redriven_duplicate
    replay
    restart_in_flight
    transient_once
}

fn run(name: &str, unwell: bool) {
    // Of each scenario's own: its events may have the ids of another's.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let mut scenario = read(name);
    scenario.settings.redis = Some(server.url());
    let trouble = if unwell {
        runtime.spawn(trouble(server))
    } else {
        runtime.spawn(async move {
            let _server = server;
            std::future::pending::<()>().await;
        })
    };
    play(scenario, Kind::Embedded);
    assert!(!trouble.is_finished(), "Redis could not be troubled");
}

/// The pauses are no waiting for anything: they let some work fall into each state.
async fn trouble(mut server: Server) {
    let pause = || tokio::time::sleep(Duration::from_millis(fastrand::u64(1..400)));
    loop {
        pause().await;
        server.freeze();
        pause().await;
        server.thaw();
        pause().await;
        let emptied = tokio::time::timeout(PATIENCE, server.say(&["FLUSHALL"]));
        emptied.await.unwrap();
        pause().await;
        server.kill();
        pause().await;
        server.restart().await;
    }
}
