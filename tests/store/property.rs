//! However often and in whatever batches the same events arrive, they come to the same.

use evtop::domain::event::Event;
use evtop::domain::service::Service;
use evtop::store::Applied;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::kit::{Kit, cancelled, created, declined, work};

/// Per key in order, and now and then some of it again, as Kafka delivers.
pub async fn duplicates_and_order_change_nothing(kit: Kit) {
    let plan = prop::collection::vec((0usize..4, 1usize..5, 0usize..4), 1..40);
    let mut runner = TestRunner::new(Config {
        failure_persistence: None,
        ..Config::with_cases(24)
    });
    let runtime = tokio::runtime::Handle::current();
    let kit = std::sync::Arc::new(kit);
    let like = std::sync::Arc::clone(&kit);
    let outcome = tokio::task::spawn_blocking(move || {
        runner.run(&plan, |plan| {
            let levels = runtime.block_on(deliver(&like, &plan));
            prop_assert_eq!(
                levels,
                vec![("A".to_owned(), 94, 6), ("B".to_owned(), 98, 2)]
            );
            Ok(())
        })
    });
    outcome.await.unwrap().unwrap();
    kit.store.close().await;
}

/// The journeys of four orders: two are called off, one of them by two events.
fn journeys() -> [Vec<Event>; 4] {
    [
        vec![created("O-0", &[("A", 4), ("B", 2)])],
        vec![
            created("O-1", &[("A", 3), ("B", 1)]),
            declined("O-1"),
            cancelled("O-1"),
        ],
        vec![created("O-2", &[("A", 5)]), cancelled("O-2")],
        vec![created("O-3", &[("A", 2)]), created("O-3", &[("A", 2)])],
    ]
}

/// Each step is a key, how many events of it go into the batch, and how far the key is set back before.
async fn deliver(like: &Kit, plan: &[(usize, usize, usize)]) -> Vec<(String, i64, i64)> {
    let kit = like.fresh().await;
    kit.stock(&[("A", 100), ("B", 100)]).await;
    let journeys = journeys();
    let envelopes = journeys
        .each_ref()
        .map(|j| j.iter().map(|e| kit.envelope(e)).collect::<Vec<_>>());
    let mut next = [0usize; 4];
    let rest = (0..4).map(|key| (key, usize::MAX, 0));
    let mut batch = Vec::new();
    for (n, (key, take, back)) in plan.iter().copied().chain(rest).enumerate() {
        let journey = &journeys[key];
        let from = next[key].saturating_sub(back);
        let to = from.saturating_add(take).min(journey.len());
        next[key] = next[key].max(to);
        for i in from..to {
            batch.push(work(&envelopes[key][i], &journey[i]));
        }
        if n % 3 == 0 || n + 1 >= plan.len() {
            let done = kit
                .apply(Service::Inventory, &std::mem::take(&mut batch))
                .await;
            assert!(
                done.iter()
                    .all(|a| matches!(a, Applied::Done | Applied::Duplicate))
            );
        }
    }
    kit.levels().await
}
