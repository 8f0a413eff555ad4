//! Kafka from outside: what a test asks by a client of its own, past everything it tests.

use std::time::Duration;

use evtop::domain::record::Record;
use evtop::kafka::consumer::record;
use evtop::operate::wanted_topics;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::types::RDKafkaErrorCode;
use rdkafka::{ClientConfig, Offset, TopicPartitionList};

pub const DLQ_TEMPLATE: &str = "{topic}-{group}-dlt";

const ASK: Duration = Duration::from_secs(10);

/// What `scripts/stack env` says.
pub fn env(name: &str) -> String {
    std::env::var(name)
        .unwrap_or_else(|_| panic!("{name} is not set: `scripts/stack test` sets it"))
}

/// A client that reads what is committed.
pub fn reader(brokers: &str, group: &str, assignor: &str) -> BaseConsumer {
    ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .set("group.id", group)
        .set("enable.auto.commit", "false")
        .set("isolation.level", "read_committed")
        .set("partition.assignment.strategy", assignor)
        .set("session.timeout.ms", "2000")
        .set("heartbeat.interval.ms", "400")
        .set("fetch.wait.max.ms", "10")
        .set("fetch.message.max.bytes", "8388608")
        .create()
        .unwrap()
}

/// Every record of these topics, by topic, partition and offset.
pub fn records(reader: &BaseConsumer, topics: &[String]) -> Vec<Record> {
    let mut places = TopicPartitionList::new();
    let mut left = 0;
    for (topic, partition) in partitions(reader, topics) {
        let (first, end) = reader.fetch_watermarks(&topic, partition, ASK).unwrap();
        left += end - first;
        places
            .add_partition_offset(&topic, partition, Offset::Beginning)
            .unwrap();
    }
    reader.assign(&places).unwrap();
    let mut found = Vec::new();
    while left > 0 {
        let message = reader
            .poll(ASK)
            .expect("a record that the watermarks promise")
            .unwrap();
        left -= 1;
        found.push(record(&message));
    }
    found.sort_by(|a, b| (&a.topic, a.partition, a.offset).cmp(&(&b.topic, b.partition, b.offset)));
    found
}

/// Topic and partition of all that these topics have.
pub fn partitions(reader: &BaseConsumer, topics: &[String]) -> Vec<(String, i32)> {
    let metadata = reader.fetch_metadata(None, ASK).unwrap();
    metadata
        .topics()
        .iter()
        .filter(|t| topics.iter().any(|name| name == t.name()))
        .flat_map(|t| t.partitions().iter().map(|p| (t.name().to_owned(), p.id())))
        .collect()
}

/// Makes a topic of three partitions, unless it is there.
pub async fn have_topic(brokers: &str, name: &str) {
    let topic = NewTopic::new(name, 3, TopicReplication::Fixed(1));
    let options = AdminOptions::new().request_timeout(Some(ASK));
    let made = admin(brokers).create_topics([&topic], &options).await;
    match made.unwrap().remove(0) {
        Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
        Err((_, why)) => panic!("topic {name}: {why}"),
    }
}

fn admin(brokers: &str) -> AdminClient<DefaultClientContext> {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", brokers);
    config.create().unwrap()
}

/// Deletes every group. One that has members still is asked again until its session is over: what it has
/// committed must not be where the next one begins.
async fn forget_groups(admin: &AdminClient<DefaultClientContext>, options: &AdminOptions) {
    let began = evtop::clock::instant();
    loop {
        let groups = admin.inner().fetch_group_list(None, ASK).unwrap();
        let names: Vec<&str> = groups.groups().iter().map(|g| g.name()).collect();
        if names.is_empty() {
            return;
        }
        let deleted = admin.delete_groups(&names, options).await.unwrap();
        let kept: Vec<_> = deleted.into_iter().filter_map(Result::err).collect();
        let gone = |code| code == RDKafkaErrorCode::GroupIdNotFound;
        if kept.iter().all(|(_, code)| gone(*code)) {
            return;
        }
        assert!(began.elapsed() < 3 * ASK, "groups that stay: {kept:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Deletes every topic and group, and makes the topics that the pipeline wants.
pub async fn afresh(brokers: &str) {
    let admin = admin(brokers);
    let options = AdminOptions::new().request_timeout(Some(ASK));
    let client = admin.inner();
    forget_groups(&admin, &options).await;
    let topics = || -> Vec<String> {
        let metadata = client.fetch_metadata(None, ASK).unwrap();
        let names = metadata.topics().iter().map(|t| t.name().to_owned());
        names.filter(|name| !name.starts_with("__")).collect()
    };
    let old = topics();
    let names: Vec<&str> = old.iter().map(String::as_str).collect();
    if !names.is_empty() {
        let _ = admin.delete_topics(&names, &options).await.unwrap();
    }
    let wanted = wanted_topics(DLQ_TEMPLATE);
    let mut left: Vec<&(String, i32, Duration)> = wanted.iter().collect();
    while !left.is_empty() {
        let new: Vec<NewTopic<'_>> = left
            .iter()
            .map(|(name, n, _)| {
                NewTopic::new(name, *n, TopicReplication::Fixed(1))
                    .set("max.message.bytes", "8388608")
            })
            .collect();
        let made = admin.create_topics(&new, &options).await;
        let made: Vec<String> = made.unwrap().into_iter().filter_map(Result::ok).collect();
        // One that is still being deleted exists for a moment longer.
        left.retain(|(name, ..)| !made.contains(name));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
