//! librdkafka's own cluster, owned by us so that its rebalance delay can be set.

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, Producer};

use super::{KafkaError, c_string, check, sys, text};

/// librdkafka's own cluster: one broker on a loopback port of its choosing, speaking the real
/// protocol, on a thread that librdkafka starts. It lives as long as this value.
pub struct MockCluster {
    cluster: *mut sys::rd_kafka_mock_cluster_t,
    /// The cluster borrows this client's logger and threads: it must go first (see `drop`).
    _client: BaseProducer,
}

// SAFETY: librdkafka guards a mock cluster with its own mutex and carries calls out on the cluster's
// own thread through a queue (rdkafka_mock.c), so the pointer may be used from any thread.
unsafe impl Send for MockCluster {}
// SAFETY: as above.
unsafe impl Sync for MockCluster {}

impl MockCluster {
    /// Starts a cluster of one broker. A group's first rebalance is not delayed: with the usual delay
    /// and a session of 2 s no group would ever join.
    pub fn start() -> Result<Self, KafkaError> {
        let client: BaseProducer = ClientConfig::new().create()?;
        // SAFETY: the client is alive and is kept beside the cluster until the cluster is destroyed.
        let cluster = unsafe { sys::rd_kafka_mock_cluster_new(client.client().native_ptr(), 1) };
        if cluster.is_null() {
            return Err(KafkaError::Other(
                "the embedded cluster could not open a port".into(),
            ));
        }
        // SAFETY: `cluster` was just checked; the call takes the cluster's mutex and sets a number.
        unsafe { sys::rd_kafka_mock_group_initial_rebalance_delay_ms(cluster, 0) };
        Ok(Self {
            cluster,
            _client: client,
        })
    }

    /// `host:port` of the broker.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        // SAFETY: the returned string belongs to the cluster, never changes and is copied at once.
        unsafe { text(sys::rd_kafka_mock_cluster_bootstraps(self.cluster)) }
    }

    /// Creates a topic; the mock answers no admin requests, so its owner has to do it.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<(), KafkaError> {
        let name = c_string(name)?;
        // SAFETY: the name is a valid C string for the length of the call, which copies it.
        let code =
            unsafe { sys::rd_kafka_mock_topic_create(self.cluster, name.as_ptr(), partitions, 1) };
        check(code)
    }

    /// Cuts the broker's connections and refuses new ones, or ends that.
    pub fn set_down(&self, down: bool) -> Result<(), KafkaError> {
        // SAFETY: broker 1 is the only one; the calls go through the cluster's own queue.
        let code = unsafe {
            if down {
                sys::rd_kafka_mock_broker_set_down(self.cluster, 1)
            } else {
                sys::rd_kafka_mock_broker_set_up(self.cluster, 1)
            }
        };
        check(code)
    }
}

impl Drop for MockCluster {
    fn drop(&mut self) {
        // SAFETY: destroyed once, here, while the client it was made with is still alive.
        unsafe { sys::rd_kafka_mock_cluster_destroy(self.cluster) };
    }
}
