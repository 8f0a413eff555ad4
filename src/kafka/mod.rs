//! The only user of rdkafka. Everything above speaks of records, partitions and offsets as plain data.

pub mod baseline;
pub mod browse;
pub mod consumer;
pub mod context;
pub mod embedded;
mod ffi;
pub mod groups;
pub mod headers;
pub mod offsets;
pub mod producer;

use std::collections::BTreeMap;
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::types::RDKafkaErrorCode as Code;

/// The group that is named where librdkafka insists on one. No client of that name ever joins or commits.
const OBSERVER: &str = "evtop-observer";

/// How to reach a cluster, and any librdkafka property that a person wants set. Later tables win.
#[derive(Clone, Debug)]
pub struct KafkaSettings {
    /// `host:port[,…]`.
    pub brokers: String,
    pub client_id: String,
    /// The embedded cluster has its own profile: short sessions, one fetch at a time.
    pub embedded: bool,
    pub properties: BTreeMap<String, String>,
    pub producer: BTreeMap<String, String>,
    pub consumer: BTreeMap<String, String>,
    /// For questions to the broker.
    pub timeout: Duration,
}

/// Why Kafka did not do as asked, in the distinctions that callers act on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KafkaError {
    /// The broker can't be reached or does not answer: hold and try again.
    #[error("{0}")]
    Unavailable(String),
    /// This record can never be sent as it is: too large, or the topic refuses it.
    #[error("{0}")]
    Unsendable(String),
    /// The client must be made anew: an idempotent producer gave up its sequence.
    #[error("{0}")]
    Fatal(String),
    /// It was not sent, since an earlier record of its key had to be refused.
    #[error("an earlier record of its key could not be sent")]
    Behind,
    /// The broker does not know this kind of question.
    #[error("{0}")]
    Unsupported(String),
    #[error("{0}")]
    Other(String),
}

impl KafkaError {
    #[must_use]
    pub fn is_unavailable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Fatal(_))
    }
}

impl From<rdkafka::error::KafkaError> for KafkaError {
    fn from(error: rdkafka::error::KafkaError) -> Self {
        let text = error.to_string();
        match error.rdkafka_error_code() {
            Some(
                Code::MessageSizeTooLarge
                | Code::InvalidMessageSize
                | Code::InvalidRecord
                | Code::InvalidArgument
                // The record names a partition that the topic does not have.
                | Code::UnknownPartition,
            ) => Self::Unsendable(text),
            Some(
                Code::Fatal
                | Code::GaplessGuarantee
                | Code::OutOfOrderSequenceNumber
                | Code::InvalidProducerEpoch
                | Code::Fenced
                | Code::PurgeQueue
                | Code::UnknownProducerId,
            ) => Self::Fatal(text),
            Some(
                Code::MessageTimedOut
                | Code::BrokerTransportFailure
                | Code::AllBrokersDown
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::TimedOutQueue
                | Code::Resolve
                | Code::QueueFull
                | Code::LeaderNotAvailable
                | Code::NotLeaderForPartition
                | Code::NotEnoughReplicas
                | Code::NotEnoughReplicasAfterAppend
                | Code::CoordinatorLoadInProgress
                | Code::CoordinatorNotAvailable
                | Code::NotCoordinator
                | Code::NetworkException
                | Code::SSL
                | Code::Authentication
                | Code::RebalanceInProgress,
            ) => Self::Unavailable(text),
            _ => Self::Other(text),
        }
    }
}

impl KafkaSettings {
    /// Whether librdkafka knows every property and takes its value.
    ///
    /// # Errors
    /// The first that it does not.
    pub fn check(&self) -> Result<(), KafkaError> {
        for config in [
            self.producer(),
            self.consumer("check", false),
            self.observer(true),
        ] {
            config.create_native_config()?;
        }
        Ok(())
    }

