//! What is asked of the dead letters in every batch, by every poll and by a person, however many there are:
//! 20 000, or `EVTOP_BENCH_LETTERS`; on SQLite, and on PostgreSQL where `EVTOP_STACK_POSTGRES` names one.

#![allow(clippy::unwrap_used, reason = "a benchmark may")]

#[path = "../tests/common/many.rs"]
mod many;
#[path = "../tests/common/schema.rs"]
mod schema;

use std::time::Duration;

use chrono::TimeDelta;
use criterion::{Criterion, criterion_group, criterion_main};
use evtop::clock::Clock;
use evtop::domain::filter::Filter;
use evtop::domain::letter::{LetterColumn, LetterFilter, LetterOrder, LetterStatus};
use evtop::store::{Store, StoreSettings};
use many::GROUP;
use tokio::runtime::Runtime;

fn typed(text: &str) -> LetterFilter {
    LetterFilter {
        typed: Filter::parse(text).unwrap().at(Clock::System.now()),
        ..LetterFilter::default()
    }
}

fn measure(criterion: &mut Criterion, runtime: &Runtime, name: &str, store: &Store, count: u32) {
    let mut group = criterion.benchmark_group(format!("{count} letters, {name}"));
    group
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500));
    group.measurement_time(Duration::from_secs(2));
    let all = LetterFilter::default();
    let now = Clock::System.now();
    let causes = runtime.block_on(store.causes(&all, 200, now)).unwrap().0;
    let of_cause = LetterFilter {
        fingerprint: Some(causes[0].fingerprint.clone()),
        ..LetterFilter::default()
    };
    let archived = LetterFilter {
        statuses: vec![LetterStatus::Archived],
        ..LetterFilter::default()
    };
    let sorted = LetterFilter {
        order: Some(LetterOrder {
            by: LetterColumn::Key,
            down: true,
        }),
        ..LetterFilter::default()
    };
    let keys: Vec<Vec<u8>> = (0..100)
        .map(|n| format!("K-{}", n * 37).into_bytes())
        .collect();
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    macro_rules! ask {
        ($($what:literal: $ask:expr;)*) => {
            $(group.bench_function($what, |b| {
                b.iter(|| runtime.block_on($ask).unwrap());
            });)*
        };
    }
    ask! {
        "batch: heads of 100 keys": store.blocked_heads(GROUP, &keys);
        "poll: newest letter": store.newest_letter();
        "poll: letters by status": store.letter_counts();
        "poll: letters of the last minute": store.letters_since(now - TimeDelta::minutes(1));
        "poll: blocked keys": store.blocked_keys(GROUP);
        "poll: causes": store.causes(&all, 200, now);
        "poll: causes of archived letters": store.causes(&archived, 200, now);
        "poll: a page of letters": store.letters(&all, 0, 120);
        "poll: a page of a cause": store.letters(&of_cause, 0, 120);
        "poll: operations": store.operations(50);
        "poll: letters whose turn it is": store.ready_letters(500);
        "person: places in dead-letter topics": store.letters_indexed();
        "person: a word": store.letters(&typed("gateway"), 0, 120);
        "person: causes of a word": store.causes(&typed("gateway"), 200, now);
        "person: a key": store.letters(&typed("key=K-77*"), 0, 120);
        "person: sorted by key": store.letters(&sorted, 0, 120);
    }
    group.finish();
}

fn letters(criterion: &mut Criterion) {
    let asked = std::env::var("EVTOP_BENCH_LETTERS").ok();
    let count = asked.and_then(|n| n.parse().ok()).unwrap_or(20_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap();
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("evtop.db").display());
    let open = async |url: String| {
        let store = Store::open(&StoreSettings::new(url.clone())).await.unwrap();
        many::letters(&url, count).await;
        store.tidy_tallies().await.unwrap();
        store
    };
    // Writing a million takes a while, so only what is asked for: `cargo bench --bench letters PostgreSQL`.
    let named = |name: &str| std::env::args().any(|arg| arg == name);
    if !named("PostgreSQL") {
        let store = runtime.block_on(open(url));
        measure(criterion, &runtime, "SQLite", &store, count);
    }
    if std::env::var("EVTOP_STACK_POSTGRES").is_ok() && !named("SQLite") {
        let schema = runtime.block_on(schema::Schema::new());
        let store = runtime.block_on(open(schema.url()));
        measure(criterion, &runtime, "PostgreSQL", &store, count);
        runtime.block_on(store.close());
    }
}

criterion_group!(benches, letters);
criterion_main!(benches);
