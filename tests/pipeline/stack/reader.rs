//! Looking at a scenario's topics from outside, by a client of its own.

use std::time::Duration;

use evtop::domain::record::Record;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _};
use rdkafka::{Offset, TopicPartitionList};

use super::Stack;
use crate::kafka::{self, partitions};

impl Stack {
    /// Every record of these topics, by topic, partition and offset.
    pub fn records(&self, topics: &[String]) -> Vec<Record> {
        kafka::records(&self.reader("scenario-reader"), topics)
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
        kafka::reader(self.broker.direct(), group, self.broker.assignor())
    }
}
