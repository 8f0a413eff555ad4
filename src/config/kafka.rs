//! Settings of the clients of Kafka, and how dead-letter topics are named.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::secret::Properties;
use crate::domain::dlq_topics;

/// `[kafka]`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Kafka {
    /// host:port,…; empty is the embedded cluster.
    pub brokers: String,
    pub client_id: String,
    /// With `{topic}` and `{group}` filled in.
    pub dlq_topic: String,
    /// Names of topics whose dead letters are listed, beside our own; `*` is any text.
    pub dead_letter_topics: Vec<String>,
    pub request_timeout_ms: u64,
    /// Whether missing topics are created at start and by `setup`.
    pub create_topics: bool,
    /// librdkafka's own settings, for every client.
    pub properties: Properties,
    /// For producers, over `properties`.
    pub producer: Properties,
    /// For consumers, over `properties`.
    pub consumer: Properties,
}

impl Default for Kafka {
    fn default() -> Self {
        Self {
            brokers: String::new(),
            client_id: "evtop".to_owned(),
            dlq_topic: "{topic}-{group}-dlt".to_owned(),
            dead_letter_topics: dlq_topics::PATTERNS.map(str::to_owned).to_vec(),
            request_timeout_ms: 5_000,
            create_topics: true,
            properties: Properties::new(),
            producer: Properties::new(),
            consumer: Properties::new(),
        }
    }
}

impl Kafka {
    /// The dead-letter topic of a source topic and the group that failed.
    #[must_use]
    pub fn dlq_topic_for(&self, topic: &str, group: &str) -> String {
        self.dlq_topic
            .replace("{topic}", topic)
            .replace("{group}", group)
    }

    #[must_use]
    pub fn request_timeout(&self) -> Duration {
        Duration::from_millis(self.request_timeout_ms)
    }
}
