//! A cluster that is not ours: the real binary looks at topics, groups and dead letters that others made,
//! and leaves nothing behind until its profile says that it may write. Everything made here bears a prefix
//! of its own, and nothing else is touched.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use evtop::kafka::offsets::Observer;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use serde_json::Value;
use tempfile::TempDir;

const ASK: Duration = Duration::from_secs(20);

/// A cluster of somebody else's, and a person who looks at it.
struct Others {
    brokers: String,
    /// What every name made here begins with.
    prefix: String,
    home: TempDir,
}

impl Drop for Others {
    fn drop(&mut self) {
        let all = ["orders", "orders-dlt", "orders.dlq", "gone"].map(|n| self.name(n));
        let groups = ["billing", "audit"].map(|n| self.name(n));
        let (options, admin) = (AdminOptions::new(), self.admin());
        let topics: Vec<&str> = all.iter().map(String::as_str).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        wait(async {
            let _ = admin.delete_topics(&topics, &options).await;
            let _ = admin.delete_groups(&groups, &options).await;
        });
    }
}

/// Topics, groups, and what a group of others has committed by partition.
type Left = (Vec<String>, Vec<String>, Vec<(i32, Option<i64>)>);

fn wait<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(work)
}

impl Others {
    /// Three partitions with ten records each, and two topics for dead letters.
    fn new() -> Self {
        let brokers = std::env::var("EVTOP_STACK_BROKERS")
            .expect("EVTOP_STACK_BROKERS is not set: `scripts/stack test` sets it");
        let others = Self {
            brokers,
            prefix: format!("attach-{:08x}", fastrand::u32(..)),
            home: tempfile::tempdir().unwrap(),
        };
        let topics = [("orders", 3), ("orders-dlt", 2), ("orders.dlq", 1)];
        let names: Vec<(String, i32)> = topics.map(|(n, p)| (others.name(n), p)).into();
        let wanted = names
            .iter()
            .map(|(n, p)| NewTopic::new(n, *p, TopicReplication::Fixed(1)));
        let wanted: Vec<_> = wanted.collect();
        let made = wait(others.admin().create_topics(&wanted, &AdminOptions::new())).unwrap();
        assert!(made.iter().all(Result::is_ok), "{made:?}");
        for partition in 0..3 {
            for n in 0..10 {
                let value = format!("{{\"n\":{n}}}");
                others.send("orders", partition, &value, &[], false);
            }
        }
        others
    }

    fn name(&self, short: &str) -> String {
        format!("{}-{short}", self.prefix)
    }

    fn admin(&self) -> AdminClient<DefaultClientContext> {
        self.client().create().unwrap()
    }

    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// Sends one record; with `transaction` a marker stands behind it.
    fn send(
        &self,
        topic: &str,
        partition: i32,
        value: &str,
        headers: &[(&str, &[u8])],
        transaction: bool,
    ) {
        let mut config = self.client();
        if transaction {
            config.set("transactional.id", &self.prefix);
        }
        let producer: BaseProducer = config.create().unwrap();
        if transaction {
            producer.init_transactions(ASK).unwrap();
            producer.begin_transaction().unwrap();
        }
        let mut all = OwnedHeaders::new();
        for (key, value) in headers {
            all = all.insert(Header {
                key,
                value: Some(*value),
            });
        }
        let topic = self.name(topic);
        let record = BaseRecord::to(&topic)
            .partition(partition)
            .key("key-1")
            .payload(value)
            .headers(all);
        producer.send(record).map_err(|(error, _)| error).unwrap();
        if transaction {
            producer.commit_transaction(ASK).unwrap();
        }
        producer.flush(ASK).unwrap();
    }

    /// A group of others commits these offsets of `orders`.
    fn commit(&self, group: &str, offsets: &[(i32, i64)]) {
        let mut config = self.client();
        config.set("group.id", self.name(group));
        let consumer: BaseConsumer = config.create().unwrap();
        let mut list = TopicPartitionList::new();
        for (partition, offset) in offsets {
            let topic = self.name("orders");
            list.add_partition_offset(&topic, *partition, Offset::Offset(*offset))
                .unwrap();
        }
        consumer.commit(&list, CommitMode::Sync).unwrap();
    }

