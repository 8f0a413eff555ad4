//! The pipeline on real servers, beside librdkafka alone on the same broker in the same run: relay, one
//! consumer and three with Redis and inbox, and the way from order to e-mail at 200 and 500 orders a
//! second. `scripts/stack bench` runs it. Every round has topics made anew, a schema of its own and an
//! empty Redis.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a bench may"
)]

#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/common/database.rs"]
mod database;
#[allow(dead_code, reason = "tests use more of it")]
#[path = "../tests/common/kafka.rs"]
mod kafka;
#[path = "../tests/common/schema.rs"]
mod schema;

use std::io::stdout;
use std::str::FromStr;
use std::time::Duration;

use database::Database;
use evtop::bench::{Ground, ground, measure};
use evtop::cli::BenchArgs;
use evtop::config;
use evtop::dedupe::{Dedupe, RedisSettings, Terms};
use evtop::kafka::KafkaSettings;
use kafka::{afresh, env};

fn main() {
    if std::env::var_os("EVTOP_STACK_BROKERS").is_none() {
        eprintln!("it needs servers: run `scripts/stack bench`");
        return;
    }
    let args = BenchArgs {
        rounds: number("EVTOP_BENCH_ROUNDS", 3),
        orders: number("EVTOP_BENCH_ORDERS", 50_000),
        seconds: number("EVTOP_BENCH_SECONDS", 20),
        rate: 200,
    };
    // Settings to compare: `EVTOP_BENCH_CONFIG='relay.shards = 2'`.
    let more = std::env::var("EVTOP_BENCH_CONFIG").unwrap_or_default();
    let text = format!("store.url = \"{}\"\n{more}", env("EVTOP_STACK_POSTGRES"));
    let config = config::parse("bench", &text, None, std::iter::empty(), |p| {
        std::fs::read_to_string(p)
    });
    let (config, _) = config.unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let measured = runtime.block_on(measure(
        &args,
        &[200, 500],
        &config,
        false,
        &mut stdout(),
        async || Ok(fresh(&config).await),
    ));
    measured.unwrap();
}

fn number<T: FromStr>(name: &str, else_: T) -> T {
    let text = std::env::var(name).ok();
    text.and_then(|n| n.parse().ok()).unwrap_or(else_)
}

async fn fresh(config: &config::Config) -> Ground {
    let brokers = env("EVTOP_STACK_BROKERS");
    afresh(&brokers).await;
    let database = Database::postgres().await;
    let store = database.open().await;
    let url = env("EVTOP_STACK_REDIS");
    let client = redis::Client::open(url.as_str()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    redis::cmd("FLUSHALL")
        .exec_async(&mut connection)
        .await
        .unwrap();
    let dedupe = Dedupe::redis(RedisSettings {
        url,
        ca: None,
        timeout: Duration::from_millis(250),
        terms: Terms::default(),
    });
    let kafka = KafkaSettings {
        brokers,
        client_id: "bench".into(),
        embedded: false,
        properties: [].into(),
        producer: [].into(),
        consumer: [].into(),
        timeout: Duration::from_secs(10),
    };
    ground(config, kafka, store, dedupe, Box::new(database))
        .await
        .unwrap()
}
