//! Several processes share the work: groups by partition, the outbox by shard. One that dies or stands
//! still is taken over from, and whatever it does when it comes back happens no second time.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use evtop::clock;

use crate::child::{Running, wait_until};
use crate::laws;
use crate::rig::{GROUPS, Rig};

/// The session is 6 s; what comes on top is a rebalance, and that this machine may be busy.
const TAKEN_OVER: Duration = Duration::from_secs(20);
const TRAFFIC: (&str, &str) = ("EVTOP_TRAFFIC__ORDERS_PER_S", "8");

/// Who has a thing, by the thing.
type Owners = BTreeMap<String, Vec<String>>;

/// Partitions by group, as a process without workers tells it of those that live.
fn partitions(rig: &Rig, config: &PathBuf) -> Owners {
    let mut owners = Owners::new();
    for row in rig.json(config, &["consumers", "--json"]) {
        let word = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        for place in row["assigned"].as_array().unwrap() {
            let thing = format!(
                "{} {}/{}",
                word("group"),
                place["topic"],
                place["partition"]
            );
            owners.entry(thing).or_default().push(word("instance"));
        }
    }
    owners
}

/// Shards of the outbox, as a process without workers tells it.
fn shards(rig: &Rig, config: &PathBuf) -> Owners {
    let rows = rig.json(config, &["outbox", "--json"]);
    let relays = rows[0]["relays"].as_array().unwrap();
    let relay = |relay: &serde_json::Value| {
        assert!(relay["state"].is_null(), "unknown of another process");
        let owner = relay["owner"].as_str().map(str::to_owned);
        let heard = relay["heard"].is_string();
        assert_eq!(owner.is_some(), heard, "{relay}");
        let shard = relay["shard"].as_str().unwrap().to_owned();
        (shard, owner.into_iter().collect())
    };
    relays.iter().map(relay).collect()
}

/// That each of the expected things has exactly one owner, and that these are among the living.
fn one_owner_each(owners: &Owners, count: usize, living: &[&Running]) -> Result<(), String> {
    if owners.len() != count {
        return Err(format!("{} of {count}: {owners:?}", owners.len()));
    }
    for (thing, who) in owners {
        let [who] = &who[..] else {
            return Err(format!("{thing} has {who:?}"));
        };
        if !living.iter().any(|one| who.starts_with(&one.name())) {
            return Err(format!("{thing} is {who}'s, who is gone"));
        }
    }
    Ok(())
}

#[track_caller]
fn all_owned(rig: &Rig, config: &PathBuf, living: &[&Running]) -> (Owners, Owners) {
    let count = GROUPS.iter().map(|(_, topics)| topics.len() * 3).sum();
    wait_until("owner for each partition and shard", || {
        let (partitions, shards) = (partitions(rig, config), shards(rig, config));
        one_owner_each(&partitions, count, living)?;
        one_owner_each(&shards, 4, living)?;
        Ok((partitions, shards))
    })
}

fn names(owners: &Owners) -> BTreeSet<&String> {
    owners.values().flatten().collect()
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn three_share_one_dies_and_one_stands_still() {
    let rig = Rig::new();
    let config = rig.write("evtop.toml", &rig.settings(""));
    let mut run: Vec<Running> = ["first", "second", "third"]
        .map(|name| rig.run(name, &config, &[TRAFFIC]))
        .into();
    let orders = || rig.number("SELECT count(*) FROM orders");
    let mails = || rig.number("SELECT count(*) FROM email_log");
    let (partitions, shards) = wait_until("three who share", || {
        let found = all_owned(&rig, &config, &run.iter().collect::<Vec<_>>());
        match names(&found.0).len() {
            3 => Ok(found),
            other => Err(format!("{other} have partitions: {:?}", found.0)),
        }
    });
    assert_eq!(partitions.len(), 15);

    // One that has a shard dies.
    let owner = shards.values().flatten().next().unwrap();
    let victim = run.iter().position(|r| owner.starts_with(&r.name()));
    let killed = clock::instant();
    run.remove(victim.unwrap()).kill();
    all_owned(&rig, &config, &run.iter().collect::<Vec<_>>());
    let took = killed.elapsed();
    assert!(took < TAKEN_OVER, "taken over after {took:?}");

    // Another stands still for longer than its session; the last one does everything.
    let [sleeper, awake] = &run[..] else {
        unreachable!("two of three are left")
    };
    let stopped = clock::instant();
    sleeper.signal("STOP");
    all_owned(&rig, &config, &[awake]);
    let took = stopped.elapsed();
    assert!(took < TAKEN_OVER, "taken over after {took:?}");
    let before = (orders(), mails());
    wait_until("orders and mails without the sleeper", || {
        let now = (orders(), mails());
        let done = now.0 > before.0 + 10 && now.1 > before.1 + 10;
        done.then_some(())
            .ok_or_else(|| format!("{before:?} → {now:?}"))
    });
    sleeper.signal("CONT");
    wait_until("the sleeper's return", || {
        let found = all_owned(&rig, &config, &[sleeper, awake]).0;
        let back = names(&found).len() == 2;
        back.then_some(()).ok_or_else(|| format!("{found:?}"))
    });

    for one in run {
        one.stop();
    }
    let last = rig.run("last", &config, &[]);
    assert!(laws::hold(&rig) > 30);
    last.stop();
}
