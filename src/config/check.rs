//! Rules that a type alone can't hold: ranges, names, templates. The first broken one is reported.

use crate::domain::dlq_topics::is_dead_letter_topic;
use crate::domain::fault_plan::FaultPlan;
use crate::domain::service::Service;

use super::consumers::SERVICES;
use super::error::nearest;
use super::settings::Config;

/// A broken rule: path of the setting, what is wrong, the remedy.
pub(super) type Broken = (String, String, String);

fn broken(path: &str, message: impl Into<String>, remedy: impl Into<String>) -> Result<(), Broken> {
    Err((path.to_owned(), message.into(), remedy.into()))
}

fn within(path: &str, value: u64, low: u64, high: u64) -> Result<(), Broken> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    broken(
        path,
        format!("{value} is out of range"),
        format!("use {low} to {high}"),
    )
}

/// The longest wait that may be set, in milliseconds: an hour.
const HOUR_MS: u64 = 3_600_000;

/// Checks every rule, in the order of the file.
pub(super) fn check(config: &Config) -> Result<(), Broken> {
    kafka(config)?;
    store(config)?;
    redis(config)?;
    consumers(config)?;
    within("relay.batch", config.relay.batch as u64, 1, 100_000)?;
    within("relay.poll_ms", config.relay.poll_ms, 1, HOUR_MS)?;
    within("relay.shards", config.relay.shards.into(), 1, 64)?;
    if let Some(rate) = config.traffic.orders_per_s
        && !(0.0..=100_000.0).contains(&rate)
    {
        broken(
            "traffic.orders_per_s",
            format!("{rate} is out of range"),
            "use 0 to 100000",
        )?;
    }
    within("watch.meters_ms", config.watch.meters_ms, 10, HOUR_MS)?;
    within("watch.queries_ms", config.watch.queries_ms, 50, HOUR_MS)?;
    within("watch.timeout_ms", config.watch.timeout_ms, 10, HOUR_MS)?;
    within(
        "watch.history_minutes",
        config.watch.history_minutes,
        1,
        1_440,
    )?;
    within("ui.max_fps", u64::from(config.ui.max_fps), 1, 240)
}

fn kafka(config: &Config) -> Result<(), Broken> {
    let kafka = &config.kafka;
    let fixed = kafka
        .dlq_topic
        .replace("{topic}", "")
        .replace("{group}", "");
    let legal = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if kafka.dlq_topic.is_empty() || !fixed.chars().all(legal) {
        broken(
            "kafka.dlq_topic",
            format!("`{}` makes no topic name", kafka.dlq_topic),
            "use letters, digits, `.`, `_`, `-`, `{topic}` and `{group}`",
        )?;
    }
    if kafka.dlq_topic == "{topic}" {
        broken(
            "kafka.dlq_topic",
            "dead letters would go back to their own topic",
            "add something to `{topic}`, such as `{topic}-{group}-dlt`",
        )?;
    }
    for pattern in &kafka.dead_letter_topics {
        let sources = Service::ALL.into_iter().flat_map(|s| s.row().topics);
        let mut fits = sources.filter(|t| is_dead_letter_topic(t, &[pattern]));
        if let Some(topic) = fits.next() {
            broken(
                "kafka.dead_letter_topics",
                format!("`{pattern}` fits {topic}, whose records are no dead letters"),
                "use a narrower name, such as `*-dlt`",
            )?;
        }
    }
    within(
        "kafka.request_timeout_ms",
        kafka.request_timeout_ms,
        100,
        HOUR_MS,
    )
}

