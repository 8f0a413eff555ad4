//! The stack that needs nothing installed: librdkafka's own cluster in this process, with the topics
//! that the pipeline uses. Its limits are told on screen: 5 MiB and 100 000 batches a partition, no
//! admin requests, no lookup by time.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::ffi::MockCluster;
use super::{KafkaError, KafkaSettings};

/// How many bytes of batches, as received, the embedded broker keeps for a partition. Beyond that it
/// drops the oldest batch without a word (rdkafka_mock.c: `max_size`).
pub const RETAINED_BYTES: u64 = 5 * 1024 * 1024;

/// The in-process cluster; it ends when the last handle is dropped.
#[derive(Clone)]
pub struct Embedded {
    cluster: Arc<MockCluster>,
    bootstrap: String,
}

impl Embedded {
    /// Starts the cluster and creates `topics` (name, partitions, retention). It keeps the newest
    /// [`RETAINED_BYTES`] of a partition, however old.
    pub fn start(topics: &[(String, i32, Duration)]) -> Result<Self, KafkaError> {
        let cluster = MockCluster::start()?;
        for (name, partitions, _) in topics {
            cluster.create_topic(name, *partitions)?;
        }
        let bootstrap = cluster.bootstrap();
        Ok(Self {
            cluster: Arc::new(cluster),
            bootstrap,
        })
    }

    /// `host:port` on loopback; any Kafka client on this machine may use it.
    #[must_use]
    pub fn bootstrap(&self) -> &str {
        &self.bootstrap
    }

    /// Creates one more topic.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        self.cluster.create_topic(name, partitions)
    }

    /// How a client reaches it; a question waits five seconds.
    #[must_use]
    pub fn settings(&self, client_id: &str) -> KafkaSettings {
        KafkaSettings {
            brokers: self.bootstrap().to_owned(),
            client_id: client_id.to_owned(),
            embedded: true,
            properties: BTreeMap::new(),
            producer: BTreeMap::new(),
            consumer: BTreeMap::new(),
            timeout: Duration::from_secs(5),
        }
    }

    /// Cuts everybody off the broker, or lets them in again: for tests of a broker that is down.
    pub fn set_down(&self, down: bool) -> Result<(), KafkaError> {
        self.cluster.set_down(down)
    }
}
