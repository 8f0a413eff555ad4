//! What a large cluster of somebody else's costs: 200 groups with commits on one topic of 50 partitions,
//! looked at by the real binary in a PTY. Time of one poll of all lag, of the first frame, and memory;
//! medians. Needs a Kafka at EVTOP_STACK_BROKERS (`scripts/stack up`); its own topic and groups are
//! deleted at the end.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a bench measures time, prints its figures and stops at the first failure"
)]

mod screen;

use std::time::{Duration, Instant};

use evtop::clock::Clock;
use evtop::config::Config;
use evtop::engine::kafka_settings;
use evtop::kafka::offsets::Observer;
use evtop::watch::groups::Group;
use evtop::watch::lag::LagWatch;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use screen::Running;

const GROUPS: usize = 200;
const PARTITIONS: i32 = 50;
const POLLS: usize = 15;
const STARTS: usize = 7;
/// How long the screen is watched before its memory is read.
const WARM: Duration = Duration::from_secs(20);

struct Cluster {
    brokers: String,
    topic: String,
    groups: Vec<String>,
}

impl Cluster {
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// Each group has committed on each partition.
    async fn make(&self) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let topic = NewTopic::new(&self.topic, PARTITIONS, TopicReplication::Fixed(1));
        let made = admin.create_topics([&topic], &AdminOptions::new()).await;
        assert!(made.unwrap().iter().all(Result::is_ok));
        for group in &self.groups {
            let consumer: BaseConsumer = self.client().set("group.id", group).create().unwrap();
            let mut list = TopicPartitionList::new();
            for partition in 0..PARTITIONS {
                list.add_partition_offset(&self.topic, partition, Offset::Offset(0))
                    .unwrap();
            }
            consumer.commit(&list, CommitMode::Sync).unwrap();
        }
    }

    async fn remove(&self) {
        let admin: AdminClient<DefaultClientContext> = self.client().create().unwrap();
        let (options, groups) = (AdminOptions::new(), self.groups.iter().map(String::as_str));
        let groups: Vec<&str> = groups.collect();
        let _ = admin.delete_topics(&[&self.topic], &options).await;
        let _ = admin.delete_groups(&groups, &options).await;
    }

    /// Milliseconds of each poll of all lag, as the screen does it each second.
    async fn polls(&self) -> Vec<f64> {
        let mut config = Config::default();
        config.kafka.brokers.clone_from(&self.brokers);
        let observer = Observer::new(&kafka_settings(&config, None)).unwrap();
        let (step, keep) = (Duration::from_secs(1), Duration::from_secs(600));
        let mut lag = LagWatch::new(observer, Clock::System, step, keep);
        let groups = self.groups.iter().map(|name| Group {
            name: name.clone(),
            ..Group::default()
        });
        let groups: Vec<Group> = groups.collect();
        let mut times = Vec::new();
        for _ in 0..=POLLS {
            let began = Instant::now();
            let polled = lag.poll(&groups, false, &[]).await.unwrap();
            times.push(began.elapsed().as_secs_f64() * 1e3);
            let rows = polled.groups.iter().flat_map(|g| &g.topics);
            let rows: usize = rows.map(|t| t.partitions.len()).sum();
            assert_eq!(rows, GROUPS * PARTITIONS as usize, "every row is there");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        // The first one connects.
        times.remove(0);
        times
    }

    /// Milliseconds to the first frame and, after `watched`, resident MiB.
    fn screen(&self, watched: Duration) -> (f64, f64) {
        let settings = format!("workers = false\nkafka.brokers = \"{}\"\n", self.brokers);
        let running = Running::start(Some(&settings), &[]);
        let first = running.first_frame();
        std::thread::sleep(watched);
        (first, running.resident())
    }
}

fn print(what: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let (least, most) = (values[0], values[values.len() - 1]);
    let median = values[values.len() / 2];
    println!(
        "{what:<24}{median:7.1} {unit}    ({least:.1} to {most:.1}, {} times)",
        values.len()
    );
}

fn main() {
    let Ok(brokers) = std::env::var("EVTOP_STACK_BROKERS") else {
        println!(
            "EVTOP_STACK_BROKERS is not set: `scripts/stack up` and `scripts/stack env` give one"
        );
        return;
    };
    // `cargo test --benches` only wants to know that it starts.
    if std::env::args().any(|arg| arg == "--test") {
        return;
    }
    let prefix = format!("attach-bench-{:08x}", fastrand::u32(..));
    let cluster = Cluster {
        brokers,
        topic: format!("{prefix}-orders"),
        groups: (0..GROUPS).map(|n| format!("{prefix}-{n:03}")).collect(),
    };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(cluster.make());
    println!("{GROUPS} groups × {PARTITIONS} partitions");
    print(
        "one poll of all lag",
        "ms ",
        runtime.block_on(cluster.polls()),
    );
    let starts = (0..STARTS).map(|_| cluster.screen(Duration::ZERO).0);
    print("first frame", "ms ", starts.collect());
    print("resident", "MiB", vec![cluster.screen(WARM).1]);
    runtime.block_on(cluster.remove());
}
