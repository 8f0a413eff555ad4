//! From the settings to what each part wants to know, and what this process is called.

use std::collections::BTreeMap;
use std::time::Duration;

use super::DRAIN;
use crate::config::{Config, Properties};
use crate::dedupe::{Dedupe, RedisSettings, Terms};
use crate::domain::reader::Limits;
use crate::domain::service::Service;
use crate::kafka::KafkaSettings;
use crate::kafka::embedded::Embedded;
use crate::pipeline;

/// How to reach Kafka: the embedded cluster where there is one, else what the settings name.
#[must_use]
pub fn kafka_settings(config: &Config, embedded: Option<&Embedded>) -> KafkaSettings {
    let kafka = &config.kafka;
    KafkaSettings {
        brokers: embedded.map_or_else(|| kafka.brokers.clone(), |e| e.bootstrap().to_owned()),
        client_id: kafka.client_id.clone(),
        embedded: embedded.is_some(),
        properties: exposed(&kafka.properties),
        producer: exposed(&kafka.producer),
        consumer: exposed(&kafka.consumer),
        timeout: kafka.request_timeout(),
    }
}

/// Where claims are kept: in Redis where one is named, else in memory. Connects by itself.
#[must_use]
pub fn dedupe(config: &Config) -> Dedupe {
    let redis = &config.redis;
    // Nothing is handled on a cluster that is not ours, so nothing is claimed.
    if redis.url.is_empty() || config.attached {
        return Dedupe::memory();
    }
    Dedupe::redis(RedisSettings {
        url: redis.url.expose().to_owned(),
        ca: Some(redis.ca.clone()).filter(|path| !path.as_os_str().is_empty()),
        timeout: Duration::from_millis(redis.timeout_ms),
        terms: Terms::default(),
    })
}

/// The services that run here.
#[must_use]
pub fn services(config: &Config) -> Vec<Service> {
    config
        .consumers
        .services
        .iter()
        .filter_map(|name| Service::parse(name))
        .collect()
}

/// How the pipeline runs, by the settings.
#[must_use]
pub fn pipeline_settings(config: &Config, kafka: KafkaSettings) -> pipeline::Settings {
    let consumers = &config.consumers;
    pipeline::Settings {
        kafka,
        dlq_topic: config.kafka.dlq_topic.clone(),
        dead_letter_topics: config.kafka.dead_letter_topics.clone(),
        services: services(config)
            .into_iter()
            .map(|s| (s, config.faults(s.row().name)))
            .collect(),
        batch: consumers.batch,
        limits: Limits {
            max_value_bytes: consumers.max_value_bytes,
        },
        queue_limit: consumers.queue_limit,
        handler_timeout: consumers.handler_timeout(),
        max_attempts: consumers.max_attempts,
        retry_scale: consumers.retry_base_ms as f64 / 1_000.0,
        retry_cap: Duration::from_millis(consumers.retry_cap_ms),
        commit_every: consumers.commit_every(),
        relay_shards: match config.store.kind() {
            "sqlite" => 1,
            _ => config.relay.shards,
        },
        relay_batch: u32::try_from(config.relay.batch).unwrap_or(u32::MAX),
        relay_poll: Duration::from_millis(config.relay.poll_ms),
        orders_per_s: config.orders_per_s(),
        poison_every: u64::from(config.traffic.poison_every),
        seed: config.traffic.seed,
        drain: DRAIN,
    }
}

fn exposed(properties: &Properties) -> BTreeMap<String, String> {
    let pairs = properties.iter();
    pairs
        .map(|(name, value)| (name.clone(), value.expose().to_owned()))
        .collect()
}

/// The file in the state folder for a stack without `store.url`. On a cluster that is not ours it holds
/// copies of that cluster's letters, so other brokers under the same name get a file of their own.
#[must_use]
pub fn database_name(config: &Config) -> String {
    let name = config.stack_name().replace(['/', ':', ','], "-");
    if !config.attached {
        return format!("{name}.db");
    }
    let brokers = xxhash_rust::xxh3::xxh3_64(config.kafka.brokers.trim().as_bytes());
    format!("{name}-attached-{brokers:016x}.db")
}

/// This process, as claims and relays name it.
pub fn owner() -> String {
    format!("{}@{}", std::process::id(), host())
}

/// The person, as the audit log names them.
pub fn who() -> String {
    let said = |name| std::env::var(name).ok().filter(|user| !user.is_empty());
    let names = ["USER", "LOGNAME"].into_iter();
    let user = names.filter_map(said).next().or_else(account);
    format!("{}@{}", user.unwrap_or_else(|| "unknown".into()), host())
}

/// The account that this process runs under, as the system calls it: cron and containers set no variable.
#[cfg(unix)]
fn account() -> Option<String> {
    use std::os::unix::fs::MetadataExt as _;
    let uid = std::fs::metadata("/proc/self").ok()?.uid();
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut rows = accounts.lines().map(|line| line.split(':'));
    let name = rows.find_map(|mut row| {
        let name = row.next()?;
        (row.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    name.or_else(|| Some(format!("uid {uid}")))
}

#[cfg(not(unix))]
fn account() -> Option<String> {
    None
}

fn host() -> String {
    std::env::var("HOSTNAME")
        .ok()
        .or_else(|| std::fs::read_to_string("/etc/hostname").ok())
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".into())
}
