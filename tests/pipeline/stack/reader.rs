//! Looking at a scenario's topics from outside, by a client of its own.

use evtop::domain::record::Record;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::message::{Headers as _, Message as _};
use rdkafka::{ClientConfig, Offset, TopicPartitionList};
use std::time::Duration;

use super::{ASK, Stack};

impl Stack {
    /// Every record of these topics, by topic, partition and offset.
    pub fn records(&self, topics: &[String]) -> Vec<Record> {
        let reader = self.reader("scenario-reader");
        let mut places = TopicPartitionList::new();
        let mut left = 0;
        for (topic, partition) in partitions(&reader, topics) {
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
            let headers = message.headers().map_or_else(Vec::new, |headers| {
                headers
                    .iter()
                    .map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec)))
                    .collect()
            });
            found.push(Record {
                topic: message.topic().to_owned(),
                partition: message.partition(),
                offset: message.offset(),
                timestamp: message
                    .timestamp()
                    .to_millis()
                    .and_then(chrono::DateTime::from_timestamp_millis),
                key: message.key().map(<[u8]>::to_vec),
                value: message.payload().map(<[u8]>::to_vec),
                headers,
            });
        }
        found.sort_by(|a, b| {
            (&a.topic, a.partition, a.offset).cmp(&(&b.topic, b.partition, b.offset))
        });
        found
    }

    /// Sets a group that nobody is in back to the start of these topics: as its member, for a moment.
    pub fn rewind(&self, group: &str, topics: &[String]) {
        let reader = self.reader(group);
        let mut places = TopicPartitionList::new();
        for (topic, partition) in partitions(&reader, topics) {
            let _ = places.add_partition_offset(&topic, partition, Offset::Offset(0));
        }
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        reader.subscribe(&names).unwrap();
        while reader.assignment().unwrap().count() < places.count() {
            let _ = reader.poll(Duration::from_millis(20));
        }
        reader.commit(&places, CommitMode::Sync).unwrap();
        reader.unsubscribe();
    }

    fn reader(&self, group: &str) -> BaseConsumer {
        ClientConfig::new()
            .set("bootstrap.servers", self.broker.direct())
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("isolation.level", "read_committed")
            .set("partition.assignment.strategy", self.broker.assignor())
            .set("session.timeout.ms", "2000")
            .set("heartbeat.interval.ms", "400")
            .set("fetch.wait.max.ms", "10")
            .set("fetch.message.max.bytes", "8388608")
            .create()
            .unwrap()
    }
}

fn partitions(reader: &BaseConsumer, topics: &[String]) -> Vec<(String, i32)> {
    let metadata = reader.fetch_metadata(None, ASK).unwrap();
    metadata
        .topics()
        .iter()
        .filter(|t| topics.iter().any(|name| name == t.name()))
        .flat_map(|t| t.partitions().iter().map(|p| (t.name().to_owned(), p.id())))
        .collect()
}
