//! Chaos: three instances under load on real servers, while instances and servers are killed, stopped,
//! emptied and cut off. After each round Kafka and the database are asked what became of every order.
//! `scripts/stack chaos --rounds N --seed S` runs it.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test may")]

#[path = "../common/child.rs"]
mod child;
#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../common/database.rs"]
mod database;
mod fault;
mod instance;
mod judge;
#[allow(dead_code, reason = "other tests use more of it")]
#[path = "../common/kafka.rs"]
mod kafka;
mod load;
#[path = "../common/proxy.rs"]
mod proxy;
mod rig;
#[path = "../common/schema.rs"]
mod schema;

use std::collections::BTreeMap;

use fastrand::Rng;
use rig::Rig;

/// Rounds on one ground: judging reads all that ever stood on it, so a long run gets a new one now and then.
const ON_ONE_GROUND: u64 = 10;

#[test]
#[ignore = "needs servers: `scripts/stack chaos` runs it"]
fn nothing_is_lost_and_nothing_doubled() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let rounds = number("EVTOP_CHAOS_ROUNDS").unwrap_or(10);
    let seed = number("EVTOP_CHAOS_SEED").unwrap_or_else(|| fastrand::u64(..1_000_000));
    println!("seed {seed}, {rounds} rounds");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let mut rng = Rng::with_seed(seed);
        let mut rig = Rig::start().await;
        let mut accepted = 0;
        let mut faults: BTreeMap<&str, u32> = BTreeMap::new();
        for round in 1..=rounds {
            if round > 1 && round % ON_ONE_GROUND == 1 {
                accepted += rig.end().await;
                rig = Rig::start().await;
            }
            let plan = fault::plan(&mut rng);
            let names: Vec<String> = plan.iter().map(ToString::to_string).collect();
            println!("round {round}: {}", names.join(", "));
            for fault in &plan {
                *faults.entry(fault.name()).or_default() += 1;
            }
            rig.round(&plan, rng.fork()).await;
            let verdict = match rig.quiet().await {
                Ok(()) => judge::judge(&rig).await,
                Err(why) => Err(why),
            };
            match verdict {
                Ok(found) => println!("round {round}: {found}"),
                Err(why) => {
                    let logs = rig.keep_logs();
                    panic!(
                        "seed {seed}, round {round}: {why}\nlogs: {}",
                        logs.display()
                    );
                }
            }
        }
        let counts: Vec<String> = faults.iter().map(|(f, n)| format!("{n} × {f}")).collect();
        println!("faults: {}", counts.join(", "));
        accepted += rig.end().await;
        println!(
            "seed {seed}, {rounds} rounds, {} faults: {accepted} events accepted, 0 lost, 0 doubled",
            faults.values().sum::<u32>()
        );
    });
}
