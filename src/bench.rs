//! `evtop bench`: how fast the pipeline is on this machine, beside librdkafka alone on the same broker
//! in the same run. Each figure is the median of its rounds, and every round has a fresh stack: embedded,
//! or, by `scripts/stack bench`, servers of their own.

use std::io::Write;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, eyre};
use serde_json::json;
use tempfile::TempDir;

use crate::cli::{BenchArgs, Exit};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::dedupe::Dedupe;
use crate::domain::fault_plan::FaultPlan;
use crate::domain::record::NewRecord;
use crate::domain::scenario::Scenario;
use crate::domain::service::Service;
use crate::engine;
use crate::kafka::embedded::Embedded;
use crate::kafka::producer::Producer;
use crate::kafka::{KafkaError, baseline};
use crate::operate::wanted_topics;
use crate::pipeline::orders::{self, PRODUCTS};
use crate::pipeline::{Pipeline, Shared};
use crate::snapshot::Percentiles;
use crate::store::{Store, StoreSettings};

/// Longest that one round may take.
const LIMIT: Duration = Duration::from_secs(120);

const NAMES: [(&str, &str); 5] = [
    ("produce, librdkafka alone", "records/s"),
    ("relay, from the outbox", "events/s"),
    ("consume, librdkafka alone", "records/s"),
    ("one consumer, with inbox", "events/s"),
    ("three consumers, with inbox", "events/s"),
];

/// What a round runs on. Whatever must live as long stands in `keep`.
pub struct Ground {
    pub shared: Arc<Shared>,
    pub keep: Box<dyn Send>,
}

/// Runs every measurement on embedded stacks and prints it, as a table or as one JSON object a line.
///
/// # Errors
/// When a stack can't be started, or a round does not end in two minutes.
pub async fn run(
    args: &BenchArgs,
    config: &Config,
    json: bool,
    out: &mut impl Write,
) -> Result<Exit> {
    let rates = [args.rate];
    measure(args, &rates, config, json, out, async || {
        embedded(config).await
    })
    .await?;
    Ok(Exit::Ok)
}

/// The same on stacks that `fresh` makes: topics and database empty, nobody at work on them. `rates` are
/// the orders a second at which the way from order to e-mail is timed.
///
/// # Errors
/// As those of [`run`].
pub async fn measure(
    args: &BenchArgs,
    rates: &[u32],
    config: &Config,
    json: bool,
    out: &mut impl Write,
    fresh: impl AsyncFn() -> Result<Ground>,
) -> Result<()> {
    let count = args.orders as usize;
    let mut rows: [Vec<f64>; NAMES.len()] = Default::default();
    for _ in 0..args.rounds {
        let round = throughput(config, count, &fresh).await?;
        for (row, rate) in rows.iter_mut().zip(round) {
            row.push(rate);
        }
    }
    for ((name, unit), mut rates) in NAMES.into_iter().zip(rows) {
        rates.sort_by(f64::total_cmp);
        let (low, median, high) = (rates[0], rates[rates.len() / 2], rates[rates.len() - 1]);
        if json {
            writeln!(
                out,
                "{}",
                json!({"figure": name, "unit": unit, "median": median.round(), "min": low.round(), "max": high.round(), "rounds": rates.len()})
            )?;
        } else {
            writeln!(
                out,
                "{name:<28} {median:>10.0} {unit:<10} ({low:.0} to {high:.0} in {} rounds)",
                rates.len()
            )?;
        }
    }
    for rate in rates {
        let mut tails = Vec::new();
        for _ in 0..args.rounds {
            let time = Duration::from_secs(args.seconds);
            tails.push(end_to_end(config, *rate, time, &fresh).await?);
        }
        tails.sort_by_key(|p| p.p99);
        let typical = tails[tails.len() / 2];
        let ms = |d: Duration| d.as_secs_f64() * 1e3;
        if json {
            writeln!(
                out,
                "{}",
                json!({"figure": "order to e-mail", "unit": "ms", "orders_per_s": rate, "p50": ms(typical.p50), "p95": ms(typical.p95), "p99": ms(typical.p99), "rounds": tails.len()})
            )?;
        } else {
            writeln!(
                out,
                "{:<28} p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms (median of {} rounds of {} s at {rate} orders/s)",
                "order to e-mail",
                ms(typical.p50),
                ms(typical.p95),
                ms(typical.p99),
                tails.len(),
                args.seconds,
            )?;
        }
    }
    Ok(())
}

/// Five rates over the same records: librdkafka in, relay, librdkafka out, one consumer, three.
async fn throughput(
    config: &Config,
    count: usize,
    fresh: &impl AsyncFn() -> Result<Ground>,
) -> Result<[f64; NAMES.len()]> {
    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    let (produced, consumed) = {
        let plain = fresh().await?;
        let records = records(count);
        let settings = plain.shared.settings.kafka.clone();
        tokio::task::spawn_blocking(move || {
            let produced = baseline::produce(&settings, &records)?;
            let consumed = baseline::consume(&settings, "order-events", 3, count)?;
            Ok::<_, KafkaError>((produced, consumed))
        })
        .await??
    };
    let ours = fresh().await?;
    fill(&ours.shared, count).await?;
    let relay = Pipeline::start(again(&ours, config, &[]));
    let published = || relay.shared.relay.published.get();
    // Claiming its shards and a producer's first id are not part of it.
    until(|| async { published() > 0 }).await?;
    let (started, first) = (clock::instant(), published());
    until(|| async { published() >= count as u64 }).await?;
    let relayed = (count as u64 - first) as f64 / started.elapsed().as_secs_f64();
    relay.drain().await;
    let one = consume(again(&ours, config, &[Service::Email]), count).await?;
    ours.shared.store.close().await;
    drop(ours);

    let ours = fresh().await?;
    fill(&ours.shared, count).await?;
    let relay = Pipeline::start(again(&ours, config, &[]));
    until(|| async { relay.shared.relay.published.get() >= count as u64 }).await?;
    relay.drain().await;
    let three = consume(again(&ours, config, &Service::ALL), count).await?;
    ours.shared.store.close().await;
    Ok([rate(produced), relayed, rate(consumed), one, three])
}