    /// A dead letter as Spring writes it: where it came from, and why, in binary.
    fn spring(&self, origin: &str, offset: i64) {
        let origin = self.name(origin);
        let headers: [(&str, &[u8]); 6] = [
            ("kafka_dlt-original-topic", origin.as_bytes()),
            ("kafka_dlt-original-partition", &1i32.to_be_bytes()),
            ("kafka_dlt-original-offset", &offset.to_be_bytes()),
            ("kafka_dlt-original-consumer-group", b"billing"),
            ("kafka_dlt-exception-fqcn", b"com.acme.NoStock"),
            ("kafka_dlt-exception-message", b"no stock for 4711"),
        ];
        self.send("orders-dlt", 1, "{\"spring\":true}", &headers, false);
    }

    /// One as SmallRye writes it, in text, by a producer with transactions.
    fn smallrye(&self) {
        let origin = self.name("orders");
        let headers: [(&str, &[u8]); 4] = [
            ("dead-letter-topic", origin.as_bytes()),
            ("dead-letter-partition", b"2"),
            ("dead-letter-offset", b"5"),
            ("dead-letter-reason", b"timed out"),
        ];
        self.send("orders.dlq", 0, "{\"smallrye\":true}", &headers, true);
    }

    /// A profile that looks at this cluster.
    fn profile(&self, more: &str) -> PathBuf {
        let (brokers, prefix) = (&self.brokers, &self.prefix);
        let text = format!(
            "profile = \"others\"\nwatch.queries_ms = 200\n[profiles.others]\nworkers = false\n{more}\n\
             [profiles.others.kafka]\nbrokers = \"{brokers}\"\nclient_id = \"{prefix}\"\n\
             dlq_topic = \"{prefix}-{{topic}}-{{group}}\"\n\
             dead_letter_topics = [\"{prefix}*-dlt\", \"{prefix}*.dlq\"]\n"
        );
        let path = self.home.path().join("config.toml");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn ask(&self, more: &str, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_evtop"))
            .arg("--config")
            .arg(self.profile(more))
            .args(args)
            .env("TMPDIR", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// The lines of a command's `--json`; it must end well.
    #[track_caller]
    fn rows(&self, args: &[&str]) -> Vec<Value> {
        let args = [args, &["--json"]].concat();
        let output = self.ask("", &args);
        let said = words(&output.stderr);
        assert!(output.status.success(), "{args:?}: {said}");
        assert_eq!(said, "", "{args:?} says nothing but data");
        let lines = words(&output.stdout);
        let lines = lines.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    }

    /// Topics and groups that are ours by name, with what the groups have committed.
    fn left(&self) -> Left {
        let observer = self.observer();
        wait(async {
            let topics = observer.topics().await.unwrap().into_keys();
            let groups = observer.groups().await.unwrap();
            let strangers = groups.iter().any(|g| g == "evtop-observer");
            assert!(!strangers, "a group was made: {groups:?}");
            // No client of ours is in any group, whatever its name.
            for info in observer.describe(groups.clone()).await.unwrap() {
                let ours = info.members.iter().any(|m| m.client == self.prefix);
                assert!(!ours, "{info:?}");
            }
            let mine = |names: Vec<String>| -> Vec<String> {
                names
                    .into_iter()
                    .filter(|n| n.contains(&self.prefix))
                    .collect()
            };
            let places: Vec<_> = (0..3).map(|p| (self.name("orders"), p)).collect();
            let committed = observer.committed(&self.name("billing"), places).await;
            let committed = (0..).zip(committed.unwrap()).collect();
            (mine(topics.collect()), mine(groups), committed)
        })
    }

    /// Records ever written to a topic.
    fn end(&self, topic: &str, partitions: i32) -> i64 {
        let places = (0..partitions).map(|p| (self.name(topic), p)).collect();
        let bounds = wait(self.observer().bounds(places)).unwrap();
        bounds.iter().map(|b| b.end.unwrap()).sum()
    }

    fn observer(&self) -> Observer {
        let mut config = evtop::config::Config::default();
        config.kafka.brokers.clone_from(&self.brokers);
        Observer::new(&evtop::engine::kafka_settings(&config, None)).unwrap()
    }
}

fn words(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn a_cluster_of_others_is_seen_and_left_as_it_is() {
    let others = Others::new();
    others.commit("billing", &[(0, 4), (1, 10), (2, 0)]);
    others.commit("audit", &[(1, 9)]);
    others.spring("orders", 3);
    others.smallrye();
    let before = others.left();

    let lag = others.rows(&["lag", "--partitions"]);
    let of = |group: &str| -> Vec<(i64, i64, i64)> {
        let group = others.name(group);
        let rows = lag.iter().filter(|r| r["group"] == group);
        let number = |row: &Value, name: &str| row[name].as_i64().unwrap();
        rows.map(|r| {
            (
                number(r, "partition"),
                number(r, "committed"),
                number(r, "lag"),
            )
        })
        .collect()
    };
    assert_eq!(of("billing"), [(0, 4, 6), (1, 10, 0), (2, 0, 10)]);
    assert_eq!(of("audit"), [(1, 9, 1)]);
    assert!(lag.iter().all(|r| r["ours"] == false), "{lag:?}");

    // Twice: another process goes on from where the index stands, and has the same letters.
    for _ in 0..2 {
        let mut letters = others.rows(&["dlq", "ls"]);
        letters.sort_by_key(|l| l["family"].to_string());
        let seen: Vec<(&str, &str, i64, &str)> = letters
            .iter()
            .map(|l| {
                let text = |name: &str| l[name].as_str().unwrap();
                let offset = l["offset"].as_i64().unwrap();
                (text("family"), text("topic"), offset, text("message"))
            })
            .collect();
        let topic = &others.name("orders");
        assert_eq!(
            seen,
            [
                ("smallrye", topic.as_str(), 5, "timed out"),
                ("spring", topic.as_str(), 3, "no stock for 4711"),
            ]
        );
    }
    others.spring("orders", 4);
    let letters = others.rows(&["dlq", "ls"]);
    assert_eq!(letters.len(), 3, "a new letter is found by the next look");
    let id = letters[0]["id"].as_str().unwrap();
    let shown = others.rows(&["dlq", "show", id]);
    assert_eq!(shown[0]["value"], "{\"spring\":true}");

    for (command, why) in [
        (&["dlq", "redrive", id][..], "read_only = false"),
        (&["setup"], "no topic and no table"),
        (&["outbox"], "outbox is not evtop's"),
        (&["timeline"], "no event store"),
        (&["consumers"], "consumers are not evtop's"),
    ] {
        let output = others.ask("", command);
        let said = words(&output.stderr);
        assert_eq!(output.status.code(), Some(4), "{command:?}: {said}");
        assert!(said.contains(why), "{command:?}: {said}");
    }
    // A profile that may write has no more of these than before.
    let output = others.ask("read_only = false", &["inject", "happy"]);
    assert_eq!(output.status.code(), Some(4), "{}", words(&output.stderr));
    assert_eq!(others.end("orders", 3), 30, "nothing was written");
    assert_eq!(others.left(), before);
}

#[test]
#[ignore = "needs servers: `scripts/stack test` runs it"]
fn a_letter_goes_back_once_the_profile_allows_it() {
    let others = Others::new();
    others.spring("orders", 3);
    others.spring("gone", 4);
    let letters = others.rows(&["dlq", "ls"]);
    let of = |topic: &str| {
        let topic = others.name(topic);
        let letter = letters.iter().find(|l| l["topic"] == topic).unwrap();
        letter["id"].as_str().unwrap().to_owned()
    };
    let before = others.left();

    let output = others.ask("read_only = false", &["dlq", "redrive", &of("gone")]);
    let said = words(&output.stderr);
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("is not on this cluster"), "{said}");

    let output = others.ask("read_only = false", &["dlq", "redrive", &of("orders")]);
    // Sent, and whether its consumer took it only that consumer knows: 5 says so.
    assert_eq!(output.status.code(), Some(5), "{}", words(&output.stderr));
    assert!(words(&output.stdout).contains("1 unknown"), "{output:?}");
    assert_eq!(others.end("orders", 3), 31);
    assert_eq!(others.left(), before, "no topic and no group was made");
}
