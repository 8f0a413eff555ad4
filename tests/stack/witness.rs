//! Numbers on screen against a witness that shares nothing with the program: Kafka's own tool for lag, SQL
//! for what stands in the database, a client of the test's own for ends. Everything stands still meanwhile,
//! and nothing is at its trivial value.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::child::wait_until;
use crate::kafka::{self, env};
use crate::laws;
use crate::rig::{GROUPS, Rig, text};

const POISON: i64 = 4;

/// Group, topic and partition → committed, end, lag; what is unknown is `None`.
type Lags = BTreeMap<(String, String, i64), [Option<i64>; 3]>;

fn from_kafkas_tool() -> Lags {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/stack");
    let brokers = env("EVTOP_STACK_BROKERS");
    let said = Command::new(script)
        .args(["tool", "kafka-consumer-groups", "--bootstrap-server"])
        .args([&brokers, "--describe", "--all-groups"])
        .output()
        .unwrap();
    let (out, err) = (text(&said.stdout), text(&said.stderr));
    assert!(said.status.success(), "{out}{err}");
    // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG …; `-` is unknown.
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let &[group, topic, partition, committed, end, lag, ..] = &words[..] else {
            return None;
        };
        let place = (group.to_owned(), topic.to_owned(), partition.parse().ok()?);
        Some((place, [committed, end, lag].map(|n| n.parse().ok())))
    };
    let lags: Lags = out.lines().filter_map(row).collect();
    assert!(!lags.is_empty(), "{out}{err}");
    lags
}

fn from_evtop(rig: &Rig, config: &PathBuf) -> Lags {
    let rows = rig.json(config, &["lag", "--partitions", "--json"]);
    let row = |row: &Value| {
        let word = |name: &str| row[name].as_str().unwrap().to_owned();
        let place = (word("group"), word("topic"), row["partition"].as_i64()?);
        Some((place, ["committed", "end", "lag"].map(|n| row[n].as_i64())))
    };
    rows.iter().filter_map(row).collect()
}