/// Events a second that all services of a pipeline handle together, until each has had all orders.
async fn consume(shared: Arc<Shared>, count: usize) -> Result<f64> {
    let pipeline = Pipeline::start(shared);
    let handled = || pipeline.workers.iter().map(|w| w.meter.handled.get());
    // Joining the group is not part of it: the clock starts with the first event.
    until(|| async { handled().any(|n| n > 0) }).await?;
    let (started, first) = (clock::instant(), handled().sum::<u64>());
    until(|| async { handled().all(|n| n >= count as u64) }).await?;
    let rate = (handled().sum::<u64>() - first) as f64 / started.elapsed().as_secs_f64();
    pipeline.drain().await;
    Ok(rate)
}

/// Orders at a steady rate through the whole pipeline, all services running.
async fn end_to_end(
    config: &Config,
    rate: u32,
    time: Duration,
    fresh: &impl AsyncFn() -> Result<Ground>,
) -> Result<Percentiles> {
    let ground = fresh().await?;
    let pipeline = Pipeline::start(again(&ground, config, &Service::ALL));
    let running = |w: &Arc<crate::pipeline::worker::Worker>| {
        w.meter.status().state == crate::snapshot::ConsumerState::Running
    };
    let relays = || pipeline.shared.relay.parts().len();
    let wanted = pipeline.shared.settings.relay_shards as usize;
    until(|| async { relays() == wanted && pipeline.workers.iter().all(running) }).await?;
    pipeline.set_rate(f64::from(rate));
    tokio::time::sleep(time).await;
    pipeline.set_rate(0.0);
    let percentiles = pipeline.shared.end_to_end.percentiles();
    pipeline.drain().await;
    ground.shared.store.close().await;
    percentiles.ok_or_else(|| eyre!("no order came through"))
}

async fn embedded(config: &Config) -> Result<Ground> {
    let cluster = Embedded::start(&wanted_topics(&config.kafka.dlq_topic))?;
    let folder: TempDir = tempfile::tempdir()?;
    // As the embedded stack has it: what ends with the process need not survive a power cut.
    let path = folder.path().join("bench.db");
    let mut settings = StoreSettings::new(format!("sqlite:{}", path.display()));
    settings.durable = false;
    let store = Store::open(&settings).await?;
    let kafka = engine::kafka_settings(config, Some(&cluster));
    ground(
        config,
        kafka,
        store,
        Dedupe::memory(),
        Box::new((cluster, folder)),
    )
    .await
}

/// A ground of these parts, with stock for every order.
///
/// # Errors
/// When the stock can't be written or no producer made.
pub async fn ground(
    config: &Config,
    kafka: crate::kafka::KafkaSettings,
    store: Store,
    dedupe: Dedupe,
    keep: Box<dyn Send>,
) -> Result<Ground> {
    let stock: Vec<(String, i64)> = PRODUCTS
        .iter()
        .map(|(id, ..)| ((*id).to_owned(), i64::from(u32::MAX)))
        .collect();
    store.seed_stock(&stock).await?;
    let producer = Producer::new(&kafka)?;
    let settings = engine::pipeline_settings(config, kafka);
    let shared = Shared::new(
        Clock::System,
        settings,
        store,
        dedupe,
        producer,
        "bench".into(),
    );
    Ok(Ground {
        shared: Arc::new(shared),
        keep,
    })
}

/// Another process on the same ground, with these services and no faults.
fn again(ground: &Ground, config: &Config, services: &[Service]) -> Arc<Shared> {
    let shared = &ground.shared;
    let mut settings = engine::pipeline_settings(config, shared.settings.kafka.clone());
    let sound = |s: &Service| (*s, FaultPlan::default());
    settings.services = services.iter().map(sound).collect();
    settings.orders_per_s = 0.0;
    settings.poison_every = 0;
    Arc::new(Shared::new(
        Clock::System,
        settings,
        shared.store.clone(),
        shared.dedupe.clone(),
        shared.producer.clone(),
        "bench".into(),
    ))
}

fn records(count: usize) -> Vec<NewRecord> {
    let mut rng = fastrand::Rng::with_seed(1);
    let clock = Clock::System;
    (0..count)
        .filter_map(|_| orders::make(Scenario::Duplicate, &mut rng, clock.id(), clock.now()).raw)
        .collect()
}

async fn fill(shared: &Shared, count: usize) -> Result<()> {
    let mut rng = fastrand::Rng::with_seed(1);
    let clock = &shared.clock;
    let events: Vec<_> = (0..count)
        .filter_map(|_| orders::make(Scenario::Happy, &mut rng, clock.id(), clock.now()).event)
        .collect();
    for chunk in events.chunks(500) {
        shared.store.append_many(chunk, true, clock.now()).await?;
    }
    Ok(())
}

/// Waits for something to be so.
async fn until<F: Future<Output = bool>>(so: impl Fn() -> F) -> Result<()> {
    let waited = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(LIMIT, waited)
        .await
        .map_err(|_| eyre!("a round took longer than two minutes"))
}
