//! `evtop bench`: how fast the pipeline is on this machine, beside librdkafka alone on the same broker
//! in the same run. Each figure is the median of its rounds, and every round has a fresh stack.

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use color_eyre::eyre::{Result, eyre};
use serde_json::json;

use crate::cli::{BenchArgs, Exit};
use crate::clock::{self, Clock};
use crate::config::Config;
use crate::dedupe::Dedupe;
use crate::domain::fault_plan::FaultPlan;
use crate::domain::record::NewRecord;
use crate::domain::scenario::Scenario;
use crate::domain::service::Service;
use crate::engine;
use crate::kafka::baseline;
use crate::kafka::embedded::Embedded;
use crate::kafka::producer::Producer;
use crate::operate::wanted_topics;
use crate::pipeline::orders::{self, PRODUCTS};
use crate::pipeline::{Pipeline, Shared};
use crate::snapshot::Percentiles;
use crate::store::{Store, StoreSettings};

/// Longest that one round may take.
const LIMIT: Duration = Duration::from_secs(120);

/// One round's stack: its own cluster, database and workers' settings.
struct Stack {
    shared: Arc<Shared>,
    _cluster: Embedded,
}

/// Runs every measurement and prints it, as a table or as one JSON object a line.
///
/// # Errors
/// When a stack can't be started, or a round does not end in two minutes.
pub async fn run(
    args: &BenchArgs,
    config: &Config,
    json: bool,
    out: &mut impl Write,
) -> Result<Exit> {
    let count = args.orders as usize;
    let mut rows: [Vec<f64>; 4] = Default::default();
    for _ in 0..args.rounds {
        let rates = throughput(config, count).await?;
        for (row, rate) in rows.iter_mut().zip(rates) {
            row.push(rate);
        }
    }
    let names = [
        ("produce, librdkafka alone", "records/s"),
        ("relay, from the outbox", "events/s"),
        ("consume, librdkafka alone", "records/s"),
        ("one consumer, with inbox", "events/s"),
    ];
    for ((name, unit), mut rates) in names.into_iter().zip(rows) {
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
    let mut tails = Vec::new();
    for _ in 0..args.rounds {
        tails.push(end_to_end(config, args.rate, Duration::from_secs(args.seconds)).await?);
    }
    tails.sort_by_key(|p| p.p99);
    let typical = tails[tails.len() / 2];
    let ms = |d: Duration| d.as_secs_f64() * 1e3;
    if json {
        writeln!(
            out,
            "{}",
            json!({"figure": "order to e-mail", "unit": "ms", "orders_per_s": args.rate, "p50": ms(typical.p50), "p95": ms(typical.p95), "p99": ms(typical.p99), "rounds": tails.len()})
        )?;
    } else {
        writeln!(
            out,
            "{:<28} p50 {:.1} ms, p95 {:.1} ms, p99 {:.1} ms (median of {} rounds of {} s at {} orders/s)",
            "order to e-mail",
            ms(typical.p50),
            ms(typical.p95),
            ms(typical.p99),
            tails.len(),
            args.seconds,
            args.rate
        )?;
    }
    Ok(Exit::Ok)
}

/// Four rates over the same records: librdkafka in, relay, librdkafka out, one consumer.
async fn throughput(config: &Config, count: usize) -> Result<[f64; 4]> {
    let folder = tempfile::tempdir()?;
    let rate = |took: Duration| count as f64 / took.as_secs_f64();
    let plain = stack(config, &folder.path().join("plain.db"), &[], 0.0).await?;
    let records = records(count);
    let settings = plain.shared.settings.kafka.clone();
    let (produced, consumed) = tokio::task::spawn_blocking(move || {
        let produced = baseline::produce(&settings, &records)?;
        let consumed = baseline::consume(&settings, "order-events", 3, count)?;
        Ok::<_, crate::kafka::KafkaError>((produced, consumed))
    })
    .await??;

    let ours = stack(config, &folder.path().join("ours.db"), &[], 0.0).await?;
    fill(&ours.shared, count).await?;
    let started = clock::instant();
    let relay = Pipeline::start(Arc::clone(&ours.shared));
    until(|| async { ours.shared.relay.published.get() >= count as u64 }).await?;
    let relayed = started.elapsed();
    relay.drain().await;

    let reader = Stack {
        shared: Arc::new(again(&ours, config, &[Service::Email])),
        _cluster: ours._cluster.clone(),
    };
    let pipeline = Pipeline::start(Arc::clone(&reader.shared));
    let meter = &pipeline.workers[0].meter;
    // Joining the group is not part of it: the clock starts with the first event.
    until(|| async { meter.handled.get() > 0 }).await?;
    let (started, first) = (clock::instant(), meter.handled.get());
    until(|| async { meter.handled.get() >= count as u64 }).await?;
    let handled = (count as u64 - first) as f64 / started.elapsed().as_secs_f64();
    pipeline.drain().await;
    Ok([rate(produced), rate(relayed), rate(consumed), handled])
}

/// Orders at a steady rate through the whole pipeline, all services running.
async fn end_to_end(config: &Config, rate: u32, time: Duration) -> Result<Percentiles> {
    let folder = tempfile::tempdir()?;
    let stack = stack(config, &folder.path().join("e2e.db"), &Service::ALL, 0.0).await?;
    let pipeline = Pipeline::start(Arc::clone(&stack.shared));
    until(|| async {
        pipeline
            .workers
            .iter()
            .all(|w| w.meter.status().state == crate::snapshot::ConsumerState::Running)
    })
    .await?;
    pipeline.set_rate(f64::from(rate));
    tokio::time::sleep(time).await;
    pipeline.set_rate(0.0);
    let percentiles = stack.shared.end_to_end.percentiles();
    pipeline.drain().await;
    percentiles.ok_or_else(|| eyre!("no order came through"))
}

async fn stack(config: &Config, database: &Path, services: &[Service], rate: f64) -> Result<Stack> {
    let topics: Vec<(String, i32)> = wanted_topics(&config.kafka.dlq_topic)
        .into_iter()
        .map(|(name, n, _)| (name, n))
        .collect();
    let cluster = Embedded::start(&topics)?;
    // As the embedded stack has it: what ends with the process need not survive a power cut.
    let mut settings = StoreSettings::new(format!("sqlite:{}", database.display()));
    settings.durable = false;
    let store = Store::open(&settings).await?;
    let stock: Vec<(String, i64)> = PRODUCTS
        .iter()
        .map(|(id, ..)| ((*id).to_owned(), i64::from(u32::MAX)))
        .collect();
    store.seed_stock(&stock).await?;
    let shared = shared(config, &cluster, store, services, rate)?;
    Ok(Stack {
        shared: Arc::new(shared),
        _cluster: cluster,
    })
}

/// The same cluster and database with other services.
fn again(stack: &Stack, config: &Config, services: &[Service]) -> Shared {
    let mut settings = engine::pipeline_settings(config, stack.shared.settings.kafka.clone());
    settings.services = services
        .iter()
        .map(|s| (*s, FaultPlan::default()))
        .collect();
    settings.orders_per_s = 0.0;
    settings.poison_every = 0;
    Shared::new(
        Clock::System,
        settings,
        stack.shared.store.clone(),
        Dedupe::memory(),
        stack.shared.producer.clone(),
        "bench".into(),
    )
}

fn shared(
    config: &Config,
    cluster: &Embedded,
    store: Store,
    services: &[Service],
    rate: f64,
) -> Result<Shared> {
    let kafka = engine::kafka_settings(config, Some(cluster));
    let producer = Producer::new(&kafka)?;
    let mut settings = engine::pipeline_settings(config, kafka);
    settings.services = services
        .iter()
        .map(|s| (*s, FaultPlan::default()))
        .collect();
    settings.orders_per_s = rate;
    settings.poison_every = 0;
    Ok(Shared::new(
        Clock::System,
        settings,
        store,
        Dedupe::memory(),
        producer,
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