fn tally<'v>(rows: impl Iterator<Item = &'v Value>, name: &str) -> BTreeMap<String, i64> {
    let mut tally = BTreeMap::new();
    for row in rows {
        *tally
            .entry(row[name].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    tally
}

/// Counts by a word, in SQL.
fn counted(rig: &Rig, sql: &str) -> BTreeMap<String, i64> {
    let pair = |row: String| {
        let (name, count) = row.rsplit_once('=').unwrap();
        (name.to_owned(), count.parse().unwrap())
    };
    rig.texts(sql).into_iter().map(pair).collect()
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn every_number_has_an_outside_witness() {
    let rig = Rig::new();
    let config = rig.write("evtop.toml", &rig.settings(""));
    let all = rig.run("all", &config, &[]);
    rig.inject(&config, "happy", 30);
    rig.inject(&config, "poison-bytes", u32::try_from(POISON).unwrap());
    wait_until("letters", || {
        let found = rig.number("SELECT count(*) FROM dead_letter WHERE dlq_topic IS NOT NULL");
        (found == POISON * 3)
            .then_some(())
            .ok_or_else(|| format!("{found} letters"))
    });
    laws::settled(&rig);

    // What each service says it handled: each event of a type that it acts on. It says so each 2 s.
    let told = |name: &str| -> BTreeMap<String, i64> {
        let rows = rig.json(&config, &["consumers", "--json"]);
        let group = |row: &Value| row["group"].as_str().unwrap().to_owned();
        rows.iter()
            .map(|row| (group(row), row[name].as_i64().unwrap()))
            .collect()
    };
    let handled = counted(
        &rig,
        "SELECT consumer || '=' || count(*) FROM inbox WHERE message_id NOT LIKE '%#%' GROUP BY consumer",
    );
    assert_eq!(handled.len(), GROUPS.len(), "{handled:?}");
    wait_until("what each service handled", || {
        let told = told("handled");
        (told == handled)
            .then_some(())
            .ok_or_else(|| format!("{told:?}, not {handled:?}"))
    });
    let dead = counted(
        &rig,
        "SELECT consumer || '=' || count(*) FROM dead_letter GROUP BY consumer",
    );
    assert_eq!(told("dead"), dead);
    all.stop();

    // One service stands still and its lag grows; then all stand still, with rows in the outbox.
    let quiet = rig.settings("consumers.services = [\"email\", \"analytics\"]\n");
    let quiet = rig.write("quiet.toml", &quiet);
    let two = rig.run("two", &quiet, &[]);
    rig.inject(&config, "happy", 25);
    wait_until("mails", || {
        let mails = rig.number("SELECT count(*) FROM email_log");
        (mails == 55)
            .then_some(())
            .ok_or_else(|| format!("{mails} mails"))
    });
    two.stop();
    rig.inject(&config, "happy", 7);

    let witness = from_kafkas_tool();
    let shown = from_evtop(&rig, &config);
    for (place, numbers) in &witness {
        assert_eq!(shown.get(place), Some(numbers), "{place:?}");
    }
    // The tool leaves out what a group has not committed: behind is unknown, unless there is nothing.
    for (place, numbers) in shown
        .iter()
        .filter(|(place, _)| !witness.contains_key(place))
    {
        let nothing = (numbers[1] == Some(0)).then_some(0);
        assert_eq!((numbers[0], numbers[2]), (None, nothing), "{place:?}");
    }
    let behind = |group: &str| -> i64 {
        let of = witness.iter().filter(|((g, ..), _)| g == group);
        of.filter_map(|(_, numbers)| numbers[2]).sum()
    };
    assert_eq!(behind("inventory-service"), 25);
    assert_eq!(behind("email-service"), 0);
    let topics: Vec<String> = ["order-events", "inventory-events"]
        .map(str::to_owned)
        .into();
    for (topic, partition, end) in rig.ends(&topics) {
        for ((_, t, p), numbers) in &shown {
            if *t == topic && *p == i64::from(partition) {
                assert_eq!(numbers[1], Some(end), "{topic}/{partition}");
            }
        }
    }

    let outbox = rig.json(&config, &["outbox", "--json"]);
    let pending = rig.number("SELECT count(*) FROM outbox");
    assert_eq!((outbox[0]["pending"].as_i64(), pending), (Some(7), 7));
    let waiting = outbox.iter().filter(|row| row["kind"] == "waiting");
    assert_eq!(waiting.count(), 7);
    let sent = outbox.iter().filter(|row| row["kind"] == "sent").count();
    let sent_rows = rig.number("SELECT least(100, count(*)) FROM outbox_sent");
    assert_eq!(i64::try_from(sent).unwrap(), sent_rows);

    let events = rig.json(&config, &["timeline", "--limit", "1000", "--json"]);
    let by_type = counted(
        &rig,
        "SELECT event_type || '=' || count(*) FROM event_store GROUP BY event_type",
    );
    assert_eq!(by_type.get("OrderCreated"), Some(&62));
    assert_eq!(tally(events.iter(), "event_type"), by_type);

    let letters = rig.json(&config, &["dlq", "ls", "--limit", "1000", "--json"]);
    assert_eq!(tally(letters.iter(), "group"), dead);
    assert_eq!(
        i64::try_from(letters.len()).unwrap(),
        rig.letters_on_topics()
    );
    let reader = rig.reader("witness");
    let topics = evtop::pipeline::indexer::topics(kafka::DLQ_TEMPLATE);
    let mut places: Vec<(String, i64, i64)> = kafka::records(&reader, &topics)
        .into_iter()
        .map(|r| (r.topic, i64::from(r.partition), r.offset))
        .collect();
    let place = |row: &Value| {
        let number = |name: &str| row[name].as_i64().unwrap();
        let topic = row["dlq_topic"].as_str().unwrap().to_owned();
        (topic, number("dlq_partition"), number("dlq_offset"))
    };
    let mut told: Vec<(String, i64, i64)> = letters.iter().map(place).collect();
    places.sort();
    told.sort();
    assert_eq!(told, places);
}
