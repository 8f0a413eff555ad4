//! A scenario's Kafka: a cluster of its own in this process, or the one that all scenarios share. There
//! each has it for itself, with topics made anew and groups forgotten, and reaches it through a way
//! that can be cut.

use std::collections::BTreeMap;
use std::time::Duration;

use evtop::kafka::KafkaSettings;
use evtop::kafka::embedded::Embedded;
use evtop::operate::wanted_topics;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use tokio::sync::{Mutex, MutexGuard};

use super::{ASK, DLQ_TEMPLATE, env};
use crate::proxy::Proxy;

pub enum Broker {
    /// librdkafka's cluster in this process.
    Embedded(Embedded),
    Kafka {
        /// Where clients of the pipeline begin, and stay: through the proxy.
        proxied: String,
        direct: String,
        proxy: Proxy,
        _turn: MutexGuard<'static, ()>,
    },
}

/// Whose turn it is to have Kafka.
static TURN: Mutex<()> = Mutex::const_new(());

impl Broker {
    pub fn embedded() -> Self {
        let topics: Vec<(String, i32)> = wanted_topics(DLQ_TEMPLATE)
            .into_iter()
            .map(|(name, partitions, _)| (name, partitions))
            .collect();
        Self::Embedded(Embedded::start(&topics).unwrap())
    }

    pub async fn kafka() -> Self {
        let turn = TURN.lock().await;
        let (direct, proxied) = (
            env("EVTOP_STACK_BROKERS"),
            env("EVTOP_STACK_BROKERS_PROXIED"),
        );
        let port = proxied.rsplit(':').next().unwrap().parse().unwrap();
        let behind = env("EVTOP_STACK_BROKERS_BEHIND_PROXY").parse().unwrap();
        let proxy = Proxy::start(port, behind).await.unwrap();
        afresh(&direct).await;
        Self::Kafka {
            proxied,
            direct,
            proxy,
            _turn: turn,
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

    pub fn set_down(&self, down: bool) {
        match self {
            Self::Embedded(cluster) => cluster.set_down(down).unwrap(),
            Self::Kafka { proxy, .. } => proxy.set_cut(down),
        }
    }
}

/// Deletes every topic and group, and makes the topics that the pipeline wants.
async fn afresh(brokers: &str) {
    let admin: AdminClient<DefaultClientContext> = ClientConfig::new()
        .set("bootstrap.servers", brokers)
        .create()
        .unwrap();
    let options = AdminOptions::new().request_timeout(Some(ASK));
    let client = admin.inner();
    let groups = client.fetch_group_list(None, ASK).unwrap();
    let groups: Vec<String> = groups
        .groups()
        .iter()
        .map(|g| g.name().to_owned())
        .collect();
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    if !groups.is_empty() {
        let _ = admin.delete_groups(&groups, &options).await.unwrap();
    }
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