    /// What every client shares.
    fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", &self.client_id)
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            // The bundled OpenSSL does not know where this system keeps its certificates.
            .set("ssl.ca.location", "probe");
        apply(&mut config, &self.properties);
        config
    }

    /// Idempotent, acknowledged by all, and partitioned as Java's clients do (murmur2). Gapless: when
    /// the broker refuses a record for good, everything after it fails too and the producer is made
    /// anew, so that a later record of a key does not pass an earlier one. librdkafka does not extend
    /// that to a record that expires (`message.timeout.ms`): if the broker comes back within the very
    /// second in which one expires, a later one of its key may go first.
    fn producer(&self) -> ClientConfig {
        let mut config = self.client();
        config
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("partitioner", "murmur2_random")
            .set("compression.type", "lz4")
            .set("message.max.bytes", "8388608")
            .set("message.timeout.ms", "30000")
            .set("queue.buffering.max.messages", "200000")
            // The relay waits for a whole batch at once, so lingering longer only adds delay.
            .set("linger.ms", "1");
        apply(&mut config, &self.producer);
        config
    }

    /// A member of `group` that stores and commits offsets by itself.
    fn consumer(&self, group: &str, patient: bool) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", group)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("isolation.level", "read_committed")
            .set("enable.partition.eof", "false")
            .set("max.poll.interval.ms", "300000")
            .set("queued.max.messages.kbytes", "16384")
            .set("fetch.message.max.bytes", "8388608")
            .set("fetch.queue.backoff.ms", "20");
        let profile: &[(&str, &str)] = if self.embedded {
            // The embedded broker sleeps out the whole wait of an empty fetch, new data or not: the
            // wait is the latency. librdkafka can't change it on a living client, so a consumer that
            // nobody waits for asks rarely.
            &[
                ("partition.assignment.strategy", "range"),
                ("session.timeout.ms", "2000"),
                ("heartbeat.interval.ms", "400"),
                ("fetch.wait.max.ms", if patient { "250" } else { "15" }),
            ]
        } else {
            &[
                ("partition.assignment.strategy", "cooperative-sticky"),
                ("session.timeout.ms", "30000"),
                ("heartbeat.interval.ms", "10000"),
                ("fetch.wait.max.ms", "500"),
            ]
        };
        for (name, value) in profile {
            config.set(*name, *value);
        }
        if let Some(heartbeat) = self.heartbeat() {
            config.set("heartbeat.interval.ms", heartbeat);
        }
        // What a person set for every client stands above our profile.
        for (name, _) in profile {
            if let Some(value) = self.properties.get(*name) {
                config.set(*name, value);
            }
        }
        apply(&mut config, &self.consumer);
        config
    }

    /// A third of a session that a person set: one that is shorter than our usual heartbeat would end
    /// again and again.
    fn heartbeat(&self) -> Option<String> {
        let asked = |name| {
            self.consumer
                .get(name)
                .or_else(|| self.properties.get(name))
        };
        let session: u64 = asked("session.timeout.ms")?.parse().ok()?;
        Some((session / 3).clamp(1, 10_000).to_string())
    }

    /// Reads places that it is told and joins no group: librdkafka wants a name for one all the same, and
    /// with neither a subscription nor a commit the broker never hears of it.
    fn reader(&self) -> ClientConfig {
        let mut config = self.consumer(OBSERVER, true);
        config
            .set("group.id", OBSERVER)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            // Nobody waits for speed here, and memory is somebody's.
            .set("queued.max.messages.kbytes", "2048")
            .set("fetch.message.max.bytes", "1048576");
        config.remove("group.instance.id");
        config
    }

    /// A client that only asks. It joins no group and still names one: without, librdkafka 2.12 has no
    /// group handle, and a broker's "not the coordinator" to a question about offsets ends the process
    /// (`rd_kafka_handle_OffsetFetch` hands `rk_cgrp` on unchecked).
    fn observer(&self, reads: bool) -> ClientConfig {
        let mut config = self.client();
        config
            .set("group.id", OBSERVER)
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("isolation.level", "read_committed")
            .set("fetch.wait.max.ms", "10");
        if reads {
            config.set("enable.partition.eof", "true");
        }
        config
    }
}

fn apply(config: &mut ClientConfig, properties: &BTreeMap<String, String>) {
    for (name, value) in properties {
        config.set(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(consumer: &[(&str, &str)], every: &[(&str, &str)]) -> KafkaSettings {
        let table = |pairs: &[(&str, &str)]| {
            let owned = pairs
                .iter()
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()));
            owned.collect()
        };
        KafkaSettings {
            brokers: "127.0.0.1:9092".into(),
            client_id: "test".into(),
            embedded: false,
            properties: table(every),
            producer: BTreeMap::new(),
            consumer: table(consumer),
            timeout: Duration::from_secs(1),
        }
    }

    /// Held for real by tests/stack/down.rs, where the broker restarts under such a client.
    #[test]
    fn who_asks_names_a_group_or_a_restarting_broker_ends_the_process() {
        for reads in [false, true] {
            let config = settings(&[], &[]).observer(reads);
            assert_eq!(config.get("group.id"), Some(OBSERVER));
        }
    }

    #[test]
    fn a_session_that_is_set_brings_its_heartbeat() {
        const SESSION: &str = "session.timeout.ms";
        const HEARTBEAT: &str = "heartbeat.interval.ms";
        let of = |consumer: &[(&str, &str)], every: &[(&str, &str)]| {
            let config = settings(consumer, every).consumer("g", false);
            [SESSION, HEARTBEAT].map(|name| config.get(name).unwrap_or_default().to_owned())
        };
        assert_eq!(of(&[], &[]), ["30000", "10000"]);
        assert_eq!(of(&[(SESSION, "6000")], &[]), ["6000", "2000"]);
        assert_eq!(of(&[], &[(SESSION, "6000")]), ["6000", "2000"]);
        assert_eq!(of(&[(SESSION, "90000")], &[]), ["90000", "10000"]);
        let both = [(SESSION, "6000"), (HEARTBEAT, "500")];
        assert_eq!(of(&both, &[]), ["6000", "500"]);
        assert_eq!(of(&[], &both), ["6000", "500"]);
    }
}
