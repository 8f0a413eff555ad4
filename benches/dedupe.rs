//! What a batch's claim and completion cost: in memory, and in Redis where EVTOP_STACK_REDIS names one.

#![allow(clippy::unwrap_used, reason = "a benchmark may")]

use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use evtop::clock::Clock;
use evtop::dedupe::{Dedupe, Health, RedisSettings, Terms};

const OWNER: &str = "4711@bench";
const GROUP: &str = "bench";

fn dedupe(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let mut places = vec![("memory", Dedupe::memory())];
    if let Ok(url) = std::env::var("EVTOP_STACK_REDIS") {
        let redis = runtime.block_on(async {
            let dedupe = Dedupe::redis(RedisSettings {
                url,
                ca: None,
                timeout: Duration::from_secs(5),
                terms: Terms {
                    lease: Duration::from_secs(1),
                    kept: Duration::from_secs(1),
                },
            });
            let mut health = dedupe.health().unwrap();
            let up = health.wait_for(|health| matches!(health, Health::Up(_)));
            drop(up.await.unwrap());
            dedupe
        });
        places.push(("redis", redis));
    }
    for (name, dedupe) in &places {
        let mut group = criterion.benchmark_group(*name);
        for count in [1, 500] {
            let new = || -> Vec<String> {
                let ids = (0..count).map(|_| format!("{:032x}", fastrand::u128(..)));
                ids.collect()
            };
            let now = || Clock::System.now();
            group.throughput(Throughput::Elements(count));
            let claim = BenchmarkId::new("claim", count);
            group.bench_function(claim, |bencher| {
                bencher.iter_batched(
                    new,
                    |ids| {
                        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                        runtime.block_on(dedupe.claim(GROUP, &ids, OWNER, now()))
                    },
                    BatchSize::SmallInput,
                );
            });
            let both = BenchmarkId::new("claim and complete", count);
            group.bench_function(both, |bencher| {
                bencher.iter_batched(
                    new,
                    |ids| {
                        let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
                        runtime.block_on(async {
                            let claims = dedupe.claim(GROUP, &ids, OWNER, now()).await;
                            let done = dedupe.complete(GROUP, &ids, OWNER, now()).await;
                            (claims.unwrap(), done.unwrap())
                        })
                    },
                    BatchSize::SmallInput,
                );
            });
        }
        group.finish();
    }
}

criterion_group!(benches, dedupe);
criterion_main!(benches);
