//! A scenario's Kafka: a cluster of its own in this process, or the one that all scenarios share. There
//! each has it for itself, with topics made anew and groups forgotten, and reaches it through a way
//! that can be cut.

use std::collections::BTreeMap;

use evtop::kafka::KafkaSettings;
use evtop::kafka::embedded::Embedded;
use evtop::operate::wanted_topics;

use super::ASK;
use crate::kafka::{DLQ_TEMPLATE, afresh, env, have_topic};
use crate::proxy::Proxy;

pub enum Broker {
    /// librdkafka's cluster in this process.
    Embedded(Embedded),
    Kafka {
        /// Where clients of the pipeline begin, and stay: through the proxy.
        proxied: String,
        direct: String,
        proxy: Proxy,
    },
}

impl Broker {
    pub fn embedded() -> Self {
        Self::Embedded(Embedded::start(&wanted_topics(DLQ_TEMPLATE)).unwrap())
    }

    pub async fn kafka() -> Self {
        let (direct, proxied) = (
            env("EVTOP_STACK_BROKERS"),
            env("EVTOP_STACK_BROKERS_PROXIED"),
        );
        let proxy = Proxy::to_broker().await;
        afresh(&direct).await;
        Self::Kafka {
            proxied,
            direct,
            proxy,
        }
    }

    pub fn settings(&self, producer: &BTreeMap<String, String>) -> KafkaSettings {
        let (brokers, embedded) = match self {
            Self::Embedded(cluster) => (cluster.bootstrap(), true),
            Self::Kafka { proxied, .. } => (proxied.as_str(), false),
        };
        // As the embedded cluster's, so that scenarios with a member that dies stay short.
        let quick = [
            ("session.timeout.ms", "6000"),
            ("heartbeat.interval.ms", "1000"),
        ];
        let quick = quick.map(|(name, value)| (name.to_owned(), value.to_owned()));
        KafkaSettings {
            brokers: brokers.to_owned(),
            client_id: "scenario".into(),
            embedded,
            properties: BTreeMap::new(),
            producer: producer.clone(),
            consumer: if embedded {
                BTreeMap::new()
            } else {
                quick.into_iter().collect()
            },
            timeout: ASK,
        }
    }

    /// Where an outside witness asks: no cut of ours reaches it.
    pub fn direct(&self) -> &str {
        match self {
            Self::Embedded(cluster) => cluster.bootstrap(),
            Self::Kafka { direct, .. } => direct,
        }
    }

    pub fn assignor(&self) -> &'static str {
        match self {
            Self::Embedded(_) => "range",
            Self::Kafka { .. } => "cooperative-sticky",
        }
    }

    /// Makes a topic that is not there; the embedded cluster does that by itself.
    pub async fn have_topic(&self, name: &str) {
        if let Self::Kafka { direct, .. } = self {
            have_topic(direct, name).await;
        }
    }

    pub fn set_down(&self, down: bool) {
        match self {
            Self::Embedded(cluster) => cluster.set_down(down).unwrap(),
            Self::Kafka { proxy, .. } => proxy.set_cut(down),
        }
    }
}