fn store(config: &Config) -> Result<(), Broken> {
    let url = config.store.url.expose();
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    match scheme {
        None if url.is_empty() => {}
        Some("sqlite") if url.contains(":memory:") => broken(
            "store.url",
            "a store in memory can't be shared between connections",
            "leave it out for a temporary file",
        )?,
        Some("sqlite")
            if config
                .store
                .sqlite_path()
                .is_some_and(|p| !p.as_os_str().is_empty()) => {}
        Some("postgres" | "postgresql") if url.contains("://") => {}
        _ => broken(
            "store.url",
            "this is no address of a store",
            "use `sqlite:PATH` or `postgres://user:password@host:port/database`, or leave it out for a temporary file",
        )?,
    }
    if config.store.stock < 0 {
        broken(
            "store.stock",
            format!("{} is out of range", config.store.stock),
            "use 0 or more units",
        )?;
    }
    within(
        "store.sent_retention_hours",
        config.store.sent_retention_hours,
        1,
        87_600,
    )?;
    within(
        "store.inbox_retention_days",
        config.store.inbox_retention_days,
        1,
        3_650,
    )
}

fn redis(config: &Config) -> Result<(), Broken> {
    let redis = &config.redis;
    let url = redis.url.expose();
    let (scheme, rest) = url.split_once("://").unwrap_or_default();
    if !url.is_empty() && (!matches!(scheme, "redis" | "rediss") || rest.is_empty()) {
        broken(
            "redis.url",
            "this is no address of Redis",
            "use `redis://user:password@host:port/db`, `rediss://` for TLS, or leave it out to keep idempotency in memory",
        )?;
    }
    if url.contains('#') {
        broken(
            "redis.url",
            "a `#` has no meaning here: certificates are always checked",
            "name the authority's file in redis.ca, and write `%23` in a password",
        )?;
    }
    if !redis.ca.as_os_str().is_empty() && scheme != "rediss" {
        broken(
            "redis.ca",
            "authorities are for TLS alone",
            "use `rediss://` in redis.url, or leave this out",
        )?;
    }
    within("redis.timeout_ms", redis.timeout_ms, 1, 60_000)
}

fn consumers(config: &Config) -> Result<(), Broken> {
    let consumers = &config.consumers;
    for service in &consumers.services {
        if !SERVICES.contains(&service.as_str()) {
            let remedy = match nearest(service, &SERVICES) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", SERVICES.join(", ")),
            };
            broken(
                "consumers.services",
                format!("unknown service `{service}`"),
                remedy,
            )?;
        }
    }
    within(
        "consumers.handler_timeout_ms",
        consumers.handler_timeout_ms,
        1,
        HOUR_MS,
    )?;
    within("consumers.batch", consumers.batch as u64, 1, 100_000)?;
    within(
        "consumers.max_value_bytes",
        consumers.max_value_bytes as u64,
        1,
        1 << 30,
    )?;
    within(
        "consumers.max_attempts",
        u64::from(consumers.max_attempts),
        1,
        1_000,
    )?;
    within(
        "consumers.retry_base_ms",
        consumers.retry_base_ms,
        1,
        HOUR_MS,
    )?;
    within(
        "consumers.retry_cap_ms",
        consumers.retry_cap_ms,
        consumers.retry_base_ms,
        HOUR_MS,
    )?;
    within(
        "consumers.queue_limit",
        consumers.queue_limit as u64,
        1,
        1_000_000,
    )?;
    within("consumers.commit_ms", consumers.commit_ms, 1, HOUR_MS)?;
    for service in SERVICES {
        if let Some(plan) = consumers.faults.get(service) {
            shares(service, &plan)?;
        }
    }
    Ok(())
}

fn shares(service: &str, plan: &FaultPlan) -> Result<(), Broken> {
    let shares = [
        ("transient", plan.transient),
        ("permanent", plan.permanent),
        ("slow", plan.slow),
        ("panic", plan.panic),
    ];
    for (name, share) in shares {
        if !(0.0..=1.0).contains(&share) {
            broken(
                &format!("consumers.faults.{service}.{name}"),
                format!("{share} is no share"),
                "use 0.0 (never) to 1.0 (always)",
            )?;
        }
    }
    Ok(())
}
